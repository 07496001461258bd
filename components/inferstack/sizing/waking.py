"""A service that goes to zero: how much of an hour its first replica serves, how often it starts, and who waits for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

NEVER_IDLE = 50.0
"""Requests expected within the time that a replica stays: above this the next one always comes in time (e^-50)."""


@dataclass(frozen=True, slots=True)
class Waking:
    """What a replica does that goes when nobody has asked for a while and comes back with the next request."""

    serving: float
    """Part of the time in which it serves or stands ready, 0..1."""
    starts_per_second: float
    waiting: float
    """Part of the requests that wait for a cold start, 0..1."""


def waking(requests_per_second: float, stays_seconds: float, cold_start_seconds: float) -> Waking:
    """The renewal cycle of Poisson arrivals: start, serve until nobody has asked for `stays_seconds`, be away until the next request.

    Served in a cycle: (e^(rate x stays) - 1) / rate, the mean time until the first gap that long; away: 1 / rate. Requests that come while
    the replica starts wait too. Raises `ValueError` for a rate that is not positive.
    """
    if requests_per_second <= 0:
        raise ValueError(f"requests per second must be positive, not {requests_per_second}")
    within = requests_per_second * stays_seconds
    if within > NEVER_IDLE:
        return Waking(1.0, 0.0, 0.0)
    starting = requests_per_second * cold_start_seconds
    cycle = starting + math.exp(within)
    return Waking(math.expm1(within) / cycle, requests_per_second / cycle, (1 + starting) / cycle)
