"""How wrong techniques are predicted: adapters, speculation and images over pairs of runs, and what is published without a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from calibration.pairs import Alone, Pair, alone, pairs
from calibration.techniques import Problem, lora, speculation, vision
from inferstack.evaluation import throughput_rows
from inferstack.evaluation.rows import ThroughputRow
from inferstack.evaluation.throughput import throughput_shape
from inferstack.sizing.constants import constants
from inferstack.sizing.performance import step_times

STAND_IN = ("vLLM", "0.29.0")
"""Servers that the library does not know are predicted as this one."""
TEXTS = 256
"""In one request of such a server, at once."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs of one group: how much longer a step takes with the technique than without, and how wrong that is predicted."""

    name: str
    n: int
    measured: float
    predicted: float
    """Both medians."""
    fitted: float
    left_out: float
    """Medians of |predicted / measured - 1|: by the library's constants, and by a fit without the group."""
    seen: bool
    """True where constants are fitted to the group."""
    in_band: float
    """Part of the pairs within the spread that the band of such a plan is widened by, left out."""


def groups(problem: Problem, technique: str) -> list[Group]:
    """One row for each group of `problem`, largest first."""
    section = constants("techniques")[technique]
    measured = problem.whole(problem.measured)
    own, left = problem.whole(problem.predict(section)), problem.whole(problem.left_out())
    found: list[Group] = []
    for name in dict.fromkeys(problem.groups):
        of = np.array([one == name for one in problem.groups])
        wrong = np.abs(np.log(left[of] / measured[of]))
        spread = np.array([_spread(row, section) for row, one in zip(problem.rows, of, strict=True) if one])
        found.append(
            Group(
                name=name,
                n=int(of.sum()),
                measured=float(np.median(measured[of])),
                predicted=float(np.median(own[of])),
                fitted=float(np.median(np.abs(own[of] / measured[of] - 1))),
                seen=bool(problem.fitted[of].any()),
                left_out=float(np.median(np.abs(left[of] / measured[of] - 1))),
                in_band=float(np.mean(wrong <= np.log(spread))),
            )
        )
    return sorted(found, key=lambda group: (not group.seen, -group.n))


def _spread(row: Pair, section: Mapping[str, Any]) -> float:
    """Runs at full load have a spread of their own where there is one."""
    return section["busy_spread"] if "busy_spread" in section and row.quantity == "run_s" else section["spread"]


def problems() -> dict[str, Problem]:
    """Technique -> its pairs."""
    rows = pairs()
    return {"lora": lora(rows), "speculation": speculation(rows), "vision": vision(rows)}


@dataclass(frozen=True, slots=True)
class Kept:
    """Pairs of one publication that nothing is fitted to."""

    origin: str
    engine: str
    model: str
    n: int
    slowdown: float
    """Time with the technique over time without it, median."""
    why: str


def kept(technique: str) -> list[Kept]:
    """Pairs that stand beside the fit, by publication and reason."""
    chosen = [row for row in pairs() if row.technique == technique and not row.fitted and not row.checked]
    found: list[Kept] = []
    for key, rows in _by(chosen):
        slow = median(row.slowdown for row in rows)
        found.append(Kept(rows[0].origin, f"{rows[0].engine} {rows[0].version}", rows[0].model, len(rows), slow, key[-1]))
    return found


def measured_alone(technique: str) -> list[tuple[Alone, float | None]]:
    """Measurements without a pair, and what is predicted; None where the GPU is not stated or it was not loaded."""
    return [(row, _predicted(row)) for row in alone() if row.technique == technique]


def _predicted(row: Alone) -> float | None:
    if row.quantity == "images_ps":
        return 1 / (row.facts["megapixels"] * constants("techniques")["vision"]["latency_s"])
    if row.gpu is None or row.isl is None:
        return None
    engine, version = STAND_IN
    raw = {
        "id": row.id, "model": row.model, "engine": engine, "version": version, "gpu": row.gpu, "quantization": row.facts["quantization"],
        "tp": row.facts["n_gpus"], "isl": row.isl, "osl": 1, "concurrency": TEXTS, "load": "closed-loop",
    }  # fmt: skip
    (found,) = throughput_rows([raw])
    assert isinstance(found, ThroughputRow), found
    return row.isl / step_times(throughput_shape(found), row.isl, 0).prefill_busy_s


def _by(rows: Iterable[Pair]) -> Iterator[tuple[tuple[Any, ...], Sequence[Pair]]]:
    gathered: dict[tuple[Any, ...], list[Pair]] = {}
    for row in rows:
        gathered.setdefault((row.origin, row.engine, row.version, row.model, row.why), []).append(row)
    yield from gathered.items()
