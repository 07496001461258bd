"""What a month of traffic and rollouts moves, and what machines cost beside their steady hours: cold starts, interruptions, people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from .. import sizing
from ..catalog.types import CapacityType
from ..clouds.charges import DISKS
from ..costs.money import exact
from ..costs.tree import BY_USER, FREE
from ..costs.types import HOURS_PER_MONTH, NOTHING, Amount, Charge, Columns, CostLine, Extra, Shares, Use
from ..sizing.types import Estimate
from ..stackfile.usage import Usage
from .pools import Pool, Tenant
from .task import EMBED

GB = Decimal(10**9)
GB_PER_GIB = Decimal(2**30) / GB
WEEKS = HOURS_PER_MONTH / 168
ANSWER_BYTES_PER_TOKEN = (200, 250, 300)
"""Of a streamed token: JSON of a server-sent event around some four bytes of text; believed."""
BYTES_PER_NUMBER = (5, 12, 22)
"""Of an embedding: base64 of 4 bytes, or decimal digits in JSON; believed."""
PROMPT_BYTES_PER_TOKEN = (4, 4.5, 5)
"""Of plain text; believed."""
ROLLOUTS = (0, 1, 4)
"""Rollouts per month where the stack file does not say; believed."""
OUTSIDE, INSIDE = ("hf",), ("s3", "gs")
"""Schemes of weights that come through the internet, and from the cloud's own object store."""
SECONDS_PER_HOUR = 3600
NODE_LINGERS_SECONDS = (600, 600, 1200)
"""How long an empty node stands: the ten minutes of our Cluster Autoscaler and, believed, of GKE's; nodes take some more to go."""
Band = tuple[Columns, Columns, Columns]


def use_of(usage: Usage, tenants: Sequence[Tenant], zones: int) -> Use:
    """What the services move in a month, in GB: nothing at the bottom of the range, their peak around the clock at the top."""
    moved = {tenant.plan.name: _traffic(tenant) for tenant in tenants}
    answers, talkers = _added(list(moved.values())), _shares(moved)
    crossing = exact(0) if zones < 2 else Decimal(zones - 1) / zones
    share = exact(usage.egress_share)
    logs = None if usage.log_gb_per_month is None else Columns.same(exact(usage.log_gb_per_month))
    return Use(
        pulled=_amount({tenant.plan.name: _pulled(tenant, usage, OUTSIDE, images=True) for tenant in tenants}),
        pulled_inside=_amount({tenant.plan.name: _pulled(tenant, usage, INSIDE, images=False) for tenant in tenants}),
        # Callers may sit in one zone with all replicas, or all in another.
        between_zones=Amount(NOTHING, _times(answers[1], crossing), _times(answers[2], 1 if zones > 1 else 0), talkers),
        egress=Amount(*(_times(amount, share) for amount in answers), shares=talkers),
        logs=None if logs is None else Amount(logs, logs, logs),
        assumed=f"{_rollouts(usage)[1]:g} rollout{'' if _rollouts(usage)[1] == 1 else 's'} a month and a pull for each replica that starts",
    )


def read_from_volumes(usage: Usage, tenants: Sequence[Tenant]) -> dict[str, Amount]:
    """GB a month that replicas which start read from each volume of the stack."""
    found: dict[str, dict[str, Band]] = {}
    for tenant in tenants:
        if tenant.plan.copy is not None:
            found.setdefault(tenant.plan.copy.volume, {})[tenant.plan.name] = _pulled(tenant, usage, ("pvc",), images=False)
    return {volume: _amount(bands) for volume, bands in found.items()}


def known_free(tenants: Sequence[Tenant], monitored: bool) -> Iterator[Charge]:
    """What people look for in an estimate and what costs nothing here, each with its reason; `monitored` where Prometheus is installed."""
    surging = any(tenant.plan.rollout == "surge" and tenant.placement.machine.accelerator is None for tenant in tenants)
    if not surging:
        yield Charge("rollouts", "surge", FREE.name, Columns.same(1), "no node is added: a spare replica starts only where there is room")
    why = "Prometheus runs on the system nodes and keeps a day" if monitored else "nothing scrapes: no managed metrics service is rendered"
    yield Charge("metrics", "metrics", FREE.name, Columns.same(1), why)
    if not any(tenant.plan.copy is not None for tenant in tenants):
        yield Charge(DISKS, "cache volumes", FREE.name, Columns.same(1), "weights lie on the root disks of nodes; no volume of their own")


