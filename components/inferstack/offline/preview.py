"""The offline preview: a project's own program, its own stack file, and an engine in this process."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import stackfile
from ..errors import GuardError, InferstackError, InputError
from ..stackfile.finding import in_use, stack_name
from ..stackfile.paths import NAMESPACE
from .engine import DuplicateUrn, Engine, Recorded
from .options import options
from .program import prepared
from .project import Config, Project, load_config, load_project
from .shortcuts import patient_collector
from .types import SECRET, Diagnostic, Preview, ProgramError, Properties, Resource
from .wire import Wire, unpacked

ORGANIZATION = "organization"
"""What Pulumi calls the organisation where there is none."""


def preview(project: Path, stack_path: Path) -> Preview:
    """What `pulumi up` would be asked to create for the stack file `stack_path` by the program of the project in `project`.

    Needs no cloud account, no CLI and no network. Raises InputError where project, stack file or plan are wrong, and ProgramError where
    the program ends with an error: its message alone for pulumi.RunError, with a traceback for every other. A GuardError, or a RunError
    that comes from one, ends no preview: what was registered stands, and `Preview.guard` says what the guard objects to.
    """
    with patient_collector():
        return _previewed(project, stack_path.absolute())


def _previewed(project: Path, stack_path: Path) -> Preview:
    from . import sdk

    sdk.require()
    found = load_project(project)
    config = _config(found, stack_path)
    stack = stack_name(stack_path)
    engine = Engine(found.name, stack)
    if config.undecrypted is not None:
        message = f"secrets of the stack file stand in as placeholders: {config.undecrypted}"
        engine.diagnostics.append(Diagnostic("info", message))
    error = _run(found, stack, stack_path, config, engine)
    wire = Wire([item.inputs for item in engine.resources.values()], list(engine.outputs.values()), config.secret_texts)
    made = _preview(found.name, stack, engine, wire)
    if error is None:
        return made
    if isinstance(error, GuardError) or isinstance(error.__cause__, GuardError):
        return replace(made, guard=wire.text(str(error)))
    if isinstance(error, InferstackError):
        raise error
    raise _program_error(error, made, wire) from error


def _config(project: Project, stack_path: Path) -> Config:
    try:
        return load_config(project, stack_path)
    except InputError:
        if project.name == NAMESPACE:
            # Pulumi.yaml declares the types of our settings; the stack file's own reader says more, and all of it.
            stackfile.load(stack_path)
        raise


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


def _program_error(error: BaseException, partial: Preview, wire: Wire) -> ProgramError:
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
            message = f"the program failed:\n{_program_traceback(error)}"
    return ProgramError(wire.text(message), partial, exit_code)


def _program_traceback(error: BaseException) -> str:
    """The traceback from the program's first line on; how it was started is of no interest to its author."""
    import asyncio

    import pulumi

    ours = ("<frozen ", *(str(Path(module).parent) for module in (__file__, asyncio.__file__, str(pulumi.__file__))))
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename.startswith(ours):
        first = first.tb_next
    return "".join(traceback.format_exception(type(error), error, error.__traceback__ if first is None else first)).rstrip()


def _preview(project: str, stack: str, engine: Engine, wire: Wire) -> Preview:
    diagnostics = tuple(Diagnostic(item.severity, wire.text(item.message), item.urn) for item in engine.diagnostics)
    return Preview(project, stack, tuple(_resource(item, engine, wire) for item in engine.resources.values()), diagnostics)


def _resource(item: Recorded, engine: Engine, wire: Wire) -> Resource:
    request = item.request
    return Resource(
        urn=item.urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        dependencies=tuple(sorted(request.dependencies)),
        provider=_without_id(request.provider) or None,
        custom=item.read or request.custom,
        read=item.read,
        source=_Registration(item, engine, wire),
    )


@dataclass(frozen=True, slots=True)
class _Registration:
    """Reads the parts of a registration from what was sent."""

    item: Recorded
    engine: Engine
    wire: Wire

    def inputs(self) -> Properties:
        return self.wire.properties(self.item.inputs)

    def outputs(self) -> Properties:
        request = self.item.request
        if not self.item.read and not request.custom:
            registered = self.engine.outputs.get(self.item.urn)
            return {} if registered is None else self.wire.properties(unpacked(registered))
        made = {"id": self.wire.text(self.item.answered_id), **self.wire.properties(self.item.answered)}
        return made | dict.fromkeys([key for key in request.additionalSecretOutputs if key in made], SECRET)

    def options(self) -> dict[str, Any]:
        return dict(options(self.item.request, self.wire))

    def property_dependencies(self) -> dict[str, tuple[str, ...]]:
        # Nothing that exists already was made from something else.
        sent: Mapping[str, Any] = {} if self.item.read else self.item.request.propertyDependencies
        return {key: tuple(sorted(sent[key].urns)) for key in sorted(sent)}

    def providers(self) -> dict[str, str]:
        sent: Mapping[str, str] = {} if self.item.read else self.item.request.providers
        return {package: _without_id(sent[package]) for package in sorted(sent)}


def _without_id(reference: str) -> str:
    """The URN in a provider reference `urn::id`."""
    return reference.rpartition("::")[0]
