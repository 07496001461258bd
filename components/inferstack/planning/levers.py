"""What would make a service cheaper: its changes, ranked by what each saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..costs.types import Columns, together
from ..stackfile.schema import StackFile
from .changes import TRIED, Change, changes
from .guard import judge
from .joint_changes import TRIED as TRIED_TOGETHER
from .joint_changes import joint_changes
from .placement import Placement
from .pools import Tenant, build_pools
from .requirement import Requirement
from .search import Outcome
from .servers import in_same_pods
from .site import Site
from .stack import bill, settle, share, tenant_of
from .types import StackPlan
from .whatif import Combination, combination

LEAST_SHARE = Decimal("0.01")
"""Of the cost; a smaller saving is none."""
COMES_AND_GOES = ("schedule", "scale-to-zero")
"""Changes after which replicas start more often."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One change, and what the planner makes of it."""

    name: str
    """Key of the stack file that it is about, or schedule, scale-to-zero, kv-cache, prefix-cache."""
    change: str
    """What would be written, or done."""
    caveat: str
    """What it takes away."""
    becomes: Combination
    """The placement after it, with its cost and its latencies."""
    saves_usd: Decimal
    """Of the machines of this service, or of its whole server, a month, at the expected load, less `adds_usd`."""
    adds_usd: Decimal = Decimal(0)
    """What starts, nodes that stand idle and pulls cost more than before."""


@dataclass(frozen=True, slots=True)
class ServiceLevers:
    """The levers of one service, largest saving first."""

    service: str
    monthly_usd: Columns | None
    """Its machines alone as planned, or those of its whole server; None where no price is known, and then nothing can be ranked."""
    levers: tuple[Lever, ...]
    without_gain: tuple[str, ...]
    """What was tried and would save nothing."""
    server: str | None = None
    """Name of the server whose services have the same machines, which each change is about; None where they are its own."""


def levers(stack: StackFile) -> tuple[ServiceLevers, ...]:
    """For each service what would cut its cost. Raises `InputError` as `plan` does."""
    site, settled = settle(stack, remembers=True)
    return _levers(stack, site, settled, share(stack, site, settled)[0])


def plan_with_levers(stack: StackFile) -> tuple[StackPlan, tuple[ServiceLevers, ...]]:
    """Both, of one search. Raises `InputError` as `plan` does."""
    site, settled = settle(stack, remembers=True)
    shared = share(stack, site, settled)
    return judge(stack, site, settled, shared), _levers(stack, site, settled, shared[0])


def _levers(
    stack: StackFile, site: Site, settled: Sequence[tuple[Requirement, Outcome]], tenants: Sequence[Tenant]
) -> tuple[ServiceLevers, ...]:
    return tuple(
        _of_pods(index, tenants, settled, site) if tenant.requirement.shares_pods else _of_service(stack, tenant, outcome, site)
        for index, (tenant, (_, outcome)) in enumerate(zip(tenants, settled, strict=True))
    )


def _of_pods(index: int, tenants: Sequence[Tenant], settled: Sequence[tuple[Requirement, Outcome]], site: Site) -> ServiceLevers:
    """Those of one of several services in the same pods, which change for all of them: what all save together."""
    members = in_same_pods(index, settled)
    planned, plan, at = tenants[index].placement, tenants[index].plan, members.index(index)
    cost = _cost_of(tenants[each].placement for each in members)
    if cost is None:
        return ServiceLevers(plan.name, None, (), (), plan.server)
    found: list[Lever] = []
    for change in joint_changes([settled[each] for each in members], site):
        wish, outcome = change.settled[at]
        after = _cost_of(each.feasible[0] for _, each in change.settled)
        saved = Decimal(0) if after is None else cost.expected - after.expected
        if saved >= cost.expected * LEAST_SHARE:
            text = change.text if change.of is None else f"{change.of}: {change.text}"
            found.append(Lever(change.name, text, change.caveat, combination(wish, outcome.feasible[0], site, planned), saved))
    pulled = {lever.name for lever in found}
    made = tuple(sorted(found, key=lambda lever: -lever.saves_usd))
    return ServiceLevers(plan.name, cost, made, tuple(each for each in TRIED_TOGETHER if each not in pulled), plan.server)


def _cost_of(placements: Iterable[Placement]) -> Columns | None:
    """Machines of all of them; None where one has no price."""
    costs = [placement.monthly_usd for placement in placements]
    priced = [cost for cost in costs if cost is not None]
    return together(priced) if len(priced) == len(costs) else None


def _of_service(stack: StackFile, tenant: Tenant, outcome: Outcome, site: Site) -> ServiceLevers:
    planned = tenant.placement
    cost = planned.monthly_usd
    if cost is None:
        return ServiceLevers(tenant.plan.name, None, (), ())
    least = cost.expected * LEAST_SHARE
    found: list[tuple[Decimal, Decimal, Change]] = []
    for change in changes(tenant.requirement, outcome, planned, site, cost.expected):
        saved = Decimal(0) if change.found.monthly_usd is None else cost.expected - change.found.monthly_usd.expected
        if saved >= least:
            adds = _added(stack, tenant, outcome, change, saved, site)
            found += [(saved - adds, adds, change)] if saved - adds >= least else []
    made = tuple(
        Lever(change.name, change.text, change.caveat, combination(change.wish, change.found, site, planned), saved, adds)
        for saved, adds, change in sorted(found, key=lambda entry: -entry[0])
    )
    pulled = {lever.name for lever in made}
    return ServiceLevers(tenant.plan.name, cost, made, tuple(name for name in TRIED if name not in pulled))


def _added(stack: StackFile, tenant: Tenant, outcome: Outcome, change: Change, saved: Decimal, site: Site) -> Decimal:
    """What a change of hours costs beside machines: the service billed alone, before and after."""
    if change.name not in COMES_AND_GOES:
        return Decimal(0)
    before, after = (_alone(stack, each, site) for each in (tenant, tenant_of(change.wish, outcome, change.found, site)))
    return after - (before - saved)


def _alone(stack: StackFile, tenant: Tenant, site: Site) -> Decimal:
    pools, _ = build_pools([tenant], site)
    return bill(site, [tenant], pools, stack.usage).monthly_usd.expected