def extras(usage: Usage, tenants: Sequence[Tenant], pools: Sequence[Pool]) -> Iterator[Extra]:
    """Lines of machines beside their steady hours, and people where the stack file says what they cost."""
    for pool in pools:
        members = [tenant for tenant in tenants if tenant.plan.pool == pool.plan.name]
        if pool.plan.autoscaled and any(tenant.plan.replicas.scales for tenant in members):
            yield Extra("cold starts", _cold_starts(pool, members), pool.plan.name)
            yield Extra("cold starts", _lingering(pool, members), pool.plan.name)
        surging = [tenant for tenant in members if tenant.plan.rollout == "surge" and tenant.placement.machine.accelerator is None]
        if pool.plan.autoscaled and surging:
            yield Extra("rollouts", _surge(pool, surging, usage), pool.plan.name)
        if pool.plan.capacity_type is CapacityType.SPOT:
            yield Extra("spot interruptions", _interruptions(pool, members), pool.plan.name)
    if usage.people_usd_per_month is not None:
        paid = usage.people_usd_per_month
        yield Extra("people", CostLine("people", "month", Columns.same(1), paid, source="stack file", basis=BY_USER))


def _traffic(tenant: Tenant) -> Band:
    workload = tenant.plan.workload
    top = exact(workload.peak_rps) * HOURS_PER_MONTH * SECONDS_PER_HOUR / exact(workload.requests_per_month)
    # An embedding is as many numbers as the model is wide.
    width = tenant.plan.replica.shape.model.hidden_size if tenant.plan.task == EMBED else 0
    numbers = exact(workload.requests_per_month) * width
    sides = zip(ANSWER_BYTES_PER_TOKEN, BYTES_PER_NUMBER, PROMPT_BYTES_PER_TOKEN, strict=True)
    sums = [
        (
            exact(workload.output_tokens_per_month) * exact(answer)
            + numbers * exact(number)
            + exact(workload.input_tokens_per_month) * exact(prompt)
        )
        / GB
        for answer, number, prompt in sides
    ]
    low, expected, high = (Columns(Decimal(0), gb, gb * top) for gb in sums)
    return low, expected, high


def _pulled(tenant: Tenant, usage: Usage, schemes: tuple[str, ...], images: bool) -> Band:
    """Weights per machine of a replica that starts anew; images with each node that starts, and with rollouts at the top of the band."""
    plan, replica = tenant.plan, tenant.plan.replica
    weights = Decimal(0)
    if plan.checkpoint_uri.partition("://")[0] in schemes:
        weights = Decimal(sizing.fetched_bytes(replica.shape)) / GB
    release = tenant.placement.sized.engine.release_for(replica.shape.device.kind)
    image = exact(release.image_gib) * GB_PER_GIB if images else Decimal(0)
    weights, image = weights * plan.machines, image * plan.machines
    starts = _starts(tenant) * (weights + image)
    low, expected, high = (exact(count) for count in _rollouts(usage))
    replicas = Columns(Decimal(plan.replicas.min), exact(plan.replicas.expected), Decimal(plan.replicas.max))

    def total(rollouts: Decimal, each: Decimal) -> Columns:
        pulls = replicas.map(lambda count: count * rollouts * each)
        return Columns(pulls.min, pulls.expected + starts, pulls.max + starts)

    return total(low, weights), total(expected, weights), total(high, weights + image)


def _rollouts(usage: Usage) -> tuple[float, float, float]:
    stated = usage.rollouts_per_month
    return ROLLOUTS if stated is None else (stated, stated, stated)


def _starts(tenant: Tenant) -> Decimal:
    """Replicas that start per month because the load or the schedule comes back: once on each of their days, or once a week where the
    nights between are busy too. A service that goes to zero starts with the first request after each pause."""
    if not tenant.plan.replicas.scales:
        return Decimal(0)
    if tenant.placement.sleep is not None:
        return WEEKS * tenant.placement.sleep.starts_per_week
    schedule, workload, levels = tenant.requirement.service.schedule, tenant.plan.workload, tenant.placement.levels
    daily = Decimal(1) if workload.active_hours >= 24 and not workload.hourly else exact(workload.active_days)
    total = Decimal(0)
    for level, after in itertools.pairwise(levels):
        if level.until_hour < after.until_hour:
            opens = schedule is not None and after is levels[-1]
            days = Decimal(len(schedule.days)) if schedule is not None and opens else daily
            total += days * (level.replicas - after.replicas)
    return WEEKS * total


