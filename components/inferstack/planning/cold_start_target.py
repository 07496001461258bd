"""What would keep a cold start within its target where nothing that the stack has does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from ..costs import money
from ..errors import Problem
from . import offers, ways
from .placement import Placement
from .requirement import Requirement
from .search import Outcome, search
from .site import Site


def cold_start_problem(requirement: Requirement, outcome: Outcome, site: Site) -> Problem | None:
    """The target of the cold start alone is in the way: the soonest that there is, and what would keep the target; None where it is not."""
    target = requirement.service.slo.cold_start_seconds
    late = [placement for placement in outcome.rejected if placement.failure and placement.failure.cold_start_seconds is not None]
    if target is None or not late or search(_within(requirement, None), site).chosen is None:
        return None
    soonest = min(seconds for placement in late if placement.failure and (seconds := placement.failure.cold_start_seconds) is not None)
    found = min(_volumes(requirement, late, target, site), key=lambda way: way[0], default=None)
    reason = f"s cannot be kept by anything that the stack has: the soonest replica answers after {soonest:,.0f} s"
    key = f"{requirement.path}.slo.coldStartSeconds"
    if found is not None:
        return Problem(key, reason, f"{target:g}", found[1])
    most = math.ceil(soonest)
    wish = _within(requirement, most)
    chosen = search(wish, site).chosen
    if chosen is None:
        return Problem(key, reason, f"{target:g}", f"use at least {most}")
    return Problem(key, reason, f"{target:g}", f"use at least {most}; with that {offers.works(wish, chosen)}", {key: most})


def _volumes(requirement: Requirement, late: list[Placement], target: float, site: Site) -> Iterator[tuple[tuple[Decimal, float], str]]:
    """Volumes that the stack could have and with which it is kept, each with its rank: the cheapest first, then the soonest."""
    service = requirement.service
    for volume in ways.offered(site):
        for placement in late:
            sized = placement.sized
            if sized.replica is None or service.server is not None or not sized.checkpoint.published.uri.startswith(ways.COPIED):
                continue
            shape = sized.replica.shape
            there = ways.on_volume(sized.checkpoint.published, service.name, volume.name)
            seconds = ways.cold_start_on(sized.engine, shape, placement.machine, site, volume).seconds.expected
            if seconds <= target and sized.engine.supports(shape.model, there, sized.accelerator) is None:
                usd = ways.whole_usd(volume, shape, site)
                costs = "at a price that is not known" if usd is None else f"{money(usd)} a month more"
                where = f"on {placement.machine.name} in {sized.checkpoint.quantization}"
                text = f"a volume of kind {volume.kind} in target.volumes: {seconds:,.0f} s {where}, {costs}"
                machines = placement.monthly_usd.expected if placement.monthly_usd else Decimal(0)
                yield (machines + (ways.DEAREST if usd is None else usd), seconds), text


def _within(requirement: Requirement, seconds: float | None) -> Requirement:
    slo = requirement.service.slo.model_copy(update={"cold_start_seconds": seconds})
    return replace(requirement, service=requirement.service.model_copy(update={"slo": slo}))
