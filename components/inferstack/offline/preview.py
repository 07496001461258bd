"""The offline preview: a project's own program, its own stack file, and an engine in this process."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

from ..errors import GuardError, InferstackError, InputError
from ..stackfile.finding import in_use, stack_name
from .engine import DuplicateUrn, Engine, Recorded
from .options import options
from .program import prepared
from .project import Config, Project, load_config, load_project
from .types import SECRET, Diagnostic, Preview, ProgramError, Properties, Resource
from .wire import Wire

ORGANIZATION = "organization"
"""What Pulumi calls the organisation where there is none."""


def preview(project: Path, stack_path: Path) -> Preview:
    """What `pulumi up` would be asked to create for the stack file `stack_path` by the program of the project in `project`.

    Needs no cloud account, no CLI and no network. Raises InputError where project, stack file or plan are wrong, and ProgramError where
    the program ends with an error: its message alone for pulumi.RunError, with a traceback for every other. A GuardError, or a RunError
    that comes from one, ends no preview: what was registered stands, and `Preview.guard` says what the guard objects to.
    """
    from . import sdk

    sdk.require()
    stack_path = stack_path.absolute()
    found = load_project(project)
    config = load_config(found, stack_path)
    stack = stack_name(stack_path)
    engine = Engine(found.name, stack)
    if config.undecrypted is not None:
        message = f"secrets of the stack file stand in as placeholders: {config.undecrypted}"
        engine.diagnostics.append(Diagnostic("info", message))
    error = _run(found, stack, stack_path, config, engine)
    wire = Wire([*(item.inputs for item in engine.resources.values()), *engine.outputs.values()], config.secret_texts)
    made = _preview(found.name, stack, engine, wire)
    if error is None:
        return made
    if isinstance(error, GuardError) or isinstance(error.__cause__, GuardError):
        return replace(made, guard=wire.text(str(error)))
    if isinstance(error, InferstackError):
        raise error
    raise _program_error(error, made, wire, found.program) from error


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


def _program_error(error: BaseException, partial: Preview, wire: Wire, program: Path) -> ProgramError:
    """What the program's error says to its users; to its author, where it is none that it meant."""
    import pulumi

    exit_code = InferstackError.exit_code
    match error:
        case pulumi.RunError(__cause__=cause):
            message = str(error)
            exit_code = cause.exit_code if isinstance(cause, InferstackError) else InputError.exit_code
        case DuplicateUrn():
            message = str(error)
        case SystemExit(code=code):
            message = f"the program ended itself: {code}"
        case _:
            message = f"the program failed:\n{_program_traceback(error, program)}"
    return ProgramError(wire.text(message), partial, exit_code)


def _program_traceback(error: BaseException, program: Path) -> str:
    """The traceback from the program's first line on; how it was started is of no interest to its author."""
    folder = str(program.resolve())
    frames = list(traceback.walk_tb(error.__traceback__))
    own = next((index for index, (frame, _) in enumerate(frames) if frame.f_code.co_filename.startswith(folder)), 0)
    skipped = error.__traceback__
    for _ in range(own):
        skipped = skipped.tb_next if skipped is not None else None
    return "".join(traceback.format_exception(type(error), error, skipped)).rstrip()


def _preview(project: str, stack: str, engine: Engine, wire: Wire) -> Preview:
    resources = tuple(_resource(item, engine, wire) for item in engine.resources.values())
    return Preview(
        project=project,
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
    hidden = dict.fromkeys(item.request.additionalSecretOutputs, SECRET)
    made = {"id": wire.text(item.answered_id), **wire.properties(item.answered)}
    return {key: hidden.get(key, value) for key, value in made.items()}


def _without_id(reference: str) -> str:
    """The URN in a provider reference `urn::id`."""
    return reference.rpartition("::")[0]
