"""Money as text, and what owned hardware costs per hour."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
SMALL = Decimal("0.10")
"""Below this a price shows four decimals, so that $0.0123 per million tokens does not read as $0.01."""
SMALLEST = Decimal("0.0001")
HOURS_PER_YEAR = 8760


def money(usd: Decimal | int) -> str:
    """`$1,234.56`; four decimals below ten cents (`$0.0123`), a minus sign before the dollar."""
    value = Decimal(usd)
    small = 0 < abs(value) < SMALL
    rounded = abs(value).quantize(SMALLEST if small else CENT, ROUND_HALF_UP)
    sign = "-" if value < 0 and rounded else ""
    return f"{sign}${rounded:,}"


def owned_usd_per_hour(purchase_usd: Decimal, years: float, watts: float, pue: float, usd_per_kwh: Decimal) -> Decimal:
    """USD per node and hour of hardware that is owned: purchase over its life of `years` x 8,760 h, and power at the wall times PUE."""
    amortisation = purchase_usd / (exact(years) * HOURS_PER_YEAR)
    kilowatts = exact(watts) / 1000 * exact(pue)
    return amortisation + kilowatts * usd_per_kwh


def exact(value: float) -> Decimal:
    """The number as it was written: 0.1 is 0.1, not its nearest binary fraction."""
    return Decimal(str(value))
