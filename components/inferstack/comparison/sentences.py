"""What the comparison comes to and what it does not know, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..costs.api import RequestShape
from ..costs.money import money
from ..planning.task import EMBED, GENERATE
from ..planning.types import ServicePlan
from .own import OwnCost
from .types import CLOSED, COMPARABLE, KINDS, REFERENCES, SAME, Load, Offer

NO_APIS = "`inferstack:constraints.dataMayLeave` is false: prompts and answers stay on machines of your own, no API is compared"
ROW = "give a row under `inferstack:apiPrices`: host, model, inputUsd and {other}"
OF_TASK = {
    EMBED: ("index: vectors of two models cannot be compared; whoever changes the model embeds everything anew, which is not counted",),
    "rerank": ("searches: hosts that sell rerank by the search (Cohere, Bedrock, Azure, Google) are left out: that is another unit",),
}
"""What is to be known of substitutes for one task."""
OF_KIND = {SAME: "the same model", COMPARABLE: "an open model of about its size", CLOSED: "a closed model"}


def verdict(plan: ServicePlan, present: Load, offers: Sequence[Offer], data_may_leave: bool) -> tuple[str, ...]:
    """One sentence per kind of API for its cheapest, and one for everything that is not known."""
    return tuple(_verdict(plan, present, offers, data_may_leave))


def _verdict(plan: ServicePlan, present: Load, offers: Sequence[Offer], data_may_leave: bool) -> Iterator[str]:
    if not data_may_leave:
        yield NO_APIS
        return
    if present.monthly_usd is None:
        yield f"what self-hosting costs is unknown: {present.problem}"
    if all(offer.kind != SAME for offer in offers):
        other = "outputUsd" if plan.task == GENERATE else f"task: {plan.task}"
        yield f"the price of {plan.model} at an API is unknown; {ROW.format(other=other)}"
    for kind in KINDS:
        cheapest = next((offer for offer in offers if offer.kind == kind), None)
        if cheapest is not None:
            place = f"at {cheapest.price.host}" if kind == SAME else f"as {cheapest.price.name} at {cheapest.price.host}"
            yield f"{OF_KIND[kind]} is cheapest {place}: {_beside(cheapest, present)}"
    known = REFERENCES.get(plan.replica.shape.model.kind)
    reference = next((offer for offer in offers if offer.price.model == known), None)
    if reference is not None:
        yield f"{known} at {reference.price.host}: {_beside(reference, present)}"


def _beside(offer: Offer, present: Load) -> str:
    said = f"{money(offer.monthly_usd)} a month at this load"
    if present.monthly_usd is None:
        return said
    ratio = float(present.monthly_usd / offer.monthly_usd)
    return f"{said}, self-hosting {f'{ratio:,.2g}' if ratio < 100 else f'{ratio:,.0f}'} times that{_from(offer)}"


def _from(offer: Offer) -> str:
    first = offer.pays_from
    if first is None:
        return "; it is dearer at every load up to 10 million daily users"
    load = f"{_round(first.tokens_per_day)} tokens, {_round(first.requests_per_day)} requests a day"
    at = f"; it pays from {_round(first.daily_users)} daily users on ({load}"
    busy = "" if first.utilisation is None else f", replicas {first.utilisation:.0%} busy"
    again = offer.pays_always_from
    if again is None:
        return f"{at}{busy}), though not at every larger load"
    if again.daily_users > first.daily_users * 1.02:
        return f"{at}{busy}), always from {_round(again.daily_users)}"
    return f"{at}{busy})"


def _round(count: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{count / size:,.3g} {word}"
    return f"{float(f'{count:.3g}'):,.0f}"


def limits(own: OwnCost, request: RequestShape) -> tuple[str, ...]:
    """What would have to be known besides."""
    return tuple(_limits(own, request))


def _limits(own: OwnCost, request: RequestShape) -> Iterator[str]:
    service = own.service
    slo, performance = service.slo, service.replica.performance
    first = "TTFT" if service.task == GENERATE else "latency"
    targets = [
        f"{name} p95 ≤ {value:,.0f} ms" for name, value in ((first, slo.ttft_p95_ms), ("TPOT", slo.tpot_p95_ms)) if value is not None
    ]
    kept = f"replicas are counted for {' and '.join(targets)}" if targets else "no SLO is stated: replicas are filled to their throughput"
    yield f"latency: {kept}; what an API's latency is, and whether it limits the rate, is not known here"
    rate = performance.capacity_rps
    yield (
        f"capacity: {rate.expected:,.2f} requests per second and replica, {rate.provenance.value}, "
        f"between {rate.low:,.2f} and {rate.high:,.2f}: the break-even moves as much"
    )
    yield "quality: comparable means parameters within a factor of 1.5, and hosts may serve fewer bits; judge both with your own evaluation"
    longer = "; an answer of a reasoning model is longer than `osl`" if service.task == GENERATE else ""
    yield f"tokens: every tokenizer is taken to give the same number{longer}"
    yield from OF_TASK.get(service.task, ())
    if request.cached_share:
        yield "prompt cache: writing to it is not counted, and the plan's own replicas are taken to reuse no prefix"
    yield "people: neither side counts them; self-hosting needs more of them"
    if len(own.stack.services) > 1:
        yield (
            "sharing: over the curve the service is planned alone on its nodes, less what sharing its cluster saves it today; "
            "its part of GPUs that idle today makes the two differ"
        )
    if own.stack.services[own.index].replicas is not None:
        yield "replicas: the bounds of the stack file hold for today's load only"
