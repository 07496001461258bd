"""Capacity under an SLO: what sets it, and what must hold for any load, memory and SLO."""

from __future__ import annotations

import math
import timeit
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inferstack.catalog.types import Model
from inferstack.sizing import latency_at, output_to_input_ratio, size_replica
from inferstack.sizing.queueing import server
from inferstack.sizing.types import Provenance, Shape, Slo

from .cases import ENCODER, H100, L4, LLAMA_8B, LLAMA_70B, QWEN_30B_A3B, memory, shape

NONE = Slo()
CLOSE = 1e-4
"""Relative error that the search for the largest rate may leave."""


def test_capacity_without_slo_leaves_a_spare() -> None:
    """Without targets the capacity is the saturated rate less the spare part."""
    loaded = shape(LLAMA_8B)
    limit = server(loaded, memory(loaded), 1000, 300).saturated_rps
    assert size_replica(loaded, memory(loaded), 1000, 300, NONE, 1.0).capacity_rps.expected == pytest.approx(0.7 * limit)
    assert size_replica(loaded, memory(loaded), 1000, 300, NONE, 1.0, spare=0.5).capacity_rps.expected == pytest.approx(0.5 * limit)


@pytest.mark.parametrize(
    ("loaded", "kv_gib", "isl", "osl", "slo", "limit"),
    [
        (shape(LLAMA_8B, max_sequences=2048), 50, 4000, 50, NONE, "throughput"),
        (shape(LLAMA_8B, max_sequences=2048), 2, 1000, 300, NONE, "kv-cache"),
        (shape(LLAMA_8B, max_sequences=8), 50, 1000, 300, NONE, "max-sequences"),
        (shape(LLAMA_8B), 50, 1000, 300, Slo(tpot_p95_ms=12), "tpot"),
        (shape(LLAMA_8B), 50, 8000, 10, Slo(ttft_p95_ms=700), "ttft"),
        (shape(LLAMA_70B), -60, 1000, 300, NONE, "kv-cache"),
    ],
)
def test_capacity_says_what_limits_it(loaded: Shape, kv_gib: float, isl: int, osl: int, slo: Slo, limit: str) -> None:
    """The limit is named: silicon, KV cache, batch size or one of the targets."""
    assert size_replica(loaded, memory(loaded, kv_gib), isl, osl, slo, 0.01).limited_by == limit


def test_what_does_not_fit_has_no_capacity() -> None:
    """A replica without room for one full sequence serves nothing and never answers."""
    loaded = shape(LLAMA_70B)
    nothing = size_replica(loaded, memory(loaded), 1000, 300, NONE, 0.1)
    assert nothing.capacity_rps.expected == 0
    assert math.isinf(nothing.ttft_p95_ms.expected)
    assert not nothing.meets(NONE)


@pytest.mark.parametrize("loaded", [shape(LLAMA_8B), shape(QWEN_30B_A3B)])
def test_long_prompts_with_next_to_no_output_are_served(loaded: Shape) -> None:
    """Where a prompt takes more steps than its answer has tokens, less than one sequence decodes on average: prompts are what is served,
    and a token of output more or less changes little."""
    room = memory(loaded, 50)
    one, three = (size_replica(loaded, room, 20_000, osl, NONE, 0.0) for osl in (1, 3))
    assert server(loaded, room, 20_000, 1).slots < 1
    assert math.isfinite(one.ttft_p95_ms.expected)
    assert one.limited_by == "throughput"
    assert 0 < one.capacity_rps.expected < 1 / server(loaded, room, 20_000, 1).times.prefill_busy_s
    assert one.capacity_rps.expected == pytest.approx(three.capacity_rps.expected, rel=0.05)


def test_an_slo_below_one_step_cannot_be_met() -> None:
    """A target faster than an idle replica leaves no capacity, and the target is named."""
    loaded = shape(LLAMA_8B, accelerator=L4)
    assert size_replica(loaded, memory(loaded, 4), 1000, 300, Slo(tpot_p95_ms=5), 0.0).limited_by == "tpot"
    slow = size_replica(loaded, memory(loaded, 4), 1000, 300, Slo(ttft_p95_ms=20), 0.0)
    assert (slow.capacity_rps.expected, slow.limited_by) == (0, "ttft")


def test_encoders_have_no_decode() -> None:
    """An embedding model answers after prefill: no TPOT, no output tokens, capacity from prefill alone."""
    loaded = shape(ENCODER)
    done = size_replica(loaded, memory(loaded), 512, 1, Slo(ttft_p95_ms=200, tpot_p95_ms=1), 5.0)
    assert done.tpot_p95_ms.expected == 0
    assert done.output_tps.expected == 0
    assert done.capacity_rps.expected > 50
    assert done.meets(Slo(ttft_p95_ms=200, tpot_p95_ms=1))
    assert output_to_input_ratio(loaded, 512, 1) == 0


