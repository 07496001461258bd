"""Rows of models, checkpoints, quantizations and engines: references resolve, sources are there, and figures confirm one another."""

from __future__ import annotations

import re
from datetime import date

import pytest

from inferstack import catalog
from inferstack.catalog import KvKind
from inferstack.catalog.tables import DATA, table

CLOUDS = ("eks", "gke")


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json") if path.stem not in {*CLOUDS, "eks_fees", "gke_fees"}))
def test_every_file_is_dated(name: str) -> None:
    """Each data file says as of when it was collected; files of prices date each source instead."""
    assert date.fromisoformat(table(name)["as_of"]).year >= 2024


def test_models_have_sources_and_sensible_dimensions() -> None:
    """A model has a source, positive dimensions, KV heads that divide its heads, and no more active than total parameters."""
    for model in catalog.models().values():
        assert model.source, model.id
        assert model.kind in {"llm", "embedding", "rerank", "reward"}, model.id
        for column in ("hidden_size", "num_layers", "num_attention_heads", "num_kv_heads", "head_dim", "vocab_size"):
            assert getattr(model, column) > 0, (model.id, column)
        assert model.num_attention_heads % model.num_kv_heads == 0, model.id
        assert 0 < model.params_active <= model.params_total, model.id
        assert 0 <= model.params_vision < model.params_total, model.id
        assert model.is_moe == (model.top_k is not None), model.id


def test_kv_caches_match_their_kind() -> None:
    """Layers and elements of a KV cache are those that its kind has, and never more layers than the model."""
    for model in catalog.models().values():
        kv = model.kv
        assert kv.full_layers + kv.window_layers <= model.num_layers, model.id
        assert (kv.elements_full > 0) == (kv.full_layers > 0), model.id
        assert (kv.elements_window > 0) == (kv.window_layers > 0) == (kv.window_tokens > 0), model.id
        assert (kv.state_bytes > 0) == (kv.kind is KvKind.STATE), model.id
        if kv.kind is KvKind.NONE:
            assert kv.full_layers == kv.window_layers == 0, model.id
        if kv.kind is KvKind.FULL:
            assert kv.elements_full == 2 * model.num_kv_heads * model.head_dim * model.num_layers, model.id


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", 320 * 1024),
        ("meta-llama/Llama-3.1-8B-Instruct", 128 * 1024),
        ("deepseek-ai/DeepSeek-V3", 70_272),
        ("moonshotai/Kimi-K2-Instruct", 70_272),
        ("moonshotai/Kimi-K2-Thinking", 70_272),
        ("mistralai/Mistral-Small-4-119B-2603", 23_040),
        ("mistralai/Ministral-3-14B-Instruct-2512", 163_840),
        ("Qwen/Qwen3.8-27B", 65_536),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", 22_528),
    ],
)
def test_kv_per_token_is_what_engines_log(name: str, bytes_per_token: int) -> None:
    """Bytes per token in 16 bits of the layers that keep every token are those of published engine logs."""
    assert catalog.models()[name].kv.elements_full * 2 == bytes_per_token


def test_sizes_of_files_confirm_the_counts() -> None:
    """Published sizes of 16-bit weights (GiB) are met within 2.5 %, where the repository may hold prediction layers that are not loaded."""
    published = {
        "Qwen/Qwen3.5-2B": 4.24,
        "Qwen/Qwen3.5-122B-A10B": 232.99,
        "Qwen/Qwen3.6-27B": 51.75,
        "Qwen/Qwen3.8-27B": 51.75,
        "ibm-granite/granite-4.1-8b": 16.38,
        "google/gemma-4-E4B-it": 14.89,
    }
    for name, gib in published.items():
        assert catalog.models()[name].params_total * 2 / 2**30 == pytest.approx(gib, rel=0.03), name


def test_gaps_are_none() -> None:
    """A model with gaps is kept apart, is not sized, and has None where nothing is known."""
    incomplete = catalog.incomplete_models()
    assert not incomplete.keys() & catalog.models().keys()
    for model in incomplete.values():
        missing = catalog.missing_dimensions(model)
        assert missing, model.id
        assert all(getattr(model, name) is None for name in missing)
        assert model.source
    assert all(catalog.missing_dimensions(model) == () for model in catalog.models().values())


