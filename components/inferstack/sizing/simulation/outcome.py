"""What clients of a simulated service saw: latencies of each request and their percentiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .arrivals import Requests

WARM_UP = 0.1
"""Part of the requests that find the service emptier than it is in the long run; they are left out."""
MS = 1000.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles of a latency in milliseconds, over requests."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution:
        ordered = sorted(values)
        if not ordered:
            return cls(0.0, 0.0, 0.0, 0.0, 0.0)
        return cls(math.fsum(ordered) / len(ordered), *(percentile(ordered, share) for share in (0.5, 0.9, 0.95, 0.99)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of `ordered` do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Outcome:
    """A finished run. Times in seconds as the scheduler saw them; latencies, in ms, as clients do."""

    requests: Requests
    first_s: list[float]
    last_s: list[float]
    overhead_s: float
    preemptions: int

    @property
    def measured(self) -> range:
        """Numbers of the requests after the warm-up."""
        return range(int(len(self.requests) * WARM_UP), len(self.requests))

    @cached_property
    def ttft_values_ms(self) -> list[float]:
        arrival = self.requests.arrival_s
        return [(self.first_s[n] - arrival[n] + self.overhead_s) * MS for n in self.measured]

    @cached_property
    def ttft(self) -> Distribution:
        """Arrival to first token."""
        return Distribution.of(self.ttft_values_ms)

    @cached_property
    def tpot_values_ms(self) -> list[float]:
        osl = self.requests.osl
        return [(self.last_s[n] - self.first_s[n]) / (osl[n] - 1) * MS for n in self.measured if osl[n] > 1]

    @cached_property
    def tpot(self) -> Distribution:
        """Mean time per output token after the first, of each request that has more than one."""
        return Distribution.of(self.tpot_values_ms)

    @cached_property
    def e2e(self) -> Distribution:
        """Arrival to last token."""
        arrival = self.requests.arrival_s
        return Distribution.of([(self.last_s[n] - arrival[n] + self.overhead_s) * MS for n in self.measured])

    @property
    def input_tps(self) -> float:
        """Input tokens per second, from the first arrival to the last token."""
        span = max(self.last_s) - self.requests.arrival_s[0]
        return sum(self.requests.isl) / span if span > 0 else 0.0

    @property
    def output_tps(self) -> float:
        """Output tokens per second, from the first arrival to the last token."""
        span = max(self.last_s) - self.requests.arrival_s[0]
        return sum(self.requests.osl) / span if span > 0 else 0.0
