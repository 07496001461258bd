"""Checks a rendered command line against the options that the pinned release of an engine really has."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FLAGS = Path(__file__).parent / "data" / "engine_flags.json"
PROGRAMS = {"vllm": "vllm", "llama.cpp": "llama-server"}
"""Our name of an engine -> its program in the file of flags."""
ONE_WORD = frozenset({"vllm"})
"""Programs that are given `--flag=value`; the others read the value from the next word, and know no other form."""
POSITIONALS = {"vllm": 1, "llama-server": 0}
HUMAN_INT = re.compile(r"\d+(\.\d+)?[kKmMgG]?")


def problems(engine: str, args: Sequence[str]) -> list[str]:
    """Everything in `args` that the program of `engine` would not accept: unknown or removed options, missing, wrong or illegal values."""
    program = PROGRAMS[engine]
    found: list[str] = []
    positionals = 0
    seen: set[str] = set()
    for flag, value in _pairs(program, args):
        if not flag.startswith("--"):
            positionals += 1
            continue
        name = _canonical(program, flag)
        if name is None:
            found.append(f"{flag} is not an option of {program}")
            continue
        if name in seen:
            found.append(f"{flag} comes twice")
        seen.add(name)
        found += _value_problems(flag, value, _program(program)["flags"][name])
    if positionals != POSITIONALS[program]:
        found.append(f"{positionals} words without an option, {program} takes {POSITIONALS[program]}")
    return found


def _pairs(program: str, args: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """(option, value) of each option and (word, None) of each word that belongs to none."""
    words = iter(args)
    for word in words:
        if not word.startswith("--"):
            yield word, None
        elif program in ONE_WORD:
            flag, equals, value = word.partition("=")
            yield flag, value if equals else None
        else:
            name = _canonical(program, word)
            takes_value = name is not None and _program(program)["flags"][name]["type"] != "bool"
            yield word, next(words, None) if takes_value else None


def _value_problems(flag: str, value: str | None, row: Mapping[str, Any]) -> list[str]:
    if row["type"] == "bool":
        return [] if value is None else [f"{flag} takes no value, it has {value}"]
    if not value:
        return [f"{flag} has no value"]
    if row["type"] in ("int", "float") and not _is_number(value, row):
        return [f"{flag} has {value}, not of type {row['type']}"]
    if row["type"].startswith("human_readable_int") and not HUMAN_INT.fullmatch(value):
        return [f"{flag} has {value}, not a number"]
    if "choices" in row and value not in row["choices"]:
        return [f"{flag} has {value}, not one of {', '.join(row['choices'])}"]
    return []


def _is_number(value: str, row: Mapping[str, Any]) -> bool:
    pattern = r"-?\d+" if row["type"] == "int" else r"-?\d+(\.\d+)?"
    return value in row.get("words", ()) or re.fullmatch(pattern, value) is not None


@functools.cache
def _spellings(program: str) -> Mapping[str, str]:
    flags = _program(program)["flags"]
    spellings = {alias: name for name, row in flags.items() for alias in row.get("aliases", ())}
    return spellings | {name: name for name in flags}


def _canonical(program: str, flag: str) -> str | None:
    return _spellings(program).get(flag)


def _program(program: str) -> Mapping[str, Any]:
    return _document()[program]


@functools.cache
def _document() -> Mapping[str, Any]:
    return json.loads(FLAGS.read_text(encoding="utf-8"))
