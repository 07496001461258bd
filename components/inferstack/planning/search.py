"""The search: every engine, checkpoint and machine that could serve a requirement, cheapest first, with a reason for each that cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from .. import catalog, engines
from ..catalog.types import Checkpoint, Machine
from ..costs.types import HOURS_PER_MONTH
from ..engines.types import Engine, Refusal
from .placement import Failure, Placement, Sized, host_failure, place, replicas_per_node, size
from .requirement import Requirement
from .silicon import NEVER, Silicon, hourly_usd, silicon_for
from .site import Site

KEEPS_QUALITY_BITS = 8
"""Weights of at least this many bits are considered unasked; fewer where nothing else keeps the SLO, or the stack file says so."""
COARSE = "is coarser than what is chosen unasked: how much quality it loses is not known here"
UNASKED_SCHEMES = ("bf16", "fp16", "fp8", "gguf")
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

    @property
    def chosen(self) -> Placement | None:
        return self.feasible[0] if self.feasible else None


def search(requirement: Requirement, site: Site) -> Outcome:
    """The placements for `requirement`: quality-keeping weights first, fewer bits and a shorter context only where nothing else works."""
    longest = default_context(requirement)
    outcome = _search_at(requirement, site, longest)
    shortest = _power_of_two(requirement.workload.isl + requirement.workload.osl)
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
    need = requirement.workload.isl + requirement.workload.osl
    wanted = max(SMALLEST_CONTEXT, _power_of_two(CONTEXT_HEADROOM * need))
    longest = requirement.model.max_context
    return wanted if longest is None else max(need, min(wanted, longest))


def _power_of_two(tokens: int) -> int:
    return 1 << (tokens - 1).bit_length()


def _lacks_memory(outcome: Outcome) -> bool:
    return any(placement.failure and placement.failure.criterion == "memory" for placement in outcome.rejected)


def _search_at(requirement: Requirement, site: Site, context: int) -> Outcome:
    outcome = Outcome(context=context)
    for engine in _engines(requirement):
        offered = _checkpoints(requirement, engine, outcome)
        asked = requirement.quantization is not None or requirement.checkpoint is not None
        full = [c for c in offered if asked or keeps_quality(requirement, c)]
        _explore(requirement, site, engine, full, context, outcome)
        coarse = [c for c in offered if c not in full]
        if coarse:
            _explore_coarse(requirement, site, engine, coarse, context, outcome)
        if outcome.feasible or any(key == "tensorParallel" for key, _ in outcome.refusals):
            # Another engine is no answer to a degree that the first one refuses.
            break
    outcome.feasible.sort(key=lambda placement: placement.rank)
    return outcome


def keeps_quality(requirement: Requirement, checkpoint: Checkpoint) -> bool:
    """True for the precision that the model was published in, and for floating point and GGUF of 8 bits and more."""
    if checkpoint.quantization == requirement.model.native_quantization:
        return True
    stored = catalog.quantization(checkpoint.quantization)
    return stored.bits >= KEEPS_QUALITY_BITS and stored.scheme in UNASKED_SCHEMES


def _engines(requirement: Requirement) -> Iterable[Engine]:
    """The pinned one, or those that may be chosen unasked."""
    return (requirement.engine,) if requirement.engine else [engine for engine in engines.engines().values() if engine.unasked]


def _checkpoints(requirement: Requirement, engine: Engine, outcome: Outcome) -> list[Checkpoint]:
    """What the engine can be given, narrowed by the pins."""
    if requirement.checkpoint is not None:
        return [requirement.checkpoint]
    model = requirement.model
    offered = engine.checkpoints(model, requirement.known)
    wanted = [c for c in offered if requirement.quantization in (None, c.quantization, catalog.quantization(c.quantization).scheme)]
    if not wanted and requirement.quantization is not None:
        known = sorted({c.quantization for c in offered})
        nearest = f"known for {engine.name}: {', '.join(known)}; or name one with modelUri" if known else "name one with modelUri"
        outcome.refusals.append(("quantization", Refusal(f"has no known checkpoint of {model.id} that {engine.name} loads", nearest)))
    elif not wanted:
        outcome.refusals.append(
            ("model", Refusal(f"has no known checkpoint that {engine.name} loads", "name one with modelUri and quantization"))
        )
    return _one_of_a_kind(wanted)


def _one_of_a_kind(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """The first of each quantization, and none quantized while loading where the same scheme is stored: they would size alike."""
    stored = {catalog.quantization(c.quantization).scheme for c in checkpoints if not c.quantized_at_load}
    kinds: dict[str, Checkpoint] = {}
    for checkpoint in checkpoints:
        if not (checkpoint.quantized_at_load and catalog.quantization(checkpoint.quantization).scheme in stored):
            kinds.setdefault(checkpoint.quantization, checkpoint)
    return list(kinds.values())


def _explore_coarse(requirement: Requirement, site: Site, engine: Engine, coarse: list[Checkpoint], context: int, outcome: Outcome) -> None:
    """Weights below the quality bound: chosen where nothing else works, otherwise the coarsest is named where it would be cheaper."""
    if not outcome.feasible:
        _explore(requirement, site, engine, coarse, context, outcome)
        return
    chosen, finer = min(outcome.feasible, key=lambda placement: placement.rank), list(outcome.feasible)
    price = chosen.monthly_usd.expected if chosen.monthly_usd else None
    coarsest = min(coarse, key=lambda checkpoint: catalog.quantization(checkpoint.quantization).bits)
    _explore(requirement, site, engine, [coarsest], context, outcome, price)
    reason = f"{COARSE}; pin `quantization` to accept it"
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
) -> None:
    """Size every checkpoint on every silicon, cheapest silicon first; stop where one node costs more than the runners-up.

    With `undercut`, a monthly price, only something cheaper is of interest, and the first that is found is enough.
    """
    supported: dict[tuple[str, str | None], Refusal | None] = {}
    best = _CheapestByAccelerator(outcome.feasible)
    for silicon in silicon_for(requirement, site) if checkpoints else ():
        least = silicon.hourly_usd * HOURS_PER_MONTH
        if best.beats(least) or (undercut is not None and least >= undercut):
            break
        if best.has_cheaper(silicon, least):
            continue
        for checkpoint in checkpoints:
            key = checkpoint.uri + checkpoint.quantization, silicon.accelerator.id if silicon.accelerator else None
            if key not in supported:
                supported[key] = engine.supports(requirement.model, checkpoint, silicon.accelerator)
                _note(outcome, "quantization", supported[key])
            if supported[key] is not None:
                continue
            sized = _size_on(requirement, engine, checkpoint, silicon, context, outcome)
            if sized is None:
                continue
            for machine in _hosts(requirement, sized, silicon.machines, site):
                placement = place(requirement, sized, machine, site)
                outcome.considered += 1
                (outcome.rejected if placement.failure else outcome.feasible).append(placement)
                if placement.failure is None:
                    best.add(placement)
                    if undercut is not None and placement.monthly_usd and placement.monthly_usd.expected < undercut:
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

    def has_cheaper(self, silicon: Silicon, monthly_usd: Decimal) -> bool:
        """True where the same accelerator works for less than one node of `silicon` costs."""
        return self._monthly.get(_accelerator(silicon.machines[0]), NEVER) < monthly_usd

    def beats(self, monthly_usd: Decimal) -> bool:
        """True where enough accelerators are cheaper than `monthly_usd` that nothing dearer is of interest."""
        return sum(cheaper < monthly_usd for cheaper in self._monthly.values()) >= RUNNERS_UP


def _accelerator(machine: Machine) -> str:
    return machine.accelerator if machine.accelerator else machine.name


def _size_on(
    requirement: Requirement, engine: Engine, checkpoint: Checkpoint, silicon: Silicon, context: int, outcome: Outcome
) -> Sized | None:
    """The sized replica; None where the engine cannot spread the model so, which is noted."""
    refusal = engine.refuse_parallelism(requirement.model, checkpoint, silicon.device.count)
    _note(outcome, "tensorParallel", refusal)
    if refusal is not None:
        return None
    return size(requirement, engine, checkpoint, silicon.accelerator, silicon.device, context)


def _note(outcome: Outcome, key: str, refusal: Refusal | None) -> None:
    if refusal is not None:
        outcome.refusals.append((key, refusal))


def _hosts(requirement: Requirement, sized: Sized, machines: tuple[Machine, ...], site: Site) -> Iterator[Machine]:
    """The machine types worth pricing, of `machines` in order of price: for each number of accelerators the cheapest with enough main
    memory (the largest where none has), and larger ones only where they cost less per replica. Whole nodes favour small ones otherwise.
    """
    if sized.replica is None:
        return iter(machines[:1])
    by_count: dict[int, Machine] = {}
    enough: set[int] = set()
    for machine in machines:
        count = machine.accelerator_count
        if count in enough:
            continue
        by_count[count] = machine
        if host_failure(sized, machine, site) is None:
            enough.add(count)
    return _not_dominated(requirement, sized, [by_count[count] for count in sorted(by_count)], enough, site)


def _not_dominated(requirement: Requirement, sized: Sized, machines: list[Machine], enough: set[int], site: Site) -> Iterator[Machine]:
    """Smallest first. Nodes that exist are limited in number, so that none of them stands for another."""
    cheapest = NEVER
    for machine in machines:
        per_replica = hourly_usd(site, machine, requirement.capacity) / replicas_per_node(machine, sized.tensor)
        if machine.count is not None or cheapest == NEVER or per_replica < cheapest:
            yield machine
            if machine.accelerator_count in enough:
                cheapest = min(cheapest, per_replica)
