"""Times of prefill and decode: each term by hand, and the shape of their sum."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import cpu_device, device_for, efficiency_of, step_times
from inferstack.sizing import performance as physics
from inferstack.sizing.constants import constants
from inferstack.sizing.performance import latency_band, provenance_of, throughput_band
from inferstack.sizing.types import Provenance
from inferstack.sizing.weights import weight_bytes

from .cases import ENCODER, GEMMA_27B, GPT_OSS_120B, H100, L4, LLAMA_8B, LLAMA_70B, MODELS, QWEN_30B_A3B, checkpoint, device, shape

GPU = constants("performance")["regimes"]["gpu"]


def test_weights_are_read_once_per_step() -> None:
    """Reading weights takes their bytes over TP times reached bandwidth."""
    loaded = shape(LLAMA_70B, "fp8", tensor=4)
    expected = weight_bytes(LLAMA_70B, checkpoint(LLAMA_70B, "fp8")) / (4 * 3350e9 * GPU["bandwidth_efficiency"])
    assert physics.weight_read_s(loaded, efficiency_of(loaded)) == pytest.approx(expected)


def test_kv_is_read_per_sequence() -> None:
    """Each sequence adds its context times the bytes per token over reached bandwidth."""
    loaded = shape(LLAMA_8B)
    expected = 1000 * 131_072 / (3350e9 * GPU["bandwidth_efficiency"])
    assert physics.kv_read_s(loaded, 1000, efficiency_of(loaded)) == pytest.approx(expected)


def test_decode_compute_is_two_flop_per_active_parameter() -> None:
    """A sequence costs two FLOP per active parameter at the silicon's rate for the dtype, mixtures at their lower efficiency."""
    dense, sparse = shape(LLAMA_8B, "fp8"), shape(QWEN_30B_A3B)
    expected = 2 * LLAMA_8B.params_active / (1979e12 * GPU["decode_efficiency"])
    assert physics.decode_compute_s(dense, efficiency_of(dense)) == pytest.approx(expected)
    expected = 2 * QWEN_30B_A3B.params_active / (989e12 * GPU["decode_efficiency"] * GPU["moe_compute"])
    assert physics.decode_compute_s(sparse, efficiency_of(sparse)) == pytest.approx(expected)


def test_prefill_adds_attention() -> None:
    """A prompt costs ISL x (2 P + 2 L heads head_dim ISL), causal attention included."""
    loaded = shape(LLAMA_8B)
    flop = 4000 * (2 * LLAMA_8B.params_active + 2 * 32 * 32 * 128 * 4000)
    assert physics.prefill_compute_s(loaded, 4000, efficiency_of(loaded)) == pytest.approx(flop / (989e12 * GPU["prefill_efficiency"]))


def test_window_layers_attend_to_their_window_only() -> None:
    """Attention per token stops growing in window layers, and an encoder attends both ways."""
    far, farther = (physics.attention_flop_per_token(GEMMA_27B, isl) for isl in (8192, 16_384))
    assert farther - far == pytest.approx(4 * 32 * 128 * 10 * 4096)
    assert physics.attention_flop_per_token(ENCODER, 512) == 4 * 16 * 64 * 24 * 512


def test_all_reduce_needs_a_partner() -> None:
    """There is no communication on one device, and each of L layers has two all-reduces beyond that."""
    alone, pair = device(count=1), device(count=2)
    assert physics.all_reduce_s(LLAMA_8B, alone, 1, 512) == 0
    nvlink = constants("performance")["links"]["nvlink"]
    expected = 2 * 32 * (nvlink["latency_s"] + 2 * 1 / 2 * 512 * 4096 * 2 / (450e9 * nvlink["efficiency"]))
    assert physics.all_reduce_s(LLAMA_8B, pair, 2, 512) == pytest.approx(expected)


def test_pcie_is_slower_than_nvlink() -> None:
    """The same all-reduce takes at least ten times as long over PCIe, whatever the slot's own rate."""
    nvlink, pcie = device(H100, 4, "nvlink"), device(H100, 4, "pcie")
    assert physics.link_bytes_s(nvlink) > 10 * physics.link_bytes_s(pcie)
    assert physics.link_bytes_s(device(replace(L4, pcie_gb_s=8), 2, "pcie")) == 8e9


def test_a_dtype_that_silicon_lacks_runs_at_16_bit() -> None:
    """FP8 weights on silicon without FP8 save memory traffic, not compute."""
    ampere = replace(H100, dense_tflops={"fp16": 312, "bf16": 312, "fp8": None})
    wide, narrow = shape(LLAMA_8B, "bf16", accelerator=ampere), shape(LLAMA_8B, "fp8", accelerator=ampere)
    efficiency = efficiency_of(wide)
    assert physics.decode_compute_s(narrow, efficiency) == physics.decode_compute_s(wide, efficiency)
    assert physics.weight_read_s(narrow, efficiency) < physics.weight_read_s(wide, efficiency)


