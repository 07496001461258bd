"""Legal tensor-parallel degrees and the reasons of refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import legal_tensor_degrees, refuse_tensor_degree

from .cases import ENCODER, GPT_OSS_120B, LLAMA_8B, LLAMA_70B, MODELS, QWEN_30B_A3B, QWEN_HYBRID

BF16, AWQ, FP8_BLOCK, MXFP4 = (catalog.quantization(name) for name in ("bf16", "awq", "fp8-block", "mxfp4"))


@pytest.mark.parametrize(
    ("model", "quantization", "expected"),
    [
        (LLAMA_8B, BF16, (1, 2, 4, 8)),
        (LLAMA_70B, AWQ, (1, 2, 4, 8)),
        (QWEN_30B_A3B, BF16, (1, 2, 4, 8)),
        (QWEN_30B_A3B, FP8_BLOCK, (1, 2)),
        (QWEN_HYBRID, BF16, (1, 2, 4, 8)),
        (GPT_OSS_120B, MXFP4, (1, 2, 4, 8)),
        (ENCODER, BF16, (1, 2, 4, 8)),
    ],
    ids=lambda value: getattr(value, "id", getattr(value, "name", None)),
)
def test_legal_degrees(model: catalog.Model, quantization: catalog.Quantization, expected: tuple[int, ...]) -> None:
    """The legal degrees of known models are those that vLLM accepts."""
    assert legal_tensor_degrees(model, quantization, 8) == expected


def test_refusal_names_the_heads() -> None:
    """A degree that does not divide the heads is refused with their number and the nearest smaller degree."""
    refusal = refuse_tensor_degree(LLAMA_8B, BF16, 3)
    assert refusal is not None
    assert refusal.reason == "does not divide 32 attention heads"
    assert refusal.nearest == 2


def test_refusal_names_the_kv_heads() -> None:
    """KV heads must divide by the degree or it by them."""
    odd = replace(LLAMA_8B, num_attention_heads=48, num_kv_heads=8)
    refusal = refuse_tensor_degree(odd, BF16, 6)
    assert refusal is not None
    assert refusal.reason == "neither divides 8 KV heads nor is a multiple of them"
    assert refusal.nearest == 4


def test_refusal_names_the_quantization_group() -> None:
    """A degree that cuts through quantization groups is refused with the width that it leaves."""
    refusal = refuse_tensor_degree(QWEN_30B_A3B, FP8_BLOCK, 4)
    assert refusal is not None
    assert "192 of the expert width of 768" in refusal.reason
    assert "group of 128" in refusal.reason
    assert refusal.nearest == 2


def test_padded_checkpoints_split() -> None:
    """Qwen2.5-72B's width of 29,568 is an odd number of groups of 128: its 4-bit checkpoints are padded, so TP 2, 4 and 8 work."""
    model = catalog.model("Qwen/Qwen2.5-72B-Instruct")
    assert model.intermediate_size == 29_568
    assert legal_tensor_degrees(model, AWQ, 8) == (1, 2, 4, 8)


def test_zero_is_refused() -> None:
    """A degree below one is refused and one is offered."""
    refusal = refuse_tensor_degree(LLAMA_8B, BF16, 0)
    assert refusal is not None
    assert refusal.nearest == 1


@given(st.sampled_from(MODELS), st.sampled_from([BF16, AWQ, FP8_BLOCK, MXFP4]), st.integers(-2, 64))
def test_refusal_and_list_agree(model: catalog.Model, quantization: catalog.Quantization, tensor: int) -> None:
    """A degree is in the list exactly when it is not refused, and what a refusal offers is legal and smaller."""
    refusal = refuse_tensor_degree(model, quantization, tensor)
    assert (refusal is None) == (tensor in legal_tensor_degrees(model, quantization, max(tensor, 1)))
    if refusal is not None:
        assert refuse_tensor_degree(model, quantization, refusal.nearest) is None
        assert refusal.nearest < tensor or refusal.nearest == 1
