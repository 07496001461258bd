"""How old the prices of a plan are. The only place that looks at the calendar: a plan itself is the same on every day."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

STALE_DAYS = 90
"""Prices older than this are announced."""
BY_USER = "user"


def today() -> datetime.date:
    return datetime.date.today()


def stale(costs: Mapping[str, Any], day: datetime.date) -> str | None:
    """The sentence on standard error where prices that a total is made of are older than `STALE_DAYS` on `day`; None where none is.

    `costs` is a cost document. Undated prices are announced too.
    """
    ages: dict[str, str] = {}
    for branch in costs["lines"]["children"]:
        dates = [line["asOf"] for line in _leaves(branch) if line["unitPriceUsd"] and line["basis"] != BY_USER]
        if None in dates or "" in dates:
            ages[branch["name"]] = "undated"
        elif dates and _days(min(dates), day) > STALE_DAYS:
            ages[branch["name"]] = f"{min(dates)}, {_days(min(dates), day):,} days old"
    if not ages:
        return None
    named = "; ".join(f"{branch} ({age})" for branch, age in ages.items())
    return f"prices may have changed: older than {STALE_DAYS} days are {named}. Give your own in a price file (`inferstack:prices`)."


def _days(date: str, day: datetime.date) -> int:
    return (day - datetime.date.fromisoformat(date)).days


def _leaves(line: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not line["children"]:
        yield line
    for child in line["children"]:
        yield from _leaves(child)
