"""How far predictions are off where something was observed: median and 95th percentile of the error, and how often the band holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .rows import MemoryRow, ThroughputRow
from .types import Prediction

TAIL = 0.95


@dataclass(frozen=True, slots=True)
class Comparison:
    """One predicted figure beside what was observed."""

    key: str
    group: str
    """Engine of the row."""
    predicted: float
    observed: float
    within_band: bool

    @property
    def error(self) -> float:
        """|predicted / observed - 1|."""
        return abs(self.predicted / self.observed - 1)


def compare(rows: Sequence[object], predictions: Sequence[Prediction]) -> list[Comparison]:
    """Every predicted figure of which the row has a positive observation; an engine that did not start has no relative error."""
    return [
        Comparison(key, row.engine.casefold(), float(value), row.observed[key], _within(prediction, key, row.observed[key]))
        for row, prediction in zip(rows, predictions, strict=True)
        if isinstance(row, MemoryRow | ThroughputRow)
        for key, value in prediction.predicted.items()
        if value is not None and row.observed.get(key, 0.0) > 0
    ]


def summarize(rows: Sequence[object], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Counts, and the error of each predicted key over all rows and per engine."""
    compared = compare(rows, predictions)
    reasons = [prediction for prediction in predictions if prediction.skipped is not None]
    groups = sorted({comparison.group for comparison in compared})
    return {
        "rows": len(predictions),
        "skipped": len(reasons),
        "errors": errors(compared),
        "engines": {group: errors(one for one in compared if one.group == group) for group in groups},
    }


def errors(compared: Iterable[Comparison]) -> dict[str, Mapping[str, float | int]]:
    """Per predicted key: number of rows, median and 95th percentile of the relative error, share within a factor of two and in the band."""
    by_key: dict[str, list[Comparison]] = {}
    for comparison in compared:
        by_key.setdefault(comparison.key, []).append(comparison)
    return {key: _figures(found) for key, found in sorted(by_key.items())}


def _figures(compared: Sequence[Comparison]) -> Mapping[str, float | int]:
    sizes = sorted(comparison.error for comparison in compared)
    count = len(sizes)
    return {
        "n": count,
        "median_error": median(sizes),
        "p95_error": sizes[math.ceil(TAIL * count) - 1],
        "within_factor_2": sum(0.5 <= one.predicted / one.observed <= 2 for one in compared) / count,
        "within_band": sum(one.within_band for one in compared) / count,
    }


def _within(prediction: Prediction, key: str, observed: float) -> bool:
    band = prediction.band.get(key)
    return band is not None and band.low <= observed <= band.high
