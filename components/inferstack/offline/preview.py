"""The offline preview: a project's own program, its own stack file, and an engine in this process."""

from __future__ import annotations

import traceback
from pathlib import Path

from ..errors import InferstackError
from ..stackfile.finding import in_use, stack_name
from .engine import DuplicateUrn, Engine, Recorded, UnknownRequest
from .options import options
from .program import prepared
from .project import Config, Project, load_config, load_project
from .types import Diagnostic, Preview, ProgramError, Properties, Resource
from .wire import Wire

BAD_INPUT = InferstackError.exit_code + 1
ORGANIZATION = "organization"
"""What Pulumi calls the organisation where there is none."""


def preview(project: Path, stack_path: Path) -> Preview:
    """What `pulumi up` would be asked to create for the stack file `stack_path` by the program of the project in `project`.

    Needs no cloud account, no CLI and no network. Raises InputError where project, stack file or plan are wrong, and ProgramError where
    the program ends with an error: its message alone for pulumi.RunError, with a traceback for every other.
    """
    stack_path = stack_path.absolute()
    found = load_project(project)
    config = load_config(found, stack_path)
    stack = stack_name(stack_path)
    engine = Engine(found.name, stack)
    if config.undecrypted is not None:
        message = f"secrets of the stack file stand in as placeholders: {config.undecrypted}"
        engine.diagnostics.append(Diagnostic("info", message))
    error = _run(found, stack, stack_path, config, engine)
    made = _preview(found, stack, config, engine)
    if error is not None:
        raise _explained(error, made, config, found) from error
    return made


def _run(project: Project, stack: str, stack_path: Path, config: Config, engine: Engine) -> BaseException | None:
    """The error that the program ended with."""
    from . import sdk

    deployment = sdk.Deployment(project.name, stack, ORGANIZATION, str(project.root.resolve()), config.values, tuple(config.secret_keys))
    with prepared(project.program) as program, in_use(stack_path):
        try:
            sdk.run(deployment, engine, program)
        except SystemExit as ended:
            return ended if ended.code else None
        except Exception as failed:  # noqa: BLE001 -- a program may raise anything, and all of it is shown
            return failed
    return None


def _explained(error: BaseException, partial: Preview, config: Config, project: Project) -> InferstackError:
    """The error to raise in place of one of the program."""
    import pulumi

    if isinstance(error, InferstackError):
        return error
    texts = Wire((), config.secret_texts)
    if isinstance(error, pulumi.RunError):
        cause = error.__cause__
        return ProgramError(texts.text(str(error)), partial, cause.exit_code if isinstance(cause, InferstackError) else BAD_INPUT)
    if isinstance(error, DuplicateUrn | UnknownRequest):
        return ProgramError(str(error), partial, InferstackError.exit_code)
    if isinstance(error, SystemExit):
        return ProgramError(f"the program ended itself with {error.code!r}", partial, InferstackError.exit_code)
    return ProgramError(texts.text(f"the program failed:\n{_program_traceback(error, project)}"), partial, InferstackError.exit_code)


def _program_traceback(error: BaseException, project: Project) -> str:
    """The traceback from the program's first line on; how it was started is of no interest to its author."""
    folder = str(project.program.resolve())
    frames = list(traceback.walk_tb(error.__traceback__))
    own = next((index for index, (frame, _) in enumerate(frames) if frame.f_code.co_filename.startswith(folder)), 0)
    skipped = error.__traceback__
    for _ in range(own):
        skipped = skipped.tb_next if skipped is not None else None
    return "".join(traceback.format_exception(type(error), error, skipped)).rstrip()


def _preview(project: Project, stack: str, config: Config, engine: Engine) -> Preview:
    recorded = list(engine.resources.values())
    wire = Wire([*(item.inputs for item in recorded), *engine.outputs.values()], config.secret_texts)
    resources = tuple(_resource(item, engine, wire) for item in recorded)
    return Preview(
        project=project.name,
        stack=stack,
        resources=resources,
        outputs=resources[0].outputs if resources else {},
        diagnostics=tuple(Diagnostic(item.severity, wire.text(item.message), item.urn) for item in engine.diagnostics),
    )


def _resource(item: Recorded, engine: Engine, wire: Wire) -> Resource:
    request = item.request
    custom = item.read or request.custom
    return Resource(
        urn=item.urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={} if item.read else {key: tuple(sorted(value.urns)) for key, value in request.propertyDependencies.items()},
        provider=_without_id(request.provider) or None,
        providers={} if item.read else {package: _without_id(reference) for package, reference in sorted(request.providers.items())},
        custom=custom,
        read=item.read,
        options=dict(options(request, wire)),
        read_inputs=lambda: wire.properties(item.inputs),
        read_outputs=lambda: _outputs(item, custom, engine, wire),
    )


def _outputs(item: Recorded, custom: bool, engine: Engine, wire: Wire) -> Properties:
    if not custom:
        registered = engine.outputs.get(item.urn)
        return {} if registered is None else wire.properties(registered)
    return {"id": wire.text(item.answered_id), **wire.properties(item.answered)}


def _without_id(reference: str) -> str:
    """The URN in a provider reference `urn::id`."""
    return reference.rpartition("::")[0]