def _cold_starts(pool: Pool, members: Sequence[Tenant]) -> CostLine:
    """Hours in which nodes are billed and no replica on them answers yet."""
    starts = [(_node_starts(tenant), tenant.plan.cold_start_seconds) for tenant in members]
    low, expected, high = (
        sum((count * exact(getattr(seconds, point)) for count, seconds in starts), Decimal(0)) for point in ("low", "expected", "high")
    )
    return _node_hours(pool, f"{pool.plan.name} cold starts", (low, expected, high), "nodes that are billed while a replica loads")


def _lingering(pool: Pool, members: Sequence[Tenant]) -> CostLine:
    """Hours in which nodes are billed after the load went: until the replica goes, and until the autoscaler takes its node away.

    What goes to zero has the former in its own hours.
    """
    starts = [(_node_starts(tenant), 0 if tenant.placement.sleep else tenant.plan.scaling.scale_down_seconds) for tenant in members]
    low, expected, high = (sum((count * (stays + node) for count, stays in starts), Decimal(0)) for node in NODE_LINGERS_SECONDS)
    note = "nodes that are billed until replica and node go"
    return _node_hours(pool, f"{pool.plan.name} idle before they go", (low, expected, high), note)


def _surge(pool: Pool, members: Sequence[Tenant], usage: Usage) -> CostLine:
    """Hours of the node that carries the new replica while the old one still runs: one after the other, each for a cold start."""
    loads = [(exact(tenant.plan.replicas.expected), tenant.plan.cold_start_seconds) for tenant in members]
    low, expected, high = (
        sum((exact(rollouts) * replicas * exact(getattr(seconds, point)) for replicas, seconds in loads), Decimal(0))
        for rollouts, point in zip(_rollouts(usage), ("low", "expected", "high"), strict=True)
    )
    return _node_hours(pool, f"{pool.plan.name} surge", (low, expected, high), "a spare replica on a node of its own during rollouts")


def _node_starts(tenant: Tenant) -> Decimal:
    return _starts(tenant) * tenant.plan.machines / max(1, tenant.placement.replicas_per_node)


def _node_hours(pool: Pool, name: str, seconds: tuple[Decimal, Decimal, Decimal], note: str) -> CostLine:
    """Hours of the pool's nodes beside their steady ones; none at the bottom of the range. `seconds` a month: low, expected, high."""
    low, expected, high = (Columns(Decimal(0), each / SECONDS_PER_HOUR, each / SECONDS_PER_HOUR) for each in seconds)
    line = CostLine(name=name, unit="node-hour", quantity=expected, low_quantity=low, high_quantity=high, note=note)
    offering = pool.offering
    if offering is None:
        return line
    return replace(
        line,
        unit_price_usd=offering.usd_per_hour,
        low_unit_price_usd=offering.low_usd_per_hour,
        source=offering.source,
        as_of=offering.as_of or None,
        basis=offering.basis,
    )


def _interruptions(pool: Pool, members: Sequence[Tenant]) -> CostLine:
    """What one interruption costs: the hours until the successor answers. How many there are is the market's affair."""
    longest: Estimate = max((tenant.plan.cold_start_seconds for tenant in members), key=lambda estimate: estimate.expected)
    price = pool.offering.usd_per_hour if pool.offering else None
    return CostLine(
        name=f"{pool.plan.name} interruptions",
        unit="interruption",
        quantity=None,
        unit_price_usd=None if price is None else price * exact(longest.expected) / SECONDS_PER_HOUR,
        source="" if pool.offering is None else pool.offering.source,
        as_of=pool.offering.as_of or None if pool.offering else None,
        basis="derived",
        note="depends on use; one node until its successor answers, requests in flight are asked again",
    )


def _amount(by_service: Mapping[str, Band]) -> Amount:
    return Amount(*_added(list(by_service.values())), shares=_shares(by_service))


def _shares(by_service: Mapping[str, Band]) -> Shares:
    return tuple((name, expected) for name, (_, expected, _) in by_service.items())


def _added(bands: Sequence[Band]) -> Band:
    low, expected, high = NOTHING, NOTHING, NOTHING
    for band in bands:
        low, expected, high = low + band[0], expected + band[1], high + band[2]
    return low, expected, high


def _times(columns: Columns, factor: Decimal | int) -> Columns:
    return columns.map(lambda amount: amount * factor)
