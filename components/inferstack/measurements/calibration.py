"""Corrections of estimates by measurements: how much longer things take than predicted, per model, engine, quantization and GPUs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..evaluation import ThroughputRow, evaluate_throughput, read_rows
from ..plain import plain
from ..sizing.types import Correction, Shape
from .checks import check

PRIOR_FACTOR = 1.15
"""Spread of a measurement around a prediction that was corrected for its setup, before there are several to tell; believed."""
PRIOR_ROWS = 2.0
"""Rows that the prior weighs as much as."""
Z80 = 1.2815515655446004
"""Half of an 80 % interval, in standard deviations."""
QUEUED_LOADS = ("burst (request rate inf)", "offline", "static-batch")
"""Where all requests are there from the start: their TTFT is the queue's and not the prefill's."""
SATURATED_MS = 10_000
"""A TTFT beyond this is a queue's under any load."""

Key = tuple[str, str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """One setup with its measurements."""

    model: str
    engine: str
    quantization: str
    gpu: str
    tensor: int
    pipeline: int
    rows: tuple[int | str, ...]
    correction: Correction

    @property
    def words(self) -> str:
        return f"{self.model} {self.quantization} on {self.tensor * self.pipeline} x {self.gpu} with {self.engine}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrections by setup."""

    measured: tuple[Measured, ...] = ()

    def correction(self, shape: Shape) -> Correction | None:
        """That of the very setup; None where it was not measured."""
        return next((m.correction for m in self.measured if _key_of(m) == _key(shape)), None)


def read_calibration(path: Path) -> Calibration:
    """The calibration of a file of rows. Raises `InputError`."""
    return calibration_of(check(read_rows(path), str(path)), path.name)


def calibration_of(rows: Sequence[tuple[ThroughputRow, Shape]], name: str) -> Calibration:
    """Corrections from checked rows; `name` is where they stand."""
    groups: dict[Key, list[tuple[ThroughputRow, Shape]]] = {}
    for row, shape in rows:
        groups.setdefault(_key(shape), []).append((row, shape))
    return Calibration(tuple(_measured(group, name) for group in groups.values()))


def _measured(group: Sequence[tuple[ThroughputRow, Shape]], name: str) -> Measured:
    shape = group[0][1]
    ratios = [_ratios(row) for row, _ in group]
    decode, decode_spread = _factor(each.get("decode") for each in ratios)
    prefill, prefill_spread = _factor(each.get("prefill") for each in ratios)
    count = f"{len(group)} measurement{'s' if len(group) > 1 else ''} in {name}"
    correction = Correction(prefill=prefill, decode=decode, ttft_spread=prefill_spread, tpot_spread=decode_spread, source=count)
    return Measured(*_key(shape), rows=tuple(row.id for row, _ in group), correction=correction)


def _ratios(row: ThroughputRow) -> Mapping[str, float]:
    """Measured over predicted time of decode and of prefill; throughput tells of decode where TPOT was not measured."""
    predicted = evaluate_throughput(row).predicted
    found: dict[str, float] = {}
    tpot, tps, ttft = (row.observed.get(key) for key in ("tpot_ms", "output_tps", "ttft_ms"))
    if tpot is not None and predicted["tpot_ms"]:
        found["decode"] = tpot / predicted["tpot_ms"]
    elif tps is not None and predicted["output_tps"]:
        found["decode"] = predicted["output_tps"] / tps
    if ttft is not None and predicted["ttft_ms"] and ttft < SATURATED_MS and row.load not in QUEUED_LOADS:
        found["prefill"] = ttft / predicted["ttft_ms"]
    return found


def _factor(ratios: Iterable[float | None]) -> tuple[float, float | None]:
    """Geometric mean, and the factor to either side of it that holds 80 % of further measurements; 1 and None without any."""
    logs = [math.log(ratio) for ratio in ratios if ratio is not None]
    if not logs:
        return 1.0, None
    mean = math.fsum(logs) / len(logs)
    scatter = math.fsum((each - mean) ** 2 for each in logs)
    variance = (PRIOR_ROWS * math.log(PRIOR_FACTOR) ** 2 + scatter) / (PRIOR_ROWS + len(logs) - 1)
    return math.exp(mean), math.exp(Z80 * math.sqrt(variance * (1 + 1 / len(logs))))


def _key(shape: Shape) -> Key:
    return (
        shape.model.id,
        shape.engine,
        shape.checkpoint.quantization,
        shape.device.id,
        shape.parallel.tensor,
        shape.parallel.pipeline,
    )


def _key_of(measured: Measured) -> Key:
    return measured.model, measured.engine, measured.quantization, measured.gpu, measured.tensor, measured.pipeline


def document(calibration: Calibration) -> dict[str, Any]:
    """As JSON data, for people who check it."""
    return {"setups": [plain(measured) for measured in calibration.measured]}
