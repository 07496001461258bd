"""Continuous batching: limits by hand, the slow scheduler as a reference, and what must hold for any traffic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.catalog.types import Model
from inferstack.sizing import latency_at, memory_constants, step_times
from inferstack.sizing.queueing import server
from inferstack.sizing.simulation import POLICIES, Lengths, Requests, StepCosts, generate, simulate, step_costs
from inferstack.sizing.types import Shape

from ..cases import ENCODER, LLAMA_8B, QWEN_30B_A3B, memory, shape
from .naive import serve

COSTS = StepCosts(
    batch_s=(0.01, *(0.01 + 0.0001 * size for size in range(1, 9))), kv_token_s=1e-7, request_s=0.001, prompt_token_s=2e-5,
    prompt_token2_s=1e-9, overhead_s=0.005, slots=8, budget=256, blocks=None, block_tokens=16,
)  # fmt: skip


def costs_of(loaded: Shape, isl: int, osl: int) -> StepCosts:
    budget = memory_constants(loaded.engine, loaded.engine_version).batched_tokens
    http_s = step_times(loaded, isl, osl).http_s
    return step_costs(loaded, memory(loaded), isl, osl, lambda i, o: step_times(loaded, i, o), http_s=http_s, budget=budget, paged=True)


def test_one_request_alone_takes_prefill_and_its_steps() -> None:
    """An idle replica answers after prefill and one step; the other tokens take a step each."""
    outcome = simulate(Requests([1.0], [100], [11]), COSTS)
    prefill = 0.001 + 100 * 2e-5 + 100**2 * 1e-9
    assert outcome.first_s[0] == pytest.approx(1 + 0.0101 + prefill)
    assert outcome.last_s[0] - outcome.first_s[0] == pytest.approx(10 * 0.0101 + 1e-7 * sum(range(100, 110)))
    assert outcome.ttft.p99 == pytest.approx((0.0101 + prefill + 0.005) * 1000)


def test_long_prompts_are_chunked() -> None:
    """A prompt beyond the token budget takes as many steps as it has chunks, and others decode in between."""
    outcome = simulate(Requests([0.0], [1000], [1]), COSTS)
    assert outcome.first_s[0] == pytest.approx(4 * 0.01 + 0.0001 + 0.001 + 1000 * 2e-5 + 1000**2 * 1e-9)
    assert outcome.last_s == outcome.first_s


requests = st.builds(
    lambda seed, rps, isl, osl, spread, burst: generate(40, rps, Lengths(isl, osl, spread), seed, burst),
    st.integers(0, 10**6), st.floats(0.5, 200), st.integers(1, 800), st.integers(1, 60), st.sampled_from([0.0, 1.0]),
    st.sampled_from([1.0, 3.0]),
)  # fmt: skip


def test_whole_prompts_share_a_step_or_wait_for_the_next() -> None:
    """Without decode a step takes as many whole prompts as fit its tokens; one that is longer than all of them goes alone, in one step."""
    costs = replace(COSTS, whole=True, batch_s=(0.01,) * 9)
    outcome = simulate(Requests([0.0] * 4, [100, 100, 100, 1000], [1] * 4), costs)
    each = 0.001 + 100 * 2e-5 + 100**2 * 1e-9
    long = 0.001 + 1000 * 2e-5 + 1000**2 * 1e-9
    steps = [0.01 + 2 * each, 0.01 + each, 0.01 + long]
    assert outcome.first_s == pytest.approx([steps[0], steps[0], steps[0] + steps[1], sum(steps)])
    assert outcome.last_s == outcome.first_s


@given(requests, st.integers(1, 8), st.sampled_from([16, 256]))
def test_whole_prompts_are_those_of_the_slow_scheduler(made: Requests, slots: int, budget: int) -> None:
    """One step after the other gives the same answers."""
    once = made.answered_at_once()
    costs = replace(COSTS, slots=slots, budget=budget, blocks=100_000, whole=True)
    outcome = simulate(once, costs)
    first, last = serve(once, costs)
    assert outcome.first_s == pytest.approx(first)
    assert outcome.last_s == pytest.approx(last)


@pytest.mark.parametrize("isl", [100, 500, 3000, 4000, 5000])
def test_one_pass_answers_as_fast_as_the_closed_form_says(isl: int) -> None:
    """At up to 70 % of its rate an encoder's latency is that of the closed form within a sixth, and no more than its rate comes out."""
    loaded = shape(ENCODER)
    one = server(loaded, memory(loaded), isl, 0)
    costs = costs_of(loaded, isl, 0)
    assert costs.whole
    for load in (0.2, 0.5, 0.7):
        rps = load * one.saturated_rps
        found = simulate(generate(8000, rps, Lengths(isl, 1), 1), costs).ttft
        expected = latency_at(loaded, memory(loaded), isl, 0, rps)
        assert expected.ttft_mean_ms == pytest.approx(found.mean, rel=1 / 6)
        assert expected.ttft_p95_ms == pytest.approx(found.p95, rel=1 / 6)
    flooded = simulate(generate(4000, 3 * one.saturated_rps, Lengths(isl, 1), 1), costs)
    assert flooded.input_tps / isl == pytest.approx(one.saturated_rps, rel=0.05)


