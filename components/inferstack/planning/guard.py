"""The plan of a stack held against its budgets, and the cheapest ways to get below them: each a plan of its own, found by the search."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from .. import costs
from ..costs.budget import Limits, Spending
from ..costs.types import NOTHING, Columns, StackCost
from ..errors import InputError
from ..stackfile.budget import ServiceBudget
from ..stackfile.schema import StackFile
from .changes import changes
from .joint_changes import joint_changes
from .pools import Pool, Tenant
from .search import Outcome, Settled
from .servers import in_same_pods
from .site import Site
from .stack import assemble, finish, settle, share
from .types import StackPlan, WayBelow

WAYS = 3
COSTLIEST = 4
"""Services that changes are tried on, and by how many at a time they are combined."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One change of one service of the stack file, planned anew."""

    service: int
    text: str
    """``chat: `capacityType: spot` ``."""
    changed: Mapping[int, Settled]
    """What becomes of the service, and of those in its pods."""

    @property
    def rank(self) -> tuple[object, ...]:
        """Of the placement of the service after it."""
        _, outcome = self.changed[self.service]
        return outcome.feasible[0].rank


def plan(stack: StackFile) -> StackPlan:
    """Decide everything that can be decided before anything exists.

    Pure: no network, no clock. Raises `InputError` with every problem of the file. A plan above a budget comes with the cheapest ways
    below it; in mode `warn` what exceeds is a warning.
    """
    site, settled = settle(stack)
    return judge(stack, site, settled, share(stack, site, settled))


def judge(stack: StackFile, site: Site, settled: Sequence[Settled], shared: tuple[Sequence[Tenant], Sequence[Pool]]) -> StackPlan:
    """`plan` of what was settled already, and has its pools."""
    tenants, pools = shared
    made = assemble(stack, site, tenants, pools)
    over = tuple(excesses(stack, made))
    if not over:
        return made
    bound = costs.incomplete(made.costs)
    sentences = tuple(f"{sentence} {bound}" if bound else sentence for sentence in over)
    if stack.budget.mode == "warn":
        return replace(made, warnings=(*made.warnings, *sentences))
    return replace(made, over_budget=sentences, ways_below=ways_below(stack, made, site, settled, tenants))


def excesses(stack: StackFile, made: StackPlan) -> Iterator[str]:
    """One sentence per limit of the stack and of its services that the plan exceeds."""
    column = stack.budget.column
    gpus = _gpus(made)
    whole = Spending("The stack", made.costs.monthly_usd, _blended(made.costs), _sum(gpus.values()))
    yield from costs.over_budget(whole, _limits(stack.budget, "inferstack:budget"), column)
    costed = {cost.service: cost for cost in made.costs.services}
    for index, service in enumerate(stack.services):
        cost = costed[service.name]
        tokens = cost.tokens.blended_usd if cost.tokens else None
        spent = Spending(service.name, cost.monthly_usd, tokens, gpus[service.name])
        yield from costs.over_budget(spent, _limits(service.budget, f"inferstack:services[{index}].budget"), column)


def ways_below(
    stack: StackFile, made: StackPlan, site: Site, settled: Sequence[Settled], tenants: Sequence[Tenant]
) -> tuple[WayBelow, ...]:
    """The three cheapest ways below every budget: single changes first, then the best changes of several services together."""
    column = stack.budget.column
    ways: list[tuple[Decimal, str, WayBelow]] = []
    for combination in _combinations(list(_tried(stack, made, site, settled, tenants))):
        changed = {index: pair for each in combination for index, pair in each.changed.items()}
        try:
            again = finish(stack, site, [changed.get(index, pair) for index, pair in enumerate(settled)])
        except InputError:
            continue
        if not any(excesses(stack, again)):
            text = "; ".join(each.text for each in combination)
            usd: Decimal = getattr(again.costs.monthly_usd, column)
            before: Decimal = getattr(made.costs.monthly_usd, column)
            ways.append((usd, text, WayBelow(text, usd, before - usd, _keeps(again))))
        if len(combination) > 1 and len(ways) >= WAYS:
            break
    return tuple(way for _, _, way in heapq.nsmallest(WAYS, ways, key=lambda entry: (entry[0], entry[1])))


