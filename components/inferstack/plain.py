"""From the library's nouns to what JSON and Pulumi can carry: dicts with camelCase keys, lists, numbers and text."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, cast

MONEY_PLACES = 6
"""Decimals that money keeps in JSON."""
SCALARS = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """`value` as JSON data: dataclasses become dicts with camelCase keys, tuples lists, Decimal a number, enums their value."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Decimal):
        return round(float(value), MONEY_PLACES)
    if dataclasses.is_dataclass(value):
        return {key: plain(getattr(value, name)) for name, key in _fields(type(value))}
    if isinstance(value, Mapping):
        mapping = cast(Mapping[Any, Any], value)
        return {str(key): plain(item) for key, item in mapping.items()}
    return [plain(item) for item in value]


def camel(name: str) -> str:
    """`tpot_p95_ms` -> `tpotP95Ms`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, camel(field.name)) for field in dataclasses.fields(kind))
