"""What the free text of rows means."""

import pytest

from inferstack import catalog
from inferstack.evaluation import Unresolvable, memory_rows, resolve_memory
from inferstack.evaluation.checkpoint_names import resolve_quantization
from inferstack.evaluation.kv_dtypes import resolve_kv_dtype
from inferstack.evaluation.model_names import resolve_model
from inferstack.evaluation.resolve import resolve_accelerator, resolve_engine, resolve_parallel, resolve_version


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct"),
        ("google/gemma-3-27b-it (NeMo-RL finetune, bf16)", "google/gemma-3-27b-it"),
        ("Qwen2.5-7B 4-bit (AWQ/GPTQ, unstated)", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen3.8/3.6-27B NVFP4", "Qwen/Qwen3.8-27B"),
        ("TinyLlama-1.1B (inferred)", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("TechxGenus/DeepSeek-Coder-V2-Lite-Instruct-AWQ", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"),
        ("nvidia/Llama-3.1-405B-Instruct-FP4", "meta-llama/Llama-3.1-405B-Instruct"),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "meta-llama/Llama-3.1-8B-Instruct"),
        ("unsloth/Llama-3.3-70B-Instruct-GGUF Q4_K_M", "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
def test_quantized_and_annotated_names_mean_their_base_architecture(name, model):
    """A republished, quantized or annotated model resolves to the architecture that it is."""
    assert resolve_model(name, None, 1).id == model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("NousResearch/Hermes-3-Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Qwen/Qwen2.5-Math-72B-Instruct", "Qwen/Qwen2.5-72B-Instruct"),
        ("Qwen/Qwen2-72B-Instruct", "Qwen/Qwen2.5-72B-Instruct"),
        ("Qwen3-30B-A3B-Thinking-2507-FP8", "Qwen/Qwen3-30B-A3B-Instruct-2507"),
        ("ibm-granite/granite-3.3-8b-instruct", "ibm-granite/granite-3.1-8b-instruct"),
        ("google/gemma-3-12b-it-qat-q4_0-gguf", "google/gemma-3-12b-it"),
        ("lmsys/vicuna-13b-v1.5", "meta-llama/Llama-2-13b-hf"),
    ],
)
def test_fine_tuned_models_have_the_layers_of_what_they_are_made_from(name, model):
    """A name that holds another model's, or is one but for a word, has its layers."""
    assert resolve_model(name, None, 1).id == model


def test_a_base_and_its_chat_model_are_one_architecture():
    """A name that fits both is no reason to refuse it: their layers are the same."""
    assert resolve_model("TheBloke/Llama-2-70B-AWQ", None, 1).num_layers == 80


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
    ("text", "gpu"),
    [
        ("H100-NVL-94GB x2 (Azure NC80adis)", "h100-nvl-94"),
        ("H200-141GB (recipe)", "h200-141"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA H100 80GB HBM3", "h100-80"),
        ("H100 SXM5 80GB", "h100-80"),
        ("8xA100-80GB", "a100-80"),
        ("A100-SXM4-40GB", "a100-40"),
        ("NVIDIA GeForce RTX 3090", "rtx-3090"),
        ("Tesla V100-SXM2-32GB", "v100-32"),
        ("AMD Instinct MI300X OAM", "mi300x"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("A100", "a100-80"),
    ],
)
def test_gpus_by_any_spelling(text, gpu):
    """Vendor, count, kind of memory and remarks do not change which accelerator is meant; size and form tell those of one name apart."""
    assert resolve_accelerator(text).id == gpu


@pytest.mark.parametrize(
    ("text", "quantization"),
    [("int4", "gptq-int4"), ("mxfp4 gguf", "gguf-mxfp4"), ("fp8/nvfp4", "fp8"), ("awq-int4", "awq"), ("none", "bf16"), (None, None)],
)
def test_quantizations_by_any_spelling(text, quantization):
    """Free text means one way of storing weights; what is not stated is None."""
    assert resolve_quantization(text, catalog.model("Qwen/Qwen3-8B"), "vllm") == quantization


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("nvidia/Llama-3.1-405B-Instruct-FP4", "nvfp4"),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "gptq-int4"),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", "int8"),
        ("hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4", "awq"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8", "gptq-int8"),
        ("unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M", "gguf-q4_k_m"),
        ("google/gemma-3-12b-it-qat-q4_0-gguf", "gguf-q4_0"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "fp8-block"),
        ("unsloth/gpt-oss-120b-BF16", "bf16"),
        ("openai/gpt-oss-120b", "mxfp4"),
        ("Qwen/Qwen3-8B", "bf16"),
    ],
)
def test_the_name_of_a_checkpoint_says_its_quantization(name, quantization):
    """Where a row does not state how weights are stored, their name does, and a known repository wins over its name."""
    assert _resolved(model=name).checkpoint.quantization == quantization


@pytest.mark.parametrize(
    ("kv_dtype", "dtype", "ours"),
    [
        ("fp8_e4m3", None, "fp8"),
        (None, "float16", "fp16"),
        (None, "half", "fp16"),
        ("auto", None, None),
        (None, "fp8", None),
        ("int8 per token-head", None, "int8"),
    ],
)
def test_kv_dtypes_by_any_spelling(kv_dtype, dtype, ours):
    """The KV cache keeps the dtype that the row states, else that of the arithmetic; a quantization of weights says nothing of it."""
    assert resolve_kv_dtype(kv_dtype, dtype) == ours


@pytest.mark.parametrize(
    ("row", "ours"),
    [
        ({"model": "Qwen/Qwen3-8B"}, "bf16"),
        ({"model": "nvidia/Llama-3.3-70B-Instruct-FP4", "version": "0.19.0"}, "fp8"),
        ({"model": "nvidia/Llama-3.3-70B-Instruct-FP4", "version": "0.10.0"}, "bf16"),
        ({"model": "nvidia/Llama-3.3-70B-Instruct-FP4", "engine": "tensorrt-llm"}, "fp8"),
        ({"model": "deepseek-ai/DeepSeek-V3.2", "kv_dtype": "fp8", "version": "0.15.0"}, "fp8_ds_mla"),
        ({"model": "deepseek-ai/DeepSeek-V3.2", "kv_dtype": "fp8", "engine": "tensorrt-llm"}, "fp8"),
        ({"model": "deepseek-ai/DeepSeek-V3.2", "version": "0.11.0"}, "fp8_ds_mla"),
        ({"model": "deepseek-ai/DeepSeek-V3.2", "version": "0.15.0"}, "bf16"),
    ],
)
def test_an_unstated_kv_dtype_is_what_the_engine_takes(row, ours):
    """Checkpoints may ask for an FP8 cache, which engines follow from some version on, and FP8 has its own format for sparse attention."""
    assert _resolved(**row).kv_dtype == ours


def _resolved(**row):
    return resolve_memory(memory_rows([{"id": 1, "engine": "vllm", "gpu": "H100", **row}])[0])


def test_attention_data_parallelism_is_inside_or_beside():
    """SGLang counts attention groups inside its tensor-parallel group, vLLM beside it: 8 devices or 16."""
    inside = resolve_parallel(8, None, 4, None, None, "sglang")
    beside = resolve_parallel(8, None, 2, None, None, "vllm")
    assert (inside.tensor, inside.data, inside.devices) == (2, 4, 8)
    assert (beside.tensor, beside.data, beside.devices) == (8, 2, 16)
