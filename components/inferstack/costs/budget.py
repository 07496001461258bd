"""What a budget says to an estimate, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ..errors import join_names
from .money import money
from .types import HOURS_PER_MONTH, Columns, StackCost

POINTS = {"min": "at the bottom of its range", "expected": "at the expected load", "max": "at the top of its range"}
"""Columns of an estimate, and how a sentence says them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one `budget` of the stack file; None is no limit."""

    path: str
    """Key path of the budget."""
    max_monthly_usd: Decimal | None = None
    max_hourly_usd: Decimal | None = None
    max_usd_per_million_tokens: Decimal | None = None
    max_gpus: int | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """What is held against limits: the stack, or one of its services."""

    subject: str
    monthly_usd: Columns
    usd_per_million_tokens: Decimal | None
    """Machines alone, at the expected load; None where it is not known."""
    gpus: Columns
    """Billed, used or idle."""


def over_budget(spending: Spending, limits: Limits, column: str = "max") -> Iterator[str]:
    """One sentence per limit that the column exceeds; what is met exactly is kept. Token prices are those of the expected load."""
    monthly = getattr(spending.monthly_usd, column)
    when = POINTS[column]
    for usd, period, key, limit in (
        (monthly, "a month", "maxMonthlyUsd", limits.max_monthly_usd),
        (monthly / HOURS_PER_MONTH, "an hour", "maxHourlyUsd", limits.max_hourly_usd),
    ):
        if limit is not None and usd > limit:
            yield f"{spending.subject} costs {money(usd)} {period} {when}, {money(usd - limit)} above {limits.path}.{key} {money(limit)}."
    usd, limit = spending.usd_per_million_tokens, limits.max_usd_per_million_tokens
    if usd is not None and limit is not None and usd > limit:
        key = f"{limits.path}.maxUsdPerMillionTokens"
        yield (
            f"{spending.subject} costs {money(usd)} per million tokens {POINTS['expected']}, "
            f"{money(usd - limit)} above {key} {money(limit)}."
        )
    gpus, most = getattr(spending.gpus, column), limits.max_gpus
    if most is not None and gpus > most:
        yield f"{spending.subject} is billed for {gpus:g} GPUs {when}, {gpus - most:g} more than {limits.path}.maxGpus {most}."


def incomplete(cost: StackCost) -> str | None:
    """The sentence that every total needs where a price is missing; None where all are known."""
    if cost.complete:
        return None
    names = tuple(dict.fromkeys(cost.unpriced))
    return f"The total is a lower bound: no price is known for {join_names(names, 'and')}."
