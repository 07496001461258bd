"""How wrong the steps of techniques are: LoRA adapters and speculation, over pairs of runs with and without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from calibration.pairs import Pair, pairs
from calibration.techniques import Problem, lora, speculation
from inferstack.sizing.constants import constants


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
        found.append(
            Group(
                name=name,
                n=int(of.sum()),
                measured=float(np.median(measured[of])),
                predicted=float(np.median(own[of])),
                fitted=float(np.median(np.abs(own[of] / measured[of] - 1))),
                seen=bool(problem.fitted[of].any()),
                left_out=float(np.median(np.abs(left[of] / measured[of] - 1))),
                in_band=float(np.mean(wrong <= np.log(section["spread"]))),
            )
        )
    return sorted(found, key=lambda group: (not group.seen, -group.n))


def problems() -> dict[str, Problem]:
    """Technique -> its pairs."""
    rows = pairs()
    return {"lora": lora(rows), "speculation": speculation(rows)}


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


def _by(rows: Iterable[Pair]) -> Iterator[tuple[tuple[Any, ...], Sequence[Pair]]]:
    gathered: dict[tuple[Any, ...], list[Pair]] = {}
    for row in rows:
        gathered.setdefault((row.origin, row.engine, row.version, row.model, row.why), []).append(row)
    yield from gathered.items()
