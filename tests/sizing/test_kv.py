"""Bytes of KV cache: the values that engines log, and what must hold for any model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.catalog.types import KvCache, KvKind
from inferstack.sizing import KvRules, kv_bytes_per_token, memory_constants, sequence_bytes
from inferstack.sizing.kv import kv_read_bytes
from inferstack.sizing.pool import pool

from .cases import ENCODER, GEMMA_27B, GIB, GPT_OSS_120B, KIMI_K2, LLAMA_8B, LLAMA_70B, MODELS, QWEN_30B_A3B, QWEN_HYBRID

PLAIN = KvRules(block_tokens=1, spare_blocks=0, padded_groups=False)


@pytest.mark.parametrize(
    ("model", "dtype", "tensor", "expected"),
    [
        (LLAMA_8B, "bf16", 1, 131_072),
        (LLAMA_70B, "bf16", 1, 327_680),
        (LLAMA_70B, "fp8", 1, 163_840),
        (LLAMA_70B, "bf16", 4, 81_920),
        (KIMI_K2, "bf16", 1, 70_272),
        (QWEN_HYBRID, "fp8", 2, 16_384),
        (QWEN_30B_A3B, "fp8", 1, 49_152),
    ],
)
def test_bytes_per_token_are_exact(model: catalog.Model, dtype: str, tensor: int, expected: int) -> None:
    """Bytes per token and GPU equal what engine logs imply."""
    assert kv_bytes_per_token(model, dtype, tensor) == expected


def test_heads_are_copied_beyond_their_number() -> None:
    """With more GPUs than KV heads each GPU keeps one head: TP 8 saves nothing over TP 4 on four KV heads."""
    assert kv_bytes_per_token(QWEN_30B_A3B, "bf16", 8) == kv_bytes_per_token(QWEN_30B_A3B, "bf16", 4)


def test_latent_cache_is_whole_on_every_rank() -> None:
    """MLA keeps the same bytes per GPU at any tensor-parallel degree: 46.8 GiB hold 715,072 tokens at TP 8, as logged."""
    assert kv_bytes_per_token(KIMI_K2, "bf16", 8) == kv_bytes_per_token(KIMI_K2, "bf16", 1)
    assert 46.8 * GIB / kv_bytes_per_token(KIMI_K2, "bf16", 8) == pytest.approx(715_072, rel=1e-4)


def test_padded_window_groups_reproduce_the_logged_concurrency() -> None:
    """Gemma-3-27B at 32,768 tokens needs 10.476 GiB per request in vLLM: 88.51 GiB hold the logged 8.45 of them."""
    request = sequence_bytes(GEMMA_27B, 32_768, "bf16", 1, batched_tokens=16_384)
    assert request == (32_768 + 6 * 17_424) * 81_920
    assert request / GIB == pytest.approx(10.476, abs=5e-4)
    assert 88.51 * GIB / request == pytest.approx(8.45, abs=0.005)


def test_window_cells_of_llama_cpp_are_exact() -> None:
    """gpt-oss-120b in llama.cpp keeps 131,072 full and 1,280 window cells per sequence: 9216 + 90 MiB for two, as logged."""
    rules = memory_constants("llama.cpp", "b6000").kv
    assert 2 * sequence_bytes(GPT_OSS_120B, 131_072, "fp16", 1, batched_tokens=1024, rules=rules) == (9216 + 90) * 2**20


def test_quantized_cache_counts_its_scales() -> None:
    """q8_0 keeps 34 bytes per 32 elements: Qwen3-235B's 16,384 tokens take the logged 1,598 MiB."""
    model = catalog.model("Qwen/Qwen3-235B-A22B")
    assert sequence_bytes(model, 16_384, "q8_0", 1, rules=PLAIN) / 2**20 == pytest.approx(1598, abs=1)


def test_state_is_constant_per_sequence() -> None:
    """Recurrent layers cost the same at any length and are divided by TP."""
    empty = sequence_bytes(QWEN_HYBRID, 0, "bf16", 1, rules=PLAIN)
    assert empty == QWEN_HYBRID.kv.state_bytes
    assert sequence_bytes(QWEN_HYBRID, 0, "bf16", 4, rules=PLAIN) == empty / 4
    assert sequence_bytes(QWEN_HYBRID, 1600, "bf16", 1, rules=PLAIN) - empty == 1600 * 65_536


