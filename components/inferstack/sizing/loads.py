"""What a replica does when it is driven as benchmarks drive it: offline, one request at a time, a fixed concurrency, all requests at once.

    tok/s = B / (decode(B) + B x prefill / OSL)        B sequences in the batch, each freed slot refilled at once
    TPOT  = decode(B) + (B - 1) x prefill / OSL        other prompts are computed between the tokens of one
    TTFT  = HTTP + prefill + a few steps + its share of the first wave + the wait for a slot
    B    <= C x OSL / (ISL + OSL)                      prompts enter as fast as steps of C tokens take them

Request rates are in `queueing.py`; here only what a finite run makes of them. The others are arithmetic only, so that the fit runs them on
arrays. Constants: `performance.json`, loads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .constants import constants
from .queueing import Server, latency
from .times import StepTimes

PEAK_STEPS = 16
REACHED = 1.01
"""Steady state over what a run reaches of it, where they count as the same."""
DRAIN_POINTS = 6
EULER = 0.5772
TINY = 1e-6


@dataclass(frozen=True, slots=True)
class LoadConstants:
    """Fitted constants of how benchmarks load a server."""

    wait_steps: float
    """Decode steps between a request's arrival and its first token."""
    first_wave: float
    """Part of the prompts of the first wave, in which all come at once, that a mean request waits for."""
    drain: float
    """Time in which the last batch leaves, where lengths vary, over that of exponential lengths."""
    last_lengths: float
    """Output of the request that ends a run of requests that come one by one, over the mean."""
    short_answers: float
    """What a stall adds to the mean TPOT over what it adds to that of a mean answer, where lengths vary: short ones spread it over less."""


@dataclass(frozen=True, slots=True)
class Run:
    """One benchmark run, in requests and tokens."""

    isl: float
    osl: float
    batch: float
    """Sequences that are decoded together: the concurrency, at most what the KV cache and the engine admit."""
    queued: float
    """Requests in flight that find no slot."""
    requests: float
    """Requests of the whole run."""
    varied: float
    """1 where output lengths vary (ShareGPT), 0 where they are all the same."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a client measures."""

    output_tps: float
    ttft_s: float
    tpot_s: float


def saturated_tps(times: StepTimes, run: Run) -> float:
    """Output tokens per second with every slot refilled at once."""
    return run.batch / (times.decode_s(run.batch) + run.batch * times.prefill_busy_s / run.osl)


def busy_tpot_s(times: StepTimes, run: Run) -> float:
    """Seconds between two tokens of one request among `run.batch`."""
    return times.decode_s(run.batch) + (run.batch - 1) * times.prefill_busy_s / run.osl


def offline(times: StepTimes, run: Run) -> Served:
    """Everything is there from the start and nobody waits for a first token: TTFT is that of one prompt."""
    return Served(saturated_tps(times, run), times.prefill_s + times.decode_s(run.batch), busy_tpot_s(times, run))


def one_by_one(times: StepTimes, run: Run) -> Served:
    """One request at a time; its rate includes its prefill."""
    tpot = times.decode_s(1.0)
    return Served(run.osl / (run.osl * tpot + times.prefill_busy_s), times.http_s + times.prefill_s + tpot, tpot)


def closed_loop(times: StepTimes, run: Run, loads: LoadConstants) -> Served:
    """`batch + queued` clients, each sending its next request when its last is answered."""
    rate = saturated_tps(times, run)
    first = loads.first_wave * run.batch * times.prefill_busy_s * (run.batch + run.queued) / run.requests
    wait = run.queued * run.osl / rate
    ttft = times.http_s + times.prefill_s + loads.wait_steps * times.decode_s(run.batch) + first + wait
    return Served(_with_drain(rate, times, run, loads), ttft, _finite_tpot_s(times, run, loads))


