"""No placement works: which wish is in the way, and what the nearest plan without it would be and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .. import catalog
from ..catalog.types import CapacityType
from ..engines.serving import Tuning
from ..engines.types import Overrides, Refusal
from ..errors import Problem, join_names
from ..sizing.types import Slo
from ..stackfile.editing import IN_ITS_WORDS, removed
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from . import batch, offers
from .additions import Beside
from .cold_start_target import cold_start_problem
from .latency_target import slo_problem
from .placement import Placement
from .quality import floor_text
from .requirement import CPU, Requirement
from .search import Outcome, search
from .silicon import MACHINE_COUNTS, silicon_for
from .site import Site
from .spread import SPREAD_KEYS, SpreadPins


def replicas_text(requirement: Requirement) -> str | None:
    """The pinned replicas as the stack file means them: `2`, `1-4`, or `0 and more`."""
    wish = requirement.replicas
    if isinstance(wish, ReplicaBounds):
        return f"{wish.min} and more" if wish.max is None else f"{wish.min}-{wish.max}"
    return None if wish is None else str(wish)


def _without_adapters(beside: Beside) -> Beside:
    return replace(beside, adapters=(), physics=replace(beside.physics, adapters=None))


def _without_engine(requirement: Requirement) -> Requirement:
    """What was said in the engine's own words goes with it; services of one server keep the engine that makes it one."""
    if requirement.service.server:
        return requirement
    silent = requirement.service.model_copy(update={"engine": None, "engine_args": {}, "image": None, "custom": None})
    return replace(requirement, engine=None, service=silent, overrides=Overrides(env=requirement.overrides.env))


def _without_flags(requirement: Requirement) -> Requirement:
    silent = requirement.service.model_copy(update={"engine_args": {}})
    return replace(requirement, service=silent, overrides=replace(requirement.overrides, args=(), keywords=(), tuning=Tuning()))


def _without_server(requirement: Requirement) -> Requirement:
    """Alone in its pods; in a cluster that is shared its pods are its own already."""
    return replace(requirement, service=requirement.service.model_copy(update={"server": None})) if requirement.shares_pods else requirement


def _switch(wish: bool | None) -> str | None:
    """As the stack file writes it; a false one is a wish too."""
    return None if wish is None else str(wish).lower()


REGIONS_NAMED = 3
"""Regions that an error names where a machine is not sold."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One wish that could be given up: its key, and the requirement without it."""

    key: str
    value: Callable[[Requirement], object]
    without: Callable[[Requirement], Requirement]
    along: tuple[str, ...] = ()
    """Keys that go with it."""

    def change(self, requirement: Requirement) -> dict[str, object]:
        """Of the stack file: the keys that go."""
        return removed(requirement.service, requirement.path, self.key, *self.along)


UNRESERVED = {"reservation_id": None, "capacity_block": False}
"""What of a service is about reserved capacity, without it."""
OF_RESERVATIONS = ("reservationId", "capacityBlock")
MOUNTED = ("modelUri", "adapters")
"""Keys of what KServe mounts, which replicas on several machines do without."""
OF_WEIGHTS = ("revision", "loading")
"""Keys that are about the weights of `modelUri`."""

RELAXATIONS = (
    Relaxation("expertParallel", lambda r: _switch(r.spread.expert), lambda r: replace(r, spread=replace(r.spread, expert=None))),
    Relaxation("dataParallel", lambda r: r.spread.data, lambda r: replace(r, spread=replace(r.spread, data=None))),
    Relaxation("pipelineParallel", lambda r: r.spread.pipeline, lambda r: replace(r, spread=replace(r.spread, pipeline=None))),
    Relaxation("tensorParallel", lambda r: r.spread.tensor, lambda r: replace(r, spread=replace(r.spread, tensor=None))),
    Relaxation("replicas", replicas_text, lambda r: replace(r, replicas=None)),
    Relaxation("context", lambda r: r.context, lambda r: replace(r, context=None)),
    Relaxation("quality", lambda r: r.quality and floor_text(r.quality), lambda r: replace(r, quality=None)),
    Relaxation(
        "quantization", lambda r: r.quantization, lambda r: replace(r, quantization=None, checkpoint=None), ("modelUri", *OF_WEIGHTS)
    ),
    Relaxation("modelUri", lambda r: r.checkpoint and r.checkpoint.uri, lambda r: replace(r, checkpoint=None), OF_WEIGHTS),
    Relaxation("engineArgs", lambda r: ", ".join(r.service.engine_args) if r.overrides.tuning != Tuning() else None, _without_flags),
    Relaxation("engine", lambda r: None if r.engine is None or r.service.server else r.engine.name, _without_engine, IN_ITS_WORDS),
    Relaxation("server", lambda r: r.service.server if r.shares_pods else None, _without_server),
    Relaxation("machineType", lambda r: r.machine and r.machine.name, lambda r: replace(r, machine=None)),
    Relaxation("gpu", lambda r: r.gpu, lambda r: replace(r, gpu=None, machine=None), ("machineType",)),
    Relaxation(
        "adapters", lambda r: len(r.beside.adapters) or None, lambda r: replace(r, beside=_without_adapters(r.beside)), ("adapterSlots",)
    ),
    Relaxation(
        "capacityType",
        lambda r: r.capacity.value if r.capacity is not CapacityType.ON_DEMAND else None,
        lambda r: replace(r, capacity=CapacityType.ON_DEMAND, service=r.service.model_copy(update=UNRESERVED)),
        OF_RESERVATIONS,
    ),
)
"""In the order in which a user would give them up."""


