"""Shortcuts through the SDK while a program runs against an engine in its own process: the same results with less work.

What is left out serves a remote engine (stack traces, debug messages) or does again for every value what one look does for all.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

YOUNG_OBJECTS = 200_000
"""New objects between two looks for garbage; Python's own 700 suits programs whose objects die young."""


PLAIN = frozenset({str, int, float, bool, type(None)})


@contextmanager
def taken() -> Generator[None]:
    """Within it, the SDK takes the shortcuts."""
    import pulumi.log
    import pulumi.runtime.resource
    import pulumi.runtime.rpc
    import pulumi.runtime.stack
    from pulumi.runtime.proto import source_pb2

    nowhere = source_pb2.StackTrace()
    with (
        _replaced(pulumi.log, "debug", _say_nothing),
        _replaced(pulumi.runtime.resource, "_get_stack_trace", lambda: nowhere),
        _replaced(pulumi.runtime.rpc, "serialize_property", _serializing(pulumi.runtime.rpc.serialize_property)),
        _replaced(pulumi.runtime.rpc, "declare_dependency", _dependencies()),
        _replaced(pulumi.runtime.stack, "wait_for_rpcs", _wait_for_everything),
    ):
        yield


def _say_nothing(*_: Any, **__: Any) -> None:
    pass


def _serializing(whole: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`serialize_property`, which makes a coroutine for every value of a tree. Plain data without a type comes out as it went in."""
    from pulumi import Resource

    as_it_is = (None, Resource.translate_input_property)

    async def serialize(
        value: Any,
        deps: Any,
        property_key: Any,
        resource_obj: Any = None,
        input_transformer: Any = None,
        typ: Any = None,
        *rest: Any,
        **options: Any,
    ) -> Any:
        if not options and (type(value) in PLAIN or (typ is None and _function(input_transformer) in as_it_is and _is_plain(value))):
            return value
        return await whole(value, deps, property_key, resource_obj, input_transformer, typ, *rest, **options)

    return serialize


def _function(method: Any) -> Any:
    return getattr(method, "__func__", method)


def _is_plain(value: Any) -> bool:
    """True for a tree of dicts, lists and scalars, none of them of a class of its own."""
    if type(value) in PLAIN:
        return True
    if type(value) is dict:
        return all(map(_is_plain, cast("dict[str, Any]", value).values()))
    return type(value) is list and all(map(_is_plain, cast("list[Any]", value)))


def _dependencies() -> Callable[[Any, Any], bool]:
    """`declare_dependency`, which walks the graph for a cycle each time; nothing leads back to a resource on which none depends yet."""
    from pulumi.runtime import resource_cycle_breaker as sdk

    depended_on: set[int] = set()

    def declare(from_resource: Any, to_resource: Any) -> bool:
        depended_on.add(id(to_resource))
        if id(from_resource) in depended_on:
            return sdk.declare_dependency(from_resource, to_resource)
        sdk._add_dep(from_resource, to_resource)  # pyright: ignore[reportPrivateUsage]
        return True

    return declare


async def _wait_for_everything(await_all_outstanding_tasks: bool = True) -> None:
    """`wait_for_rpcs`, which waits for one of all outputs at a time and so looks at each of them for each of them."""
    from pulumi.runtime import settings

    sdk: Any = settings.SETTINGS
    manager = sdk.rpc_manager
    while True:
        while manager.rpcs:
            # Lets those that were queued right now begin.
            await asyncio.sleep(0)
            await manager.rpcs.pop()
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        outputs: set[Awaitable[Any]] = sdk.outputs
        while await_all_outstanding_tasks and outputs:
            pending = list(outputs)
            outputs.clear()
            await asyncio.gather(*pending)
        if not manager.rpcs:
            return


@contextmanager
def patient_collector() -> Generator[None]:
    """Garbage is looked for less often: nearly all that a program makes lives until its end, and looking takes a fifth of a run."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Generator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
