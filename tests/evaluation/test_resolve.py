"""What the free text of rows means."""

import pytest

from inferstack import catalog
from inferstack.evaluation import Unresolvable
from inferstack.evaluation.resolve import (
    resolve_accelerator,
    resolve_engine,
    resolve_kv_dtype,
    resolve_model,
    resolve_parallel,
    resolve_quantization,
    resolve_version,
)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct"),
        ("google/gemma-3-27b-it (NeMo-RL finetune, bf16)", "google/gemma-3-27b-it"),
        ("Qwen2.5-7B 4-bit (AWQ/GPTQ, unstated)", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen3.8/3.6-27B NVFP4", "Qwen/Qwen3.8-27B"),
        ("TinyLlama-1.1B (inferred)", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("TechxGenus/DeepSeek-Coder-V2-Lite-Instruct-AWQ", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"),
    ],
)
def test_quantized_and_annotated_names_mean_their_base_architecture(name, model):
    """A republished, quantized or annotated model resolves to the architecture that it is."""
    assert resolve_model(name, None, 1).id == model


def test_a_config_wins_over_the_name():
    """A row's own config object describes the model, whatever it is called."""
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "vocab_size": 100,
    }
    assert resolve_model("Qwen/Qwen3-8B", config, 1).num_layers == 2
    with pytest.raises(Unresolvable, match="model_config lacks `vocab_size`"):
        resolve_model("x", {key: value for key, value in config.items() if key != "vocab_size"}, 1)


def test_an_unknown_model_is_refused_with_the_nearest():
    """A name that means nothing known is refused, with what comes near."""
    with pytest.raises(Unresolvable, match="Qwen/Qwen3-8B"):
        resolve_model("Qwen/Qwen3-9B", None, 1)


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("vLLM", "vllm"),
        ("TensorRT-LLM", "tensorrt-llm"),
        ("ollama (llama.cpp)", "ollama"),
        ("MyServer (vLLM)", "vllm"),
        ("ik_llama.cpp", "ik_llama.cpp"),
        ("MindIE", "mindie"),
    ],
)
def test_engines_by_any_spelling(text, engine):
    """Case and punctuation do not matter, and the engine inside may stand in parentheses."""
    assert resolve_engine(text) == engine


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.8.4 (V1)", "0.8.4"),
        ("0.6.5 dev", "0.6.5"),
        ("2025-11", "0.11.0"),
        ("Aug 2026", "0.27.0"),
        ("2026", "0.23.0"),
        (None, "0.16.0"),
        ("2024-01", "0.5.0"),
    ],
)
def test_versions_and_dates_compare(text, version):
    """A version is the number in the text, or the release that was current at its date."""
    assert resolve_version("vllm", text) == version


@pytest.mark.parametrize(
    ("text", "gpu"), [("H100-NVL-94GB x2 (Azure NC80adis)", "h100-nvl-94"), ("H200-141GB (recipe)", "h200-141"), ("NVIDIA L40S", "l40s")]
)
def test_gpus_with_remarks(text, gpu):
    """A count and remarks do not change which accelerator is meant."""
    assert resolve_accelerator(text).id == gpu


@pytest.mark.parametrize(
    ("text", "quantization"),
    [("int4", "gptq-int4"), ("mxfp4 gguf", "gguf-mxfp4"), ("fp8/nvfp4", "fp8"), ("awq-int4", "awq"), ("none", "bf16"), (None, None)],
)
def test_quantizations_by_any_spelling(text, quantization):
    """Free text means one way of storing weights; what is not stated is None."""
    assert resolve_quantization(text, catalog.model("Qwen/Qwen3-8B"), "vllm") == quantization


@pytest.mark.parametrize(
    ("kv_dtype", "dtype", "ours"),
    [("fp8_e4m3", None, "fp8"), (None, "float16", "fp16"), ("auto", None, "bf16"), ("int8 per token-head", None, "int8")],
)
def test_kv_dtypes_by_any_spelling(kv_dtype, dtype, ours):
    """The KV cache keeps the dtype that the row states, else that of the weights' arithmetic, else 16 bits."""
    assert resolve_kv_dtype(kv_dtype, dtype) == ours


def test_attention_data_parallelism_is_inside_or_beside():
    """SGLang counts attention groups inside its tensor-parallel group, vLLM beside it: 8 devices or 16."""
    inside = resolve_parallel(8, None, 4, None, None, "sglang")
    beside = resolve_parallel(8, None, 2, None, None, "vllm")
    assert (inside.tensor, inside.data, inside.devices) == (2, 4, 8)
    assert (beside.tensor, beside.data, beside.devices) == (8, 2, 16)
