"""What could be changed about one service, each change planned anew from the candidates of the search.

One list for all who ask: levers rank it by what a change saves, the guard by what gets below a budget. Sizes of replicas are remembered per
site, so that most changes only count and price again what the plan has sized.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .. import catalog, engines, sizing
from ..catalog.prices import TERMS
from ..catalog.types import CapacityType, Checkpoint
from ..engines.kinds import pools
from ..engines.types import Engine
from ..sizing.types import Techniques
from ..stackfile.schedule import DAYS, Schedule
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .candidates import checkpoints_for, placements
from .counting import HOURS_PER_WEEK
from .placement import Placement, place
from .quality import is_asked_for, keeps_quality
from .refusal import RELAXATIONS
from .replica import room_for_weights
from .requirement import Requirement
from .search import Outcome, power_of_two, search
from .silicon import NEVER, least_monthly_usd, silicon_for
from .site import Site

SMALL_KV = ("fp8", "q8_0")
"""Dtypes of the KV cache that take half of 16 bits."""
PREFIX_HIT_RATE = 0.5
"""Part of the prompt tokens that the what-if of prefix caching takes as cached: an assumption that the change names."""
HARDLY_ANY = 0.005
"""Part of the requests below which a share of them is not worth a figure."""
QUALITY = "how much quality it loses is not known here"
TRIED = ("quantization", "engine", "capacityType", "context", "kv-cache", "prefix-cache", "schedule", "scale-to-zero", "commitment")
"""What is tried for every service, beside giving up its pins."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one service, and what the planner makes of it."""

    name: str
    """Key of the stack file that it is about, or one of `TRIED`."""
    text: str
    """What would be written, or done."""
    caveat: str
    """What it takes away."""
    wish: Requirement
    found: Placement
    is_written: bool = True
    """False where no key of the stack file says it."""


def changes(requirement: Requirement, outcome: Outcome, planned: Placement, site: Site, below: Decimal | None) -> Iterator[Change]:
    """Every change that leads to another plan; of services that share pods `joint_changes` has them.

    `below`, USD a month, is the cost of the machines that a change has to undercut to be of interest; None where no price is known, and
    then all are.
    """
    assert not requirement.shares_pods, "its machines are those of other services too"
    yield from _pins(requirement, site)
    yield from _weights_and_engines(requirement, outcome, planned, site, below)
    yield from _ways_to_buy(requirement, outcome, planned, site, below)
    yield from _smaller_requests(requirement, outcome, planned, site, below)
    yield from _hours(requirement, planned, site)


def _pins(requirement: Requirement, site: Site) -> Iterator[Change]:
    """Each pin that could be given up."""
    for pin in RELAXATIONS:
        value = pin.value(requirement)
        if value is not None:
            wish = pin.without(requirement)
            yield from _change(pin.key, f"without `{pin.key}: {value}`", "what the pin was for", wish, search(wish, site).chosen)


def _weights_and_engines(
    requirement: Requirement, outcome: Outcome, planned: Placement, site: Site, below: Decimal | None
) -> Iterator[Change]:
    """Coarser weights on the same engine, and every other engine with weights that would be chosen unasked."""
    own = planned.sized.engine
    others = () if requirement.engine else (engine for engine in engines.engines().values() if _is_for(engine, requirement))
    for engine in (own, *(other for other in others if other.name != own.name)):
        is_own = engine.name == own.name
        wish = replace(requirement, engine=engine)
        wanted = [c for c in checkpoints_for(wish, engine) if is_own != (is_asked_for(wish) or keeps_quality(wish, c))]
        found = _cheapest(wish, engine, wanted, outcome.context, site, below)
        if found is None:
            continue
        if is_own:
            name = found.sized.checkpoint.quantization
            yield Change("quantization", f"`quantization: {name}`", f"coarser weights: {QUALITY}", wish, found)
        else:
            yield Change("engine", f"`engine: {engine.name}`", "another server, with flags and metrics of its own", wish, found)


