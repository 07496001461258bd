"""The keys that a stack file may have, and what people write in their place."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_args

from pydantic.alias_generators import to_camel

from ..errors import Problem, join_names, nearest_name
from .paths import key_path
from .schema import StackFile
from .section import Section
from .spellings import OTHER_NAMES, OTHER_SECRETS, OTHER_SETTINGS, SECRET_WORDS
from .untyped import is_list, is_mapping

SURE = 0.8
"""Similarity above which a misspelt key is read as the one that was meant, so that its absence is not reported as well."""
NEAR = 0.65
"""Similarity above which a key is named as perhaps meant."""

SETTINGS = ("target", "services", "budget", "prices", "usage", "constraints", "apiPrices")
SECRETS = ("huggingFaceToken", "apiKey")
LISTS = ("services", "adapters", "apiPrices", "nodes", "longPrompts", "discounts", "machines", "paid")
"""Keys that hold a list of sections."""


def mend(data: Any, section: type[Section], path: list[str | int], problems: list[Problem]) -> Any:
    """`data` with the keys that `section` has; every other is reported, and read as the one it surely means or dropped."""
    if is_list(data):
        return [mend(item, section, [*path, index], problems) for index, item in enumerate(data)]
    if not is_mapping(data):
        return data
    known = children(section)
    mended: dict[str, Any] = {}
    for key, value in data.items():
        meant, sure = (key, True) if key in known else _meant(key, section)
        if meant != key:
            problems.append(Problem(key_path([*path, key]), "is not a key of the stack file", nearest=_way_out(key, meant, section)))
        if sure and meant is not None and (meant == key or meant not in data):
            child = known[meant]
            mended[meant] = value if child is None else mend(value, child, [*path, key], problems)
    return mended


def unknown_setting(name: str) -> str:
    """The way out of `inferstack:name`, which is no key of ours."""
    known = (*SETTINGS, *SECRETS)
    folded = _folded(name)
    meant = {_folded(key): key for key in known} | OTHER_SECRETS | OTHER_SETTINGS
    nearest = meant.get(folded) or nearest_name(name, known)
    home = _homes().get(name)
    if nearest is None and home is not None:
        return f"it belongs under {home}"
    return f"use inferstack:{nearest}" if nearest else f"known keys: {join_names(known, 'and')}"


@functools.cache
def children(section: type[Section]) -> Mapping[str, type[Section] | None]:
    """The keys of a section, each with the section that is below it; None where it holds plain values."""
    return {to_camel(name): _section_in(field.annotation) for name, field in section.model_fields.items()}


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part)) is not None), None)


def _meant(key: str, section: type[Section]) -> tuple[str | None, bool]:
    """The key that stands closest to `key`, or the clause to write in its place, and whether it is surely that key."""
    known = children(section)
    spelt = {_folded(name): name for name in known} | OTHER_NAMES.get(section, {})
    if (found := spelt.get(_folded(key))) is not None:
        return found, found in known and (known[found] is None or _folded(found) == _folded(key))
    if (close := nearest_name(key, known, SURE)) is not None:
        return close, True
    return (None if key in _homes() else nearest_name(key, known, NEAR)), False


def _way_out(key: str, meant: str | None, section: type[Section]) -> str:
    if meant is not None:
        return f"use {meant}"
    if (home := _homes().get(key)) is not None:
        return f"it belongs under {home}"
    if _folded(key) in {*map(_folded, SECRETS), *SECRET_WORDS}:
        return "secrets have keys of their own: inferstack:huggingFaceToken and inferstack:apiKey"
    return f"known keys here: {join_names(list(children(section)), 'and')}"


@functools.cache
def _homes() -> Mapping[str, str]:
    """Where a key is at home, for keys that have one home only."""
    homes: dict[str, list[str]] = {}
    _collect_homes(StackFile, "", homes)
    return {key: places[0] for key, places in homes.items() if len(places) == 1}


def _collect_homes(section: type[Section], place: str, homes: dict[str, list[str]]) -> None:
    for key, child in children(section).items():
        if key == "prices":
            continue  # its keys stand in a file of their own, where nothing misplaced here belongs
        if place:
            homes.setdefault(key, []).append(place)
        if child is not None:
            listed = "[]" if key in LISTS else ""
            _collect_homes(child, f"{place}.{key}{listed}" if place else f"inferstack:{key}{listed}", homes)


def _folded(key: str) -> str:
    return "".join(character for character in key.casefold() if character.isalnum())
