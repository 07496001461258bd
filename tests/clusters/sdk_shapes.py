"""Are the inputs of a resource those that its SDK declares? In place of the provider's own check, which an offline preview does not have.

Python's SDKs pass nested dicts on as they are: a misspelt key or a number given as text would surface in the cloud only.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

from inferstack.offline import SECRET, UNKNOWN, Resource

SDKS = {"aws": "pulumi_aws", "gcp": "pulumi_gcp"}
JSON_TYPES: Mapping[type, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


def misfits(resource: Resource) -> list[str]:
    """Every key that the SDK does not know, that it requires and is missing, or whose value has another type."""
    return list(_check(resource.inputs, _args_class(resource.type), resource.name))


def is_covered(resource: Resource) -> bool:
    return resource.type.split(":")[0] in SDKS


def _args_class(token: str) -> type:
    package, place, name = token.split(":")
    module = import_module(f"{SDKS[package]}.{place.split('/')[0]}")
    return getattr(module, f"{name}Args")


def _check(value: Mapping[str, Any], args: type, path: str) -> Iterator[str]:
    kinds = input_type_types(args)
    names = input_type_py_to_pulumi_names(args)
    for key, item in value.items():
        if key not in kinds:
            yield f"{path}.{key}: not known to {args.__name__}"
        else:
            yield from _check_value(item, kinds[key], f"{path}.{key}")
    parameters = inspect.signature(args.__init__).parameters
    for name, wire in names.items():
        if name in parameters and parameters[name].default is inspect.Parameter.empty and wire not in value:
            yield f"{path}.{wire}: required by {args.__name__}, missing"


def _check_value(value: Any, kind: Any, path: str) -> Iterator[str]:
    kind = _plain(kind)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if value in (UNKNOWN, SECRET) or kind is Any:
        return
    if is_input_type(kind):
        if isinstance(value, Mapping):
            yield from _check(value, kind, path)
        else:
            yield f"{path}: {value!r} where {kind.__name__} is wanted"
    elif origin is not None and issubclass(origin, Mapping):
        for key, item in value.items():
            yield from _check_value(item, inside[1], f"{path}.{key}")
    elif origin is not None and issubclass(origin, Sequence):
        if not isinstance(value, list):
            yield f"{path}: {value!r} where a list is wanted"
            return
        for index, item in enumerate(value):
            yield from _check_value(item, inside[0], f"{path}[{index}]")
    elif kind in JSON_TYPES and (not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind is not bool)):
        yield f"{path}: {value!r} where {kind.__name__} is wanted"


def _plain(kind: Any) -> Any:
    """The T in Input[T] and Optional[T]."""
    if typing.get_origin(kind) is typing.Union:
        return _plain(typing.get_args(kind)[0])
    return kind
