"""Checks a rendered command line against the options that the pinned release of an engine really has."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from inferstack import catalog
from inferstack.catalog import Flag, FlagTable

POSITIONALS = {
    "vllm": 1,
    "llama.cpp": 0,
    "sglang": 0,
    "tensorrt-llm": 1,
    "tgi": 0,
    "ollama": 0,
    "transformers": 1,
    "neuron": 1,
    "triton": 0,
    "ray-serve": 0,
}
"""Words without an option that the program of an engine is given."""
NUMBERS = {"int": r"-?\d+", "float": r"-?\d+(\.\d+)?", "size": r"\d+(\.\d+)?[kKmMgG]?"}


def problems(engine: str, args: Sequence[str]) -> list[str]:
    """Everything in `args` that the program of `engine` would not accept: unknown or removed options, missing, wrong or illegal values."""
    table = catalog.engine_flags(engine)
    found: list[str] = []
    positionals = 0
    seen: set[str] = set()
    for spelling, value in _pairs(table, args):
        if not spelling.startswith("--"):
            positionals += 1
            continue
        flag = _exact(table, spelling)
        if flag is None:
            found.append(f"{spelling} is not an option of {engine}")
            continue
        if flag.name in seen:
            found.append(f"{spelling} comes twice")
        seen.add(flag.name)
        found += _value_problems(spelling, value, flag)
    expected = POSITIONALS.get(engine, 0)
    if positionals != expected:
        found.append(f"{positionals} words without an option, {engine} takes {expected}")
    return found


def keyword_problems(engine: str, keywords: Mapping[str, Any]) -> list[str]:
    """Keyword arguments that a program does not take, or not with such a value."""
    table = catalog.engine_flags(engine)
    found: list[str] = []
    for name, value in keywords.items():
        if name not in table.flags:
            found.append(f"{name} is not an option of {engine}")
        elif (table.flags[name].type == "bool") is not isinstance(value, bool):
            found.append(f"{name} has {value}, not of type {table.flags[name].type}")
        elif not isinstance(value, bool):
            # A program that is called takes a mapping as it is.
            found += _value_problems(name, json.dumps(value) if isinstance(value, Mapping) else str(value), table.flags[name])
    return found


def env_problems(engine: str, env: Sequence[tuple[str, str]]) -> list[str]:
    """Variables that a program whose options are variables does not know, or has no such value for; [] for programs with flags."""
    table = catalog.engine_flags(engine)
    if table.style != "environment":
        return []
    prefixes = {name.partition("_")[0] for name in table.flags}
    own = [(name, value) for name, value in env if name.partition("_")[0] in prefixes]
    unknown = [f"{name} is not a variable of {engine}" for name, _ in own if name not in table.flags]
    known = [(table.flags[name], value) for name, value in own if name in table.flags and table.flags[name].type != "bool"]
    return unknown + [problem for flag, value in known for problem in _value_problems(flag.name, value, flag)]


def _pairs(table: FlagTable, args: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """(option, value) of each option and (word, None) of each word that belongs to none.

    An option of many takes every word up to the next option.
    """
    words = deque(args)
    while words:
        word = words.popleft()
        flag = _exact(table, word)
        if not word.startswith("--"):
            yield word, None
        elif flag is not None and flag.many:
            values = [words.popleft() for _ in takewhile(lambda value: not value.startswith("--"), list(words))]
            yield word, " ".join(values)
        elif table.style == "equals":
            spelling, equals, value = word.partition("=")
            yield spelling, value if equals else None
        else:
            takes_value = flag is not None and flag.type != "bool"
            yield word, words.popleft() if takes_value and words else None


def _exact(table: FlagTable, spelling: str) -> Flag | None:
    """The option of exactly that spelling: programs read no other."""
    flag = table.find(spelling)
    return flag if flag is not None and spelling in (flag.name, *flag.aliases) else None


def _value_problems(spelling: str, value: str | None, flag: Flag) -> list[str]:
    if flag.type == "bool":
        return [] if value is None else [f"{spelling} takes no value, it has {value}"]
    if not value:
        return [f"{spelling} has no value"]
    if value in flag.words:
        return []
    if flag.type in NUMBERS and not re.fullmatch(NUMBERS[flag.type], value):
        return [f"{spelling} has {value}, not of type {flag.type}"]
    if flag.type == "json" and not _is_json(value):
        return [f"{spelling} has {value}, not JSON"]
    if flag.choices and value not in flag.choices:
        return [f"{spelling} has {value}, not one of {', '.join(flag.choices)}"]
    return []


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
