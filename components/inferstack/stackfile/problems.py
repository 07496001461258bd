"""From pydantic's errors to problems a user can act on: the key, the value, why it cannot work and the nearest thing that does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem, join_names, nearest_name
from .keys import children
from .paths import NAMESPACE, key_path, printable, shown_key
from .schema import StackFile
from .section import RULE, Section
from .spellings import OTHER_VALUES
from .values import MAPPING, SCALAR

Path = tuple[str | int, ...]
PRICES = f"{NAMESPACE}:prices"

_ARTICLES = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "str": "text",
    "list": "a list",
    "dict": "a mapping",
    "NoneType": "empty",
}


def translate(failed: ValidationError, within: Path = ()) -> Iterator[Problem]:
    """One problem for each error of `failed`, which was found `within` a part of the stack file; a broken rule speaks for its key in place
    of the field's own check."""
    errors = [(within + _path(error["loc"]), error) for error in failed.errors(include_url=False)]
    ruled = {path for path, error in errors if error["type"] == RULE}
    for path, error in errors:
        below = any(other[: len(path)] == path and len(other) > len(path) for other, _ in errors)
        if (path in ruled and error["type"] != RULE) or (error["type"] == "too_short" and below):
            continue
        yield _problem(path, error)


def in_price_file(problem: Problem, price_file: str | None) -> Problem:
    """A problem of the price file named by its place there, where the prices come from a file."""
    if price_file is None or not problem.path.startswith((f"{PRICES}.", f"{PRICES}[")):
        return problem
    return replace(problem, path=f"{price_file}: {problem.path.removeprefix(PRICES).lstrip('.')}")


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by key path, with `services[2]` before `services[10]`, each problem once."""
    unique = dict.fromkeys(problems)
    return sorted(
        unique,
        key=lambda problem: [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", problem.path)],
    )


def shown(value: Any) -> str | None:
    """A scalar as it may stand in a message; None for what is no scalar or not there."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return value if value.strip() and value.isprintable() else json.dumps(value)
    return None


def _problem(path: Path, error: ErrorDetails) -> Problem:
    value = error["input"]
    if error["type"] == RULE:
        context = error.get("ctx", {})
        nearest = context["nearest"]
        return Problem(_shown_path(path), printable(context["reason"]), shown(value), None if nearest is None else printable(nearest))
    if error["type"] == "missing":
        return Problem(_shown_path(path), "is missing", nearest=_example(path))
    if value is None:
        return Problem(_shown_path(path), "is empty", nearest=_example(path) or "remove the key, or give it a value")
    reason, nearest = _REASONS.get(error["type"], _as_pydantic_says)(path, value, error)
    return Problem(_shown_path(path), reason, shown(value), nearest)


def _path(loc: Sequence[str | int]) -> Path:
    """`loc` without the marks of which form of a key was read."""
    return tuple(part for part in loc if part not in (SCALAR, MAPPING))


def _shown_path(path: Path) -> str:
    head, *rest = path
    return key_path([f"inferstack:{head}", *rest])


# --- one clause per kind of error -------------------------------------------------------------------------------------------

Clause = tuple[str, str | None]


def _is(value: Any) -> str:
    return f"is {_ARTICLES.get(type(value).__name__, 'something else')}"


def _not_text(path: Path, value: Any, error: ErrorDetails) -> Clause:
    key = shown_key(str(path[-1]))
    if isinstance(value, bool | int | float):
        example = json.dumps(shown(value))
        return f"{_is(value)}, not text", f"write it in quotes: {example}" if isinstance(
            path[-1], int
        ) else f"write it in quotes: {key}: {example}"
    return f"{_is(value)}, not text", _example(path)


def _not_number(path: Path, value: Any, error: ErrorDetails) -> Clause:
    kind = "a whole number" if error["type"].startswith("int") else "a number"
    if isinstance(value, str) and (number := re.fullmatch(r"\s*([0-9][0-9,_]*(?:\.[0-9]+)?)\s*([a-zA-Z%/]*)\s*", value)):
        return (
            f"is text, not {kind}",
            f"write {number[1].replace(',', '').replace('_', '')} without quotes{' and unit' if number[2] else ''}",
        )
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return "is not a finite number", None
        return f"is not {kind}", f"write {round(value)}" if abs(value) < 2**63 else None
    return f"{_is(value)}, not {kind}", _example(path)