def test_attention_pages_grow_until_a_state_fits() -> None:
    """Qwen3.6-35B-A3B with an FP8 cache has blocks of 2,096 tokens in vLLM 0.24: 6.01 GiB hold 569,878 tokens at 131,072, as logged."""
    rules = memory_constants("vllm", "0.24.0").kv
    found = pool(catalog.model("Qwen/Qwen3.6-35B-A3B"), "fp8", 1, 1, rules)
    assert (found.full_block_tokens, found.groups, found.blocks(131_072, 8192)) == (2096, 4, 63 + 3 * 2)
    assert found.reported_tokens(int(6.01 * GIB // found.block_bytes), 131_072, 8192) == 569_878


def test_kinds_with_wider_heads_put_fewer_tokens_into_a_page() -> None:
    """Gemma-4-26B-A4B keeps 32 tokens of full layers and 16 of window layers in one page; vLLM 0.19 reports blocks over groups."""
    rules = memory_constants("vllm", "0.19.0").kv
    found = pool(catalog.model("google/gemma-4-26B-A4B-it"), "fp8", 1, 1, rules)
    blocks = int(51.62 * GIB // found.block_bytes)
    assert (found.full_block_tokens, found.window_block_tokens, found.groups) == (32, 16, 6)
    assert blocks / found.blocks(131_072, 2048) == pytest.approx(33.42, abs=0.01)
    assert found.reported_tokens(blocks, 131_072, 2048) == pytest.approx(451_040, rel=1e-4)


def test_encoders_keep_nothing() -> None:
    """A model without KV cache takes no bytes per token and per sequence."""
    assert kv_bytes_per_token(ENCODER, "bf16", 1) == 0
    assert sequence_bytes(ENCODER, 8192, "bf16", 1) == 0


def test_nearly_equal_groups_are_not_split() -> None:
    """Layer kinds whose counts differ by less than a quarter share the larger group size instead of leaving a group nearly empty."""
    kv = KvCache(KvKind.WINDOW, full_layers=10, window_layers=12, window_tokens=64, elements_full=10, elements_window=12)
    model = catalog.model("google/gemma-3-27b-it")
    assert sequence_bytes(replace(model, kv=kv, num_kv_heads=1), 16, "fp8", 1, rules=KvRules(16, 0, True)) == 16 * (12 + 12)


def test_decode_reads_windows_only_as_far_as_they_reach() -> None:
    """One decode step reads all tokens of full layers and at most the window of the others."""
    near = kv_read_bytes(GEMMA_27B, 1024, "bf16", 1)
    far = kv_read_bytes(GEMMA_27B, 2048, "bf16", 1)
    assert far - near == 1024 * kv_bytes_per_token(GEMMA_27B, "bf16", 1)


models = st.sampled_from(MODELS)
lengths = st.integers(1, 200_000)
degrees = st.sampled_from([1, 2, 4, 8])


@given(models, lengths, lengths, degrees)
def test_longer_sequences_never_take_less(model: catalog.Model, one: int, other: int, tensor: int) -> None:
    """Bytes per sequence rise with its length."""
    short, long = sorted((one, other))
    assert sequence_bytes(model, short, "bf16", tensor) <= sequence_bytes(model, long, "bf16", tensor)


@given(models, lengths)
def test_more_devices_never_hold_more_each(model: catalog.Model, tokens: int) -> None:
    """Bytes per device fall, or stay, with the tensor and the pipeline degree."""
    by_tensor = [sequence_bytes(model, tokens, "bf16", tensor) for tensor in (1, 2, 4, 8)]
    by_stage = [sequence_bytes(model, tokens, "bf16", 1, pipeline, rules=PLAIN) for pipeline in (1, 2, 4, 8)]
    assert by_tensor == sorted(by_tensor, reverse=True)
    assert by_stage == sorted(by_stage, reverse=True)


@given(models, lengths, degrees)
def test_smaller_elements_are_fewer_bytes(model: catalog.Model, tokens: int, tensor: int) -> None:
    """FP8 takes no more than half of 16 bit plus the state, which keeps its own type."""
    wide = sequence_bytes(model, tokens, "bf16", tensor)
    narrow = sequence_bytes(model, tokens, "fp8", tensor)
    state = 4 * model.kv.state_bytes / tensor + kv_bytes_per_token(model, "bf16", tensor) * 4096 * bool(model.kv.state_bytes)
    assert narrow <= (wide + state) / 2 + 1


@given(models, lengths, degrees)
def test_padding_never_saves(model: catalog.Model, tokens: int, tensor: int) -> None:
    """Whole blocks and equal groups cost as much as, or more than, the bare tensors."""
    assert sequence_bytes(model, tokens, "bf16", tensor) >= sequence_bytes(model, tokens, "bf16", tensor, rules=PLAIN)


@given(models, degrees)
def test_asymptotic_bytes_per_token_are_the_slope(model: catalog.Model, tensor: int) -> None:
    """Far beyond its windows a sequence grows by `kv_bytes_per_token` with each token."""
    near, far = (sequence_bytes(model, tokens, "bf16", tensor, rules=PLAIN) for tokens in (800_000, 1_600_000))
    assert (far - near) / 800_000 == pytest.approx(kv_bytes_per_token(model, "bf16", tensor), rel=1e-6)
