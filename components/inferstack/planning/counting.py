"""How many replicas and nodes a service needs over the hours of a week: at the peak, on average, at night, and while nobody asks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..costs.money import exact
from ..costs.types import Columns
from ..sizing.types import Workload
from ..sizing.waking import waking
from .requirement import Requirement
from .site import Site
from .types import ReplicaRange

HOURS_PER_WEEK = Decimal(168)
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Level:
    """How many replicas run in some hours of a week. Hours are counted from the busiest on, as if all lay within one another."""

    until_hour: Decimal
    replicas: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a replica comes and goes, in seconds."""

    cold_start: float
    stays: float
    """How long it stands without a request before it goes."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """What going to zero does to a service."""

    starts_per_week: Decimal
    waiting_share: float
    """Part of the requests that wait for a cold start, 0..1."""


@dataclass(frozen=True, slots=True)
class Count:
    """Replicas over the autoscaling range and over a week."""

    replicas: ReplicaRange
    levels: tuple[Level, ...]
    sleep: Sleep | None = None
    """None where a replica always runs, or a schedule says when."""


def count_replicas(requirement: Requirement, capacity_rps: float, pace: Callable[[], Pace]) -> Count | str:
    """Replicas for the peak, and at each level of a week: the mean of the active hours, the rest of the scheduled ones, outside of both;
    within the bounds that the stack file sets, or the sentence that says why these are too tight. `pace` is asked where they go to zero.
    """
    workload, spare = requirement.workload, requirement.spare
    peak = max(1, math.ceil(workload.peak_rps / capacity_rps - 1e-9)) + spare
    least, most = _bounds(requirement, peak)
    if most < peak:
        carried = max(0, most - spare) * capacity_rps
        word = "replica carries" if most == 1 else "replicas carry"
        without = f" without the {spare} spare" if spare else ""
        load = f"{carried:,.2f} requests per second within the SLO{without}, the peak is {workload.peak_rps:,.2f}"
        return f"{most} {word} {load}; it takes {peak}"
    if least == 0:
        return _asleep(workload, capacity_rps, most, pace())
    busy = tuple(_busy_levels(workload, capacity_rps, spare, least, most))
    schedule = requirement.service.schedule
    if schedule is None:
        return Count(_range((*busy, Level(HOURS_PER_WEEK, least)), least, most), (*busy, Level(HOURS_PER_WEEK, least)))
    levels = (*busy, Level(exact(schedule.hours_per_week), least), Level(HOURS_PER_WEEK, schedule.outside_replicas))
    return Count(_range(levels, schedule.outside_replicas, most), levels)


def _bounds(requirement: Requirement, peak: int) -> tuple[int, int]:
    """Least and most replicas: those of the stack file, otherwise one that always runs and what the peak needs."""
    wish = requirement.replicas
    if wish is None:
        return 1 + requirement.spare, peak
    if isinstance(wish, int):
        return wish, wish
    return wish.min, max(peak, wish.min) if wish.max is None else wish.max


def _range(levels: Sequence[Level], least: int, most: int) -> ReplicaRange:
    return ReplicaRange(least, float(mean_over_week(levels, lambda replicas: replicas)), most)


def _busy_levels(workload: Workload, capacity_rps: float, spare: int, least: int, most: int) -> Iterator[Level]:
    """Replicas in the active hours: those that each hour's own mean needs, or the one mean where the load is even."""
    loads, hours_each = _hours(workload)
    needs = [min(most, max(least, math.ceil(rate / capacity_rps - 1e-9) + spare)) for rate in loads]
    for index, (need, after) in enumerate(itertools.zip_longest(needs, needs[1:]), start=1):
        if need != after:
            yield Level(hours_each * index, need)


def _asleep(workload: Workload, capacity_rps: float, most: int, pace: Pace) -> Count:
    """Replicas that go to zero: of each active hour the part in which one serves, none in the rest of the week."""
    loads, hours_each = _hours(workload)
    levels: list[Level] = []
    until, starts, waiting = Decimal(0), Decimal(0), 0.0
    for rate in loads:
        cycle = waking(rate, pace.stays, pace.cold_start)
        until += hours_each * exact(cycle.serving)
        levels.append(Level(until, min(most, max(1, math.ceil(rate / capacity_rps - 1e-9)))))
        starts += hours_each * SECONDS_PER_HOUR * exact(cycle.starts_per_second)
        waiting += cycle.waiting * rate / sum(loads)
    levels.append(Level(HOURS_PER_WEEK, 0))
    return Count(_range(levels, 0, most), tuple(levels), Sleep(starts, waiting))


def _hours(workload: Workload) -> tuple[list[float], Decimal]:
    """Mean requests per second of each active hour, the busiest first, and how many hours of a week each of them stands for."""
    loads = workload.hourly if workload.hourly else (1.0,)
    hours = exact(workload.active_hours) * exact(workload.active_days)
    return [workload.mean_rps * load for load in loads], hours / len(loads)


def mean_over_week(levels: Sequence[Level], count: Callable[[int], int]) -> Decimal:
    """Mean of `count(replicas)` over the hours of a week."""
    total, begun = Decimal(0), Decimal(0)
    for level in levels:
        total += (level.until_hour - begun) * count(level.replicas)
        begun = level.until_hour
    return total / HOURS_PER_WEEK


def count_nodes(replicas: ReplicaRange, levels: Sequence[Level], per_node: int, machines: int, site: Site) -> Columns:
    """Whole nodes at each point of the range; expected is the mean over a week. Nodes that do not come and go stand at the maximum.

    A replica has a part on each of its `machines`, and a node carries `per_node` of those.
    """

    def nodes(count: int) -> int:
        return math.ceil(count * machines / per_node)

    if not site.target.scales_nodes:
        return Columns.same(nodes(replicas.max))
    return Columns(Decimal(nodes(replicas.min)), mean_over_week(levels, nodes), Decimal(nodes(replicas.max)))
