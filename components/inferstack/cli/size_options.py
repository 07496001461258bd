"""What `inferstack size` calls the keys of a stack file: errors and notes of the planner in its own options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..errors import Problem
from ..stackfile.schema import Service, Target

SERVICE, TARGET = "inferstack:services[0]", "inferstack:target"
OPTIONS = {
    f"{TARGET}.cloud": "--cloud",
    f"{TARGET}.region": "--region",
    f"{SERVICE}.model": "MODEL",
    f"{SERVICE}.traffic.requestsPerSecond": "--rate",
    f"{SERVICE}.traffic.isl": "--isl",
    f"{SERVICE}.traffic.osl": "--osl",
    f"{SERVICE}.slo.ttftP95Ms": "--ttft-p95",
    f"{SERVICE}.slo.tpotP95Ms": "--tpot-p95",
    f"{SERVICE}.slo.latencyP95Ms": "--latency-p95",
    f"{SERVICE}.gpu": "--gpu",
    f"{SERVICE}.engine": "--engine",
    f"{SERVICE}.quantization": "--quantization",
    f"{SERVICE}.tensorParallel": "--tensor-parallel",
    f"{SERVICE}.context": "--context",
    f"{SERVICE}.capacityType": "--capacity-type",
    f"{SERVICE}.reservationId": "--capacity-type",
    f"{SERVICE}.traffic": "--isl, --osl",
    f"{SERVICE}.slo": "--ttft-p95, --tpot-p95, --latency-p95",
}
"""Key of a stack file -> what the user wrote here."""
ELSEWHERE = "{} (stack file)"
"""A key that has no option here."""
OF_ENGINES = ("image", "custom", "engineArgs", "env")
"""Keys that an engine asks for, and that have no option here."""
CLAUSE = re.compile(r"\b(?:with|without) [^;:]*?(?= it works)|\bshorten [^;]*|\buse engine\b|`[^`]*`")
"""Where a plain word, such as context, is a key."""
PINS = "these pins"


def named(problem: Problem) -> Problem:
    """`problem` with its options in place of the keys of a stack file."""
    said = replace(problem, reason=in_options(problem.reason), nearest=problem.nearest and in_options(problem.nearest))
    key = max((key for key in OPTIONS if problem.path.startswith(key)), key=len, default=None)
    if key is not None:
        return replace(said, path=OPTIONS[key])
    below = problem.path.removeprefix(f"{SERVICE}.")
    if below.partition(".")[0] in OF_ENGINES:
        return replace(said, path="--engine", reason=f"asks for {ELSEWHERE.format(below)}: it {said.reason}")
    return replace(said, path=ELSEWHERE.format(below.removeprefix("inferstack:")) if below.startswith("inferstack:") else problem.path)


def in_options(text: str) -> str:
    """A sentence of the planner, with the options that its keys are here."""
    text = _PATHS.sub(lambda found: OPTIONS[found[0]], text)
    text = CLAUSE.sub(lambda found: _WORDS.sub(lambda word: _SHORT[word[0]], found[0]).replace(PINS, "these options"), text)
    return _DISTINCT.sub(lambda found: _SHORT.get(found[0], ELSEWHERE.format(found[0].removeprefix("inferstack:"))), text)


def _short() -> Iterator[tuple[str, str]]:
    """Keys as sentences have them: `slo.ttftP95Ms`, `ttftP95Ms`, `target.region`."""
    for key, option in OPTIONS.items():
        below = key.removeprefix(f"{SERVICE}.").removeprefix("inferstack:")
        yield below, option
        yield below.rpartition(".")[2], option


def _keys(section: type[Service | Target]) -> Iterator[str]:
    """Every key below a section of the stack file that no sentence has as a word."""
    for field in section.model_fields.values():
        if field.alias is not None and re.search(r"[a-z][A-Z]", field.alias):
            yield field.alias


def _pattern(words: Any) -> re.Pattern[str]:
    return re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + r")(?![\w-])")


_SHORT = dict(_short())
_PATHS = _pattern(OPTIONS)
_WORDS = _pattern(_SHORT)
_DISTINCT = _pattern(
    {
        *(word for word in _SHORT if re.search(r"[A-Z.]", word) and word != "MODEL"),
        *_keys(Service),
        *_keys(Target),
        f"{TARGET}.nodes",
        "target.nodes",
        f"{TARGET}.zones",
        f"{SERVICE}.quality",
    }
)