def _combinations(tried: Sequence[Tried]) -> Iterator[tuple[Tried, ...]]:
    """Each change alone; then, per service, its cheapest change, for two services and more together."""
    yield from ((each,) for each in tried)
    best: dict[int, Tried] = {}
    for each in tried:
        known = best.get(each.service)
        if known is None or each.rank < known.rank:
            best[each.service] = each
    for size in range(2, len(best) + 1):
        yield from itertools.combinations(best.values(), size)


def _tried(stack: StackFile, made: StackPlan, site: Site, settled: Sequence[Settled], tenants: Sequence[Tenant]) -> Iterator[Tried]:
    """What could be written differently about the costliest services, as far as it leads to other machines."""
    column = stack.budget.column
    monthly = {cost.service: getattr(cost.monthly_usd, column) for cost in made.costs.services}
    order = sorted(range(len(tenants)), key=lambda index: -monthly[tenants[index].plan.name])
    tried: set[int] = set()
    for index in order[:COSTLIEST]:
        if index in tried:
            continue
        requirement, outcome = settled[index]
        if requirement.shares_pods:
            together = in_same_pods(index, settled)
            tried |= set(together)
            yield from _tried_together(index, together, site, settled)
            continue
        placement = tenants[index].placement
        below = getattr(placement.monthly_usd, column) if placement.monthly_usd else None
        for change in changes(requirement, outcome, placement, site, below):
            if change.is_written and change.found != placement:
                replica = change.found.sized.replica
                context = outcome.context if replica is None else replica.shape.context
                found = Outcome(context=context, feasible=[change.found], considered=outcome.considered)
                yield Tried(index, f"{tenants[index].plan.name}: {change.text}", {index: (change.wish, found)})


def _tried_together(index: int, together: Sequence[int], site: Site, settled: Sequence[Settled]) -> Iterator[Tried]:
    """What could be written differently about services of the same pods, of which `index` is one."""
    members = [settled[each] for each in together]
    for change in joint_changes(members, site):
        of = members[0][0].service.server if change.of is None else change.of
        yield Tried(index, f"{of}: {change.text}", dict(zip(together, change.settled, strict=True)))


def _keeps(made: StackPlan) -> bool:
    return all(service.meets_slo for service in made.services)


def _limits(budget: ServiceBudget, path: str) -> Limits:
    return Limits(path, budget.max_monthly_usd, budget.max_hourly_usd, budget.max_usd_per_million_tokens, budget.max_gpus)


def _gpus(made: StackPlan) -> dict[str, Columns]:
    """GPUs that each service is billed for: its part of its pool, idle ones in proportion."""
    of_pool: dict[str, int] = {}
    for service in made.services:
        of_pool[service.pool] = of_pool.get(service.pool, 0) + service.replicas.max * service.gpus_per_replica
    pools = {pool.name: pool for pool in made.pools}
    billed: dict[str, Columns] = {}
    for service in made.services:
        pool, own = pools[service.pool], service.replicas.max * service.gpus_per_replica
        part = Decimal(own) / of_pool[service.pool] if of_pool[service.pool] else Decimal(0)
        billed[service.name] = pool.nodes.map(_times(pool.gpus_per_node * part))
    return billed


def _times(factor: Decimal) -> Callable[[Decimal], Decimal]:
    return lambda count: count * factor


def _sum(columns: Any) -> Columns:
    total = NOTHING
    for each in columns:
        total = total + each
    return total


def _blended(cost: StackCost) -> Decimal | None:
    """USD per million tokens of all services together; None where no traffic or no price is known."""
    priced = [service.tokens for service in cost.services if service.tokens is not None]
    tokens = sum((price.tokens_per_month for price in priced), Decimal(0))
    return sum((price.blended_usd * price.tokens_per_month for price in priced), Decimal(0)) / tokens if tokens else None