@given(requests, st.integers(1, 8), st.sampled_from([16, 256]))
def test_taking_alike_steps_at_once_changes_nothing(made: Requests, slots: int, budget: int) -> None:
    """First and last tokens are those of a scheduler that takes one step after the other."""
    costs = replace(COSTS, slots=slots, budget=budget, blocks=100_000)
    outcome = simulate(made, costs)
    first, last = serve(made, costs)
    assert outcome.first_s == pytest.approx(first)
    assert outcome.last_s == pytest.approx(last)


@given(requests, st.integers(1, 4), st.sampled_from(sorted(POLICIES)), st.integers(0, 60))
def test_everything_is_answered_however_little_cache_there_is(made: Requests, replicas: int, policy: str, spare: int) -> None:
    """With a cache for little more than the longest request, sequences are preempted and still all finish, in order of their tokens."""
    longest = max(i + o for i, o in zip(made.isl, made.osl, strict=True))
    outcome = simulate(made, replace(COSTS, blocks=longest // 16 + 2 + spare), replicas, policy)
    for number, arrival in enumerate(made.arrival_s):
        assert arrival < outcome.first_s[number] <= outcome.last_s[number]
        assert (outcome.first_s[number] == outcome.last_s[number]) == (made.osl[number] == 1)


def test_a_small_cache_preempts_and_slows() -> None:
    """Sequences that outgrow the cache are preempted: that shows in the count and in the time per token."""
    made = generate(200, 30, Lengths(100, 100), 1)
    ample, scarce = (simulate(made, replace(COSTS, blocks=blocks)) for blocks in (200, 60))
    assert ample.preemptions == 0 < scarce.preemptions
    assert scarce.tpot.p95 > ample.tpot.p95


def test_the_seed_decides_everything() -> None:
    """The same seed gives the same run to the last digit, another seed another one."""
    one, same, other = (simulate(generate(500, 20, Lengths(200, 50, 1.0), seed), COSTS) for seed in (7, 7, 8))
    assert one.ttft == same.ttft
    assert one.tpot == same.tpot
    assert one.ttft != other.ttft


def test_what_a_balancer_sees_shortens_tails() -> None:
    """The emptiest replica is better than the emptier of two, and that one, as turns, better than chance."""
    made = generate(4000, 20, Lengths(100, 100, 1.5), 1)
    tail = {policy: simulate(made, COSTS, 4, policy).ttft.p99 for policy in POLICIES}
    assert tail["least-outstanding"] < tail["two-choices"] < tail["random"]
    assert tail["least-outstanding"] < tail["round-robin"] < tail["random"]


def test_a_service_leaves_each_replica_with_arrivals_as_random_as_its_own() -> None:
    """Behind a Service of Kubernetes, which looks at no replica, four at four times the rate are as slow as one alone."""
    costs = replace(COSTS, whole=True, batch_s=(0.01,) * 9)
    alone, four = (simulate(generate(20_000, count * 70, Lengths(100, 1), 1), costs, count).ttft for count in (1, 4))
    assert four.mean == pytest.approx(alone.mean, rel=0.05)
    assert four.p95 == pytest.approx(alone.p95, rel=0.05)


@pytest.mark.parametrize("model", [LLAMA_8B, QWEN_30B_A3B])
def test_means_are_those_of_the_closed_form(model: Model) -> None:
    """At half of saturation with equal lengths and Poisson arrivals, mean TTFT and TPOT agree with queueing theory within a tenth."""
    loaded = shape(model)
    layout = memory(loaded)
    rate = server(loaded, layout, 1000, 300).saturated_rps / 2
    outcome = simulate(generate(5000, rate, Lengths(1000, 300), 3), costs_of(loaded, 1000, 300))
    expected = latency_at(loaded, layout, 1000, 300, rate)
    assert outcome.ttft.mean == pytest.approx(expected.ttft_mean_ms, rel=0.1)
    assert outcome.tpot.mean == pytest.approx(expected.tpot_mean_ms, rel=0.1)


def test_step_costs_give_back_the_step_times() -> None:
    """At the planned lengths a step and a prefill cost what `StepTimes` says."""
    loaded = shape(LLAMA_8B)
    costs, times = costs_of(loaded, 1000, 300), step_times(loaded, 1000, 300)
    for size in (1, 10, 100):
        assert costs.batch_s[size] + costs.kv_token_s * size * 1150 == pytest.approx(times.decode_s(size))
    prefill = costs.request_s + costs.prompt_token_s * 1000 + costs.prompt_token2_s * 1000**2
    assert prefill == pytest.approx(times.prefill_busy_s)
