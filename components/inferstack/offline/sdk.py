"""Everything that the preview asks of Pulumi's SDK beyond its public API, in one place.

These are the names that the CLI's own launcher (`pulumi-language-python-exec`) uses, and those of `shortcuts`. `missing` says which of
them the installed SDK lacks.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import logging
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from ..errors import join_names
from .engine import WAY_OUT, Engine, SdkMismatch
from .provider_sdks import loaded_when_used
from .shortcuts import taken

NEEDED: Mapping[str, tuple[str, ...]] = {
    "pulumi": ("RunError", "Resource", "log"),
    "pulumi._types": ("resource_types",),
    "pulumi.log": ("debug",),
    "pulumi.output": ("Output._track",),
    "pulumi.runtime.config": ("set_all_config",),
    "pulumi.runtime.settings": ("Settings", "SETTINGS", "ROOT", "configure"),
    "pulumi.runtime.stack": ("massage", "run_in_stack", "wait_for_rpcs"),
    "pulumi.runtime.resource": ("_get_stack_trace", "create_urn"),
    "pulumi.runtime._depends_on": ("_resolve_depends_on",),
    "pulumi.runtime.rpc": ("contains_unknowns", "declare_dependency", "serialize_property"),
    "pulumi.runtime._context": ("wrap_with_context",),
    "pulumi.runtime.proto.source_pb2": ("StackTrace",),
    "pulumi.runtime.proto.resource_pb2": (
        "RegisterResourceOutputsRequest",
        "RegisterResourceResponse",
        "ReadResourceResponse",
        "ResourceInvokeResponse",
        "ExistsResourceResponse",
        "RegisterPackageResponse",
        "DeploymentInfo",
    ),
    "pulumi.runtime.proto.provider_pb2": ("CallResponse",),
}
"""Module by module, what must be there."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the SDK is told about the run."""

    project: str
    stack: str
    organization: str
    root: str
    config: dict[str, str]
    secret_keys: tuple[str, ...]


def missing() -> list[str]:
    """Names that the preview needs and the installed SDK does not have."""
    lacking: list[str] = []
    for module, names in NEEDED.items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            lacking.append(module)
        else:
            lacking += [f"{module}.{name}" for name in names if not _has(found, name)]
    return lacking


def _has(found: Any, name: str) -> bool:
    try:
        attrgetter(name)(found)
    except AttributeError:
        return False
    return True


def require() -> None:
    """Raises SdkMismatch where the installed SDK lacks something, or there is none."""
    lacking = missing()
    if "pulumi" in lacking:
        raise SdkMismatch("Pulumi's Python SDK is not installed; `pip install 'inferstack[pulumi]'`")
    if lacking:
        raise SdkMismatch(f"the installed Pulumi SDK has no {join_names(lacking)}; {WAY_OUT}")


def run(deployment: Deployment, engine: Engine, program: Callable[[], Any]) -> None:
    """Run `program` as the SDK runs one under the CLI, against `engine`. Raises what it raises; nothing of it stays behind."""
    with _settings_kept(), _own_loop() as loop, taken(), loaded_when_used():
        contextvars.copy_context().run(_run, deployment, engine, program, loop)


def _run(deployment: Deployment, engine: Engine, program: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
    from pulumi.runtime.config import set_all_config
    from pulumi.runtime.settings import ROOT, Settings, configure
    from pulumi.runtime.stack import run_in_stack

    ROOT.set(None)
    set_all_config(deployment.config, list(deployment.secret_keys))
    configure(
        Settings(
            project=deployment.project,
            stack=deployment.stack,
            organization=deployment.organization,
            root_directory=deployment.root,
            monitor=engine,
            engine=engine,
            dry_run=True,
        )
    )
    loop.run_until_complete(run_in_stack(program))


@contextmanager
def _settings_kept() -> Generator[None]:
    """The SDK keeps its settings in context variables, but also remembers the first value of each for every other context."""
    from pulumi.runtime.settings import SETTINGS

    kept = {name: value for name, value in vars(type(SETTINGS)).items() if hasattr(value, "fget") and hasattr(value, "fset")}
    before = {name: descriptor.fget() for name, descriptor in kept.items()}
    try:
        yield
    finally:
        for name, descriptor in kept.items():
            descriptor.fset(before[name])


@contextmanager
def _own_loop() -> Generator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    asyncio.set_event_loop(loop)
    # A program that fails leaves futures behind that nobody awaits; the CLI's launcher silences asyncio about them as well.
    logger = logging.getLogger("asyncio")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield loop
    finally:
        _cancel_all(loop)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)
        logger.setLevel(level)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


class _Inline(ThreadPoolExecutor):
    """Runs the SDK's calls to the engine where they are made: the engine never blocks, and their order is the same in every run."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if fn.__module__ != "pulumi.runtime._context":
            return super().submit(fn, *args, **kwargs)
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- handed to whoever awaits the call, as a thread pool does
            done.set_exception(error)
        return done
