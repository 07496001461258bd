"""What a replica does when it is driven as benchmarks drive it: offline, one request at a time, a fixed concurrency, all requests at once.

    tok/s = B / (decode(B) + B x prefill / OSL)        B sequences in the batch, each freed slot refilled at once
    TPOT  = decode(B) + (B - 1) x prefill / OSL        other prompts are computed between the tokens of one
    TTFT  = HTTP + prefill + a few steps + its share of the first wave + the wait for a slot

Request rates are in `queueing.py`; here only what a finite run makes of them. The others are arithmetic only, so that the fit runs them on
arrays. Constants: `performance.json`, loads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .performance import StepTimes
from .queueing import Server, latency


@dataclass(frozen=True, slots=True)
class LoadConstants:
    """Fitted constants of how benchmarks load a server."""

    wait_steps: float
    """Decode steps between a request's arrival and its first token."""
    first_wave: float
    """Part of the prompts of the first wave, in which all come at once, that a mean request waits for."""
    tail_lengths: float
    """Output of the longest request over the mean, where lengths vary."""


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
    return Served(_with_tail(rate, times, run, loads), ttft, busy_tpot_s(times, run))


def burst(times: StepTimes, run: Run, loads: LoadConstants) -> Served:
    """All requests come at once; what finds no slot waits, on average, for half of the run."""
    rate = _with_tail(saturated_tps(times, run), times, run, loads)
    whole = run.requests * run.osl / saturated_tps(times, run)
    first = loads.first_wave * run.batch * times.prefill_busy_s
    ttft = times.http_s + times.prefill_s + times.decode_s(run.batch) + first + run.queued / run.requests * whole / 2
    return Served(rate, ttft, busy_tpot_s(times, run))


def request_rate(server: Server, run: Run, rps: float, loads: LoadConstants) -> Served:
    """`run.requests` requests that come at random, `rps` a second; what a rate that cannot be sustained leaves over waits
    like a burst, for the part that comes faster than it is answered."""
    steady = latency(server, rps)
    most = min(server.slots, run.requests)
    if math.isfinite(steady.sequences) and steady.sequences <= most:
        tpot = steady.tpot_mean_ms / 1000
        whole = run.requests / rps + loads.tail_lengths * run.osl * tpot
        return Served(run.requests * run.osl / whole, steady.ttft_mean_ms / 1000, tpot)
    crowded = burst(server.times, replace(run, batch=most, queued=run.requests - most), loads)
    alone = server.times.http_s + server.times.prefill_s + server.times.decode_s(most)
    late = max(0.0, 1 - saturated_tps(server.times, replace(run, batch=most)) / run.osl / rps)
    return Served(min(crowded.output_tps, rps * run.osl), alone + (crowded.ttft_s - alone) * late, crowded.tpot_s)


def _with_tail(rate: float, times: StepTimes, run: Run, loads: LoadConstants) -> float:
    """The rate over a whole run of varied lengths, which ends with the longest request nearly alone."""
    whole = run.requests * run.osl / rate + run.varied * loads.tail_lengths * run.osl * times.fixed_s
    return run.requests * run.osl / whole
