"""Models that answer after one pass: which engine serves which class, what it is told, and what is named in place of it."""

from __future__ import annotations

import json

import pytest

from inferstack import catalog
from inferstack.engines import engine, engines
from inferstack.engines.kinds import POOLS, pools, serves
from tests.engines import shapes

VLLM, SGLANG, LLAMA, OLLAMA, RAY, TRITON = "vllm", "sglang", "llama.cpp", "ollama", "ray-serve", "triton"
SERVED = {
    ("embedding", "BertModel"): {VLLM, SGLANG, LLAMA, OLLAMA, RAY, TRITON},
    ("embedding", "XLMRobertaModel"): {VLLM, SGLANG, LLAMA, OLLAMA, RAY, TRITON},
    ("embedding", "MPNetModel"): set[str](),
    ("embedding", "JinaRobertaModel"): {VLLM, LLAMA},
    ("embedding", "NomicBertModel"): {VLLM, LLAMA, OLLAMA, RAY, TRITON},
    ("embedding", "GteNewModel"): {VLLM, RAY, TRITON},
    ("embedding", "Gemma3TextModel"): {VLLM, LLAMA, OLLAMA, RAY, TRITON},
    ("embedding", "MistralModel"): {VLLM, SGLANG, RAY, TRITON},
    ("embedding", "Qwen3ForCausalLM"): {VLLM, SGLANG, LLAMA, OLLAMA, RAY, TRITON},
    ("rerank", "BertForSequenceClassification"): {VLLM, SGLANG, LLAMA},
    ("rerank", "XLMRobertaForSequenceClassification"): {VLLM, SGLANG, LLAMA},
    ("rerank", "Qwen3ForCausalLM"): {VLLM, LLAMA},
    ("reward", "LlamaForSequenceClassification"): {VLLM, SGLANG},
    ("reward", "Gemma2ForSequenceClassification"): {VLLM, SGLANG},
    ("reward", "Qwen3ForSequenceClassification"): {VLLM, SGLANG},
    ("reward", "InternLM2ForRewardModel"): {VLLM, SGLANG},
    ("reward", "Qwen2ForRewardModel"): {VLLM, SGLANG},
    ("reward", "Qwen2ForProcessRewardModel"): {VLLM},
}
"""Kind and class -> engines whose pinned releases list it."""
MODELS = {(model.kind, model.checkpoint_class): model for model in catalog.models().values() if pools(model)}


def weights(name: str, model: catalog.Model) -> catalog.Checkpoint:
    quantization = "gguf-q8_0" if name in (LLAMA, OLLAMA) else "bf16"
    return shapes.checkpoint(model.id, quantization)


def test_every_class_of_the_catalog_is_in_the_table() -> None:
    """A model of a further class cannot be entered without saying who serves it."""
    assert {(kind, str(named)) for kind, named in MODELS} == set(SERVED)


@pytest.mark.parametrize("name", list(engines()))
@pytest.mark.parametrize("key", list(SERVED), ids=lambda key: " ".join(key))
def test_an_engine_takes_the_classes_that_its_release_lists(key: tuple[str, str], name: str) -> None:
    """On a GPU that it runs on, an engine takes what its release lists; otherwise it names an engine that does, or another model."""
    model = MODELS[key]
    refused = engine(name).supports(model, weights(name, model), catalog.accelerator("h100-80"))
    if name in SERVED[key]:
        assert refused is None
        return
    assert refused is not None
    assert refused.nearest is not None
    words = refused.nearest.split()
    if SERVED[key]:
        assert words[1].rstrip(",") in SERVED[key]
    else:
        other = catalog.models()[words[1]]
        assert other.kind == model.kind
        assert serves(words[-1], other)


def test_the_table_names_kinds_and_engines_that_exist() -> None:
    """Rows of the table are of known engines that serve such kinds at all, and hold nothing twice."""
    rows = catalog.tables.table("pooling")["engines"]
    for name, row in rows.items():
        assert row["source"]
        assert set(row["kinds"]) <= POOLS & engine(name).traits.kinds
        for classes in row["kinds"].values():
            assert len(classes) == len(set(classes))


def test_vllm_is_told_what_a_config_does_not_say() -> None:
    """A reranker that is a language model is told its two tokens, and a class with a generic name its own; both run with care."""
    ranker, gte = MODELS["rerank", "Qwen3ForCausalLM"], MODELS["embedding", "GteNewModel"]

    def args(model: catalog.Model) -> tuple[str, ...]:
        shape = shapes.shape_of(VLLM, weights(VLLM, model), shapes.gpus("h100-80", 1))
        return engine(VLLM).spec(shapes.replica_of(shape), shapes.SERVICE).args

    (told,) = (word.partition("=")[2] for word in args(ranker) if word.startswith("--hf-overrides="))
    assert json.loads(told)["classifier_from_token"] == ["no", "yes"]
    assert "--trust-remote-code" not in args(ranker)
    assert '--hf-overrides={"architectures":["GteNewModel"]}' in args(gte)
    assert "--trust-remote-code" in args(gte)


def test_foreign_code_is_named() -> None:
    """That code from a repository runs in the server is a note of the plan."""
    for name, key in ((VLLM, ("embedding", "NomicBertModel")), (SGLANG, ("reward", "InternLM2ForRewardModel"))):
        shape = shapes.shape_of(name, weights(name, MODELS[key]), shapes.gpus("h100-80", 1))
        assert any("--trust-remote-code" in note for note in engine(name).notes(shape))
        assert "--trust-remote-code" in engine(name).spec(shapes.replica_of(shape), shapes.SERVICE).args
