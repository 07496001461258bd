"""Calibration rows beside their predictions, in the shape that the report groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from inferstack import evaluation
from inferstack.evaluation import MemoryRow, Prediction, ThroughputRow
from inferstack.evaluation.memory import shape_of
from inferstack.evaluation.throughput import throughput_shape
from inferstack.sizing.types import Shape

from .errors import Pair

DATA = Path(__file__).parents[1] / "calibration" / "data"
Case = TypeVar("Case")

KNEE_MS = 10_000.0
"""A first token that takes longer than this waited in a queue: below the knee nothing does."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """One clean row of throughput.json, what it describes, and what is predicted for it."""

    row: ThroughputRow
    shape: Shape
    prediction: Prediction

    @property
    def gpus(self) -> int:
        return self.row.n_gpus or self.shape.parallel.devices

    @property
    def family(self) -> str:
        """The architecture in its publisher's name for it: `qwen3_moe`, `llama`."""
        return self.shape.model.architecture

    @property
    def regime(self) -> str:
        load, batch = self.row.load or "", self.row.concurrency
        if batch == 1 or load == "batch-1":
            return "batch 1"
        if load.startswith("burst"):
            return "burst of requests"
        if self.row.request_rate is not None:
            return "request rate"
        if load in ("closed-loop", "static-batch"):
            return "closed loop"
        return "offline, mixture of experts" if self.shape.model.is_moe else "offline, dense"

    def pair(self, key: str, observed: float | None, predicted: float | None = None) -> Pair | None:
        """The predicted `key`, or another's `predicted` in its place, beside what was observed."""
        if observed is None or observed <= 0:
            return None
        if predicted is not None:
            return Pair(predicted, observed)
        value, band = self.prediction.predicted[key], self.prediction.band.get(key)
        if value is None:
            return None
        return Pair(float(value), observed, *(None, None) if band is None else (float(band.low), float(band.high)))


@dataclass(frozen=True, slots=True)
class Memory:
    """One row of kv_cache.json, what it describes where it names silicon, and what is predicted for it."""

    row: MemoryRow
    shape: Shape | None
    prediction: Prediction

    def pair(self, key: str) -> Pair | None:
        observed, value, band = self.row.observed.get(key), self.prediction.predicted[key], self.prediction.band.get(key)
        if observed is None or observed <= 0 or value is None:
            return None
        return Pair(float(value), observed, *(None, None) if band is None else (float(band.low), float(band.high)))


def observed(row: ThroughputRow, key: str) -> float | None:
    """The mean where the row has it, else the median."""
    seen = row.observed
    return seen.get(key) or seen.get(key.replace("_ms", "_p50_ms"))


def below_knee(case: Throughput) -> bool:
    """True where the first token is not a matter of queueing: a steady load, and a time that no queue explains."""
    ttft = observed(case.row, "ttft_ms")
    return ttft is not None and ttft < KNEE_MS and case.regime != "burst of requests"


@cache
def throughput() -> tuple[Throughput, ...]:
    """The rows that are marked clean and can be predicted."""
    clean = [raw for raw in _document("throughput.json") if raw["clean"]]
    cases: list[Throughput] = []
    for row in evaluation.throughput_rows(clean):
        prediction = evaluation.evaluate_throughput(row)
        if isinstance(row, ThroughputRow) and prediction.skipped is None:
            cases.append(Throughput(row, throughput_shape(row), prediction))
    return tuple(cases)


@cache
def memory() -> tuple[Memory, ...]:
    """The rows that can be predicted."""
    cases: list[Memory] = []
    for row in evaluation.memory_rows(_document("kv_cache.json")):
        prediction = evaluation.evaluate_memory(row)
        if isinstance(row, MemoryRow) and prediction.skipped is None:
            cases.append(Memory(row, _memory_shape(row), prediction))
    return tuple(cases)


def _memory_shape(row: MemoryRow) -> Shape | None:
    """The replica of the row; None without a device, and for a model of which only the size is known."""
    try:
        resolved = evaluation.resolve_memory(row)
    except evaluation.Unresolvable:
        return None
    return None if resolved.device is None else shape_of(row, resolved, resolved.device)


def pairs_by(cases: Iterable[Case], group: Callable[[Case], str], pair: Callable[[Case], Pair | None]) -> Mapping[str, list[Pair]]:
    """Pairs of the cases that have one, by group, largest group first."""
    grouped: dict[str, list[Pair]] = {}
    for case in cases:
        if (found := pair(case)) is not None:
            grouped.setdefault(group(case), []).append(found)
    return dict(sorted(grouped.items(), key=lambda item: -len(item[1])))


def _document(name: str) -> list[dict[str, Any]]:
    return json.loads((DATA / name).read_text(encoding="utf-8"))
