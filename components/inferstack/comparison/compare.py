"""The comparison of a stack: every service at its load and over the curve, beside every API that there is a price for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from .. import planning
from ..catalog.apis import ApiPrice
from ..costs.api import RequestShape, api_cost
from ..costs.breakeven import break_even
from ..errors import InputError, Problem, join_names, nearest_name
from ..planning.types import ServicePlan
from ..stackfile.schema import Service, StackFile
from . import crossings, offers, sentences
from .own import OwnCost
from .types import KINDS, Assumptions, Load, Offer, ServiceComparison, StackComparison

USUAL_TOKENS_PER_USER = Decimal(10_000)
"""Per day, where nobody says how much a user uses."""


def compare(stack: StackFile, assumptions: Assumptions, known: Sequence[ApiPrice], only: str | None = None) -> StackComparison:
    """Every service of `stack`, or the one named `only`, beside the rows of `known` and those of the stack file.

    Pure: no network, no clock. Raises `InputError` where the stack has no plan.
    """
    names = [service.name for service in stack.services]
    if only is not None and only not in names:
        near = nearest_name(only, names)
        nearest = f"did you mean {near}?" if near else f"services: {join_names(names, 'and')}"
        raise InputError([Problem("--service", "is not a service of this stack", only, nearest)], stack.source)
    planned = planning.plan(stack)
    rows = offers.prices(stack, known) if stack.constraints.data_may_leave else ()
    compared: list[ServiceComparison] = []
    for index, service in enumerate(stack.services):
        if only is None or service.name == only:
            own = OwnCost(stack, planned, index, _tokens_per_user(service, planned.services[index], assumptions))
            compared.append(_service(own, rows, assumptions))
    return StackComparison(stack.stack, stack.constraints.data_may_leave, assumptions, tuple(compared))


def _tokens_per_user(service: Service, plan: ServicePlan, assumptions: Assumptions) -> Decimal:
    if assumptions.tokens_per_user is not None:
        return assumptions.tokens_per_user
    if service.traffic.daily_users is None:
        return USUAL_TOKENS_PER_USER
    day = plan.workload.mean_rps * plan.workload.active_hours * 3600 * (plan.workload.isl + plan.workload.osl)
    return Decimal(str(round(day / service.traffic.daily_users, 6)))


def _service(own: OwnCost, rows: Sequence[ApiPrice], assumptions: Assumptions) -> ServiceComparison:
    plan = own.service
    request = RequestShape(plan.workload.isl, plan.workload.osl, assumptions.cached_share, assumptions.batch_share)
    present, points = own.present(), crossings.curve(own)
    found = [offer for row in rows if (offer := _offer(own, row, request, present, points)) is not None]
    found.sort(key=lambda offer: (KINDS.index(offer.kind), offer.monthly_usd, offer.price.host, offer.price.name))
    return ServiceComparison(
        service=plan.name,
        model=plan.model,
        kind=plan.replica.shape.model.kind,
        request=request,
        slo=plan.slo,
        tokens_per_user=own.tokens_per_user,
        own=present,
        own_usd_per_million_tokens=_per_million(present),
        offers=tuple(found),
        curve=points,
        verdict=sentences.verdict(plan, present, found, own.stack.constraints.data_may_leave),
        limits=sentences.limits(own, request),
    )


def _per_million(load: Load) -> Decimal | None:
    return None if load.monthly_usd is None else load.monthly_usd / crossings.api_usd(Decimal(1), load.tokens_per_day)


def _offer(own: OwnCost, row: ApiPrice, request: RequestShape, present: Load, points: Sequence[Load]) -> Offer | None:
    kind = offers.kind(row, own.service.replica.shape.model)
    if kind is None:
        return None
    cost = api_cost(row, request)
    first, always = crossings.crossings(own, points, cost.usd_per_million_tokens)
    even = None if present.monthly_usd is None else break_even(present.monthly_usd, cost.usd_per_million_tokens)
    return Offer(
        kind=kind,
        price=row,
        cost=cost,
        monthly_usd=crossings.api_usd(cost.usd_per_million_tokens, present.tokens_per_day),
        pays_from=first,
        pays_always_from=always,
        present_tokens_per_day=None if even is None else even.tokens_per_day,
        present_utilisation=None if even is None else even.utilisation(_capacity(own.service, request)),
    )


def _capacity(plan: ServicePlan, request: RequestShape) -> Decimal:
    """Tokens per second that the running replicas carry within the SLO."""
    return Decimal(str(plan.replicas.expected * plan.replica.performance.capacity_rps.expected * request.tokens))
