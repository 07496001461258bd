"""What stands at a flag: the words that the program reads, or why it cannot be, with the nearest value that can."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ..catalog import Flag
from ..catalog.names import folded
from ..errors import join_names, nearest_name

HERE = ""
"""In place of a key in `Bad.change`: the flag itself."""
LEAVE_OUT = "leave it out"
SIZE = re.compile(r"\d+(\.\d+)?[kKmMgG]?")
NUMBERS = {"int": re.compile(r"-?\d+"), "float": re.compile(r"-?\d+(\.\d+)?([eE]-?\d+)?"), "size": SIZE}
KINDS = {"int": "a whole number", "float": "a number", "size": "a number, or one with k, M or G"}
MOST_CHOICES = 12
"""Values that an error lists."""


class Bad(Exception):
    """Why a flag or its value cannot be: the clause, the way out, and that as a change of the service."""

    def __init__(self, reason: str, nearest: str | None = None, change: Mapping[str, object] | None = None) -> None:
        self.reason, self.nearest, self.change = reason, nearest, change or {}
        super().__init__(reason)


def bad_value(reason: str, nearest: str = LEAVE_OUT, usable: object = None) -> Bad:
    """Of a value that cannot be: `usable` is the nearest that can, None where the flag is best left out."""
    said = nearest if usable is not None or nearest == LEAVE_OUT else f"{nearest}, or {LEAVE_OUT}"
    return Bad(reason, said, {HERE: usable})


def number(text: str) -> float:
    """At least 1: what a flag says of a batch or of main memory."""
    if NUMBERS["float"].fullmatch(text) is None:
        raise bad_value("is not a number", f"write {KINDS['float']}")
    if float(text) < 1:
        raise bad_value("is below 1", "use at least 1", 1)
    return float(text)


def values(flag: Flag, value: Any) -> list[str]:
    """Each value of a flag as the program reads it."""
    several = isinstance(value, list) and flag.type != "json"
    found: list[Any] = list(value) if several else [value]  # pyright: ignore[reportUnknownArgumentType]
    if len(found) != 1 and not flag.many:
        raise bad_value("takes one value", "write one, not a list", found[0] if found else None)
    return [one_value(flag, one) for one in found]


def switch(flag: Flag, written: str, value: Any) -> str:
    """The spelling of a flag that takes no value."""
    if not isinstance(value, bool):
        raise bad_value("takes no value", "write true or false")
    negated = folded(written) in map(folded, flag.negations)
    if value is not negated:
        return flag.name
    if not flag.negations:
        raise bad_value("cannot be switched off")
    return flag.negations[0]


def one_value(flag: Flag, value: Any) -> str:
    """One value as the program reads it."""
    if flag.type == "json" or isinstance(value, dict):
        # Options that take text may take JSON, such as configurations.
        return _json(value)
    if value is None or isinstance(value, bool | list) or str(value) == "":
        wanted = f"use {join_names(flag.choices)}" if flag.choices else f"write {KINDS.get(flag.type, 'text')}"
        raise bad_value("takes a value", wanted)
    text = text_of(value)
    if not text.isprintable():
        raise bad_value("holds a line break or another character that does not print", "write it on one line")
    if isinstance(value, float) and not math.isfinite(value):
        raise bad_value("is not a finite number")
    if flag.choices and text not in flag.choices:
        near = nearest_name(text, flag.choices)
        listed = f"use {join_names(flag.choices)}" if len(flag.choices) <= MOST_CHOICES else f"use {near}" if near else LEAVE_OUT
        raise bad_value(f"is not a value of {flag.name}", listed, near)
    if flag.type in NUMBERS and text not in flag.words and NUMBERS[flag.type].fullmatch(text) is None:
        whole = round(value) if isinstance(value, float) else None
        raise bad_value(f"is not {KINDS[flag.type]}", f"use {whole}" if whole is not None else f"write {KINDS[flag.type]}", whole)
    return text


def _json(value: Any) -> str:
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            raise bad_value("is not JSON", "write a mapping") from None
        return value
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise bad_value("holds a number that is not finite") from None


def text_of(value: Any) -> str:
    """A scalar as a command line has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
