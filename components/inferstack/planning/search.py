"""The search: every engine, checkpoint and machine that could serve a requirement, cheapest first, with a reason for each that cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from .. import catalog, sizing
from ..catalog.types import Checkpoint, Machine
from ..costs.money import exact
from ..engines.types import Engine, Refusal
from .candidates import Refused, checkpoints_for, engines_for, no_checkpoint, placements
from .placement import Placement
from .quality import coarse_text, floor_text, is_asked_for, keeps_quality
from .replica import Failure
from .requirement import Requirement
from .silicon import LEAST_SPANNED, NEVER, Silicon, least_monthly_usd, silicon_for
from .site import Site
from .spread import MACHINES, SPREAD_KEYS
from .vision import longest_excess

RUNNERS_UP = 3
CONTEXT_HEADROOM = 4
"""Longest request over mean request, where the stack file does not say how long requests get."""
SMALLEST_CONTEXT = 4096


@dataclass(slots=True)
class Outcome:
    """Everything the search looked at."""

    context: int
    context_shortened: bool = False
    feasible: list[Placement] = field(default_factory=list[Placement])
    """In order of `Placement.rank`."""
    rejected: list[Placement] = field(default_factory=list[Placement])
    refusals: list[tuple[str, Refusal]] = field(default_factory=list[tuple[str, Refusal]])
    """What engines refused outright: key of the stack file and why."""
    considered: int = 0
    alone: Placement | None = None
    """What would be chosen for it if no other service were in its pods; None where none is."""
    by_engine: dict[str, Outcome] = field(default_factory=dict[str, "Outcome"])
    """What was found for each that was asked, the preferred first: at equal cost it is taken."""

    def add(self, engine: Engine, found: Outcome) -> None:
        """What was found for `engine` as well."""
        self.by_engine[engine.name] = found
        self.feasible += found.feasible
        self.rejected += found.rejected
        self.refusals += found.refusals
        self.considered += found.considered

    def rank(self, placement: Placement) -> tuple[object, ...]:
        """`Placement.rank`, with the preferred engine before more capacity: that is within the bands of what is compared."""
        *cost, capacity = placement.rank
        return (*cost, list(self.by_engine).index(placement.sized.engine.name), capacity)

    @property
    def chosen(self) -> Placement | None:
        return self.feasible[0] if self.feasible else None


Settled = tuple[Requirement, Outcome]
"""A service, and what was found for it."""


def search(requirement: Requirement, site: Site) -> Outcome:
    """The placements for `requirement`: quality-keeping weights first, fewer bits and a shorter context only where nothing else works."""
    longest = default_context(requirement)
    outcome = _search_at(requirement, site, longest)
    shortest = power_of_two(requirement.workload.isl + requirement.workload.osl + longest_excess(requirement.beside.physics.images))
    context = longest // 2
    while not outcome.feasible and requirement.context is None and context >= shortest and _lacks_memory(outcome):
        shorter = _search_at(requirement, site, context)
        if shorter.feasible:
            shorter.context_shortened = True
            return shorter
        context //= 2
    return outcome


def default_context(requirement: Requirement) -> int:
    """The pinned context, or room for requests four times the mean, as a power of two within what the model was made for."""
    if requirement.context is not None:
        return requirement.context
    need = longest_request(requirement)
    wanted = max(SMALLEST_CONTEXT, power_of_two(CONTEXT_HEADROOM * mean_request(requirement)), need)
    longest = requirement.model.max_context
    return wanted if longest is None else max(need, min(wanted, longest))


def mean_request(requirement: Requirement) -> int:
    """Tokens of a mean request, input and output together."""
    return requirement.workload.isl + requirement.workload.osl


def longest_request(requirement: Requirement) -> int:
    """The same of one with the most images."""
    return mean_request(requirement) + longest_excess(requirement.beside.physics.images)


def power_of_two(tokens: int) -> int:
    """The smallest power of two that is not below `tokens`."""
    return 1 << (tokens - 1).bit_length()


def _lacks_memory(outcome: Outcome) -> bool:
    return any(placement.failure and placement.failure.criterion == "memory" for placement in outcome.rejected)


def _search_at(requirement: Requirement, site: Site, context: int) -> Outcome:
    outcome = Outcome(context=context)
    for engine in engines_for(requirement):
        found = Outcome(context=context)
        _search_engine(requirement, site, engine, found)
        outcome.add(engine, found)
        refused = any(key in (*SPREAD_KEYS, "modelUri", "adapters") for key, _ in outcome.refusals)
        if not requirement.compares and (outcome.feasible or refused):
            # Another engine is no answer to a degree, or to a place of weights, that the first one refuses.
            break
    _keep_finer(requirement, outcome)
    outcome.feasible.sort(key=outcome.rank)
    return outcome


def _search_engine(requirement: Requirement, site: Site, engine: Engine, outcome: Outcome) -> None:
    """Every placement of one engine; what another has found hides none of them, so that engines can be compared."""
    context = outcome.context
    offered = checkpoints_for(requirement, engine)
    if not offered:
        outcome.refusals.append(no_checkpoint(requirement, engine))
    full = [c for c in offered if is_asked_for(requirement) or keeps_quality(requirement, c)]
    _explore(requirement, site, engine, full, context, outcome)
    if not outcome.feasible and _outgrows(requirement, site, engine, full, context, outcome):
        _explore(requirement, site, engine, full, context, outcome, spanning=True)
    elif outcome.feasible and MACHINES in engine.traits.spreads:
        outcome.feasible += _undercutting(requirement, site, engine, full, outcome)
    coarse = [c for c in offered if c not in full]
    if not coarse:
        return
    if requirement.quality is None:
        _explore_coarse(requirement, site, engine, coarse, context, outcome)
        return
    names = ", ".join(sorted({c.quantization for c in coarse}))
    reason = f"is to keep {floor_text(requirement.quality)}, which leaves out {names} of {engine.name}"
    outcome.refusals.append(("quality", Refusal(reason, "lower it, or name the weights with quantization")))


def _outgrows(requirement: Requirement, site: Site, engine: Engine, full: list[Checkpoint], context: int, outcome: Outcome) -> bool:
    """True where no machine holds these weights with a single request, however short: then several machines may."""
    if MACHINES not in engine.traits.spreads or not _lack_only_memory(outcome):
        return False
    shortest = context if requirement.context is not None else power_of_two(requirement.workload.isl + requirement.workload.osl)
    if shortest == context:
        return True
    short = Outcome(context=shortest)
    _explore(requirement, site, engine, full, shortest, short)
    return not short.feasible and _lack_only_memory(short)


def _undercutting(requirement: Requirement, site: Site, engine: Engine, full: list[Checkpoint], outcome: Outcome) -> Iterator[Placement]:
    """Replicas that span machines in place of several that take a whole one each: weights leave more room for sequences there.

    Nothing published measured them, so that they have to be cheaper by more than what that adds to their bands.
    """
    chosen = min(outcome.feasible, key=lambda placement: placement.rank)
    price = chosen.monthly_usd
    if price is None or chosen.replicas.max < 2 or chosen.sized.devices < LEAST_SPANNED:
        return
    wide = Outcome(outcome.context, feasible=list(outcome.feasible))
    _explore(requirement, site, engine, full, outcome.context, wide, spanning=True)
    for placement in wide.feasible[len(outcome.feasible) :]:
        assert placement.sized.replica is not None, "what is feasible has a replica"
        margin = exact(sizing.spread_factor(placement.sized.replica.shape))
        cost = placement.monthly_usd
        if cost is not None and cost.expected * margin < price.expected and cost.max * margin < price.max:
            yield placement


def _lack_only_memory(outcome: Outcome) -> bool:
    return bool(outcome.rejected) and all(each.failure and each.failure.criterion == "memory" for each in outcome.rejected)


def _keep_finer(requirement: Requirement, outcome: Outcome) -> None:
    """Where one engine works with weights that keep their quality, another's coarser ones are no alternative to it."""
    if is_asked_for(requirement) or not any(keeps_quality(requirement, placement.sized.checkpoint) for placement in outcome.feasible):
        return
    coarser = [placement for placement in outcome.feasible if not keeps_quality(requirement, placement.sized.checkpoint)]
    if coarser:
        outcome.feasible = [placement for placement in outcome.feasible if keeps_quality(requirement, placement.sized.checkpoint)]
    outcome.rejected += [
        replace(placement, failure=Failure("quality", coarse_text(placement.sized.checkpoint.quantization))) for placement in coarser
    ]


