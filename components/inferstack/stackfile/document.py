"""A stack file's text as plain Python data: YAML as Pulumi reads it, with bounds on what a file may cost us.

The tree is built from parser events and never by recursion, so that a file that nests or repeats itself without end is refused when it
passes a bound and not when memory runs out. Scalars follow YAML 1.2, as Pulumi's own reader does: `yes` and `2026-11-21` are text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from .paths import key_path, printable
from .untyped import is_list, is_mapping

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 200_000
"""Scalars, lists and mappings of one file, aliases counted as often as they are used."""

_NULL = re.compile(r"|~|null|Null|NULL")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_BASED_INT = re.compile(r"([-+]?)0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+|[0-7_]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
INT_BITS = 63
LARGEST_EXPONENT = 1024
_CORE_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "seq", "map")}


@dataclass(frozen=True, slots=True)
class Document:
    """What one YAML file holds, and what is wrong with it although it could be read."""

    root: Any
    problems: tuple[Problem, ...]


def read_text(path: Path, shown: str) -> str:
    """The text of `path`; `shown` is its name in errors. Raises InputError where it is no text file of at most 1 MiB."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError([Problem(shown, "does not exist")]) from None
    except IsADirectoryError:
        raise InputError([Problem(shown, "is a folder, not a stack file")]) from None
    except OSError as error:
        raise InputError([Problem(shown, f"cannot be read: {error.strerror}")]) from None
    if len(raw) > MAX_BYTES:
        raise InputError([Problem(shown, "is larger than 1 MiB, which no stack file is")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(shown, f"is not UTF-8 text (line {line})", nearest="save it as UTF-8")]) from None
    if "\0" in text:
        raise InputError([Problem(shown, "is a binary file, not a stack file")])
    return text


def parse(text: str, shown: str, as_text: bool = False) -> Document:
    """The one YAML document in `text`; with `as_text`, scalars stay as they are written.

    Raises InputError at the first thing that makes the rest unreadable.
    """
    import yaml  # costs 10 ms, and a program under Pulumi has its config already

    builder = _Builder(shown, as_text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError([Problem(shown, f"is not YAML{_place(mark)}: {error.problem or error.context}")]) from None
    except yaml.YAMLError:
        raise InputError([Problem(shown, "is not YAML: it holds control characters")]) from None
    return Document(builder.root, tuple(builder.problems))


def _place(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    value: dict[str, Any] | list[Any]
    line: int
    anchor: str | None
    first_value: int
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict[str, int])
    merged: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    skips: bool = False
    """True while the value of a repeated key goes by."""


class _Builder:
    """Builds the tree from events; `root` holds it at the end."""

    def __init__(self, shown: str, as_text: bool) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self._shown = shown
        self._as_text = as_text
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "MappingStartEvent":
                self._open({}, event)
            case "SequenceStartEvent":
                self._open([], event)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise self._refusal(event, "holds a second YAML document", "keep the first, without `---`")
            case _:
                pass

    def _scalar(self, event: Any) -> None:
        if self._wants_key():
            self._key(event)
            return
        value = self._resolve(event)
        self._count(event, 1)
        self._add(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)

    def _open(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if self._wants_key():
            raise self._refusal(event, "has a list or a mapping as a key", "write a name")
        if event.tag is not None and _CORE_TAGS.get(event.tag) != ("map" if isinstance(value, dict) else "seq"):
            raise self._refusal(event, f"has the tag {printable(event.tag)}", "remove the tag")
        if len(self._stack) >= MAX_DEPTH:
            raise self._refusal(event, f"nests deeper than {MAX_DEPTH} levels")
        self._count(event, 1)
        self._stack.append(_Open(value, event.start_mark.line + 1, event.anchor, self._values))

    def _close(self) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict):
            for base in done.merged:
                for key, value in base.items():
                    done.value.setdefault(key, value)
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._values - done.first_value + 1)
        self._add(done.value)

    def _alias(self, event: Any) -> None:
        if self._wants_key():
            raise self._refusal(event, "has an alias as a key", "write a name")
        if event.anchor not in self._anchors:
            inside = any(entry.anchor == event.anchor for entry in self._stack)
            raise self._refusal(
                event, f"has an alias *{event.anchor} {'inside what it stands for' if inside else 'without an anchor before it'}"
            )
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        self._add(value)

    def _key(self, event: Any) -> None:
        mapping = self._stack[-1]
        key, line = str(event.value), event.start_mark.line + 1
        if key in mapping.lines:
            path = key_path([*self._path(), key])
            reason = f"is written twice, on lines {mapping.lines[key]} and {line}"
            self.problems.append(Problem(path, reason, nearest="keep one"))
            mapping.skips = True
        mapping.lines.setdefault(key, line)
        mapping.key = key

    def _add(self, value: Any) -> None:
        if not self._stack:
            self.root = value
            return
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
            return
        key, parent.key = str(parent.key), None
        if parent.skips:
            parent.skips = False
        elif key == "<<":
            self._merge(parent, value)
        else:
            parent.value[key] = value

    def _merge(self, parent: _Open, value: Any) -> None:
        bases = value if is_list(value) else [value]
        if not all(is_mapping(base) for base in bases):
            self.problems.append(
                Problem(key_path([*self._path(), "<<"]), "merges what is not a mapping", nearest="name an anchor of a mapping")
            )
            return
        parent.merged.extend(bases)

    def _resolve(self, event: Any) -> Any:
        tag = None if event.tag in (None, "!") else event.tag
        if tag is not None and _CORE_TAGS.get(tag) is None:
            raise self._refusal(event, f"has the tag {printable(tag)}", "remove the tag")
        if self._as_text or _CORE_TAGS.get(tag or "") == "str" or (tag is None and not event.implicit[0]):
            return event.value
        return scalar(event.value)

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _path(self) -> Iterator[str | int]:
        for entry in self._stack:
            if isinstance(entry.value, list):
                yield len(entry.value)
            elif entry.key is not None:
                yield entry.key

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._refusal(event, f"holds more than {MAX_VALUES} values once its aliases are written out", "write out what is meant")

    def _refusal(self, event: Any, reason: str, nearest: str | None = None) -> InputError:
        return InputError([Problem(self._shown, f"{reason}{_place(event.start_mark)}", nearest=nearest)])


def scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain YAML 1.2 scalar. Whole numbers beyond 64 bits become floats, as in Pulumi."""
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return whole(text.replace("_", ""))
    if based := _BASED_INT.fullmatch(text):
        digits = based[2].replace("_", "")
        base = {"x": 16, "o": 8, "b": 2}.get(digits[:1])
        number = int(digits or "0", 8) if base is None else int(digits[1:] or "0", base)
        return within_64_bits(-number if based[1] == "-" else number)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if special := _NON_FINITE.fullmatch(text):
        return float(f"{special[1] or ''}{special[2] or special[3]}")
    return text


def whole(digits: str) -> int | float:
    """`digits` as an int, or as a float where 64 bits do not hold it; never slow, however many digits there are."""
    number = float(digits)
    return int(digits) if abs(number) < 2.0**INT_BITS else number


def within_64_bits(number: int) -> int | float:
    """`number`, or the nearest float where 64 bits do not hold it (infinity beyond the largest float)."""
    if number.bit_length() <= INT_BITS:
        return number
    if number.bit_length() < LARGEST_EXPONENT:
        return float(number)
    return math.inf if number > 0 else -math.inf
