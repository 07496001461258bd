"""What would make a service cheaper: one change at a time, each planned anew from the candidates of the what-if table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from .. import catalog, engines
from ..catalog.prices import COMMITTED, price_book
from ..catalog.types import CapacityType, Checkpoint
from ..costs.money import exact
from ..costs.types import HOURS_PER_MONTH, Columns
from ..engines.kinds import pools
from ..engines.types import Engine
from ..sizing.types import Techniques
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from ..stackfile.schema import StackFile
from .candidates import checkpoints_for, placements
from .counting import HOURS_PER_WEEK, mean_over_week
from .placement import Placement
from .pools import Tenant
from .refusal import RELAXATIONS
from .requirement import Requirement
from .search import Outcome, is_asked_for, keeps_quality, power_of_two, search
from .silicon import silicon_for
from .site import Site
from .stack import settle, share
from .whatif import Combination, combination

LEAST_SHARE = Decimal("0.01")
"""Of the cost; a smaller saving is none."""
SMALL_KV = ("fp8", "q8_0")
"""Dtypes of the KV cache that take half of 16 bits."""
PREFIX_HIT_RATE = 0.5
"""Part of the prompt tokens that the what-if of prefix caching takes as cached: an assumption that the change names."""
QUALITY = "how much quality it loses is not known here"
TRIED = ("quantization", "engine", "capacityType", "context", "kv-cache", "prefix-cache", "schedule", "scale-to-zero", "commitment")
"""What is tried for every service, beside giving up its pins."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One change, and what the planner makes of it."""

    name: str
    """Key of the stack file that it is about, or schedule, scale-to-zero, kv-cache."""
    change: str
    """What would be written, or done."""
    caveat: str
    """What it takes away."""
    becomes: Combination
    """The placement after it, with its cost and its latencies."""
    saves_usd: Decimal
    """Of the machines of this service, a month, at the expected load."""


@dataclass(frozen=True, slots=True)
class ServiceLevers:
    """The levers of one service, largest saving first."""

    service: str
    monthly_usd: Columns | None
    """Its machines alone as planned; None where no price is known, and then nothing can be ranked."""
    levers: tuple[Lever, ...]
    without_gain: tuple[str, ...]
    """What of `TRIED` would save nothing."""


def levers(stack: StackFile) -> tuple[ServiceLevers, ...]:
    """For each service what would cut its cost. Raises `InputError` as `plan` does."""
    site, settled = settle(stack)
    tenants, _ = share(stack, site, settled)
    return tuple(_of_service(tenant, outcome, site) for tenant, (_, outcome) in zip(tenants, settled, strict=True))


def _of_service(tenant: Tenant, outcome: Outcome, site: Site) -> ServiceLevers:
    cost = tenant.placement.monthly_usd
    if cost is None:
        return ServiceLevers(tenant.plan.name, None, (), ())
    found = (
        *_pins(tenant, site),
        *_weights_and_engines(tenant, outcome, site),
        *_one_wish(tenant, outcome, site),
        *_hours(tenant, site),
        *_commitments(tenant, site),
    )
    worth = [lever for lever in found if lever.saves_usd >= cost.expected * LEAST_SHARE]
    pulled = {lever.name for lever in worth}
    ranked = tuple(sorted(worth, key=lambda lever: -lever.saves_usd))
    return ServiceLevers(tenant.plan.name, cost, ranked, tuple(name for name in TRIED if name not in pulled))


def _pins(tenant: Tenant, site: Site) -> Iterator[Lever]:
    """Each pin that could be given up."""
    for wish in RELAXATIONS:
        value = wish.value(tenant.requirement)
        if value is not None:
            found = search(wish.without(tenant.requirement), site).chosen
            yield from _lever(tenant, site, wish.key, f"leave out `{wish.key}`, now {value}", "what the pin was for", found)


def _weights_and_engines(tenant: Tenant, outcome: Outcome, site: Site) -> Iterator[Lever]:
    """Coarser weights on the same engine, and every other engine with weights that would be chosen unasked."""
    requirement, own = tenant.requirement, tenant.placement.sized.engine
    for engine in (own,) if requirement.engine else engines.engines().values():
        is_own = engine.name == own.name
        wish = replace(requirement, engine=engine)
        wanted = [c for c in checkpoints_for(wish, engine) if is_own != (is_asked_for(wish) or keeps_quality(wish, c))]
        found = _cheapest(wish, engine, wanted, outcome, tenant.placement, site)
        if found is None:
            continue
        if is_own:
            name, change, caveat = "quantization", f"quantization: {found.sized.checkpoint.quantization}", f"coarser weights: {QUALITY}"
        else:
            name, change, caveat = "engine", f"engine: {engine.name}", "another server, with flags and metrics of its own"
        yield from _lever(tenant, site, name, change, caveat, found)


def _cheapest(
    wish: Requirement, engine: Engine, checkpoints: list[Checkpoint], outcome: Outcome, planned: Placement, site: Site
) -> Placement | None:
    """The cheapest placement that works, of equals the finest weights; only silicon is sized of which one node costs less than the plan."""
    assert planned.monthly_usd is not None
    limit = planned.monthly_usd.expected
    silicon = (each for each in silicon_for(wish, site) if each.hourly_usd * HOURS_PER_MONTH < limit)
    tried = placements(wish, site, engine, checkpoints, silicon if checkpoints else (), outcome.context)
    works = [found for found in tried if isinstance(found, Placement) and found.failure is None and found.monthly_usd is not None]
    return min(
        works, key=lambda found: (found.rank[:2], -catalog.quantization(found.sized.checkpoint.quantization).bits, found.rank), default=None
    )


