"""Where people's programs meet the components: what they pass is checked as a whole, and what is wrong comes back as sentences.

A component's `args` is a TypedDict, which nothing enforces at run time: a misspelt key would be ignored and a wrong type would surface deep
in a provider. `check` finds both, `refusals` turns every `InputError` into the one exception that Pulumi prints without a traceback.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Generator, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, NotRequired

import pulumi

from .errors import InputError, Problem, join_names, nearest_name

_SCALARS: Mapping[type, str] = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@contextmanager
def refusals(component: str, name: str) -> Generator[None]:
    """Inside, an `InputError` ends the program as `pulumi.RunError`: its problems, each with the component that it concerns."""
    try:
        yield
    except InputError as error:
        raise pulumi.RunError(str(InputError(error.problems, f"{component} {name}"))) from error


def read(args: Mapping[str, Any], spec: type, path: str = "args") -> Mapping[str, Any]:
    """`args` as they are where they fit the TypedDict `spec`. Raises `InputError` with every unknown, missing and ill-typed key."""
    problems = list(check(args, spec, "", path))
    if problems:
        raise InputError(problems)
    return args


def check(args: object, spec: type, prefix: str = "", path: str = "args") -> Iterator[Problem]:
    """Every key of `args` that does not fit the TypedDict `spec`; values of `pulumi.Input` fields may be outputs, others must be plain."""
    if not isinstance(args, Mapping):
        yield Problem(prefix.rstrip(".") or path, "is not a dict", _shown(args), f"its keys are {join_names(sorted(_hints(spec)), 'and')}")
        return
    hints = _hints(spec)
    required: frozenset[str] = getattr(spec, "__required_keys__", frozenset())
    given = typing.cast("Mapping[str, Any]", args)
    for key, value in given.items():
        if key not in hints:
            near = nearest_name(str(key), hints)
            known = f"use {near}" if near else f"known are {join_names(sorted(hints), 'and')}"
            yield Problem(f"{prefix}{key}", "is not a known key", None, known)
        elif value is not None:
            yield from _check_value(value, hints[key], f"{prefix}{key}")
    for key in sorted(required):
        if given.get(key) is None:
            yield Problem(f"{prefix}{key}", "is missing")


def _hints(spec: type) -> dict[str, Any]:
    """The fields of a TypedDict without `NotRequired`. Not `typing.get_type_hints`: it cannot resolve what `pulumi.Input` is made of."""
    return {key: typing.get_args(kind)[0] if typing.get_origin(kind) is NotRequired else kind for key, kind in spec.__annotations__.items()}


def _check_value(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    later = isinstance(value, pulumi.Output | Awaitable)
    if any(_is_output(part) for part in inside):  # pulumi.Input[T] is a union of T, Awaitable[T] and Output[T]
        if not later:
            yield from _check_value(value, inside[0], path)
    elif later:
        yield Problem(path, "is an output, known only after deployment", None, "it is planned with, so write it as a plain value")
    elif origin is list:
        yield from _check_list(value, inside[0], path)
    elif origin is dict:
        yield from _check_dict(value, inside[1], path)
    elif typing.is_typeddict(kind):
        yield from check(value, kind, f"{path}.")
    elif kind in _SCALARS:
        yield from _check_scalar(value, kind, path)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from _check_enum(value, kind, path)


def _check_list(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, list | tuple):
        text: object = value
        yield Problem(path, "is not a list", _shown(text), f"write [{text!r}]" if isinstance(text, str) else None)
        return
    for index, item in enumerate(typing.cast("list[Any]", value)):
        yield from _check_value(item, kind, f"{path}[{index}]")


def _check_dict(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(path, "is not a dict", _shown(value))
        return
    for key, item in typing.cast("Mapping[str, Any]", value).items():
        yield from _check_value(item, kind, f"{path}.{key}")


def _check_scalar(value: Any, kind: type, path: str) -> Iterator[Problem]:
    if not _is_scalar(value, kind):
        # Quotes, because the text 2 and the number 2 look the same without.
        yield Problem(path, f"is not {_SCALARS[kind]}", f'"{value}"' if isinstance(value, str) else _shown(value))


def _check_enum(value: Any, kind: type[Enum], path: str) -> Iterator[Problem]:
    allowed = [str(member.value) for member in kind]
    if value not in allowed:
        near = nearest_name(str(value), allowed)
        yield Problem(path, f"is not one of {join_names(allowed)}", _shown(value), f"use {near}" if near else None)


def _is_scalar(value: Any, kind: type) -> bool:
    """Whole numbers arrive as floats from programs in other languages: 2.0 is a whole number."""
    if isinstance(value, bool):
        return kind is bool
    if kind is int:
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _is_output(kind: Any) -> bool:
    if isinstance(kind, typing.ForwardRef):
        return kind.__forward_arg__.startswith("Output[")
    return typing.get_origin(kind) is pulumi.Output


def _shown(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else type(value).__name__
