"""Latencies under load: limits by hand, and what must hold for any load and memory."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.catalog.types import Model
from inferstack.sizing import latency_at, output_to_input_ratio, step_times
from inferstack.sizing.queueing import decoding, server

from .cases import LLAMA_8B, QWEN_30B_A3B, memory, shape


def test_an_idle_replica_answers_in_prefill_and_one_step() -> None:
    """Without load TTFT is HTTP, prefill and one step, and TPOT one step of a batch of one."""
    loaded = shape(LLAMA_8B)
    times = step_times(loaded, 1000, 300)
    idle = latency_at(loaded, memory(loaded), 1000, 300, 0.0)
    assert idle.tpot_p95_ms == pytest.approx(times.decode_s(1) * 1000)
    assert idle.ttft_p95_ms == pytest.approx((times.http_s + times.prefill_s + times.decode_s(1)) * 1000)
    assert idle.sequences == 0


def test_sequences_follow_littles_law() -> None:
    """Sequences in flight are rate times the time in the batch."""
    loaded = shape(LLAMA_8B)
    busy = latency_at(loaded, memory(loaded), 1000, 300, 3.0)
    times = step_times(loaded, 1000, 300)
    assert busy.sequences == pytest.approx(3.0 * (300 * busy.tpot_mean_ms / 1000 + times.prefill_busy_s), rel=1e-6)


def test_latencies_end_where_the_replica_cannot_keep_up() -> None:
    """Beyond the saturated rate no latency is finite, just below it every one is."""
    loaded = shape(LLAMA_8B, max_sequences=32)
    layout = memory(loaded)
    limit = server(loaded, layout, 1000, 300).saturated_rps
    assert math.isinf(latency_at(loaded, layout, 1000, 300, limit).ttft_p95_ms)
    assert math.isfinite(latency_at(loaded, layout, 1000, 300, limit * 0.999).ttft_p95_ms)


def test_one_slot_waits_like_a_single_server() -> None:
    """With one sequence at a time and equal lengths the mean wait for it is that of M/D/1."""
    loaded = shape(LLAMA_8B, max_sequences=1)
    one = server(loaded, memory(loaded), 100, 300)
    rate = one.saturated_rps / 2
    busy, idle = (latency_at(loaded, memory(loaded), 100, 300, rps) for rps in (rate, 0.0))
    queued = (busy.ttft_mean_ms - idle.ttft_mean_ms) / 1000
    assert queued == pytest.approx(0.25 / (one.saturated_rps - rate), rel=0.1)


def test_output_tokens_cost_more_than_input_tokens() -> None:
    """An output token takes several times the time of an input token, less so in a full batch."""
    loaded = shape(LLAMA_8B)
    full = output_to_input_ratio(loaded, 1000, 300)
    few = output_to_input_ratio(replace(loaded, max_sequences=8), 1000, 300)
    assert 1 < full < few
    assert output_to_input_ratio(loaded, 1000, 300, memory(loaded, 1)) > full


models = st.sampled_from([LLAMA_8B, QWEN_30B_A3B])
lengths = st.integers(1, 4000)
rates = st.floats(0, 50)
gib = st.floats(0.5, 60)


@given(models, lengths, lengths, gib, rates, rates)
def test_more_load_never_lowers_latency(model: Model, isl: int, osl: int, kv: float, one: float, other: float) -> None:
    """TTFT, TPOT, sequences and utilisation rise with the load, mean and 95th percentile alike."""
    loaded = shape(model)
    light, heavy = (latency_at(loaded, memory(loaded, kv), isl, osl, rps) for rps in sorted((one, other)))
    for name in ("ttft_mean_ms", "ttft_p95_ms", "tpot_mean_ms", "tpot_p95_ms", "sequences", "utilisation"):
        assert getattr(light, name) <= getattr(heavy, name) * (1 + 1e-9), name


@given(models, lengths, lengths, st.floats(0, 1e-9))
def test_next_to_no_load_is_an_idle_replica(model: Model, isl: int, osl: int, rps: float) -> None:
    """Tiny loads give the latencies of an idle replica, not errors."""
    loaded = shape(model)
    idle, quiet = (latency_at(loaded, memory(loaded, 20), isl, osl, load) for load in (0.0, rps))
    assert quiet.tpot_p95_ms == pytest.approx(idle.tpot_p95_ms, rel=1e-2)
    assert quiet.ttft_p95_ms == pytest.approx(idle.ttft_p95_ms, rel=1e-2)


def test_steps_bound_how_many_decode() -> None:
    """Where each step takes 8,192 tokens, requests of 2,000 and 100 need 2,100 of them for 100 steps: 390 decode at once."""
    assert decoding(8192, 2000, 100) == pytest.approx(8192 * 100 / 2100)
