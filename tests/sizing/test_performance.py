"""Times of prefill and decode: work over efficiency, and the shape of the sum."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import cpu_device, device_for, efficiency_of, step_times
from inferstack.sizing.performance import prompt_launch_s, provenance_of
from inferstack.sizing.types import Provenance, Techniques
from inferstack.sizing.weights import weight_bytes
from inferstack.sizing.work import work_of

from .cases import H100, LLAMA_8B, LLAMA_70B, MODELS, QWEN_30B_A3B, device, shape


def test_terms_sum_to_a_step() -> None:
    """A decode step is fixed reading and launching plus, for each sequence, products, attention, KV cache, links and host."""
    loaded = shape(LLAMA_70B, "fp8", tensor=4)
    work, reached = work_of(loaded, 1000, 100), efficiency_of(loaded).efficiency
    times = step_times(loaded, 1000, 100)
    fixed = work.dense_read_s / reached.weight_read + 80 * reached.layer_s + reached.step_s + 160 * reached.message_s
    assert times.fixed_s == pytest.approx(fixed)
    each = work.token_dense_s / reached.decode + work.token_attention_s / reached.attention + work.kv_read_s / reached.kv_read
    assert times.sequence_s == pytest.approx(each + work.link_token_s / reached.link + reached.sequence_s)
    assert times.decode_s(10) == pytest.approx(fixed + 10 * times.sequence_s)


def test_pcie_is_slower_than_nvlink() -> None:
    """The same all-reduces take at least four times as long over PCIe."""
    nvlink, pcie = (replace(shape(LLAMA_70B, "fp8", tensor=4), device=device(H100, 4, link)) for link in ("nvlink", "pcie"))
    on_nvlink, on_pcie = (work_of(one, 1000, 100).link_token_s / efficiency_of(one).efficiency.link for one in (nvlink, pcie))
    assert on_pcie > 4 * on_nvlink


def test_cached_prefixes_are_not_computed() -> None:
    """At a hit rate of three quarters a quarter of the prompt is computed, and decoding stays as it is."""
    plain, hit = (step_times(shape(LLAMA_8B), 4000, 100, Techniques(prefix_hit_rate=rate)) for rate in (0.0, 0.75))
    assert hit.prefill_s == pytest.approx(plain.prefill_s / 4)
    assert hit.decode_s(8) == plain.decode_s(8)


def test_speculation_helps_while_memory_bound_only() -> None:
    """Drafts that are mostly accepted speed up a lone sequence; in a batch that is bound by compute the gain is gone."""
    drafted = Techniques(draft_tokens=4, acceptance=0.8, draft_cost=0.05)
    plain, fast = step_times(shape(LLAMA_8B), 500, 100), step_times(shape(LLAMA_8B), 500, 100, drafted)
    assert drafted.tokens_per_step == pytest.approx((1 - 0.8**5) / 0.2)
    assert fast.decode_s(1) < 0.6 * plain.decode_s(1)
    assert fast.decode_s(2048) / plain.decode_s(2048) > 1.5 * fast.decode_s(1) / plain.decode_s(1)


def test_nothing_is_assumed() -> None:
    """Without techniques named, none is counted."""
    assert step_times(shape(LLAMA_8B), 500, 100) == step_times(shape(LLAMA_8B), 500, 100, Techniques())


def test_one_token_of_a_mixture_reads_its_share_of_experts() -> None:
    """A batch of one reads k of E experts, a large batch all of them."""
    times = step_times(shape(QWEN_30B_A3B), 1000, 100)
    one = times.decode_s(1) - times.fixed_s - times.sequence_s
    many = times.decode_s(2000) - times.fixed_s - 2000 * times.sequence_s
    assert one == pytest.approx(times.experts_s * 8 / 128)
    assert many == pytest.approx(times.experts_s)


def test_cpu_decode_is_bound_by_its_memory() -> None:
    """On a CPU most of a lone token's time is reading weights at a believed part of the socket's bandwidth."""
    silicon = cpu_device(16, 64, catalog.cpu("spr-8480-1s"), 16 / 112)
    loaded = replace(shape(LLAMA_8B, "gguf-q4_k_m", engine="llama.cpp"), device=silicon)
    read = work_of(loaded, 100, 100).dense_read_s
    assert read == pytest.approx((weight_bytes(LLAMA_8B, loaded.checkpoint) - 128_256 * 4096 * 4.89 / 8) / (307e9 * 16 / 112))
    assert read / efficiency_of(loaded).efficiency.weight_read > 0.8 * step_times(loaded, 100, 100).decode_s(1)
    assert provenance_of(loaded) is Provenance.BELIEVED


def test_unknown_cpu_is_slower_than_a_known_one() -> None:
    """Where the processor is unknown its bandwidth is a low belief per vCPU."""
    unknown, known = cpu_device(8, 32, None, None), cpu_device(8, 32, catalog.cpu("gnr-1s"), 8 / 128)
    assert unknown.bandwidth_bytes_s < known.bandwidth_bytes_s
    assert unknown.provenance is Provenance.BELIEVED
    assert "believed" in unknown.source


def test_silicon_with_gaps_is_no_device() -> None:
    """Unknown memory, bandwidth or 16-bit FLOPS make no device rather than a guess."""
    assert device_for(replace(H100, memory_gib=None), 1, "nvlink") is None
    assert device_for(replace(H100, bandwidth_gb_s=None), 1, "nvlink") is None
    assert device_for(replace(H100, dense_tflops={"fp8": 1979}), 1, "nvlink") is None


models = st.sampled_from(MODELS)
batches = st.floats(1, 2048)


@given(models, batches, batches)
def test_larger_batches_take_longer_but_less_per_sequence(model: catalog.Model, one: float, other: float) -> None:
    """A decode step grows with its batch, slower than the batch does."""
    times = step_times(shape(model), 1000, 300)
    small, large = sorted((one, other))
    assert times.decode_s(small) <= times.decode_s(large) * (1 + 1e-12)
    assert times.decode_s(large) / large <= times.decode_s(small) / small * (1 + 1e-12)


@given(models, st.integers(1, 100_000), st.integers(1, 100_000))
def test_longer_prompts_take_longer(model: catalog.Model, one: int, other: int) -> None:
    """Prefill grows with the prompt; beyond its launches at least in proportion."""
    short, long = sorted((one, other))
    brief, lengthy = (step_times(shape(model), isl, 10).prefill_s for isl in (short, long))
    launches = prompt_launch_s(work_of(shape(model), 1, 10), efficiency_of(shape(model)).efficiency)
    assert lengthy - launches >= (brief - launches) * long / short * (1 - 1e-9) or model.kv.window_layers
    assert lengthy >= brief


@given(models, st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]))
def test_pipeline_stages_raise_throughput_not_speed(model: catalog.Model, tensor: int, pipeline: int) -> None:
    """Stages divide what a prompt takes of the replica, not what it waits."""
    alone = step_times(shape(model, tensor=tensor), 1000, 100)
    staged = step_times(shape(model, tensor=tensor, pipeline=pipeline), 1000, 100)
    assert staged.prefill_s == pytest.approx(alone.prefill_s)
    assert staged.prefill_busy_s <= alone.prefill_busy_s
    assert staged.fixed_s >= alone.fixed_s
    assert staged.sequence_s <= alone.sequence_s
