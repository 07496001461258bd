"""Unit economics of one service: what tokens, requests and users cost, at the expected load and where the machines are full."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .money import exact
from .types import HOURS_PER_MONTH, Demand, TokenPrice, UnitEconomics

MILLION = 1_000_000
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, slots=True)
class Billed:
    """What a service is billed for."""

    all_usd: Decimal
    """Its whole part of the stack at the expected load, USD per month."""
    machines_usd: Decimal
    """Its machines at the expected load, USD per month."""
    machines_max_usd: Decimal
    devices: Decimal
    """Devices of those machines, idle ones in proportion; nodes where they have none."""
    devices_max: Decimal
    complete: bool
    """False where a machine has no known price."""


def token_price(
    machines_usd: Decimal, low_usd: Decimal, input_tokens: Decimal, output_tokens: Decimal, demand: Demand, complete: bool
) -> TokenPrice:
    """$ per output token = machines / (input tokens / r + output tokens), $ per input token = that / r, r being what an output token costs
    over an input token: the split of Google's GKE Inference Quickstart (`GkeRecommender` v1, Cost), with r from the replica's own times.
    Where nothing is generated input tokens pay for all.
    """
    tokens = input_tokens + output_tokens
    ratio = exact(demand.output_to_input_ratio) if output_tokens else None
    output_usd = None if ratio is None else machines_usd / (input_tokens / ratio + output_tokens)
    return TokenPrice(
        input_usd=(machines_usd / tokens if output_usd is None or ratio is None else output_usd / ratio) * MILLION,
        output_usd=None if output_usd is None else output_usd * MILLION,
        blended_usd=machines_usd / tokens * MILLION,
        output_to_input_ratio=ratio,
        tokens_per_month=tokens,
        low_blended_usd=low_usd / tokens * MILLION,
        complete=complete,
    )


def unit_economics(billed: Billed, demand: Demand) -> UnitEconomics | None:
    """None where the load, what a replica can do, or the machines are not known."""
    requests, capacity = exact(demand.requests_per_month), exact(demand.capacity_rps) * SECONDS_PER_MONTH
    if not (requests and capacity and billed.devices_max):
        return None
    input_tokens, output_tokens = exact(demand.input_tokens_per_month), exact(demand.output_tokens_per_month)
    able, able_at_most = (capacity * devices / demand.devices for devices in (billed.devices, billed.devices_max))
    full = able_at_most / requests
    saturated = None
    if billed.machines_max_usd:
        most = billed.machines_max_usd
        saturated = token_price(most, most, input_tokens * full, output_tokens * full, demand, billed.complete)
    hourly = billed.machines_max_usd / HOURS_PER_MONTH
    used = requests / able if able else Decimal(0)
    return UnitEconomics(
        utilisation=used,
        allocated_monthly_usd=billed.machines_usd,
        used_monthly_usd=billed.machines_usd * min(used, Decimal(1)),
        usd_per_request=billed.all_usd / requests,
        usd_per_user_month=billed.all_usd / exact(demand.daily_users) if demand.daily_users else None,
        saturated=saturated,
        output_tps_per_usd_hour=(output_tokens or input_tokens) * full / SECONDS_PER_MONTH / hourly if hourly else None,
    )
