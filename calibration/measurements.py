"""Measured runs of all data files, resolved as `inferstack evaluate` resolves them, with a weight each."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from inferstack.engines import memory as engine_memory
from inferstack.evaluation import BadRow, Unresolvable, throughput_rows
from inferstack.evaluation.rows import ThroughputRow
from inferstack.evaluation.throughput import Case, case_of
from inferstack.sizing.constants import kin

from .model import Measurement
from .ranges import GENERATION_KIN, KIN, QUANTIZATION_KIN, RANGES, range_of

DATA = Path(__file__).with_name("data")
FILES = ("throughput.json", "aiconfigurator.csv")
LONGEST_TTFT_S = 10.0
"""A longer TTFT is a queue that grew for the whole run, not a property of the replica."""
CELL_POWER = -0.35
"""Rows of one model, device, quantization, engine and load are not independent: n of them weigh n^0.65."""
MOST_PER_CELL = 8
"""Reconstructed rows of one cell that are used: more say the same again."""
SECOND_HAND = 0.5
"""Weight of rows that come with their configuration reconstructed."""


def measurements() -> list[Measurement]:
    """All usable rows: without those with flags that the data's README excludes, and those whose model does not fit their GPUs."""
    return _weighted([*_published(), *_thinned(_reconstructed())])


def digest(name: str) -> str:
    """SHA-256 of a data file: which measurements the constants are from."""
    return hashlib.sha256((DATA / name).read_bytes()).hexdigest()


def _published() -> Iterator[Measurement]:
    raw = [row for row in json.loads((DATA / FILES[0]).read_text(encoding="utf-8")) if row["clean"]]
    for row, facts in zip(throughput_rows(raw), raw, strict=True):
        yield from _measurement(row, facts, str(facts["load"]))


def _reconstructed() -> Iterator[Measurement]:
    with (DATA / FILES[1]).open(encoding="utf-8", newline="") as lines:
        raw = [_typed(line) for line in csv.DictReader(lines)]
    for row, facts in zip(throughput_rows(raw), raw, strict=True):
        yield from _measurement(row, facts, "aiconfigurator")


def _typed(line: dict[str, str]) -> dict[str, Any]:
    numbers = {"tp": int, "dp": int, "ep": int, "isl": int, "osl": int, "concurrency": int, "ttft_ms": float, "tpot_ms": float}
    return {name: numbers[name](value) if name in numbers else value for name, value in line.items()} | {"load": "closed-loop", "flags": []}


def _measurement(row: ThroughputRow | BadRow, facts: dict[str, Any], source: str) -> Iterator[Measurement]:
    if isinstance(row, BadRow):
        return
    try:
        case = case_of(row)
    except Unresolvable:
        return
    if engine_memory.layout(case.shape).kv_bytes <= 0:
        return
    ttft = _seconds(facts.get("ttft_ms"))
    yield Measurement(
        id=str(row.id),
        case=case,
        groups=_groups(case) | {"source": source, "kind": "mixture" if case.shape.model.is_moe else "dense"},
        output_tps=math.nan if not facts.get("output_tps") else float(facts["output_tps"]),
        ttft=math.nan if ttft > LONGEST_TTFT_S else ttft,
        tpot=_seconds(facts.get("tpot_ms")),
        weight=1.0,
    )


def _groups(case: Case) -> dict[str, str]:
    shape = case.shape
    engine = shape.engine if shape.engine in RANGES else kin(KIN, shape.engine)
    return {
        "engine": range_of(engine, shape.engine_version),
        "quantization": QUANTIZATION_KIN.get(shape.checkpoint.quantization, shape.checkpoint.quantization),
        "generation": GENERATION_KIN.get(shape.device.generation, shape.device.generation),
        "device": shape.device.id,
        "family": shape.model.id,
        "setup": f"{shape.model.id} {shape.device.id}",
    }


Cell = tuple[str, ...]


def _cell(row: Measurement) -> Cell:
    return (*(row.groups[kind] for kind in ("engine", "family", "device", "quantization")), row.case.load)


def _thinned(rows: Iterable[Measurement]) -> Iterator[Measurement]:
    """At most `MOST_PER_CELL` rows of each cell, evenly spaced in the file's order."""
    cells: dict[Cell, list[Measurement]] = defaultdict(list)
    for row in rows:
        cells[_cell(row)].append(row)
    for found in cells.values():
        count = min(len(found), MOST_PER_CELL)
        yield from (found[at * len(found) // count] for at in range(count))


def _weighted(rows: Iterable[Measurement]) -> list[Measurement]:
    """Weights with mean one."""
    found = list(rows)
    sizes = Counter(_cell(row) for row in found)
    weights = [sizes[_cell(row)] ** CELL_POWER * (SECOND_HAND if row.groups["source"] == "aiconfigurator" else 1.0) for row in found]
    mean = sum(weights) / len(weights)
    return [replace(row, weight=weight / mean) for row, weight in zip(found, weights, strict=True)]


def _seconds(milliseconds: object) -> float:
    return float(milliseconds) / 1000 if isinstance(milliseconds, int | float) and milliseconds > 0 else math.nan
