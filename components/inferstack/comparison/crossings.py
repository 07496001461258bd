"""From which load on machines of one's own cost less than an API: the curve is searched, because replicas come in steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from ..sizing.types import DAYS_PER_MONTH
from .own import OwnCost
from .types import Load

FEWEST_USERS = 1_000
MOST_USERS = 10_000_000
PER_DECADE = 8
"""Points of the curve per factor of ten in users."""
CLOSE_ENOUGH = 1.02
"""A crossing is found within this factor of its load."""
MILLION = 1_000_000

Pays = Callable[[Load], bool]


def curve(own: OwnCost) -> tuple[Load, ...]:
    """The service from a thousand to ten million daily users."""
    steps = round(PER_DECADE * math.log10(MOST_USERS / FEWEST_USERS))
    users = (FEWEST_USERS * 10 ** (step / PER_DECADE) for step in range(steps + 1))
    return tuple(own.at(float(own.tokens_per_user) * count) for count in users)


def api_usd(usd_per_million_tokens: Decimal, tokens_per_day: float) -> Decimal:
    """A month of that load at an API."""
    return usd_per_million_tokens * Decimal(str(tokens_per_day * DAYS_PER_MONTH)) / MILLION


def crossings(own: OwnCost, points: Sequence[Load], usd_per_million_tokens: Decimal) -> tuple[Load | None, Load | None]:
    """The first load at which self-hosting is not dearer, and the one from which it stays so; None where the curve has none."""

    def pays(load: Load) -> bool:
        return load.monthly_usd is not None and load.monthly_usd <= api_usd(usd_per_million_tokens, load.tokens_per_day)

    planned = [load for load in points if load.monthly_usd is not None]
    paying = [pays(load) for load in planned]
    if True not in paying:
        return None, None
    first = _first(own, planned, paying.index(True), pays)
    if not paying[-1]:
        return first, None
    if False not in paying[paying.index(True) :]:
        return first, first
    last_dearer = len(paying) - 1 - paying[::-1].index(False)
    return first, _between(own, planned[last_dearer], planned[last_dearer + 1], pays)


def _first(own: OwnCost, planned: Sequence[Load], index: int, pays: Pays) -> Load:
    if index > 0:
        return _between(own, planned[index - 1], planned[index], pays)
    least = own.at(planned[0].tokens_per_day / FEWEST_USERS)
    return least if pays(least) else _between(own, least, planned[0], pays)


def _between(own: OwnCost, dearer: Load, paying: Load, pays: Pays) -> Load:
    """The smallest load above `dearer` that pays, or one of them where steps make several."""
    while paying.tokens_per_day / dearer.tokens_per_day > CLOSE_ENOUGH:
        middle = own.at((paying.tokens_per_day * dearer.tokens_per_day) ** 0.5)
        if pays(middle):
            paying = middle
        else:
            dearer = middle
    return paying