def burst(times: StepTimes, run: Run, loads: LoadConstants) -> Served:
    """All requests come at once; what finds no slot waits, on average, for half of the run."""
    rate = saturated_tps(times, run)
    first = loads.first_wave * run.batch * times.prefill_busy_s
    wait = run.queued / run.requests * run.requests * run.osl / rate / 2
    ttft = times.http_s + times.prefill_s + times.decode_s(run.batch) + first + wait
    return Served(_with_drain(rate, times, run, loads), ttft, _finite_tpot_s(times, run, loads))


def request_rate(server: Server, run: Run, rps: float, loads: LoadConstants) -> Served:
    """`run.requests` requests that come at random, `rps` a second. A rate that cannot be sustained fills the replica until they have come,
    and the rest is answered from a full batch."""
    times, steady, arriving = server.times, latency(server, rps), run.requests / rps
    held, peak = _held(server, run, arriving), _peak(server, run, rps)
    if steady.sequences <= held and steady.sequences - rps * times.prefill_busy_s <= peak * REACHED:
        ttft, tpot, whole = steady.ttft_mean_ms / 1000, steady.tpot_mean_ms / 1000, arriving
    else:
        held = max(1.0, min(held, peak))
        full = replace(run, batch=held, queued=peak - held)
        tpot, whole = busy_tpot_s(times, full), max(arriving, run.requests * run.osl / saturated_tps(times, full))
        prompts = loads.first_wave * max(0.0, held * times.prefill_busy_s - arriving)
        wait = full.queued / run.requests * (whole - arriving) / 2
        ttft = times.http_s + times.prefill_s + times.decode_s(held) + prompts + wait
    # The last one decodes while the others leave: half of it among many, half of it alone.
    last = loads.last_lengths * run.osl * (tpot + times.decode_s(1.0)) / 2
    return Served(run.requests * run.osl / (whole + last), ttft, tpot)


def sustained(server: Server, rps: float) -> bool:
    """True where a replica answers requests as fast as they come, for ever."""
    return latency(server, rps).sequences <= server.slots


def _peak(server: Server, run: Run, rps: float) -> float:
    """Others in flight when the last request of a run comes, where nobody is turned away and stays are exponential."""
    peak, arriving = run.requests, run.requests / rps
    for _ in range(PEAK_STEPS):
        stay = run.osl * server.tpot_s(peak)
        peak = min(run.requests, rps * stay * -math.expm1(-arriving / stay))
    return peak


def _held(server: Server, run: Run, arriving: float) -> float:
    """Sequences that the cache holds when the last request of a run comes: by then they have grown for half of that time."""
    share = constants("performance")["live_output_share"]["value"] * run.osl
    grown = min(share, arriving / 2 / server.times.decode_s(run.batch))
    return max(1.0, server.slots * (run.isl + share) / (run.isl + grown))


def _finite_tpot_s(times: StepTimes, run: Run, loads: LoadConstants) -> float:
    """TPOT of a run that begins with all of its batch at once. The prompts of that first wave stall half of it, which short answers spread
    over fewer tokens; those of later waves stall all that came before. Where lengths vary, the last wave decodes among half as many."""
    first = run.batch / run.requests
    seen = run.batch * (1 - run.varied * first / 2)
    stalled = 1 - first + first / 2 * (1 + run.varied * (loads.short_answers - 1))
    return times.decode_s(seen) + stalled * (run.batch - 1) * times.prefill_busy_s / run.osl


def _with_drain(rate: float, times: StepTimes, run: Run, loads: LoadConstants) -> float:
    """The rate over a whole run of varied lengths, whose last batch leaves one by one.

    With exponential lengths n of B are left after OSL x ln(B / n) steps, so the batch takes OSL x the integral of decode(n) / n.
    """
    steps = sum(times.decode_s(run.batch ** ((at + 0.5) / DRAIN_POINTS)) for at in range(DRAIN_POINTS)) / DRAIN_POINTS * _ln(run.batch)
    drain = steps + EULER * times.decode_s(1.0) - times.decode_s(run.batch)
    return run.requests * run.osl / (run.requests * run.osl / rate + run.varied * loads.drain * run.osl * drain)


def _ln(value: float) -> float:
    """Natural logarithm, as arithmetic."""
    return (value**TINY - 1) / TINY