def test_checkpoints_resolve() -> None:
    """A checkpoint belongs to its model, has a known quantization, a repository and a source; GGUF names its file, others none."""
    for name in catalog.models():
        found = catalog.checkpoints(name)
        assert found[0].uri == f"hf://{name}"
        for checkpoint in found:
            quantization = catalog.quantization(checkpoint.quantization)
            assert checkpoint.model == name
            assert quantization.name == checkpoint.quantization
            assert re.fullmatch(r"hf://[\w.-]+/[\w.-]+", checkpoint.uri), checkpoint
            assert checkpoint.source
            assert (checkpoint.file is not None) == (quantization.format == "gguf"), checkpoint
            assert checkpoint.file is None or checkpoint.file.endswith(".gguf")
            assert checkpoint.revision is None or re.fullmatch(r"[0-9a-f]{40}", checkpoint.revision), checkpoint
        assert len({(c.uri, c.quantization) for c in found}) == len(found), name


def test_every_listed_checkpoint_has_a_model() -> None:
    """No checkpoint is filed under a model that does not exist."""
    assert set(table("checkpoints")["checkpoints"]) <= {*catalog.models(), *catalog.incomplete_models()}


def test_bytes_of_files_confirm_the_formats() -> None:
    """Where the bytes of quantized weights are published, they lie between the bits of their format and those of 16-bit weights."""
    for model in catalog.models().values():
        for checkpoint in catalog.checkpoints(model.id):
            if checkpoint.weight_bytes is not None:
                bits = checkpoint.weight_bytes * 8 / model.params_total
                assert catalog.quantization(checkpoint.quantization).bits * 0.98 < bits < 16, checkpoint


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", "gguf-q4_k_m"),
        ("Qwen/Qwen2.5-7B-Instruct", "gguf-q4_k_m"),
        ("Qwen/Qwen2.5-7B-Instruct", "awq"),
        ("meta-llama/Llama-3.2-1B-Instruct", "gguf-q8_0"),
        ("meta-llama/Llama-3.1-8B-Instruct", "fp8"),
        ("meta-llama/Llama-3.1-8B-Instruct", "int8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "fp8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "nvfp4"),
        ("Qwen/Qwen3-0.6B", "gguf-q8_0"),
        ("Qwen/Qwen3-32B", "fp8-block"),
        ("openai/gpt-oss-20b", "gguf-mxfp4"),
        ("openai/gpt-oss-120b", "mxfp4"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gptq-int4"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "gguf-q4_k_m"),
    ],
)
def test_common_checkpoints_are_known(name: str, quantization: str) -> None:
    """The weights that users ask for most have a checkpoint in the usual quantizations."""
    assert quantization in {checkpoint.quantization for checkpoint in catalog.checkpoints(name)}


def test_small_open_models_run_without_a_token() -> None:
    """Small models for a laptop have GGUF files whose repositories ask for no licence."""
    for name in ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"):
        assert any(c.quantization == "gguf-q4_k_m" and c.gated is False for c in catalog.checkpoints(name)), name


def test_quantizations_are_consistent() -> None:
    """Bits, format and compute dtype are those that exist; only GGUF files are quantized as a whole."""
    for quantization in catalog.quantizations().values():
        assert 2 < quantization.bits <= 16
        assert quantization.format in {"safetensors", "gguf"}
        assert quantization.compute_dtype in {"fp16", "bf16", "fp8", "int8", "fp4"}
        assert quantization.source
        assert not quantization.whole_model or quantization.format == "gguf"


def test_schemes_are_rows_of_the_support_matrix() -> None:
    """Every scheme of a quantization is a row of vLLM's support matrix, so that support is always a lookup."""
    assert {quantization.scheme for quantization in catalog.quantizations().values()} <= set(catalog.engine_support("vllm"))


def test_support_matrices_speak_one_language() -> None:
    """Support is one of the five marks, for known silicon, whatever the engine."""
    silicon = {"sm70", "sm75", "sm80", "sm86", "sm89", "sm90", "sm100", "neuron", "cpu"}
    for engine in table("engines")["support"]:
        for scheme, row in catalog.engine_support(engine).items():
            assert set(row) <= silicon, (engine, scheme)
            assert set(row.values()) <= set("YWPN?"), (engine, scheme)
    assert catalog.engine_support("vllm")["fp8"]["sm89"] == "Y"
    assert catalog.engine_support("vllm")["fp8"]["sm80"] == "W"
    assert catalog.engine_support("vllm")["gguf"]["sm90"] == "P"
    assert catalog.engine_support("llama.cpp")["awq"]["cpu"] == "N"


def test_releases_are_pinned() -> None:
    """An engine release names an image with a tag that is not `latest`, its size, its date and its source."""
    for release in catalog.engine_releases().values():
        repository, _, tag = release.image.rpartition(":")
        assert repository
        assert tag not in {"", "latest"}, release
        assert release.image_gib > 0
        assert release.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", release.digest)
        date.fromisoformat(release.as_of)
        assert release.source
    assert catalog.engine_release("vllm").image == "vllm/vllm-openai:v0.33.0"
