"""What requests, users and full machines cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.costs import Demand, NodeGroup, estimate, owned_usd_per_hour
from inferstack.costs.types import UnitEconomics

from .made import FEES, columns, control_plane, group

REQUESTS = 2_628_000.0
"""One per second for a month of 730 h."""


def demand(**changes: object) -> Demand:
    made = Demand("chat", REQUESTS * 900, REQUESTS * 300, 3.0, requests_per_month=REQUESTS, capacity_rps=4.0)
    return replace(made, **changes)  # type: ignore[arg-type]  # test data


def units(pool: NodeGroup, **changes: object) -> UnitEconomics:
    found = estimate([pool], [], FEES, [demand(**changes)]).services[0].economics
    assert found is not None
    return found


def test_what_is_used_is_the_part_of_what_is_paid_that_the_traffic_takes() -> None:
    """One request a second on a replica that serves four: a quarter of $730 is used."""
    found = units(group(usd="1"))
    assert found.utilisation == pytest.approx(Decimal("0.25"))
    assert (found.allocated_monthly_usd, found.used_monthly_usd) == (730, pytest.approx(Decimal("182.5")))


def test_idle_devices_are_paid_and_not_used() -> None:
    """A replica on one of two GPUs of its node pays for both, so that half as much of what it pays is used."""
    pool = group(usd="1", shares={"chat": "0.5"})
    both = replace(pool, machine=replace(pool.machine, accelerator_count=2))
    assert units(both).utilisation == pytest.approx(Decimal("0.125"))


def test_a_full_machine_gives_the_lowest_price_per_token() -> None:
    """At saturation the same machine serves four times the tokens, at a quarter of the price, in the same split."""
    cost = estimate([group(usd="1")], [], FEES, [demand()]).services[0]
    assert cost.tokens is not None
    assert cost.economics is not None
    full = cost.economics.saturated
    assert full is not None
    assert full.blended_usd == pytest.approx(cost.tokens.blended_usd / 4)
    assert full.output_usd / full.input_usd == pytest.approx(Decimal(3))
    assert full.tokens_per_month == pytest.approx(cost.tokens.tokens_per_month * 4)


def test_saturation_is_that_of_the_top_of_the_range() -> None:
    """Four nodes full around the clock, not the one that the expected load keeps."""
    found = units(group(usd="1", nodes=columns(1, 1, 4)))
    assert found.saturated is not None
    assert found.saturated.tokens_per_month == pytest.approx(Decimal(REQUESTS) * 1200 * 4 * 4)


def test_requests_and_users_carry_everything() -> None:
    """The control plane's $73 are in the price of a request and of a user, beside $730 of machines."""
    cost = estimate([group(usd="1")], [control_plane()], FEES, [demand(daily_users=1000.0)]).services[0].economics
    assert cost is not None
    assert cost.usd_per_request == pytest.approx(Decimal(803) / Decimal(REQUESTS))
    assert cost.usd_per_user_month == pytest.approx(Decimal("0.803"))


def test_throughput_for_a_dollar_an_hour() -> None:
    """Four requests a second of 300 output tokens for $2 an hour: 600 tokens per second for a dollar an hour."""
    assert units(group(usd="2")).output_tps_per_usd_hour == pytest.approx(Decimal(600))


def test_what_is_not_known_is_not_made_up() -> None:
    """Without users no price per user, without a machine price or a capacity no economics."""
    assert units(group(usd="1")).usd_per_user_month is None
    assert estimate([group(usd=None)], [], FEES, [demand()]).services[0].economics is None
    assert estimate([group()], [], FEES, [demand(capacity_rps=0.0)]).services[0].economics is None


@given(rate=st.floats(0.01, 4), usd=st.decimals("0.01", 100, places=4))
def test_paid_is_never_less_than_used(rate: float, usd: Decimal) -> None:
    """Within capacity, what is used is at most what is paid."""
    found = units(group(usd=str(usd)), requests_per_month=REQUESTS * rate)
    assert found.used_monthly_usd <= found.allocated_monthly_usd


def test_owned_hardware_is_priced_like_a_machine() -> None:
    """Amortisation and power become a price per node and hour: $60,000 over 4 years, 2,200 W at PUE 1.3 and $0.15 per kWh."""
    hourly = owned_usd_per_hour(Decimal(60000), 4, 2200, 1.3, Decimal("0.15"))
    assert hourly == pytest.approx(Decimal(60000) / 35040 + Decimal("0.429"))
    assert units(group(usd=str(hourly))).allocated_monthly_usd == pytest.approx(hourly * 730)