def _explore_coarse(requirement: Requirement, site: Site, engine: Engine, coarse: list[Checkpoint], context: int, outcome: Outcome) -> None:
    """Weights below the quality bound: chosen where nothing else works, otherwise the coarsest is named where it would be cheaper."""
    if not outcome.feasible:
        _explore(requirement, site, engine, coarse, context, outcome)
        return
    chosen, finer = min(outcome.feasible, key=lambda placement: placement.rank), list(outcome.feasible)
    price = chosen.monthly_usd.expected if chosen.monthly_usd else None
    coarsest = min(coarse, key=lambda checkpoint: catalog.quantization(checkpoint.quantization).bits)
    _explore(requirement, site, engine, [coarsest], context, outcome, price)
    reason = f"{coarse_text(coarsest.quantization)}; pin `quantization` to accept it, or set `quality`"
    cheaper = [placement for placement in outcome.feasible[len(finer) :] if placement.rank < chosen.rank]
    outcome.rejected.extend(replace(placement, failure=Failure("quality", reason)) for placement in cheaper)
    outcome.feasible = finer


def _explore(
    requirement: Requirement,
    site: Site,
    engine: Engine,
    checkpoints: list[Checkpoint],
    context: int,
    outcome: Outcome,
    undercut: Decimal | None = None,
    *,
    spanning: bool = False,
) -> None:
    """Size every checkpoint on every silicon, cheapest silicon first; stop where one node costs more than the runners-up.

    With `undercut`, a monthly price, only something cheaper is of interest, and the first that is found is enough.
    """
    best = _CheapestByAccelerator(outcome.feasible)
    silicon = best.worth_sizing(requirement, silicon_for(requirement, site, spanning=spanning) if checkpoints else (), undercut)
    for found in placements(requirement, site, engine, checkpoints, silicon, context):
        if isinstance(found, Refused):
            outcome.refusals.append((found.key, found.refusal))
            continue
        outcome.considered += 1
        (outcome.rejected if found.failure else outcome.feasible).append(found)
        if found.failure is None:
            best.add(found)
            if undercut is not None and found.monthly_usd and found.monthly_usd.expected < undercut:
                return


