"""Each kind of figure has one spelling."""

from __future__ import annotations

import pytest

from inferstack.cli.render import figures


@pytest.mark.parametrize(
    ("usd", "text"),
    [(1234.56, "$1,234.56"), (0, "$0.00"), (0.0123, "$0.0123"), (1e6, "$1,000,000.00"), (-3.5, "-$3.50"), (None, "not priced")],
)
def test_money(usd: float | None, text: str) -> None:
    """Money has a dollar sign, thousands and cents; what has no price is never $0.00."""
    assert figures.money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(0.045, "$0.045"), (0.8, "$0.80"), (98.32, "$98.32"), (0.00001, "$0.00001"), (1200.5, "$1,200.50")]
)
def test_unit_prices_keep_their_decimals(usd: float, text: str) -> None:
    """A unit price shows at least cents and loses no digit."""
    assert figures.unit_price(usd) == text


@pytest.mark.parametrize(("value", "text"), [(8192, "8,192"), (1.5, "1.5"), (2.0, "2"), (0.126, "0.13"), (0.0042, "0.0042"), (0, "0")])
def test_counts(value: float, text: str) -> None:
    """Counts have thousands, no needless zeros, and never round a small figure to nothing."""
    assert figures.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1_642_500_000, "1.64 billion"), (2_500_000, "2.5 million"), (999, "999"), (3e12, "3 trillion")]
)
def test_large_numbers(value: float, text: str) -> None:
    """From a million on three digits and a word are enough."""
    assert figures.large(value) == text


@pytest.mark.parametrize(("value", "text"), [(420.4, "420 ms"), (45.63, "45.6 ms"), (60.0, "60 ms"), (1150, "1,150 ms"), (None, "unknown")])
def test_latencies(value: float | None, text: str) -> None:
    """Milliseconds have a decimal below one hundred."""
    assert figures.milliseconds(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (60, "1 min"), (280, "4 min 40 s"), (3900, "1 h 5 min"), (7200, "2 h"), (59.7, "1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    """Durations read in the two largest units that they have."""
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(("low", "high", "text"), [(310, 1150, "310 – 1,150 ms"), (150, 520, "150 – 520 ms"), (38.2, 54, "38.2 – 54 ms")])
def test_bands_name_their_unit_once(low: float, high: float, text: str) -> None:
    """A band in one unit names it once."""
    assert figures.band({"low": low, "high": high}, figures.milliseconds) == text


def test_bands_across_units_name_both() -> None:
    """A band from seconds to minutes names both units."""
    assert figures.band({"low": 45, "high": 130}, figures.duration) == "45 s – 2 min 10 s"


@pytest.mark.parametrize(("number", "text"), [(1, "1 node"), (2, "2 nodes"), (1500, "1,500 nodes")])
def test_plurals(number: int, text: str) -> None:
    """One is singular."""
    assert figures.plural(number, "node") == text