def _is_for(engine: Engine, requirement: Requirement) -> bool:
    """True for engines that the key alone switches to, that somebody still develops, and that have a speed of their own."""
    traits = engine.traits
    reached = requirement.service.endpoint == "cluster" or not traits.open_api
    served = traits.own_image is None and traits.superseded is None and not traits.development
    return reached and served and traits.sized_as is None


def _cheapest(
    wish: Requirement, engine: Engine, checkpoints: Sequence[Checkpoint], context: int, site: Site, below: Decimal | None
) -> Placement | None:
    """The cheapest placement that works, of equals the finest weights; only silicon is sized that can undercut `below` and what was
    found so far."""
    best: tuple[tuple[object, ...], Placement] | None = None
    limit = NEVER if below is None else below
    weights = [(checkpoint, sizing.weight_bytes(wish.model, checkpoint)) for checkpoint in checkpoints]
    for each in silicon_for(wish, site) if weights else ():
        least = least_monthly_usd(wish, each)
        cost = None if best is None else best[1].monthly_usd
        if least >= limit or (cost is not None and least > cost.expected):
            continue
        room = room_for_weights(wish, each.device)
        fitting = [checkpoint for checkpoint, size in weights if size <= room]
        for found in placements(wish, site, engine, fitting, (each,), context) if fitting else ():
            if isinstance(found, Placement) and found.failure is None:
                bits = catalog.quantization(found.sized.checkpoint.quantization).bits
                order = (found.rank[:2], -bits, found.rank)
                best = (order, found) if best is None or order < best[0] else best
    return None if best is None else best[1]


def _ways_to_buy(requirement: Requirement, outcome: Outcome, planned: Placement, site: Site, below: Decimal | None) -> Iterator[Change]:
    """Spot, and a commitment for the machines that always stand, where a term has a known price."""
    if requirement.capacity is not CapacityType.ON_DEMAND or not site.target.region:
        return
    spot = replace(requirement, capacity=CapacityType.SPOT, commitment=None)
    caveat = "machines can be taken away at short notice"
    yield from _change("capacityType", "`capacityType: spot`", caveat, spot, _replanned(spot, outcome.context, planned, site, below))
    for term in TERMS:
        rate = site.committed(planned.machine, term)
        if term == requirement.commitment or rate is None or rate.usd_per_hour is None:
            continue
        wish = replace(requirement, commitment=term)
        found = _replanned(wish, outcome.context, planned, site, below)
        if found is not None and found.offering is not None and found.offering.commitment is not None:
            bought = found.offering.commitment
            caveat = f"{found.nodes.min:f} x {found.machine.name} paid for {term} whether used or not; {bought.basis} price, {bought.as_of}"
            yield Change("commitment", f"`commitment: {term}`", caveat, wish, found)


def _smaller_requests(
    requirement: Requirement, outcome: Outcome, planned: Placement, site: Site, below: Decimal | None
) -> Iterator[Change]:
    """Less memory or work for each request."""
    engine = planned.sized.engine
    shortest = power_of_two(requirement.workload.isl + requirement.workload.osl)
    if shortest < outcome.context and requirement.context is None:
        wish = replace(requirement, context=shortest)
        found = _replanned(wish, shortest, planned, site, below)
        yield from _change("context", f"`context: {shortest}`", "longer requests are refused", wish, found)
    flag = _small_kv(engine)
    if flag is not None and requirement.overrides.tuning.kv_dtype is None:
        name, value, dtype = flag
        tuning = replace(requirement.overrides.tuning, kv_dtype=dtype)
        wish = replace(requirement, engine=engine, overrides=replace(requirement.overrides, tuning=tuning))
        named = "" if requirement.engine is not None else f"`engine: {engine.name}`, "
        text = f"{named}`engineArgs: {{{name}: {value}}}`"
        yield from _change("kv-cache", text, QUALITY, wish, _replanned(wish, outcome.context, planned, site, below))
    if pools(requirement.model) or requirement.beside.physics.prefix_hit_rate:
        return
    wish = replace(requirement, techniques=Techniques(prefix_hit_rate=PREFIX_HIT_RATE))
    text = f"prompts of which {PREFIX_HIT_RATE:.0%} are found in the prefix cache (`prefixHitRate`)"
    caveat = "the plan counts on no such hits: measure the rate before relying on it"
    found = _replanned(wish, outcome.context, planned, site, below)
    if found is not None:
        yield Change("prefix-cache", text, caveat, wish, found, is_written=False)


