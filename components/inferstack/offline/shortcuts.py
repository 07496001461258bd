"""Shortcuts through the SDK while a program runs against an engine in its own process: the same results with less work.

What is left out serves a remote engine (stack traces, debug messages) or does again for every value what one look does for all.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, cast

YOUNG_OBJECTS = 1_000_000
"""New objects between two looks for garbage; Python's own 700 suits programs whose objects die young."""

PLAIN = frozenset({str, int, float, bool, type(None)})


@contextmanager
def taken() -> Generator[None]:
    """Within it, the SDK takes the shortcuts."""
    import pulumi._types as types
    import pulumi.log
    import pulumi.output
    import pulumi.runtime.resource
    import pulumi.runtime.rpc
    import pulumi.runtime.stack

    # No public name leads there: it alone resolves `depends_on`. `sdk.NEEDED` has it, so that an SDK without it is refused by name.
    from pulumi.runtime import _depends_on as depends_on
    from pulumi.runtime.proto import resource_pb2, source_pb2

    nowhere = source_pb2.StackTrace()
    with (
        _replaced(pulumi.log, "debug", _say_nothing),
        _replaced(pulumi.runtime.resource, "_get_stack_trace", lambda: nowhere),
        _replaced(pulumi.runtime.resource, "create_urn", _composing_urns(pulumi.runtime.resource.create_urn)),
        _replaced(pulumi.output.Output, "_track", _tracking()),
        _replaced(depends_on, "_resolve_depends_on", _resolving(depends_on._resolve_depends_on)),  # pyright: ignore[reportPrivateUsage]
        _replaced(pulumi.runtime.rpc, "contains_unknowns", _seeking_unknowns(pulumi.runtime.rpc.contains_unknowns)),
        _replaced(pulumi.runtime.rpc, "serialize_property", _serializing(pulumi.runtime.rpc.serialize_property)),
        _replaced(pulumi.runtime.rpc, "declare_dependency", _dependencies()),
        _replaced(pulumi.runtime.stack, "massage", _massaging(pulumi.runtime.stack.massage)),
        _replaced(pulumi.runtime.stack, "wait_for_rpcs", _wait_for_everything),
        _replaced(resource_pb2, "RegisterResourceOutputsRequest", OutputsRequest),
        _replaced(types, "resource_types", cache(types.resource_types)),
    ):
        yield


class OutputsRequest(NamedTuple):
    """`RegisterResourceOutputsRequest`, without a copy of all outputs."""

    urn: str
    outputs: Any


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


def _seeking_unknowns(whole: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """`contains_unknowns`, which keeps account of every value it has seen. Plain data holds none."""
    return lambda value: not _is_plain(value) and whole(value)


def _tracking() -> Callable[[Any], None]:
    """`Output._track`, which asks the context for the set of outputs, and locks it, each time; here is one thread and one set."""
    from pulumi.runtime import settings

    sdk: Any = settings.SETTINGS
    outputs = cache(lambda: sdk.outputs)

    def forget(future: asyncio.Future[Any]) -> None:
        # What failed stays until everything is waited for.
        if not future.cancelled() and future.exception() is None:
            outputs().discard(future)

    def track(output: Any) -> None:
        outputs().add(output._data)
        output._data.add_done_callback(forget)

    return track


def _massaging(whole: Callable[[Any, list[Any]], Any]) -> Callable[[Any, list[Any]], Any]:
    """`massage`, which copies what a stack exports value by value. Plain data comes out as it went in."""
    return lambda value, seen: value if _is_plain(value) else whole(value, seen)


def _function(method: Any) -> Any:
    return getattr(method, "__func__", method)


def _is_plain(value: Any) -> bool:
    """True for a tree of dicts, lists and scalars, none of them of a class of its own."""
    if type(value) in PLAIN:
        return True
    if type(value) is dict:
        return all(type(item) in PLAIN or _is_plain(item) for item in cast("dict[str, Any]", value).values())
    return type(value) is list and all(type(item) in PLAIN or _is_plain(item) for item in cast("list[Any]", value))


def _resolving(whole: Callable[[Any], Awaitable[set[Any]]]) -> Callable[[Any], Awaitable[set[Any]]]:
    """`_resolve_depends_on`, which makes an output of the list and of each entry. Resources in a list are themselves what is meant."""
    from pulumi import Resource

    def are_resources(depends_on: Any) -> bool:
        return isinstance(depends_on, list) and all(isinstance(entry, Resource) for entry in cast("list[Any]", depends_on))

    async def resolve(depends_on: Any) -> set[Any]:
        return set(depends_on) if are_resources(depends_on) else await whole(depends_on)

    return resolve


def _composing_urns(whole: Callable[..., Any]) -> Callable[..., Any]:
    """`create_urn`, which makes six outputs to put three texts together. The SDK does so for every resource, in case it has no engine."""
    from pulumi import Output

    def create(name: Any, type_: Any, parent: Any = None, *rest: Any, **named: Any) -> Any:
        if not (type(name) is type(type_) is type(parent) is str):
            return whole(name, type_, parent, *rest, **named)
        return Output.from_input(f"{parent[: parent.rfind('::')]}${type_}::{name}")

    return create


def _dependencies() -> Callable[[Any, Any], bool]:
    """`declare_dependency`, which walks the graph for a cycle each time; nothing leads back to a resource on which none depends yet."""
    depends_on: dict[Any, set[Any]] = {}
    depended_on: set[Any] = set()

    def leads_to(start: Any, end: Any) -> bool:
        seen, ahead = {start}, [start]
        while ahead and end not in seen:
            further = depends_on.get(ahead.pop(), set[Any]()) - seen
            seen |= further
            ahead += further
        return end in seen

    def declare(from_resource: Any, to_resource: Any) -> bool:
        if to_resource is from_resource or (from_resource in depended_on and leads_to(to_resource, from_resource)):
            return False
        depended_on.add(to_resource)
        depends_on.setdefault(from_resource, set()).add(to_resource)
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
    """Garbage is looked for less often: nearly all that a program makes lives until its end, and looking takes a fifth of a run.

    What it leaves is not looked through either until the next run. Most processes end before, and would do so at their end.
    """
    before = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*before)


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Generator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
