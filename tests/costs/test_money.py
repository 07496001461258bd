"""Money as text, and hardware that is owned."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.costs import money, owned_usd_per_hour


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("1234.56", "$1,234.56"),
        ("1234567.891", "$1,234,567.89"),
        ("0.125", "$0.13"),
        ("0.0123", "$0.0123"),
        ("0.09999", "$0.1000"),
        ("0.10", "$0.10"),
        ("0", "$0.00"),
        ("-234.5", "-$234.50"),
        ("-0.00001", "$0.0000"),
    ],
)
def test_money_reads_like_a_price(usd: str, text: str) -> None:
    """Thousands are separated, cents rounded half up; below ten cents four decimals show, and nothing is never negative."""
    assert money(Decimal(usd)) == text


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_money_is_within_half_a_cent(usd: Decimal) -> None:
    """What is printed differs from what is meant by rounding only."""
    shown = Decimal(money(usd).replace("$", "").replace(",", ""))
    assert abs(shown - usd) <= Decimal("0.005")


def test_owned_hardware_costs_its_purchase_and_its_power() -> None:
    """$87,600 over ten years is $1 an hour; 2,000 W at PUE 1.5 and $0.10 per kWh is $0.30."""
    assert owned_usd_per_hour(Decimal(87600), 10, 2000, 1.5, Decimal("0.10")) == Decimal("1.30")


def test_a_year_is_twelve_months_of_730_hours() -> None:
    """Amortisation and monthly cost agree: a year's purchase is twelve monthly sums."""
    hourly = owned_usd_per_hour(Decimal(12000), 1, 1e-9, 1.0, Decimal("0.1"))
    assert hourly * 730 * 12 == pytest.approx(12000)


@given(years=st.floats(0.1, 20), watts=st.floats(1, 1e5))
def test_longer_life_costs_less_and_more_power_costs_more(years: float, watts: float) -> None:
    """The hourly price falls with the years of use and rises with the draw."""
    base = owned_usd_per_hour(Decimal(10000), years, watts, 1.2, Decimal("0.2"))
    assert owned_usd_per_hour(Decimal(10000), years * 2, watts, 1.2, Decimal("0.2")) < base
    assert owned_usd_per_hour(Decimal(10000), years, watts * 2, 1.2, Decimal("0.2")) > base