def _replanned(wish: Requirement, context: int, planned: Placement, site: Site, below: Decimal | None) -> Placement | None:
    """The cheapest for `wish` on the planned engine, of the weights that the search chose among."""
    offered = checkpoints_for(wish, planned.sized.engine)
    fine = [c for c in offered if is_asked_for(wish) or keeps_quality(wish, c)]
    among = fine if planned.sized.checkpoint.published in [c.published for c in fine] else offered
    return _cheapest(wish, planned.sized.engine, among, context, site, below)


def _small_kv(engine: Engine) -> tuple[str, str, str] | None:
    """Flag, its value and our name of a KV cache dtype of 8 bits; None where the engine has none."""
    flag = next((flag for flag, field in engine.flags.tunes.items() if field == "kv_dtype"), None)
    found = next(((value, dtype) for value, dtype in engine.flags.kv_dtypes.items() if dtype in SMALL_KV), None)
    return None if flag is None or found is None else (flag, *found)


def _hours(requirement: Requirement, planned: Placement, site: Site) -> Iterator[Change]:
    """No replica outside the active hours, and none while nobody asks. Searched only where the planned machines would stand for less."""
    service = requirement.service
    traits = planned.sized.engine.traits
    if not site.target.scales_nodes or service.schedule is not None or traits.scales_itself:
        return
    window = _window(requirement)
    if window is not None:
        wish = replace(requirement, service=service.model_copy(update={"schedule": window}))
        text = f'`schedule: {{start: "{window.start}", end: "{window.end}", days: [{", ".join(window.days)}]}}`'
        yield from _if_fewer_hours("schedule", text, "nothing answers outside it", wish, planned, planned, site)
    asleep = isinstance(requirement.replicas, ReplicaBounds) and requirement.replicas.min == 0
    if not asleep and requirement.spare == 0 and service.endpoint == "cluster" and not traits.open_api:
        one, wish = (replace(requirement, replicas=ReplicaBounds(min=least)) for least in (1, 0))
        # A pin that keeps more than one is a lever of its own.
        kept = place(one, planned.sized, planned.machine, site)
        for change in _if_fewer_hours("scale-to-zero", "`replicas: {min: 0}`", "", wish, kept, planned, site):
            share = change.found.sleep.waiting_share if change.found.sleep else 0.0
            part = f"{share:.0%}" if share >= HARDLY_ANY else "hardly any"
            yield replace(change, caveat=f"{part} of the requests wait for a cold start")


def _window(requirement: Requirement) -> Schedule | None:
    """A window of the active hours around noon on as many days, to be shifted to one's own; None where the load never pauses."""
    workload = requirement.workload
    hours, days = math.ceil(workload.active_hours), math.ceil(workload.active_days)
    if hours * days >= HOURS_PER_WEEK or workload.active_hours != hours:
        return None
    start = (24 - hours) // 2
    return Schedule.model_validate({"start": f"{start:02}:00", "end": f"{start + hours:02}:00", "days": DAYS[:days]})


def _if_fewer_hours(
    name: str, text: str, caveat: str, wish: Requirement, kept: Placement, planned: Placement, site: Site
) -> Iterator[Change]:
    if place(wish, planned.sized, planned.machine, site).nodes.expected < kept.nodes.expected:
        yield from _change(name, text, caveat, wish, search(wish, site).chosen)


def _change(name: str, text: str, caveat: str, wish: Requirement, found: Placement | None) -> Iterator[Change]:
    if found is not None:
        yield Change(name, text, caveat, wish, found)