def test_bands_and_provenance_are_those_of_the_silicon() -> None:
    """Figures enclose their expected value and carry the worst provenance of what they are made of."""
    for loaded, provenance in ((shape(LLAMA_8B), Provenance.FITTED), (shape(LLAMA_8B, accelerator=L4), Provenance.BELIEVED)):
        done = size_replica(loaded, memory(loaded, 4), 1000, 300, NONE, 0.1)
        for figure in (done.ttft_p95_ms, done.tpot_p95_ms, done.capacity_rps, done.output_tps):
            assert figure.low < figure.expected < figure.high
            assert figure.provenance is provenance
            assert figure.source


def test_tensor_parallelism_pays_over_nvlink() -> None:
    """Four H100s answer a 70B model faster and carry more than two."""
    two, four = (shape(LLAMA_70B, "fp8", tensor=tensor) for tensor in (2, 4))
    slow, fast = (size_replica(loaded, memory(loaded), 1000, 300, NONE, 0.5) for loaded in (two, four))
    assert fast.tpot_p95_ms.expected < slow.tpot_p95_ms.expected
    assert fast.capacity_rps.expected > slow.capacity_rps.expected


def test_known_serving_latency_lies_in_the_band() -> None:
    """Llama-3-8B FP16 on an H100 PCIe at 4 req/s of 206 in and 202 out: the published 11.0 ms TPOT is within the band."""
    pcie = replace(H100, id="h100-pcie", bandwidth_gb_s=2000, dense_tflops={"fp16": 756, "bf16": 756}, nvlink_gb_s=None)
    loaded = shape(LLAMA_8B, "fp16", accelerator=pcie)
    tpot = size_replica(loaded, memory(loaded), 206, 202, NONE, 4.0).tpot_p95_ms
    assert tpot.low < 11.0 < tpot.high


def test_estimates_are_fast() -> None:
    """Sizing one replica takes well under a millisecond even on a busy machine; the search calls it thousands of times."""
    loaded = shape(QWEN_30B_A3B)
    layout = memory(loaded, 12)
    slo = Slo(ttft_p95_ms=200, tpot_p95_ms=40)
    best = min(timeit.repeat(lambda: size_replica(loaded, layout, 1000, 300, slo, 1.0), number=20, repeat=5)) / 20
    assert best < 1e-3


models = st.sampled_from([LLAMA_8B, QWEN_30B_A3B])
lengths = st.integers(1, 4000)
gib = st.floats(0.5, 60)
targets = st.one_of(st.none(), st.floats(1, 5000))


@given(models, lengths, lengths, gib, gib, targets, targets)
def test_more_memory_never_lowers_capacity(
    model: Model, isl: int, osl: int, one: float, other: float, ttft: float | None, tpot: float | None
) -> None:
    """A larger KV cache carries at least as much under any SLO, and its latencies at a load are no longer."""
    loaded, slo = shape(model), Slo(ttft, tpot)
    small, large = (size_replica(loaded, memory(loaded, kv), isl, osl, slo, 0.5) for kv in sorted((one, other)))
    assert large.capacity_rps.expected >= small.capacity_rps.expected * (1 - CLOSE)
    assert large.ttft_p95_ms.expected <= small.ttft_p95_ms.expected * (1 + 1e-9)


@given(models, lengths, lengths, gib, st.floats(1, 5000), st.floats(1, 5000), st.booleans())
def test_a_laxer_slo_never_lowers_capacity(model: Model, isl: int, osl: int, kv: float, one: float, other: float, of_ttft: bool) -> None:
    """Raising either target keeps or raises the capacity; dropping it raises it no less."""
    loaded = shape(model)
    strict, lax = sorted((one, other))
    slos = [Slo(ttft_p95_ms=target) if of_ttft else Slo(300, target) for target in (strict, lax, None)]
    capacities = [size_replica(loaded, memory(loaded, kv), isl, osl, slo, 0.5).capacity_rps.expected for slo in slos]
    assert capacities[0] <= capacities[1] * (1 + CLOSE)
    assert capacities[1] <= capacities[2] * (1 + CLOSE)


@given(models, lengths, lengths, gib, targets, targets)
def test_capacity_keeps_the_slo(model: Model, isl: int, osl: int, kv: float, ttft: float | None, tpot: float | None) -> None:
    """At its capacity a replica meets the SLO that the capacity was found for, and above it some target or the spare is missed."""
    loaded, layout, slo = shape(model), memory(shape(model), kv), Slo(ttft, tpot)
    capacity = size_replica(loaded, layout, isl, osl, slo, 0.0).capacity_rps.expected
    assume(capacity > 0)
    assert size_replica(loaded, layout, isl, osl, slo, capacity * (1 - 1e-6)).meets(slo)
    beyond = latency_at(loaded, layout, isl, osl, capacity * 1.001)
    missed = (ttft is not None and beyond.ttft_p95_ms > ttft) or (tpot is not None and beyond.tpot_p95_ms > tpot)
    assert missed or beyond.utilisation > 0.7
