"""What a prompt and a decode step ask of the silicon: each term by hand, at peak rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inferstack.sizing.types import Parallelism
from inferstack.sizing.weights import weight_bytes
from inferstack.sizing.work import expert_width, weight_only, work_of

from .cases import ENCODER, GEMMA_27B, GPT_OSS_120B, H100, LLAMA_8B, LLAMA_70B, QWEN_30B_A3B, checkpoint, shape

EMBEDDING_8B = 128_256 * 4096
BLACKWELL = replace(H100, id="b200-180", compute_capability="10.0", dense_tflops={"bf16": 2250, "fp8": 4500, "fp4": 9000})
AMPERE = replace(H100, id="a100-80", compute_capability="8.0", dense_tflops={"fp16": 312, "bf16": 312, "fp8": None})


def test_weights_are_read_once_per_step_but_for_the_input_embedding() -> None:
    """Reading weights takes their bytes, less the embedding that is only looked up, over the bandwidth of all devices."""
    work = work_of(shape(LLAMA_70B, "fp8", tensor=4), 1000, 100)
    unread = 128_256 * 8192 * 2
    assert work.dense_read_s == pytest.approx((weight_bytes(LLAMA_70B, checkpoint(LLAMA_70B, "fp8")) - unread) / (4 * 3350e9))


def test_a_table_of_embeddings_is_no_work_without_decode() -> None:
    """Where no logits are computed, one matrix of embeddings is looked up and not multiplied: 24 layers of BGE-M3 are left."""
    work = work_of(shape(ENCODER), 1000, 0)
    layers = ENCODER.params_active - 250_002 * 1024
    assert work.prefill_dense_s == pytest.approx(1000 * 2 * layers / 989e12)
    assert work.dense_read_s == pytest.approx(layers * 2 / 3350e9, rel=0.01)


def test_kv_is_read_per_sequence_at_its_mean_length() -> None:
    """Each sequence reads its prompt and half of its output."""
    assert work_of(shape(LLAMA_8B), 900, 200).kv_read_s == pytest.approx(1000 * 131_072 / 3350e9)


def test_decode_is_two_flop_per_active_parameter() -> None:
    """A token costs two FLOP per active parameter at the silicon's rate for the dtype; experts are counted apart."""
    dense, sparse = work_of(shape(LLAMA_8B, "fp8"), 1000, 100), work_of(shape(QWEN_30B_A3B), 1000, 100)
    assert dense.token_dense_s == pytest.approx(2 * (LLAMA_8B.params_active - EMBEDDING_8B) / 1979e12)
    active = QWEN_30B_A3B.params_active - 151_936 * 2048
    assert sparse.token_dense_s + sparse.token_expert_s == pytest.approx(2 * active / 989e12)
    assert sparse.token_expert_s > sparse.token_dense_s


def test_a_prompt_runs_lm_head_once() -> None:
    """A prompt costs ISL x 2 P without lm_head, and causal attention over half of its length."""
    work = work_of(shape(LLAMA_8B), 4000, 100)
    assert work.prefill_dense_s == pytest.approx(4000 * 2 * (LLAMA_8B.params_active - 2 * EMBEDDING_8B) / 989e12)
    assert work.prefill_attention_s == pytest.approx(4 * 32 * 128 * 32 * 4000 * 2000 / 989e12)


def test_window_layers_attend_to_their_window_only() -> None:
    """Attention per token stops growing in window layers, and an encoder attends both ways."""
    far, farther = (work_of(shape(GEMMA_27B), isl, 0).prefill_attention_s / isl for isl in (8192, 16_384))
    assert (farther - far) * 989e12 == pytest.approx(4 * 32 * 128 * 10 * 4096)
    assert work_of(shape(ENCODER), 512, 0).prefill_attention_s * 989e12 == pytest.approx(4 * 16 * 64 * 24 * 512 * 512)


def test_an_engine_that_ignores_windows_reads_them_whole() -> None:
    """TensorRT-LLM walks window layers over the whole context, vLLM only their windows."""
    whole, windowed = (work_of(shape(GEMMA_27B, engine=engine), 8192, 0).kv_read_s for engine in ("tensorrt-llm", "vllm"))
    assert whole == pytest.approx(8192 * 62 * 4096 * 2 * 2 / 2 / 3350e9)
    assert windowed < whole / 3


def test_all_reduce_needs_a_partner() -> None:
    """There is no communication on one device; beyond that each of L layers sends 2 x 2 (n-1)/n x H x 2 bytes per token."""
    alone, pair = work_of(shape(LLAMA_8B), 512, 100), work_of(shape(LLAMA_8B, tensor=2), 512, 100)
    assert (alone.link_token_s, alone.messages) == (0, 0)
    assert pair.messages == 64
    assert pair.link_token_s == pytest.approx(64 * 2 * 1 / 2 * 4096 * 2 / 450e9)