def no_placement(requirement: Requirement, outcome: Outcome, site: Site) -> Problem:
    """The problem to report: at the key whose removal helps, with the plan that this would give."""
    older = _outdated(requirement, outcome, site)
    outright = older if requirement.engine is None else None
    known = outright or _refused_outright(requirement, outcome, site) or older
    found_first = known or batch.problem(requirement, outcome, site) or cold_start_problem(requirement, outcome, site)
    if found_first is not None:
        return found_first
    path = requirement.path
    joined = offers.on_several_machines(requirement, site) if _is_too_large(outcome) else None
    for relaxation in RELAXATIONS:
        value = relaxation.value(requirement)
        if value is None:
            continue
        wish = relaxation.without(requirement)
        found = search(wish, site).chosen
        if found is not None:
            nearest = "; ".join([*([joined.text] if joined else []), offers.without(relaxation.key, wish, found)])
            return Problem(f"{path}.{relaxation.key}", _why(requirement, outcome, site), value, nearest, relaxation.change(requirement))
    if outcome.rejected and _criterion(outcome.rejected) == "nodes":
        return Problem(
            f"{path}.traffic", _why(requirement, outcome, site), None, "add nodes to inferstack:target.nodes, or plan for less traffic"
        )
    missed = slo_problem(requirement, outcome, site) if requirement.slo != Slo() else None
    if missed is not None:
        return missed
    free = _without_pins(requirement)
    found = search(free, site).chosen if free != requirement else None
    if found is None and (older := offers.outdated(outcome)) is not None:
        return _beside_driver(requirement, *older, site)
    key, value = _subject(requirement)
    nearest, change = (offers.without("these pins", free, found), _unpinned(requirement)) if found else _way_out(requirement, outcome, site)
    if joined is not None:
        nearest, change = (f"{nearest}; {joined.text}", change) if change else (joined.text, joined.change)
    return Problem(f"{path}.{key}", _why(requirement, outcome, site), value, nearest, change)


def _refused_outright(requirement: Requirement, outcome: Outcome, site: Site) -> Problem | None:
    """Where engines refused the very thing that is pinned, so that nothing was sized, or only what is too small: their reason at that key,
    and the plan without it."""
    if _is_not_sold(requirement, site):
        return None
    refusals = outcome.refusals if not outcome.considered else _held_back(outcome)
    # Of silicon that runs nothing at all the weights are not to blame.
    pinned = {each.key: each for each in RELAXATIONS if each.key != "gpu" and each.value(requirement) is not None}
    for key, refusal in refusals:
        if key in pinned:
            relaxation = pinned[key]
            way, change = _priced_way(requirement, site, relaxation)
            if [*change] in [[f"{requirement.path}.{degree}"] for degree in SPREAD_KEYS if degree != key]:
                # What is refused runs on fewer GPUs: the number of them is in the way.
                continue
            newer = offers.by_newer_driver(requirement, outcome, site)
            said = (refusal.nearest, newer.text if newer else None, way)
            nearest = "; ".join(clause for clause in said if clause is not None) or None
            return Problem(f"{requirement.path}.{key}", refusal.reason, relaxation.value(requirement), nearest, change)
    return None


