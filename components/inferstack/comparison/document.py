"""The comparison as public data: what `inferstack compare --json` prints. Its shape is docs/schemas/compare.schema.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalog.types import TASKS
from ..plain import plain
from .crossings import api_usd
from .types import REFERENCES, Load, Offer, ServiceComparison, StackComparison


def document(comparison: StackComparison) -> dict[str, Any]:
    """Keys are camelCase, money USD per month of 730 h or per million tokens."""
    return {
        "stack": comparison.stack,
        "dataMayLeave": comparison.data_may_leave,
        "assumptions": {
            "cachedShare": plain(comparison.assumptions.cached_share),
            "batchShare": plain(comparison.assumptions.batch_share),
        },
        "services": [_service(service) for service in comparison.services],
    }


def _service(service: ServiceComparison) -> dict[str, Any]:
    return {
        "service": service.service,
        "model": service.model,
        "task": TASKS[service.kind],
        "request": {"isl": service.request.isl, "osl": service.request.osl},
        "slo": plain(service.slo),
        "tokensPerUser": plain(service.tokens_per_user),
        "own": {**_load(service.own), "usdPerMillionTokens": plain(service.own_usd_per_million_tokens)},
        "offers": [_offer(offer, service.own) for offer in service.offers],
        "curve": [_load(load) for load in service.curve],
        "series": list(_series(service)),
        "verdict": list(service.verdict),
        "limits": list(service.limits),
    }


def _load(load: Load) -> dict[str, Any]:
    return plain(load)


def _offer(offer: Offer, own: Load) -> dict[str, Any]:
    row = offer.price
    return {
        "kind": offer.kind,
        "host": row.host,
        "model": row.model,
        "name": row.name,
        "inputUsd": plain(row.rates.input_usd),
        "outputUsd": plain(row.rates.output_usd),
        "cachedInputUsd": plain(row.rates.cached_input_usd),
        "batch": plain(row.batch),
        "tiers": [{"aboveTokens": start, **plain(rates)} for start, rates in row.above],
        "usdPerThousandRequests": plain(offer.cost.usd_per_request * 1000),
        "usdPerMillionTokens": plain(offer.cost.usd_per_million_tokens),
        "monthlyUsd": plain(offer.monthly_usd),
        "ownOverApi": None if own.monthly_usd is None else plain(own.monthly_usd / offer.monthly_usd),
        "paysFrom": None if offer.pays_from is None else _load(offer.pays_from),
        "paysAlwaysFrom": None if offer.pays_always_from is None else _load(offer.pays_always_from),
        "presentMachines": {"tokensPerDay": plain(offer.present_tokens_per_day), "utilisation": plain(offer.present_utilisation)},
        "source": row.source,
        "asOf": row.as_of,
        "notes": [note for note in (row.note, *offer.cost.notes) if note],
    }


def _series(service: ServiceComparison) -> Iterator[dict[str, Any]]:
    """The lines of a chart over `curve`: self-hosting, the cheapest API of each kind, and the reference."""
    yield {"label": "self-hosted", "monthlyUsd": [plain(load.monthly_usd) for load in service.curve]}
    kinds = dict.fromkeys(offer.kind for offer in service.offers)
    shown = [next(offer for offer in service.offers if offer.kind == kind) for kind in kinds]
    shown += [offer for offer in service.offers if offer.price.model == REFERENCES.get(service.kind) and offer not in shown]
    for offer in shown:
        usd = offer.cost.usd_per_million_tokens
        label = f"{offer.price.name}, {offer.price.host}"
        yield {"label": label, "monthlyUsd": [plain(api_usd(usd, load.tokens_per_day)) for load in service.curve]}
