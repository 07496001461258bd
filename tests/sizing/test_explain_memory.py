"""The terms of memory for people who check them."""

from __future__ import annotations

import pytest

from inferstack.sizing import explain_memory, layout

from .cases import GEMMA_27B, GIB, GPT_OSS_120B, KIMI_K2, LLAMA_8B, MODELS, QWEN_HYBRID, shape


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_the_terms_are_those_of_the_layout(model) -> None:
    """What is explained adds up to the layout: share x visible less weights, activations, runtime and graphs is the KV cache."""
    replica = shape(model, tensor=8)
    terms = {term.name: term.value for term in explain_memory(replica)}
    spent = sum(terms[name] for name in ("weights", "activations", "context and communication", "captured graphs"))
    assert terms["visible memory"] * terms["share of it"] - spent == pytest.approx(terms["KV cache"], abs=1e-6)
    assert terms["KV cache"] == pytest.approx(layout(replica).kv_bytes / GIB)


def test_every_term_says_how_it_comes_about() -> None:
    """Each term has a formula, a unit where it has one, a provenance and a source."""
    for model in (LLAMA_8B, GEMMA_27B, KIMI_K2, QWEN_HYBRID, GPT_OSS_120B):
        for term in explain_memory(shape(model)):
            assert term.formula
            assert term.source
            assert term.unit in ("GiB", "B", "")


def test_a_hybrid_model_shows_its_groups() -> None:
    """Layers with windows or states are explained by the groups that share a block."""
    (groups,) = [term.formula for term in explain_memory(shape(GEMMA_27B)) if term.name == "per block"]
    assert groups == "groups of layers: 1 full of 16 tokens, 6 window of 16 tokens"
