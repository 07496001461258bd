"""Traces: requests that were really made, as CSV with a header or as JSON lines. Times in seconds, lengths in tokens.

arrival_s,input_tokens,output_tokens
0.00,512,128
0.35,2048,64
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ...errors import InputError, Problem, nearest_name
from .arrivals import Requests

COLUMNS = ("arrival_s", "input_tokens", "output_tokens")
MOST_REQUESTS = 2_000_000
LONGEST = 100_000_000
LATEST_S = 1e11
"""Seconds since 1970 are 1e9, and milliseconds, which are no seconds, 1e12."""
MOST_PROBLEMS = 10


def read_trace(path: Path) -> Requests:
    """The requests of a trace file. Raises `InputError` with the lines that are wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise InputError([Problem(str(path), "is not UTF-8 text", nearest="save the trace as CSV or JSON lines in UTF-8")]) from None
    return parse_trace(text, str(path))


def parse_trace(text: str, name: str) -> Requests:
    """The requests of a trace; `name` stands before the line in errors. JSON lines where the text begins with a brace, else CSV."""
    rows = _json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text, name)
    found, problems = Requests([], [], []), list[Problem]()
    for line, row in rows:
        problem = row if isinstance(row, str) else _add(found, row)
        if problem is not None:
            problems.append(Problem(f"{name} line {line}", problem))
        if len(problems) == MOST_PROBLEMS or len(found) > MOST_REQUESTS:
            break
    if len(found) > MOST_REQUESTS:
        problems.append(Problem(name, f"holds more than {MOST_REQUESTS:,} requests", nearest="cut it"))
    elif not len(found) and not problems:
        problems.append(Problem(name, "holds no requests", nearest=f"one a line: {', '.join(COLUMNS)}"))
    if problems:
        raise InputError(problems)
    return found


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    header = [column.strip() for column in reader.fieldnames or ()]
    missing = [column for column in COLUMNS if column not in header]
    if header and missing:
        near = nearest_name(missing[0], header)
        has = f"; did you mean {near}?" if near else ""
        raise InputError([Problem(f"{name} line 1", f"has no column {' and no column '.join(missing)}{has}", nearest=",".join(COLUMNS))])
    reader.fieldnames = header
    try:
        for row in reader:
            yield reader.line_num, cast("Mapping[str, Any]", row)
    except csv.Error as error:
        yield reader.line_num, f"is not CSV: {error}"


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            row: Any = json.loads(content)
        except (ValueError, RecursionError):
            yield line, "is not a JSON object"
            continue
        yield line, cast("Mapping[str, Any]", row) if isinstance(row, dict) else "is not a JSON object"


def _add(found: Requests, row: Mapping[str, Any]) -> str | None:
    """Append one request, or say what is wrong with it."""
    values: list[float] = []
    for column in COLUMNS:
        value = _number(row.get(column))
        if value is None:
            return f"has {row[column]!r} for {column}, which is not a number" if row.get(column) not in (None, "") else f"has no {column}"
        values.append(value)
    at, *lengths = values
    if not math.isfinite(at) or at < 0:
        return f"has arrival_s {at:g}; times are 0 or more and finite"
    if at > LATEST_S:
        return f"has arrival_s {at:g}, which is {at / 3.15576e7:,.3g} years; give seconds, not milliseconds or less"
    if found.arrival_s and at < found.arrival_s[-1]:
        return f"has arrival_s {at:g}, before the {found.arrival_s[-1]:g} of the request above; sort the trace by time"
    for column, length in zip(COLUMNS[1:], lengths, strict=True):
        if not 1 <= length <= LONGEST or length != int(length):
            return f"has {column} {length:g}; give whole tokens, at least 1"
    found.arrival_s.append(at)
    found.isl.append(int(lengths[0]))
    found.osl.append(int(lengths[1]))
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
