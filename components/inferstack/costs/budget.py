"""What a budget says to an estimate, in sentences. The guard looks at the top of the autoscaling range."""

from __future__ import annotations

from decimal import Decimal

from ..errors import join_names
from .money import money
from .types import StackCost

MAX_MONTHLY_KEY = "inferstack:budget.maxMonthlyUsd"
MAX_HOURLY_KEY = "inferstack:budget.maxHourlyUsd"


def over_budget(cost: StackCost, max_monthly_usd: Decimal | None, max_hourly_usd: Decimal | None) -> tuple[str, ...]:
    """One sentence per limit that the top of the range exceeds; empty where all limits are kept. A limit of None is no limit."""
    limits = (
        (cost.monthly_usd.max, "a month", MAX_MONTHLY_KEY, max_monthly_usd),
        (cost.hourly_usd.max, "an hour", MAX_HOURLY_KEY, max_hourly_usd),
    )
    bound = "" if cost.complete else f" {incomplete(cost)}"
    return tuple(
        f"The stack costs {money(usd)} {period} at the top of its range, {money(usd - limit)} above {key} {money(limit)}.{bound}"
        for usd, period, key, limit in limits
        if limit is not None and usd > limit
    )


def incomplete(cost: StackCost) -> str | None:
    """The sentence that every total needs where a price is missing; None where all are known."""
    if cost.complete:
        return None
    names = tuple(dict.fromkeys(cost.unpriced))
    return f"The total is a lower bound: no price is known for {join_names(names, 'and')}."