def _not_bool(path: Path, value: Any, error: ErrorDetails) -> Clause:
    meant = {"yes": "true", "on": "true", "true": "true", "1": "true", "no": "false", "off": "false", "false": "false", "0": "false"}.get(
        str(value).lower()
    )
    return "is neither true nor false", f"write {meant}, without quotes" if meant else "write true or false"


def _not_list(path: Path, value: Any, error: ErrorDetails) -> Clause:
    return f"{_is(value)}, not a list", f"write [{shown(value)}]" if isinstance(value, str) and shown(
        value
    ) == value else "begin each item with a dash"


def _not_mapping(path: Path, value: Any, error: ErrorDetails) -> Clause:
    section = _section(path)
    if section is None:
        return f"{_is(value)}, not a mapping", "write key: value"
    return f"{_is(value)}, not a mapping", f"its keys are {join_names(list(children(section)), 'and')}"


def _not_allowed(path: Path, value: Any, error: ErrorDetails) -> Clause:
    expected = error["ctx"]["expected"] if "ctx" in error else ""
    allowed = re.findall(r"'([^']*)'", expected)
    if not allowed:
        return _not_one_of(value, [int(number) for number in re.findall(r"\d+", expected)])
    nearest = (OTHER_VALUES.get(value.casefold()) or nearest_name(value, allowed)) if isinstance(value, str) else None
    return f"is not {join_names(allowed)}", f"use {nearest}" if nearest in allowed else None


def _not_one_of(value: Any, numbers: list[int]) -> Clause:
    """Of values that are numbers the nearest is the one that is least away."""
    if str(value) in map(str, numbers):
        return f"{_is(value)}, not a whole number", f"write {value} without quotes"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    nearest = min(numbers, key=lambda number: abs(number - value)) if is_number else None
    return f"is not {join_names([str(number) for number in numbers])}", None if nearest is None else f"use {nearest}"


def _not_finite(path: Path, value: Any, error: ErrorDetails) -> Clause:
    return "is not a finite number", None


def _bound(word: str, key: str) -> Callable[[Path, Any, ErrorDetails], Clause]:
    def clause(path: Path, value: Any, error: ErrorDetails) -> Clause:
        limit = float(error.get("ctx", {})[key])
        return f"must be {word} {f'{limit:,.0f}' if limit.is_integer() else f'{limit:g}'}", None

    return clause


def _too_short(path: Path, value: Any, error: ErrorDetails) -> Clause:
    return "is an empty list", _example(path)


def _as_pydantic_says(path: Path, value: Any, error: ErrorDetails) -> Clause:
    message = error["msg"]
    return f"cannot be read: {message[:1].lower()}{message[1:]}", None


_REASONS: Mapping[str, Callable[[Path, Any, ErrorDetails], Clause]] = {
    "string_type": _not_text,
    "int_type": _not_number,
    "int_from_float": _not_number,
    "float_type": _not_number,
    "bool_type": _not_bool,
    "tuple_type": _not_list,
    "dict_type": _not_mapping,
    "model_type": _not_mapping,
    "literal_error": _not_allowed,
    "enum": _not_allowed,
    "finite_number": _not_finite,
    "greater_than": _bound("above", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("below", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "too_short": _too_short,
}


# --- what the schema says about a path --------------------------------------------------------------------------------------


def _section(path: Path) -> type[Section] | None:
    """The section that stands at `path`; None where plain values stand there."""
    section: type[Section] | None = StackFile
    for part in path:
        if section is None:
            return None
        if isinstance(part, str):
            section = children(section).get(part)
    return section


def _example(path: Path) -> str | None:
    """`such as ...` from the schema's examples."""
    named = [part for part in path if isinstance(part, str)]
    if len(named) != len(path) and not isinstance(path[-1], str):
        return None
    parent = _section(path[:-1])
    if parent is None:
        return None
    field = next((field for field in parent.model_fields.values() if field.alias == path[-1]), None)
    return None if field is None or not field.examples else f"such as {field.examples[0]}"