def test_mxfp4_multiplies_at_8_bit_where_the_silicon_can() -> None:
    """MXFP4 experts have 8-bit activations on silicon with FP4, and 16-bit ones elsewhere."""
    blackwell = replace(H100, id="b200-180", dense_tflops={"bf16": 2250, "fp8": 4500, "fp4": 9000})
    new, old = shape(GPT_OSS_120B, "mxfp4", accelerator=blackwell), shape(GPT_OSS_120B, "mxfp4")
    efficiency = efficiency_of(old)
    ratio = physics.decode_compute_s(old, efficiency) / physics.decode_compute_s(new, efficiency)
    assert ratio == pytest.approx(4500 / 989)


def test_factors_divide_every_time() -> None:
    """The product of engine, quantization and silicon factors divides the whole step."""
    loaded = shape(LLAMA_8B, "fp8")
    factor = GPU["engines"]["vllm"]["factor"] * GPU["quantizations"]["fp8"]["factor"] * GPU["devices"]["h100-80"]["factor"]
    efficiency = efficiency_of(loaded)
    assert efficiency.factor == pytest.approx(factor)
    bare = physics.weight_read_s(loaded, efficiency) + physics.launch_s(LLAMA_8B, 1, efficiency)
    assert step_times(loaded, 1000, 100).fixed_s == pytest.approx(bare / factor)


def test_unmeasured_silicon_is_believed_with_a_wider_band() -> None:
    """Silicon without a measurement has factor 1, says so, and gets the wider band."""
    measured, believed = shape(LLAMA_8B), shape(LLAMA_8B, accelerator=L4)
    assert provenance_of(measured) is Provenance.FITTED
    assert provenance_of(believed) is Provenance.BELIEVED
    assert "gpu l4" in efficiency_of(believed).source
    narrow, wide = (throughput_band(100, provenance_of(one), "") for one in (measured, believed))
    assert wide.low < narrow.low < 100 < narrow.high < wide.high


def test_latency_band_is_the_inverse_of_the_throughput_band() -> None:
    """The slow end of throughput is the long end of latency."""
    throughput, latency = throughput_band(1, Provenance.FITTED, ""), latency_band(1, Provenance.FITTED, "")
    assert latency.high == pytest.approx(1 / throughput.low)
    assert latency.low == pytest.approx(1 / throughput.high)


def test_measured_silicon_is_in_the_catalog() -> None:
    """Every id that has a fitted factor names an accelerator of the catalog, and every quantization one of its rows or schemes."""
    assert set(GPU["devices"]) <= set(catalog.accelerators())
    rows = catalog.quantizations().values()
    assert set(GPU["quantizations"]) <= {row.name for row in rows} | {row.scheme for row in rows}


def test_unknown_engine_borrows_as_a_belief() -> None:
    """An engine without a factor takes its kin's and is only believed."""
    borrowed = efficiency_of(shape(LLAMA_8B, engine="ray-serve"))
    assert borrowed.factor == efficiency_of(shape(LLAMA_8B)).factor
    assert borrowed.provenance is Provenance.BELIEVED


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
    efficiency = efficiency_of(loaded)
    read = physics.weight_read_s(loaded, efficiency)
    bandwidth = 307e9 * 16 / 112
    assert read == pytest.approx(weight_bytes(LLAMA_8B, loaded.checkpoint) / (bandwidth * efficiency.bandwidth))
    assert read / efficiency.factor > 0.8 * step_times(loaded, 100, 100).decode_s(1)
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
    """Prefill grows at least in proportion to the prompt."""
    short, long = sorted((one, other))
    brief, lengthy = (step_times(shape(model), isl, 10).prefill_s for isl in (short, long))
    assert lengthy >= brief * long / short * (1 - 1e-9) or model.kv.window_layers
    assert lengthy >= brief


@given(models, st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]))
def test_pipeline_stages_raise_throughput_not_speed(model: catalog.Model, tensor: int, pipeline: int) -> None:
    """Stages divide what a prompt takes of the replica, not what it waits."""
    alone = step_times(shape(model, tensor=tensor), 1000, 100)
    staged = step_times(shape(model, tensor=tensor, pipeline=pipeline), 1000, 100)
    assert staged.prefill_s == pytest.approx(alone.prefill_s)
    assert staged.prefill_busy_s == pytest.approx(alone.prefill_s / pipeline)
    assert staged.fixed_s >= alone.fixed_s
    assert staged.sequence_s == pytest.approx(alone.sequence_s / pipeline)
