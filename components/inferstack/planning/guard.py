"""The plan of a stack held against its budgets, and the cheapest ways to get below them: each a plan of its own, found by the search."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from .. import catalog, costs
from ..catalog.types import CapacityType
from ..costs.budget import Limits, Spending
from ..costs.types import NOTHING, Columns, StackCost
from ..errors import InputError
from ..stackfile.budget import ServiceBudget
from ..stackfile.schema import Service, StackFile
from .problems import Problems
from .requirement import Requirement
from .resolve import resolve
from .search import Outcome, search
from .site import Site
from .stack import finish, settle
from .types import ServicePlan, StackPlan, WayBelow

Settled = tuple[Requirement, Outcome]
WAYS = 3
COSTLIEST = 4
"""Services that changes are tried on, and by how many at a time they are combined."""
SPREAD = ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
PINS = ("machine_type", "gpu", *SPREAD, "quantization", "engine", "replicas", "context")
"""Keys that a service may pin and could give up, by the names of its fields."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one service of the stack file."""

    service: int
    text: str
    """`chat: capacityType spot`."""
    update: Mapping[str, Any]


def plan(stack: StackFile) -> StackPlan:
    """Decide everything that can be decided before anything exists.

    Pure: no network, no clock. Raises `InputError` with every problem of the file. A plan above a budget comes with the cheapest ways
    below it; in mode `warn` what exceeds is a warning.
    """
    site, settled = settle(stack)
    made = finish(stack, site, settled)
    over = tuple(excesses(stack, made))
    if not over:
        return made
    bound = costs.incomplete(made.costs)
    sentences = tuple(f"{sentence} {bound}" if bound else sentence for sentence in over)
    if stack.budget.mode == "warn":
        return replace(made, warnings=(*made.warnings, *sentences))
    return replace(made, over_budget=sentences, ways_below=ways_below(stack, made, site, settled))


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


def ways_below(stack: StackFile, made: StackPlan, site: Site, settled: Sequence[Settled]) -> tuple[WayBelow, ...]:
    """The three cheapest ways below every budget: single changes first, then the best changes of several services together."""
    column = stack.budget.column
    tried = [
        (change, found) for change in _changes(stack, made) if (found := _settle_changed(stack, change, site, settled[change.service]))
    ]
    ways: list[tuple[Decimal, str, WayBelow]] = []
    for combination in _combinations(tried):
        changed = [found for _, found in combination]
        by_service = {change.service: settled_again for change, settled_again in combination}
        services = [_updated(service, index, combination) for index, service in enumerate(stack.services)]
        wanted = stack.model_copy(update={"services": tuple(services)})
        try:
            again = [by_service.get(index, pair) for index, pair in enumerate(settled)]
            plan_again = finish(wanted, site, again)
        except InputError:
            continue
        if changed and not any(excesses(wanted, plan_again)):
            text = "; ".join(change.text for change, _ in combination)
            usd: Decimal = getattr(plan_again.costs.monthly_usd, column)
            before: Decimal = getattr(made.costs.monthly_usd, column)
            ways.append((usd, text, WayBelow(text, usd, before - usd, _keeps(plan_again))))
        if len(combination) > 1 and len(ways) >= WAYS:
            break
    return tuple(way for _, _, way in heapq.nsmallest(WAYS, ways, key=lambda entry: (entry[0], entry[1])))


def _combinations(tried: Sequence[tuple[Change, Settled]]) -> Iterator[tuple[tuple[Change, Settled], ...]]:
    """Each change alone; then, per service, its cheapest change, for two services and more together."""
    yield from ((entry,) for entry in tried)
    best: dict[int, tuple[Change, Settled]] = {}
    for change, (requirement, outcome) in tried:
        known = best.get(change.service)
        if known is None or _rank(outcome) < _rank(known[1][1]):
            best[change.service] = (change, (requirement, outcome))
    for size in range(2, len(best) + 1):
        yield from itertools.combinations(best.values(), size)


def _rank(outcome: Outcome) -> Any:
    assert outcome.chosen is not None, "changes without a plan are not kept"
    return outcome.chosen.rank


def _changes(stack: StackFile, made: StackPlan) -> Iterator[Change]:
    """What could be changed about the costliest services: how machines are bought, how many bits weights have, and every pin."""
    monthly = {cost.service: getattr(cost.monthly_usd, stack.budget.column) for cost in made.costs.services}
    plans = {service.name: service for service in made.services}
    order = sorted(range(len(stack.services)), key=lambda index: -monthly[stack.services[index].name])
    for index in order[:COSTLIEST]:
        service = stack.services[index]
        if stack.target.region is not None and service.capacity_type in (None, CapacityType.ON_DEMAND):
            yield Change(index, f"{service.name}: capacityType spot", {"capacity_type": CapacityType.SPOT})
        for name in _coarser(plans[service.name], service):
            yield Change(index, f"{service.name}: quantization {name}", {"quantization": name})
        for pin in PINS:
            if getattr(service, pin) is not None and not (pin == "quantization" and service.model_uri):
                key = type(service).model_fields[pin].alias
                yield Change(index, f"{service.name}: without {key}", {pin: None})


def _coarser(made: ServicePlan, service: Service) -> tuple[str, ...]:
    """Quantizations of fewer bits than the planned one for which weights are known, the most bits first."""
    if service.model_uri is not None:
        return ()
    bits = catalog.quantization(made.quantization).bits
    known = {checkpoint.quantization for checkpoint in catalog.checkpoints(made.model)}
    fewer = [name for name in known if catalog.quantization(name).bits < bits]
    return tuple(sorted(fewer, key=lambda name: (-catalog.quantization(name).bits, name)))


def _settle_changed(stack: StackFile, change: Change, site: Site, before: Settled) -> Settled | None:
    """The search for the changed service; None where the change leads to no plan, or to no other one."""
    service = stack.services[change.service].model_copy(update=dict(change.update))
    problems = Problems()
    path = f"inferstack:services[{change.service}]"
    requirement = resolve(service, path, site, Path(stack.source).parent, stack.has_hugging_face_token, problems)
    if requirement is None:
        return None
    outcome = search(requirement, site)
    if outcome.chosen is None or (before[1].chosen is not None and outcome.chosen == before[1].chosen):
        return None
    return requirement, outcome


def _updated(service: Service, index: int, combination: Sequence[tuple[Change, Settled]]) -> Service:
    for change, _ in combination:
        if change.service == index:
            service = service.model_copy(update=dict(change.update))
    return service


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
