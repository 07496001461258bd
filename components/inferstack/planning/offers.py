"""What errors and reasons offer: a change of the stack file with the plan that it leads to, in words and with its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..costs import money
from ..engines.types import Refusal
from .placement import Placement
from .requirement import Requirement
from .search import Outcome, search
from .silicon import MACHINE_COUNTS
from .site import Site

UNPRICED = "price unknown"
IN_PODS = f"{UNPRICED}, since its pods are those of other services too"


@dataclass(frozen=True, slots=True)
class Offer:
    """A change, and what it leads to."""

    found: Placement
    text: str
    """A clause: `with pipelineParallel 2 it works: ...`."""
    change: Mapping[str, object]
    """Key path of the stack file -> value, None where the key goes."""


def without(key: str, wish: Requirement, found: Placement) -> str:
    """The plan that `wish`, which has given up `key`, leads to."""
    return f"without {key} {works(wish, found, names_engine=key in ('engine', 'these pins'))}"


def works(wish: Requirement, found: Placement, *, names_engine: bool = False) -> str:
    """`it works`, with the plan of `wish`; without its price where its machines are those of other services too."""
    if wish.shares_pods:
        return f"it works, {IN_PODS}"
    return f"it works: {f'{found.sized.engine.name}, ' if names_engine else ''}{plan_text(found)}"


def plan_text(found: Placement) -> str:
    """One replica times their number, its context and its cost."""
    machine, sized = found.machine, found.sized
    several = f"{sized.machines} x " if sized.machines > 1 else ""
    where = f"{sized.devices} x {machine.accelerator} on {several}{machine.name}" if machine.accelerator else machine.name
    cost = f"{money(found.monthly_usd.expected)} a month" if found.monthly_usd else UNPRICED
    assert sized.replica is not None
    context = f", context {sized.replica.shape.context:,}"
    return f"{found.replicas.max} x {sized.checkpoint.quantization} on {where}{context}, {cost}"


def outdated(outcome: Outcome) -> tuple[str, Refusal] | None:
    """The first engine whose image needs a newer driver than nodes have, and its refusal; None where none does."""
    for engine, found in outcome.by_engine.items():
        for _, refusal in found.refusals:
            if refusal.driver is not None:
                return engine, refusal
    return None


def older_drivers(site: Site, driver: int) -> dict[str, object]:
    """The change that brings the nodes to `driver` whose own is older."""
    older = [index for index, nodes in enumerate(site.target.nodes) if nodes.driver is not None and nodes.driver < driver]
    return {f"inferstack:target.nodes[{index}].driver": driver for index in older}


def with_driver(site: Site, driver: int) -> Site:
    """`site` with nodes of which none has an older driver."""
    nodes = [each if each.driver is None else each.model_copy(update={"driver": max(each.driver, driver)}) for each in site.target.nodes]
    return Site.of(site.target.model_copy(update={"nodes": tuple(nodes)}), site.prices)


def by_newer_driver(requirement: Requirement, outcome: Outcome, site: Site) -> Offer | None:
    """The plan on nodes whose driver is as new as the image asks for that was refused for it; None where that is not enough."""
    older = outdated(outcome)
    if older is None or (driver := older[1].driver) is None:
        return None
    mended = with_driver(site, driver)
    found = search(requirement, mended).chosen
    nodes = None if found is None else mended.nodes_key(found.machine)
    if found is None or nodes is None or f"{nodes}.driver" not in older_drivers(site, driver):
        return None
    text = f"with driver {driver} {works(requirement, found, names_engine=True)}"
    return Offer(found, text, {f"{nodes}.driver": driver})


def on_several_machines(requirement: Requirement, site: Site) -> Offer | None:
    """The plan with as few machines for each replica as hold it, which are not joined unasked; None where it is spread by pins, or no
    number of them does."""
    if requirement.spread.pipeline is not None or requirement.spread.data is not None:
        return None
    for stages in MACHINE_COUNTS:
        wish = replace(requirement, spread=replace(requirement.spread, pipeline=stages))
        found = search(wish, site).chosen
        if found is not None:
            text = f"with pipelineParallel {stages} {works(wish, found)}"
            return Offer(found, text, {f"{requirement.path}.pipelineParallel": stages})
    return None
