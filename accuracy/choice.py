"""Does the configuration that is predicted to be cheapest turn out so? Measured rows of one model at one length, ranked as a plan would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from inferstack import catalog
from inferstack.catalog.types import CapacityType

from .data import Throughput, throughput

NEAR = 1.10
"""A choice within 10 % of the measured best counts as right."""
CLOUDS = ("eks", "gke")


@dataclass(frozen=True, slots=True)
class Choice:
    """How often a rule picks the measured best configuration, or one within 10 % of it; shares are 0..1."""

    rule: str
    groups: int
    right: float
    regret: float
    """Mean of measured cost of the choice over that of the best, less 1."""


def choices() -> list[Choice]:
    """Over groups of at least two priced configurations of one model, one load and one length."""
    groups = _groups(case for case in throughput() if case.regime.startswith("offline") and _usd_per_hour(case) is not None)
    rules: tuple[tuple[str, Callable[[Throughput], float]], ...] = (
        ("predicted $ per million tokens", lambda case: _usd_per_million(case, float(case.prediction.predicted["output_tps"] or 0))),
        ("fewest GPUs", lambda case: case.gpus),
    )
    return [_score(rule, groups, key) for rule, key in rules]


def _groups(cases: Iterable[Throughput]) -> list[Sequence[Throughput]]:
    grouped: dict[object, list[Throughput]] = {}
    for case in cases:
        grouped.setdefault((case.shape.model.id, case.row.isl, case.row.osl), []).append(case)
    return [group for group in grouped.values() if len(group) > 1]


def _score(rule: str, groups: Sequence[Sequence[Throughput]], key: Callable[[Throughput], float]) -> Choice:
    ratios: list[float] = []
    for group in groups:
        costs = {id(case): _usd_per_million(case, case.row.observed["output_tps"]) for case in group}
        ratios.append(costs[id(min(group, key=key))] / min(costs.values()))
    return Choice(rule, len(ratios), sum(ratio <= NEAR for ratio in ratios) / len(ratios), sum(ratios) / len(ratios) - 1)


def _usd_per_million(case: Throughput, output_tps: float) -> float:
    usd = _usd_per_hour(case)
    return float("inf") if usd is None or output_tps <= 0 else float(usd) * case.gpus / output_tps / 3600 * 1e6


def _usd_per_hour(case: Throughput) -> Decimal | None:
    return _gpu_usd_per_hour(case.shape.device.id)


@cache
def _gpu_usd_per_hour(accelerator: str) -> Decimal | None:
    """On-demand price of one GPU of the cheapest machine that carries it, in any region; None where no list price is known."""
    prices = [
        offering.usd_per_hour / machine.accelerator_count
        for cloud in CLOUDS
        for machine in catalog.machines(cloud)
        if machine.accelerator == accelerator
        for offering in machine.offerings
        if offering.capacity_type is CapacityType.ON_DEMAND and offering.usd_per_hour is not None
    ]
    return min(prices, default=None)
