"""Replicas driven as benchmarks drive them: closed forms by hand, and their limits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.sizing import loads
from inferstack.sizing.loads import LoadConstants, Run
from inferstack.sizing.queueing import Server, latency
from inferstack.sizing.times import StepTimes

TIMES = StepTimes(
    prefill_s=0.1, prefill_busy_s=0.1, fixed_s=0.010, sequence_s=0.0001, experts_s=0.0, expert_miss=0.0, http_s=0.02
)  # fmt: skip
RUN = Run(isl=1000, osl=100, batch=16, queued=0, requests=160, varied=0)
CONSTANTS = LoadConstants(wait_steps=2, first_wave=0.5, drain=1, last_lengths=3, short_answers=2)


def test_offline_refills_every_slot_at_once() -> None:
    """Sixteen sequences take sixteen prefills and a hundred steps for sixteen hundred tokens."""
    served = loads.offline(TIMES, RUN)
    assert served.output_tps == pytest.approx(1600 / (16 * 0.1 + 100 * (0.010 + 0.0016)))


def test_one_by_one_counts_its_prefill() -> None:
    """A lone request's rate includes its prompt, its TPOT does not."""
    served = loads.one_by_one(TIMES, RUN)
    assert served.output_tps == pytest.approx(100 / (0.1 + 100 * 0.0101))
    assert served.tpot_s == pytest.approx(0.0101)
    assert served.ttft_s == pytest.approx(0.02 + 0.1 + 0.0101)


def test_what_finds_no_slot_waits() -> None:
    """By Little's law each client beyond the slots adds one request's share of the rate to TTFT, and no throughput."""
    free, full = loads.closed_loop(TIMES, RUN, CONSTANTS), loads.closed_loop(TIMES, replace(RUN, queued=16, requests=320), CONSTANTS)
    assert full.output_tps == pytest.approx(free.output_tps)
    assert full.ttft_s - free.ttft_s == pytest.approx(16 * 100 / free.output_tps)


def test_varied_lengths_end_with_a_drain() -> None:
    """Sixteen sequences of exponential lengths leave in ln 16 + 0.577 mean lengths, each step as long as those that are left make it."""
    same, varied = (loads.burst(TIMES, replace(RUN, varied=one), CONSTANTS) for one in (0, 1))
    steps = 0.010 * math.log(16) + 0.0001 * 15 + 0.5772 * 0.0101 - 0.0116
    assert 160 * 100 / varied.output_tps - 160 * 100 / same.output_tps == pytest.approx(100 * steps, rel=0.01)


def test_short_answers_feel_a_stall_most() -> None:
    """In a burst that finds slots for all, prompts stall each answer for half of them; a mean over answers of varied lengths is higher."""
    same, varied = (loads.burst(TIMES, replace(RUN, requests=16, varied=one), CONSTANTS) for one in (0, 1))
    stall = 15 * 0.1 / 100 / 2
    assert same.tpot_s == pytest.approx(0.0116 + stall)
    assert varied.tpot_s == pytest.approx(0.0108 + 2 * stall)


def test_a_burst_that_finds_no_slots_waits_for_half_of_its_run() -> None:
    """The mean request beyond the slots waits half of the whole run."""
    fits = loads.burst(TIMES, replace(RUN, requests=16), CONSTANTS)
    waits = loads.burst(TIMES, replace(RUN, queued=16, requests=32), CONSTANTS)
    assert waits.ttft_s - fits.ttft_s == pytest.approx(0.5 * (32 * 100 / loads.saturated_tps(TIMES, RUN)) / 2)


def test_a_slow_rate_is_answered_as_it_comes() -> None:
    """Below saturation a long run's throughput is what was asked for, and its latencies are those of queueing."""
    server = Server(times=TIMES, osl=100, slots=64, bound="kv-cache", chunks=0.0)
    served = loads.request_rate(server, replace(RUN, requests=100_000), 1.0, CONSTANTS)
    assert served.output_tps == pytest.approx(100, rel=0.01)
    assert served.tpot_s == pytest.approx(latency(server, 1.0).tpot_mean_ms / 1000)


def test_too_high_a_rate_is_a_burst() -> None:
    """A long run far beyond saturation behaves like all requests at once, but for the few more that fit while they are young."""
    server = Server(times=TIMES, osl=100, slots=64, bound="kv-cache", chunks=0.0)
    run = replace(RUN, batch=64, queued=9936, requests=10_000)
    served, burst = loads.request_rate(server, run, 1e6, CONSTANTS), loads.burst(TIMES, run, CONSTANTS)
    assert served.output_tps == pytest.approx(burst.output_tps, rel=0.02)
    assert served.ttft_s == pytest.approx(burst.ttft_s, rel=0.02)
    assert not loads.sustained(server, 1e6)


def test_a_short_run_ends_with_its_last_request() -> None:
    """A run of a minute at a low rate takes as long as requests come, and then as long as its last answer, among others and alone."""
    server = Server(times=TIMES, osl=100, slots=64, bound="kv-cache", chunks=0.0)
    served = loads.request_rate(server, replace(RUN, requests=60), 1.0, CONSTANTS)
    assert 60 * 100 / served.output_tps == pytest.approx(60 + 3 * 100 * (served.tpot_s + 0.0101) / 2)


@given(st.floats(1, 512), st.floats(1, 512))
def test_more_in_flight_is_more_throughput_and_more_latency(one: float, other: float) -> None:
    """Throughput and TPOT rise with the batch."""
    small, large = (loads.closed_loop(TIMES, replace(RUN, batch=batch, requests=10 * batch), CONSTANTS) for batch in sorted((one, other)))
    assert small.output_tps <= large.output_tps * (1 + 1e-12)
    assert small.tpot_s <= large.tpot_s * (1 + 1e-12)