def _one_wish(tenant: Tenant, outcome: Outcome, site: Site) -> Iterator[Lever]:
    """One wish that is not pinned, the other way."""
    requirement, engine = tenant.requirement, tenant.placement.sized.engine
    if requirement.capacity is CapacityType.ON_DEMAND:
        spot = replace(requirement, capacity=CapacityType.SPOT)
        caveat = "machines can be taken away at short notice"
        yield from _lever(tenant, site, "capacityType", "capacityType: spot", caveat, search(spot, site).chosen, spot)
    shortest = power_of_two(requirement.workload.isl + requirement.workload.osl)
    if shortest < outcome.context and requirement.context is None:
        found = search(replace(requirement, context=shortest), site).chosen
        yield from _lever(tenant, site, "context", f"context: {shortest}", "longer requests are refused", found)
    flag = _small_kv(engine)
    if flag is not None and requirement.overrides.tuning.kv_dtype is None:
        name, value, dtype = flag
        tuning = replace(requirement.overrides.tuning, kv_dtype=dtype)
        wish = replace(requirement, engine=engine, overrides=replace(requirement.overrides, tuning=tuning))
        change = f"engine: {engine.name}, engineArgs: {{{name}: {value}}}"
        yield from _lever(tenant, site, "kv-cache", change, QUALITY, search(wish, site).chosen)
    if pools(requirement.model):
        return
    cached = replace(requirement, techniques=Techniques(prefix_hit_rate=PREFIX_HIT_RATE))
    change = f"prompts of which {PREFIX_HIT_RATE:.0%} are found in the prefix cache"
    caveat = "the plan counts on no such hits: measure the rate before relying on it"
    yield from _lever(tenant, site, "prefix-cache", change, caveat, search(cached, site).chosen, cached)


def _small_kv(engine: Engine) -> tuple[str, str, str] | None:
    """Flag, its value and our name of a KV cache dtype of 8 bits; None where the engine has none."""
    flag = next((flag for flag, field in engine.flags.tunes.items() if field == "kv_dtype"), None)
    found = next(((value, dtype) for value, dtype in engine.flags.kv_dtypes.items() if dtype in SMALL_KV), None)
    return None if flag is None or found is None else (flag, *found)


def _hours(tenant: Tenant, site: Site) -> Iterator[Lever]:
    """No replica outside the active hours, and none while nobody asks."""
    requirement, placement = tenant.requirement, tenant.placement
    workload = requirement.workload
    if placement.monthly_usd is None or not site.target.scales_nodes:
        return
    if workload.active_hours * workload.active_days < HOURS_PER_WEEK and requirement.service.schedule is None:
        days = "" if workload.active_days == 7 else f" of {workload.active_days:g} days"
        change = f"schedule: machines only in the {workload.active_hours:g} active hours{days}"
        yield _made(tenant, "schedule", change, "nothing answers outside them", combination(requirement, _present(tenant), site, placement))
    if requirement.service.schedule is None and requirement.spare == 0 and requirement.service.endpoint == "cluster":
        wish = replace(requirement, replicas=ReplicaBounds(min=0))
        found = search(wish, site).chosen
        share = found.sleep.waiting_share if found and found.sleep else 0.0
        minutes = tenant.plan.cold_start_seconds.expected / 60
        yield from _lever(
            tenant, site, "scale-to-zero", "replicas: {min: 0}", f"{share:.0%} of the requests wait {minutes:.0f} minutes", found, wish
        )


def _present(tenant: Tenant) -> Placement:
    """The placement with the machines of its active hours, and none in the rest."""
    placement, workload = tenant.placement, tenant.requirement.workload
    assert placement.monthly_usd is not None
    active = exact(workload.active_hours) * exact(workload.active_days)
    within = [replace(level, until_hour=min(level.until_hour, active)) for level in placement.levels]
    mean = mean_over_week(within, lambda count: math.ceil(count / placement.replicas_per_node))
    hourly = placement.monthly_usd.max / placement.nodes.max
    nodes = Columns(Decimal(0), mean, placement.nodes.max)
    return replace(placement, nodes=nodes, monthly_usd=nodes.map(lambda count: count * hourly))


def _commitments(tenant: Tenant, site: Site) -> Iterator[Lever]:
    """The machines that always stand, paid for a term; the rest as before."""
    placement, cost = tenant.placement, tenant.placement.monthly_usd
    usd = placement.offering.usd_per_hour if placement.offering else None
    if usd is None or cost is None or tenant.requirement.capacity is not CapacityType.ON_DEMAND or not site.target.region:
        return
    kept = placement.nodes.min
    for row in price_book(site.cloud.name, site.region, [placement.machine]):
        if row.capacity_type == COMMITTED and row.usd_per_hour is not None:
            less = kept * (usd - row.usd_per_hour) * HOURS_PER_MONTH
            cheaper = replace(placement, monthly_usd=Columns(cost.min - less, cost.expected - less, cost.max - less))
            change = f"commit {kept:f} of {placement.machine.name} for {row.term}"
            yield from _lever(tenant, site, "commitment", change, f"paid whether used or not; {row.basis} price, {row.as_of}", cheaper)


def _lever(
    tenant: Tenant, site: Site, name: str, change: str, caveat: str, found: Placement | None, wish: Requirement | None = None
) -> Iterator[Lever]:
    """The lever that makes `found` of the plan; `wish` is the requirement that it was found for, where its row depends on that."""
    if found is not None and found.monthly_usd is not None:
        asked = tenant.requirement if wish is None else wish
        yield _made(tenant, name, change, caveat, combination(asked, found, site, tenant.placement))


def _made(tenant: Tenant, name: str, change: str, caveat: str, row: Combination) -> Lever:
    planned = tenant.placement.monthly_usd
    assert planned is not None
    assert row.monthly_usd is not None
    return Lever(name, change, caveat, row, planned.expected - row.monthly_usd.expected)
