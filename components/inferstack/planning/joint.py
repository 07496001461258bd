"""Services that share pods: one machine type, one kind of GPU and one number of pods for all, the cheapest that each of them can do with.

Each is sized as it is alone, on one device; a pod has one for each of them, and as many pods run as the one that needs most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..catalog.types import Machine
from ..costs.money import exact
from ..errors import Problem, join_names
from .candidates import Refused, checkpoints_for, placements
from .counting import HOURS_PER_WEEK, Level, count_nodes, count_replicas, mean_over_week
from .placement import Placement, monthly_usd, pace_of
from .quality import is_asked_for, keeps_quality
from .replica import Sized
from .requirement import Requirement
from .search import Outcome, Settled
from .silicon import silicon_for
from .site import Site
from .types import ReplicaRange

SHOWN = 4
"""Kinds of GPU that an error names."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """One service on one kind of GPU."""

    sized: Sized
    replicas: int
    """What its own peak needs."""
    machines: Mapping[str, Machine]

    @property
    def rank(self) -> tuple[int, bool, bool, float]:
        checkpoint = self.sized.checkpoint
        return self.replicas, self.sized.is_reduced, checkpoint.quantized_at_load, -self.sized.capacity_rps


def jointly(members: Sequence[Settled], site: Site) -> list[Settled] | Problem:
    """`members` with the placements that they can have together, in the same order of cost for each of them; the problem where there are
    none. Each has a placement alone."""
    fits = [_fits(requirement, outcome, site) for requirement, outcome in members]
    options = sorted(_options(members, fits, site), key=lambda option: [each.rank for each in option])
    if not options:
        return _apart(members, fits)
    return [
        (requirement, replace(outcome, feasible=found, rejected=[], considered=len(options), alone=outcome.chosen))
        for (requirement, outcome), found in zip(members, map(list, zip(*options, strict=True)), strict=True)
    ]


def _fits(requirement: Requirement, outcome: Outcome, site: Site) -> dict[str, _Fit]:
    """By kind of GPU: the best way to serve it on one of them. No kind is left out for being dearer: it may suit the others."""
    chosen, engine = outcome.chosen, requirement.engine
    assert chosen is not None, "what has no placement alone is not planned with others"
    assert engine is not None, "services of one server name their engine"
    offered = checkpoints_for(requirement, engine)
    fine = [each for each in offered if is_asked_for(requirement) or keeps_quality(requirement, each)]
    weights = fine if chosen.sized.checkpoint in fine else offered
    found: dict[str, _Fit] = {}
    for silicon in silicon_for(requirement, site):
        if silicon.device.count > 1 or silicon.accelerator is None:
            continue
        machines = {machine.name: machine for machine in silicon.machines}
        for placement in placements(requirement, site, engine, weights, (silicon,), outcome.context):
            fit = None if isinstance(placement, Refused) else _fit(requirement, placement, machines, site)
            held = found.get(silicon.accelerator.id)
            if fit is not None and (held is None or fit.rank < held.rank):
                found[silicon.accelerator.id] = fit
    return found


def _fit(requirement: Requirement, placement: Placement, machines: Mapping[str, Machine], site: Site) -> _Fit | None:
    """What `placement` needs wherever it is; None where one replica does not do, or no number of them is allowed to."""
    sized = placement.sized
    if sized.failure is not None:
        return None
    count = count_replicas(requirement, sized.capacity_rps, lambda: pace_of(sized, placement.machine, site))
    return None if isinstance(count, str) else _Fit(sized, count.replicas.max, machines)


def _options(members: Sequence[Settled], fits: Sequence[Mapping[str, _Fit]], site: Site) -> Iterator[list[Placement]]:
    """One placement for each service, on every machine type that carries them all."""
    for kind in fits[0]:
        together = [each[kind] for each in fits if kind in each]
        if len(together) < len(fits):
            continue
        for name, machine in together[0].machines.items():
            if machine.accelerator_count >= len(fits) and all(name in fit.machines for fit in together):
                found = _on(machine, [requirement for requirement, _ in members], together, site)
                if found is not None:
                    yield found


def _on(machine: Machine, wishes: Sequence[Requirement], fits: Sequence[_Fit], site: Site) -> list[Placement] | None:
    """The services on nodes of `machine`; None where these lack main memory, or are too few."""
    first = wishes[0]
    room = site.allocatable(machine).memory_bytes // machine.accelerator_count
    if sum(fit.sized.host_bytes for fit in fits) > room * len(fits):
        return None
    levels = _levels(first, max(fit.replicas for fit in fits))
    most, least = max(level.replicas for level in levels), min(level.replicas for level in levels)
    replicas = ReplicaRange(least, float(mean_over_week(levels, lambda count: count)), most)
    nodes = count_nodes(replicas, levels, machine.accelerator_count // len(fits), 1, site)
    if machine.count is not None and nodes.max > machine.count:
        return None
    offering = site.offering(machine, first.capacity, first.commitment, first.service.capacity_block)
    whole = monthly_usd(offering, nodes)
    part = None if whole is None else whole.map(lambda usd: usd / len(fits))
    return [Placement(fit.sized, machine, offering, replicas, levels, nodes, part, None) for fit in fits]


def _levels(wish: Requirement, replicas: int) -> tuple[Level, ...]:
    """All pods always stand, within the schedule where there is one: the server does not tell how many requests wait."""
    schedule = wish.service.schedule
    if schedule is None:
        return (Level(HOURS_PER_WEEK, replicas),)
    return Level(exact(schedule.hours_per_week), replicas), Level(HOURS_PER_WEEK, schedule.outside_replicas)


def _apart(members: Sequence[Settled], fits: Sequence[Mapping[str, _Fit]]) -> Problem:
    """Why they cannot share: each has a placement alone, but no machine carries one of each."""
    (first, _), *_ = members
    able: list[str] = []
    for (requirement, _), each in zip(members, fits, strict=True):
        kinds = [*each]
        more = f" and {len(kinds) - SHOWN} more" if len(kinds) > SHOWN else ""
        able.append(f"{requirement.service.name} on {', '.join(kinds[:SHOWN])}{more}" if kinds else f"{requirement.service.name} on none")
    reason = f"has no machine with {len(members)} GPUs of one kind for one of each of its services ({join_names(able, 'and')})"
    return Problem(f"{first.path}.server", reason, first.service.server, "give them servers of their own, or plan for less traffic")