def _outdated(requirement: Requirement, outcome: Outcome, site: Site) -> Problem | None:
    """The driver of nodes is in the way of every image: which one needs which, and the plan with that."""
    older, way = offers.outdated(outcome), offers.by_newer_driver(requirement, outcome, site)
    if older is None or way is None:
        return None
    engine, refusal = older
    ((key, _),) = way.change.items()
    reason = f"is in the way of {requirement.model.id}: {engine} {refusal.reason}"
    stated = site.machines[way.found.machine.name].facts["driver"]
    return Problem(key, reason, stated, way.text, way.change)


def _beside_driver(requirement: Requirement, engine: str, refusal: Refusal, site: Site) -> Problem:
    """What else is in the way where a newer driver is not enough; without it nothing is known to be either."""
    assert refusal.driver is not None, "it was refused for its driver"
    mended = offers.with_driver(site, refusal.driver)
    problem = no_placement(requirement, search(requirement, mended), mended)
    drivers = offers.older_drivers(site, refusal.driver)
    too = f"with driver {refusal.driver} beside that: {engine} {refusal.reason}"
    nearest = "; ".join(said for said in (problem.nearest, too) if said)
    return replace(problem, nearest=nearest, change={**problem.change, **drivers} if problem.change else {})


def _is_too_large(outcome: Outcome) -> bool:
    """True where what came nearest to working lacks memory on one machine, so that several might have it."""
    nearest = min(outcome.rejected, key=lambda placement: placement.distance, default=None)
    return nearest is not None and nearest.sized.machines == 1 and _criterion(outcome.rejected) == "memory"


def _held_back(outcome: Outcome) -> list[tuple[str, Refusal]]:
    """Refusals of what keeps a replica on one machine, where all that was sized lacks memory and several machines might have it."""
    lacking = outcome.rejected and all(each.failure is not None and each.failure.criterion == "memory" for each in outcome.rejected)
    return [(key, refusal) for key, refusal in outcome.refusals if key in MOUNTED] if lacking else []


def _is_not_sold(requirement: Requirement, site: Site) -> bool:
    """True where no machine has the silicon that is pinned, however a replica is spread: then no engine is to blame."""
    pinned = requirement.gpu is not None or requirement.machine is not None
    return pinned and not silicon_for(replace(requirement, spread=SpreadPins()), site)


def _priced_way(requirement: Requirement, site: Site, first: Relaxation) -> tuple[str | None, Mapping[str, object]]:
    """The plan, with its price, without the pin that was refused; where that one is not enough, without another, or without all of them."""
    for relaxation in (first, *(other for other in RELAXATIONS if other is not first and other.value(requirement) is not None)):
        wish = relaxation.without(requirement)
        found = search(wish, site).chosen
        if found is not None:
            return offers.without(relaxation.key, wish, found), relaxation.change(requirement)
    free = _without_pins(requirement)
    found = search(free, site).chosen
    return (None, {}) if found is None else (offers.without("these pins", free, found), _unpinned(requirement))


def _why(requirement: Requirement, outcome: Outcome, site: Site) -> str:
    """What stands in the way, from the rejected placement that came nearest, or from the engines' refusals."""
    key, _ = _subject(requirement)
    cannot = "cannot work" if key == "model" else f"cannot work for {requirement.model.id}"
    if outcome.rejected:
        nearest = min(outcome.rejected, key=lambda placement: placement.distance)
        assert nearest.failure is not None
        where = f"{nearest.sized.devices} x {nearest.machine.accelerator}" if nearest.machine.accelerator else nearest.machine.name
        return f"{cannot}: {nearest.failure.reason} (nearest: {nearest.sized.checkpoint.quantization} on {where})"
    machine = requirement.machine
    pins = [name for name in (requirement.gpu, machine.name if machine else None) if name and name != CPU]
    if pins and _is_not_sold(requirement, site):
        return f"{cannot}: {join_names(pins)} is not {_sold(requirement, site)}{_sold_elsewhere(requirement, site)}"
    for wanted in requirement.spread.devices(()):
        if machine is None:
            return f"{cannot}: no machine {_sold(requirement, site)} has {wanted} GPUs that it runs on"
        if wanted > machine.accelerator_count:
            gpus = "1 GPU" if machine.accelerator_count == 1 else f"{machine.accelerator_count} GPUs"
            return f"{cannot}: {machine.name} has {gpus}, not {wanted}"
    if outcome.refusals:
        telling, older = _telling(outcome), offers.outdated(outcome)
        by = older[0] if older is not None and older[1] is telling else "it"
        return f"{cannot}: {by} {telling.reason}"
    spread = requirement.spread
    if spread.tensor is None and (groups := (spread.pipeline or 1) * (spread.data or 1)) > 1:
        many = f"no machines {_sold(requirement, site)} make {groups} groups of GPUs"
        return f"{cannot}: {many}, each within one and at most {max(MACHINE_COUNTS)} machines together where `tensorParallel` is not given"
    if pins:
        return f"{cannot}: {join_names(pins)} is not {_sold(requirement, site)}{_sold_elsewhere(requirement, site)}"
    return f"{cannot}: nothing of which enough is known is {_sold(requirement, site)}"


