"""Figures of error over pairs of predicted and measured values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Pair:
    """One measurement and its prediction with band, in the same unit."""

    predicted: float
    measured: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """|predicted / measured - 1|."""
        return abs(self.predicted / self.measured - 1)


@dataclass(frozen=True, slots=True)
class Errors:
    """How a group of pairs comes out; shares are 0..1."""

    n: int
    median: float
    p95: float
    within_2: float
    """Part with 1/2 <= predicted / measured <= 2."""
    bias: float
    """Median of predicted / measured - 1."""
    in_band: float | None
    """Part of the measurements inside the band; None where no band is given."""


def errors(pairs: Sequence[Pair]) -> Errors | None:
    """Figures of `pairs`; None where there are none."""
    if not pairs:
        return None
    sizes = sorted(pair.error for pair in pairs)
    banded = [pair.low <= pair.measured <= pair.high for pair in pairs if pair.low is not None and pair.high is not None]
    return Errors(
        n=len(pairs),
        median=median(sizes),
        p95=sizes[min(len(sizes) - 1, int(0.95 * len(sizes)))],
        within_2=sum(0.5 <= pair.predicted / pair.measured <= 2 for pair in pairs) / len(pairs),
        bias=median(pair.predicted / pair.measured for pair in pairs) - 1,
        in_band=sum(banded) / len(banded) if banded else None,
    )
