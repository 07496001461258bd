"""The largest rate at which one replica keeps an SLO, and what sets it. Roots of the closed forms in `queueing.py`, by short iterations."""

from __future__ import annotations

import math
from collections.abc import Callable

from .batches import Z95
from .constants import constants
from .performance import PLAIN, bands
from .queueing import CLOSE, MS, NEWTON_STEPS, Server, latency, latency_among, others_at, server, variance
from .types import POISSON, MemoryLayout, Performance, Shape, Slo, Techniques, Variability

ROOT_STEPS = 60
NEAR = 1e-8


def size_replica(
    shape: Shape,
    memory: MemoryLayout,
    isl: int,
    osl: int,
    slo: Slo,
    load_rps: float,
    spare: float | None = None,
    variability: Variability = POISSON,
    techniques: Techniques = PLAIN,
) -> Performance:
    """What one replica can do within `slo` and what it does at `load_rps`; lengths in tokens, rates in requests per second.

    `spare` is the part of the saturated rate that is kept free for bursts of Poisson arrivals (default: 0.3). Latencies are infinite
    where `load_rps` exceeds what the replica can finish; capacity is 0 where the SLO cannot be met at any load.
    """
    one = server(shape, memory, isl, osl, variability, techniques)
    free = constants("performance")["spare"]["value"] if spare is None else spare
    capacity, limit = capacity_rps(one, slo, free)
    at_load = latency(one, load_rps)
    ttft, tpot, rps, tps = bands(
        shape,
        (at_load.ttft_p95_ms, "request-rate", "ttft"),
        (at_load.tpot_p95_ms, "request-rate", "tpot"),
        (capacity, "closed-loop", "output_tps"),
        (capacity * one.osl, "closed-loop", "output_tps"),
    )
    return Performance(
        load_rps=load_rps,
        ttft_p95_ms=ttft,
        tpot_p95_ms=tpot,
        capacity_rps=rps,
        output_tps=tps,
        sequences=at_load.sequences,
        limited_by=limit,
    )


def capacity_rps(one: Server, slo: Slo, spare: float) -> tuple[float, str]:
    """The largest request rate that keeps `slo`, and what sets it: ttft, tpot, kv-cache, max-sequences or throughput; latency in place
    of ttft where nothing is generated."""
    best, limit = one.saturated_rps * (1 - spare), _saturation_limit(one)
    if slo.tpot_p95_ms is not None and one.osl:
        others = _others_for_tpot(one, slo.tpot_p95_ms / MS)
        if others is None:
            return 0.0, "tpot"
        if one.rate(others) < best:
            best, limit = one.rate(others), "tpot"
    if slo.ttft_p95_ms is None or best <= 0 or latency(one, best).ttft_p95_ms <= slo.ttft_p95_ms:
        return best, limit
    return _rate_for_ttft(one, slo.ttft_p95_ms, best), "ttft" if one.osl else "latency"


def _others_for_tpot(one: Server, tpot_s: float) -> float | None:
    """Largest mean number of others whose 95th percentile keeps TPOT at `tpot_s`; None where even a lone request is slower."""
    if one.tpot_s(0.0) > tpot_s:
        return None
    times = one.times
    slope = times.sequence_s + times.prefill_busy_s / one.osl
    high = (tpot_s - one.tpot_s(0.0)) / slope
    if times.experts_s:
        high = _tpot_root(one, tpot_s)
    z = Z95 * math.sqrt(variance(one.variability))
    return ((-z + math.sqrt(z * z + 4 * high)) / 2) ** 2


def _tpot_root(one: Server, tpot_s: float) -> float:
    """Others at which TPOT is `tpot_s`, from below: TPOT is concave in them, so Newton does not overshoot."""
    times, others = one.times, 0.0
    slope = times.sequence_s + times.prefill_busy_s / one.osl
    log_miss = math.log(times.expert_miss) if times.expert_miss > 0 else 0.0
    for _ in range(NEWTON_STEPS):
        rise = slope - times.experts_s * log_miss * times.expert_miss ** (1 + others)
        step = (tpot_s - one.tpot_s(others)) / rise
        others += step
        if abs(step) <= CLOSE * (1 + others):
            break
    return max(0.0, others)


def _rate_for_ttft(one: Server, ttft_p95_ms: float, high: float) -> float:
    """Largest rate below `high` whose TTFT is within the target; 0.0 where an idle replica is too slow.

    Searches over sequences in flight rather than rates, because the rate follows from them in closed form.
    """

    def excess(load: float) -> float:
        found = latency_among(one, one.rate(load), load) if one.osl else latency_among(one, load, 0.0)
        return found.ttft_p95_ms - ttft_p95_ms

    if excess(0.0) > 0:
        return 0.0
    found = _last_below_zero(excess, others_at(one, high) if one.osl else high, tolerance=NEAR * ttft_p95_ms)
    return one.rate(found) if one.osl else found


def _last_below_zero(rising: Callable[[float], float], top: float, tolerance: float) -> float:
    """Largest argument in [0, top] at which `rising` is not positive, by false position (Illinois); it is not positive at 0."""
    low, low_value, top_value = 0.0, rising(0.0), rising(top)
    side = 0
    for _ in range(ROOT_STEPS):
        middle = (low + top) / 2 if math.isinf(top_value) else top - top_value * (top - low) / (top_value - low_value)
        value = rising(middle)
        if value > 0:
            top, top_value, low_value = middle, value, low_value / 2 if side > 0 else low_value
            side = 1
        else:
            low, low_value, top_value = middle, value, top_value / 2 if side < 0 else top_value
            side = -1
        if -tolerance <= value <= 0 or top - low <= CLOSE * top:
            break
    return low


def _saturation_limit(one: Server) -> str:
    """What bounds the saturated rate: the slots where twice as many would give a tenth more, otherwise the silicon."""
    if one.slots <= 0:
        return "kv-cache"
    if one.saturated_with(2 * one.slots) < 1.1 * one.saturated_rps:
        return "throughput"
    return one.bound