def test_data_parallel_attention_holds_all_weights_and_its_own_sequences() -> None:
    """Ranks read attention weights whole, divide sequences, and exchange tokens for the experts once in a layer."""
    tensor = shape(QWEN_30B_A3B, tensor=4)
    ranks = replace(tensor, parallel=Parallelism(tensor=1, data=4, expert=4))
    split, held = work_of(tensor, 1000, 100), work_of(ranks, 1000, 100)
    assert held.dense_read_s == pytest.approx(4 * split.dense_read_s)
    assert held.expert_read_s == pytest.approx(split.expert_read_s)
    assert held.kv_read_s == pytest.approx(split.kv_read_s)
    assert (held.messages, held.ranks) == (split.messages // 2, 4)


def test_a_dtype_that_silicon_lacks_runs_at_16_bit() -> None:
    """FP8 weights on silicon without FP8 save memory traffic, not compute, and count as unpacked."""
    wide, narrow = (work_of(shape(LLAMA_8B, name, accelerator=AMPERE), 100, 100) for name in ("bf16", "fp8"))
    assert narrow.token_dense_s == wide.token_dense_s
    assert narrow.dense_read_s < wide.dense_read_s
    assert narrow.weight_only
    assert not wide.weight_only


def test_mxfp4_multiplies_at_8_bit_where_the_silicon_can() -> None:
    """MXFP4 experts have 8-bit activations on silicon with FP4, and 16-bit ones elsewhere; what is not an expert stays at 16 bit."""
    new, old = (work_of(shape(GPT_OSS_120B, "mxfp4", accelerator=silicon), 100, 100) for silicon in (BLACKWELL, H100))
    assert old.token_expert_s / new.token_expert_s == pytest.approx(4500 / 989)
    assert old.token_dense_s / new.token_dense_s == pytest.approx(2250 / 989)


def test_four_bit_weights_without_four_bit_products_are_unpacked() -> None:
    """AWQ is weight-only everywhere, NVFP4 only where the silicon has no FP4."""
    hopper, blackwell = {"bf16": 989e12, "fp8": 1979e12}, {"bf16": 2250e12, "fp8": 4500e12, "fp4": 9000e12}
    assert weight_only(blackwell, "awq")
    assert weight_only(hopper, "nvfp4")
    assert not weight_only(blackwell, "nvfp4")
    assert not weight_only(hopper, "bf16")


def test_dense_models_have_no_narrow_experts() -> None:
    """Expert width is a mixture's; a dense model's is infinite."""
    assert expert_width(QWEN_30B_A3B) == 768
    assert expert_width(LLAMA_8B) == float("inf")


def test_a_full_pipeline_goes_at_the_pace_of_the_stage_with_the_logits() -> None:
    """Eight billion bytes in four stages: each step waits four times for lm_head; one sequence, which cannot fill them, reads it once."""
    alone, full = (work_of(shape(LLAMA_8B, pipeline=4, max_sequences=sequences), 1000, 100) for sequences in (1, 256))
    assert full.dense_read_s - alone.dense_read_s == pytest.approx(3 * EMBEDDING_8B * 2 / 3350e9)
    assert full.token_dense_s - alone.token_dense_s == pytest.approx(3 * 2 * EMBEDDING_8B / 989e12)


def test_geforce_multiplies_at_twice_its_rate_where_sums_have_16_bits() -> None:
    """llama.cpp accumulates in 16 bits, at which a GeForce is not held back; a professional card is as fast either way."""
    geforce, professional = replace(H100, id="rtx-4090", nvlink_gb_s=None), H100
    prefill = [
        work_of(shape(LLAMA_8B, accelerator=silicon, engine=engine), 1000, 100).prefill_dense_s
        for silicon in (geforce, professional)
        for engine in ("vllm", "llama.cpp")
    ]
    assert prefill == pytest.approx([prefill[0], prefill[0] / 2, prefill[0], prefill[0]])


def test_geforce_reaches_its_neighbours_by_way_of_the_host() -> None:
    """Without peer access the link of a GeForce is one of its own."""
    geforce = replace(H100, id="rtx-4090", nvlink_gb_s=None)
    assert work_of(shape(LLAMA_8B, tensor=2, accelerator=geforce), 1000, 100).link == "pcie-host"


def test_an_engine_without_a_kernel_for_experts_visits_each() -> None:
    """transformers runs the experts of each layer one after the other, and 8-bit weights in more launches than 16-bit ones."""
    eager = work_of(shape(QWEN_30B_A3B, "fp8", engine="transformers"), 1000, 100)
    assert (eager.loops, eager.unfused) == (48 * 128, True)
    captured = work_of(shape(QWEN_30B_A3B, "fp8"), 1000, 100)
    assert (captured.loops, captured.unfused) == (0, False)