def _sold(requirement: Requirement, site: Site) -> str:
    return f"sold as {requirement.capacity.value} in {site.region}" if site.target.region else "among the nodes of this cluster"


def _sold_elsewhere(requirement: Requirement, site: Site) -> str:
    """Regions that have what is pinned; where this region has it too, too little is known of it."""
    pinned = [
        machine
        for machine in site.machines.values()
        if machine.accelerator is not None
        and requirement.gpu in (None, machine.accelerator)
        and (requirement.machine is None or machine.name == requirement.machine.name)
    ]
    offered = {o.region for machine in pinned for o in machine.offerings if o.capacity_type is requirement.capacity}
    if not site.target.region or site.region in offered or not offered:
        return ", or too little is known of it"
    return f"; {join_names(sorted(offered)[:REGIONS_NAMED])} {'has' if len(offered) == 1 else 'have'} it"


def _telling(outcome: Outcome) -> Refusal:
    """The refusal that says what would work instead, otherwise the first."""
    refusals = [refusal for _, refusal in outcome.refusals]
    return next((refusal for refusal in refusals if refusal.nearest), refusals[0])


def _way_out(requirement: Requirement, outcome: Outcome, site: Site) -> tuple[str, Mapping[str, object]]:
    """Where no wish is in the way: other weights, or the cheapest region that can serve the model."""
    if not outcome.rejected and outcome.refusals and not _is_not_sold(requirement, site) and (said := _telling(outcome).nearest):
        return said, {}
    if not site.target.region:
        return "take a smaller model, or add larger nodes to inferstack:target.nodes", {}
    path = requirement.path
    bought = removed(requirement.service, path, "commitment", *OF_RESERVATIONS) | {f"{path}.capacityType": "spot"}
    wish = _as_spot(requirement)
    spot = search(wish, site).chosen
    if spot is not None:
        return f"with capacityType spot {offers.works(wish, spot)}", bought
    elsewhere: list[tuple[Placement, str]] = []
    for region in catalog.regions(site.target.cloud):
        there = Site.of(site.target.model_copy(update={"region": region, "zones": ()}), site.prices)
        found = search(requirement, there).chosen
        if found is not None and (found.machine.accelerator or requirement.gpu == CPU):
            elsewhere.append((found, region))
    if not elsewhere:
        free = _as_spot(_without_pins(requirement))
        found = search(free, site).chosen
        if found is not None:
            return f"with capacityType spot and {offers.without('these pins', free, found)}", _unpinned(requirement) | bought
        return f"take a smaller model: no region is known to sell machines that could as {requirement.capacity.value}", {}
    found, region = min(elsewhere, key=lambda pair: pair[0].rank)
    return f"in {region} {offers.works(requirement, found)}", {"inferstack:target.region": region, "inferstack:target.zones": None}


def _as_spot(requirement: Requirement) -> Requirement:
    return replace(requirement, capacity=CapacityType.SPOT, commitment=None)


def _criterion(rejected: list[Placement]) -> str:
    failure = min(rejected, key=lambda placement: placement.distance).failure
    assert failure is not None, "what was rejected has a reason"
    return failure.criterion


def _without_pins(requirement: Requirement) -> Requirement:
    for relaxation in RELAXATIONS:
        requirement = relaxation.without(requirement)
    return replace(requirement, slo=Slo())


def _unpinned(requirement: Requirement) -> dict[str, object]:
    """The change that `_without_pins` is."""
    stated = [relaxation for relaxation in RELAXATIONS if relaxation.value(requirement) is not None]
    pins = (key for relaxation in stated for key in (relaxation.key, *relaxation.along))
    return removed(requirement.service, requirement.path, "slo", *pins)


def _subject(requirement: Requirement) -> tuple[str, object]:
    """The key that the problem is reported at where no single one is to blame: the first pin, otherwise the model."""
    for relaxation in RELAXATIONS:
        value = relaxation.value(requirement)
        if value is not None:
            return relaxation.key, value
    return "model", requirement.model.id
