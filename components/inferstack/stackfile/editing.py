"""Changes of a service or the target in the stack file: key path -> value, None where the key goes. What is there after one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from .schema import Service, Target
from .untyped import is_list, is_mapping

IN_ITS_WORDS = ("engineArgs", "image", "custom")
"""Keys of a service that are one engine's own."""
TARGET = "inferstack:target"
"""Key of what all services stand on."""
Edited = TypeVar("Edited", Service, Target)
_FREE = ("engineArgs", "env")
"""Keys below which names are somebody else's, and may hold dots."""


def removed(service: Service, path: str, *keys: str) -> dict[str, object]:
    """The change that takes those of `keys` away that `service`, which stands at `path`, states."""
    return {f"{path}.{key}": None for key in keys if to_snake(key) in service.model_fields_set}


def to_engine(service: Service, path: str, engine: str) -> dict[str, object]:
    """The change to `engine`; what was said in another's words goes."""
    return {f"{path}.engine": engine, **removed(service, path, *IN_ITS_WORDS)}


def edited(section: Edited, path: str, change: Mapping[str, object]) -> Edited | None:
    """`section`, which stands at `path`, with what `change` says of it: key path -> value, None where the key goes. None where what comes
    of it keeps no rule of its kind."""
    below = {key.removeprefix(f"{path}."): value for key, value in change.items() if key.startswith(f"{path}.")}
    if not below:
        return section
    given = _plain(section.model_dump(by_alias=True, exclude_unset=True))
    for key, value in below.items():
        _set(given, _parts(key), value)
    try:
        return type(section).model_validate(given)
    except ValidationError:
        return None


def _parts(key: str) -> list[str | int]:
    """`adapters[0].rank` as its parts."""
    first, _, rest = key.partition(".")
    if first in _FREE and rest:
        return [first, rest]
    return [int(part[1:-1]) if part.startswith("[") else part for part in re.findall(r"\[\d+\]|[^.\[]+", key)]


def _set(place: Any, parts: list[str | int], value: object) -> None:
    """Sets or removes what stands at `parts`, and makes the sections above a value that is set."""
    *above, last = parts
    for part in above:
        if isinstance(part, str):
            if value is None and part not in place:
                return
            place = place.setdefault(part, {})
        else:
            place = place[part]
    if value is None and is_mapping(place):
        place.pop(str(last), None)
    else:
        place[last] = value


def _plain(value: Any) -> Any:
    """Lists where types hold tuples, as in a file."""
    if is_mapping(value):
        return {key: _plain(inner) for key, inner in value.items()}
    if is_list(value) or isinstance(value, tuple):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    return value
