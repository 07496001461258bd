"""Predictions for rows of measurements, and how far they are off: memory and throughput, row by row, never looking at what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .memory import evaluate_memory
from .resolve import Resolved, resolve_memory, resolve_throughput
from .rows import BadRow, MemoryRow, ThroughputRow, memory_rows, read_rows, throughput_rows
from .summary import Comparison, compare, errors, summarize
from .throughput import evaluate_throughput
from .types import Band, Prediction
from .unresolvable import Unresolvable

__all__ = [
    "BadRow",
    "Band",
    "Comparison",
    "MemoryRow",
    "Prediction",
    "Resolved",
    "ThroughputRow",
    "Unresolvable",
    "compare",
    "errors",
    "evaluate",
    "evaluate_memory",
    "evaluate_throughput",
    "memory_rows",
    "read_rows",
    "resolve_memory",
    "resolve_throughput",
    "summarize",
    "throughput_rows",
]


def evaluate(kind: str, document: Sequence[Any]) -> dict[str, Any]:
    """Predictions and their summary as JSON data, for the rows of a file; `kind` is memory or throughput."""
    if kind == "memory":
        memory = memory_rows(document)
        return _document(memory, [evaluate_memory(row) for row in memory])
    throughput = throughput_rows(document)
    return _document(throughput, [evaluate_throughput(row) for row in throughput])


def _document(rows: Sequence[object], predictions: Sequence[Prediction]) -> dict[str, Any]:
    return {"rows": [prediction.document() for prediction in predictions], "summary": summarize(rows, predictions)}
