"""Names resolve kindly, to exactly one row, or are refused with what is near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog

LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", LLAMA_8B),
        ("META-LLAMA/llama-3.1-8b-instruct", LLAMA_8B),
        ("Llama-3.1-8B-Instruct", LLAMA_8B),
        ("llama-3.1-8b", LLAMA_8B),
        ("llama3.1-8b", LLAMA_8B),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", LLAMA_8B),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic", LLAMA_8B),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", LLAMA_8B),
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", LLAMA_8B),
        ("Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct"),
        ("qwen2.5-7b-instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("qwen2.5 7b", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen/Qwen2.5-7B-Instruct-GGUF", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B"),
        ("Qwen/Qwen3-8B-FP8 (inferred)", "Qwen/Qwen3-8B"),
        ("Qwen3-Coder-480B-A35B-Instruct-FP8", "Qwen/Qwen3-Coder-480B-A35B-Instruct"),
        ("google/gemma-3-27b", "google/gemma-3-27b-it"),
        ("phi4", "microsoft/phi-4"),
        ("deepseek-r1", "deepseek-ai/DeepSeek-R1"),
        ("DeepSeek-R1-0528", "deepseek-ai/DeepSeek-R1-0528"),
        ("GPT-OSS-120B", "openai/gpt-oss-120b"),
    ],
)
def test_models_by_what_people_call_them(name: str, model: str) -> None:
    """Case, a missing organisation or tuning word, a quantized checkpoint and remarks in parentheses lead to the model that is meant."""
    assert catalog.model(name).id == model


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("meta-llama/Llama-3.2-70B", "meta-llama/Llama-3.3-70B-Instruct"),
        ("llama-70b", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Qwen3-30B", "Qwen/Qwen3-30B-A3B"),
        ("mistral-7b", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("gpt-oss", "openai/gpt-oss-20b"),
        ("mixtral", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
        ("foo/Llama-3.1-8B-Instruct", LLAMA_8B),
        ("Qwen/Qwen3-9B", "Qwen/Qwen3.5-9B"),
    ],
)
def test_wrong_model_suggests_the_same_family_and_size(name: str, nearest: str) -> None:
    """A model that does not exist, or that another organisation publishes, is refused with the nearest of its family and size first."""
    with pytest.raises(catalog.UnknownName) as refused:
        catalog.model(name)
    assert refused.value.kind == "model"
    assert refused.value.nearest[0] == nearest
    assert str(refused.value) == "is not a known model"


def test_other_weights_are_another_model() -> None:
    """A variant with words of its own (Coder, 2507, 0528) never resolves to the model that it was made from."""
    ids = [catalog.model(name).id for name in ("Qwen2.5-Coder-7B-Instruct", "Qwen3-30B-A3B-Instruct-2507", "DeepSeek-R1-0528")]
    assert ids == ["Qwen/Qwen2.5-Coder-7B-Instruct", "Qwen/Qwen3-30B-A3B-Instruct-2507", "deepseek-ai/DeepSeek-R1-0528"]


def test_known_name_without_dimensions_says_so() -> None:
    """A model whose dimensions have no source is refused with what is missing and how to give it."""
    with pytest.raises(catalog.UnknownName) as refused:
        catalog.model("stepfun-ai/Step-3.5-Flash")
    assert str(refused.value).startswith("is known, but not its hidden size, num layers")
    assert "config.json" in str(refused.value)


@pytest.mark.parametrize("name", ["asdfghjkl", "", "/", "---", "()", "x" * 300])
def test_nonsense_has_no_neighbours(name: str) -> None:
    """Names that are like nothing are refused without a suggestion."""
    with pytest.raises(catalog.UnknownName) as refused:
        catalog.model(name)
    assert refused.value.nearest == ()


@pytest.mark.parametrize(
    ("name", "gpu"),
    [
        ("l4", "l4"),
        ("NVIDIA L4", "l4"),
        ("nvidia-l4", "l4"),
        ("nvidia-tesla-t4", "t4"),
        ("Tesla T4", "t4"),
        ("H100", "h100-80"),
        ("H100-SXM-80GB", "h100-80"),
        ("H100 PCIe 80GB", "h100-pcie-80"),
        ("A100-80GB", "a100-80"),
        ("A100-SXM4-80GB", "a100-80"),
        ("nvidia-h200-141gb", "h200-141"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition 96GB", "rtx-pro-6000"),
        ("RTX 4090", "rtx-4090"),
        ("MI300X", "mi300x"),
    ],
)
def test_gpus_by_marketing_names_and_labels(name: str, gpu: str) -> None:
    """Marketing names, Kubernetes labels and benchmark spellings lead to the GPU that is meant."""
    assert catalog.accelerator(name).id == gpu


@pytest.mark.parametrize(
    ("find", "kind", "name", "nearest"),
    [
        (catalog.model, "model", "Llama-2-7b", ("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-7b-chat-hf")),
        (catalog.accelerator, "GPU", "A100", ("a100-80", "a100-40")),
        (catalog.quantization, "quantization", "4bit", ("awq", "gptq-int4", "gguf-q4_k_m")),
        (catalog.quantization, "quantization", "gptq", ("gptq-int4", "gptq-int8")),
    ],
)
def test_name_that_fits_several_is_refused_with_all(find: Callable[[str], Any], kind: str, name: str, nearest: tuple[str, ...]) -> None:
    """An ambiguous name is not decided for the user."""
    with pytest.raises(catalog.UnknownName, match="could be ") as refused:
        find(name)
    assert (refused.value.kind, refused.value.nearest) == (kind, nearest)


def eks(name: str) -> catalog.Machine:
    return catalog.machine("eks", name)


def gke(name: str) -> catalog.Machine:
    return catalog.machine("gke", name)


@pytest.mark.parametrize(
    ("find", "name", "nearest"),
    [
        (catalog.accelerator, "l5", "l4"),
        (catalog.accelerator, "A10", "a10g"),
        (catalog.quantization, "fp9", "fp8"),
        (catalog.engine_release, "vlm", "vllm"),
        (catalog.engine_support, "llama", "llama.cpp"),
        (eks, "g6.3xlarge", "g6.2xlarge"),
        (eks, "p4d.48xlarge", "p4d.24xlarge"),
        (eks, "p5", "p5.4xlarge"),
        (gke, "a3-highgpu-3g", "a3-highgpu-2g"),
        (gke, "g2-standard-5", "g2-standard-4"),
        (catalog.machines, "gkee", "gke"),
    ],
)
def test_slips_suggest_the_nearest(find: Callable[[str], Any], name: str, nearest: str) -> None:
    """A slip in the name of a GPU, quantization, engine, machine type or cloud is answered with the nearest that exists."""
    with pytest.raises(catalog.UnknownName) as refused:
        find(name)
    assert refused.value.nearest[0] == nearest


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Q4_K_M", "gguf-q4_k_m"),
        ("q8_0", "gguf-q8_0"),
        ("w8a8", "int8"),
        ("AWQ", "awq"),
        ("FP8", "fp8"),
        ("bfloat16", "bf16"),
        ("NVFP4", "nvfp4"),
    ],
)
def test_quantizations_by_their_spellings(spelling: str, name: str) -> None:
    """Spellings of llama.cpp, llm-compressor and torch lead to the one name of a quantization."""
    assert catalog.quantization(spelling).name == name


@given(name=st.text(max_size=60))
def test_any_text_is_answered_or_refused(name: str) -> None:
    """No text makes a lookup fail otherwise than with `UnknownName`, whose suggestions all exist."""
    for find, known in (
        (catalog.model, catalog.models()),
        (catalog.accelerator, catalog.accelerators()),
        (catalog.quantization, catalog.quantizations()),
        (eks, {machine.name for machine in catalog.machines("eks")}),
    ):
        suggested: tuple[str, ...] = ()
        try:
            find(name)
        except catalog.UnknownName as refused:
            suggested = refused.nearest
        assert set(suggested) <= set(known)


def test_a_machine_type_of_another_cloud_is_known_by_its_twin() -> None:
    """The same accelerators, and of those the nearest number of vCPUs."""
    with pytest.raises(catalog.UnknownName) as caught:
        catalog.machine("eks", "g2-standard-4")
    assert caught.value.nearest == ("g6.xlarge",)