class _CheapestByAccelerator:
    """The cheapest feasible placement per accelerator: what a dearer silicon would have to beat to be chosen or named as an alternative."""

    def __init__(self, feasible: Iterable[Placement]) -> None:
        self._monthly: dict[str, Decimal] = {}
        for placement in feasible:
            self.add(placement)

    def add(self, placement: Placement) -> None:
        if placement.monthly_usd is not None:
            name = _accelerator(placement.machine)
            self._monthly[name] = min(placement.monthly_usd.expected, self._monthly.get(name, NEVER))

    def worth_sizing(self, requirement: Requirement, silicon: Iterable[Silicon], undercut: Decimal | None) -> Iterator[Silicon]:
        """Of `silicon` in order of price what could still win, given what was added by the time that it is asked for."""
        for each in silicon:
            least = least_monthly_usd(requirement, each)
            if self._beats(least) or (undercut is not None and least >= undercut):
                return
            if not self._has_cheaper(each, least):
                yield each

    def _has_cheaper(self, silicon: Silicon, monthly_usd: Decimal) -> bool:
        """True where the same accelerator works for less than one node of `silicon` costs."""
        return self._monthly.get(_accelerator(silicon.machines[0]), NEVER) < monthly_usd

    def _beats(self, monthly_usd: Decimal) -> bool:
        """True where enough accelerators are cheaper than `monthly_usd` that nothing dearer is of interest."""
        return sum(cheaper < monthly_usd for cheaper in self._monthly.values()) >= RUNNERS_UP


def _accelerator(machine: Machine) -> str:
    return machine.accelerator if machine.accelerator else machine.name
