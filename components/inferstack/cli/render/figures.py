"""Figures as text: money, bands, times, counts. One spelling for each kind, in every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ...costs.money import money as spell_money

NOT_PRICED = "not priced"
UNKNOWN = "unknown"


def money(usd: float | None) -> str:
    """`$1,234.56`, and `$0.0123` below ten cents."""
    return NOT_PRICED if usd is None else spell_money(Decimal(str(usd)))


def small_money(usd: float) -> str:
    """Two digits of what is far below a cent, so that a request is never $0.0000."""
    return money(usd) if usd >= 0.001 or usd == 0 else f"${float(f'{usd:.2g}'):.10f}".rstrip("0")


def unit_price(usd: float | None) -> str:
    """At least cents, and as many decimals more as the price has: `$0.045`, `$0.80`."""
    if usd is None:
        return NOT_PRICED
    whole, _, decimals = f"{usd:,.6f}".partition(".")
    return f"${whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def count(value: float) -> str:
    """Whole numbers with thousands, others with at most two decimals: `8,192`, `1.5`."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.2g}"


def large(value: float) -> str:
    """Three digits and a word: `1.64 billion`."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:,.3g} {name}"
    return count(round(value))


def about(value: float) -> str:
    """Three digits: `157,000`, `5.23 million`."""
    return large(float(f"{value:.3g}"))


def milliseconds(value: float | None) -> str:
    """`420 ms`; below 100 ms with a decimal."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f} ms" if value >= 100 or value == int(value) else f"{value:.1f} ms"


def rate(value: float) -> str:
    return f"{count(value)} req/s"


def token_rate(value: float) -> str:
    """`2,345 tok/s`; below ten with decimals, so that few are not none."""
    return f"{value:,.0f} tok/s" if value >= 10 else f"{count(value)} tok/s"


def duration(seconds: float) -> str:
    """`45 s`, `4 min 40 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def band(estimate: Mapping[str, Any], spell: Callable[[float], str]) -> str:
    """`310 – 1,150 ms`: low to high, the unit once where both have the same."""
    low, high = spell(estimate["low"]), spell(estimate["high"])
    amount, _, unit = low.partition(" ")
    return f"{amount} – {high}" if " " not in unit and high.endswith(f" {unit}") and high.count(" ") == 1 else f"{low} – {high}"


def span(low: float, high: float) -> str:
    """`1-3`, or `2` where both are the same."""
    return count(high) if low == high else f"{count(low)}-{count(high)}"


def plural(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `2 replicas`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"
