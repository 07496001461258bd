"""What each engine refuses, with which reason, and what it adds to a combination that it accepts."""

from __future__ import annotations

import itertools

import pytest

from inferstack import catalog, sizing
from inferstack.catalog.types import Checkpoint
from inferstack.engines import Refusal, engine, engines
from inferstack.engines.matrix import verdict
from inferstack.sizing.types import Parallelism
from tests.engines import shapes
from tests.engines.command_lines import env_problems, keyword_problems, problems


def refusal(name: str, model: str, quantization: str, gpu: str | None, **facts: object) -> Refusal | None:
    accelerator = None if gpu is None else catalog.accelerator(gpu)
    return engine(name).supports(catalog.model(model), shapes.checkpoint(model, quantization, **facts), accelerator)


def notes(name: str, quantization: str, gpu: str, count: int = 1, **facts: object) -> str:
    weights = shapes.checkpoint(shapes.SMALL, quantization, **facts)
    return "; ".join(engine(name).notes(shapes.shape_of(name, weights, shapes.gpus(gpu, count))))


@pytest.mark.parametrize("name", list(engines()))
def test_every_combination_is_rendered_or_refused_with_a_reason(name: str) -> None:
    """Each architecture and class of checkpoint x quantization x generation of silicon: a container whose arguments parse, or a reason."""
    by_architecture = {(model.architecture, model.checkpoint_class): model for model in catalog.models().values()}
    by_generation = {each.compute_capability or each.architecture: id_ for id_, each in catalog.accelerators().items()}
    found = engine(name)
    rendered = 0
    for model, quantization, gpu in itertools.product(by_architecture.values(), catalog.quantizations(), (None, *by_generation.values())):
        weights = shapes.checkpoint(model.id, quantization)
        refused = found.supports(model, weights, None if gpu is None else catalog.accelerator(gpu))
        if refused is not None:
            assert refused.reason
            continue
        device = shapes.cpus() if gpu is None else sizing.device_for(catalog.accelerator(gpu), 1, "none")
        if device is None:
            continue  # silicon with unknown memory: planned nowhere
        spec = found.spec(shapes.replica_of(shapes.shape_of(name, weights, device)), shapes.SERVICE)
        assert problems(found.flags.program or name, spec.args) == []
        assert env_problems(found.flags.program or name, spec.env) == []
        if spec.served is not None:
            assert keyword_problems(name, spec.served.llm_config["engine_kwargs"]) == []
        rendered += 1
    assert rendered > (100 if shapes.home(name) == "h100-80" else 15)


@pytest.mark.parametrize(
    ("name", "model", "quantization", "gpu", "reason"),
    [
        ("vllm", shapes.SMALL, "bf16", None, "does not run on CPU"),
        ("vllm", shapes.SMALL, "bf16", "v100-32", "needs compute capability 7.5"),
        ("vllm", shapes.SMALL, "bf16", "mi300x", "built for NVIDIA CUDA"),
        ("vllm", shapes.SMALL, "bf16", "inferentia2", "built for NVIDIA CUDA"),
        ("vllm", shapes.SMALL, "bf16", "tpu-v6e", "built for NVIDIA CUDA"),
        ("vllm", shapes.SMALL, "gguf-q4_k_m", "l4", "vllm-gguf-plugin"),
        ("vllm", shapes.SMALL, "int8", "b200-180", "has no kernel"),
        ("vllm", shapes.NATIVE_MXFP4, "mxfp4", "t4", "has no kernel"),
        ("vllm", shapes.VISION, "bf16", "t4", "unstable in float16"),
        ("tgi", "BAAI/bge-m3", "fp16", "l4", "text generation only"),
        ("sglang", shapes.SMALL, "bf16", None, "does not run on CPU with SGLang"),
        ("sglang", shapes.SMALL, "bf16", "v100-32", "needs compute capability 7.5"),
        ("sglang", shapes.SMALL, "fp8", "t4", "has no kernel"),
        ("sglang", shapes.SMALL, "gguf-q4_k_m", "h100-80", "given safetensors"),
        ("tensorrt-llm", shapes.SMALL, "bf16", "t4", "has no kernel"),
        ("tensorrt-llm", shapes.SMALL, "fp8", "a100-80", "has no kernel"),
        ("tensorrt-llm", shapes.SMALL, "nvfp4", "h100-80", "has no kernel"),
        ("tensorrt-llm", shapes.SMALL, "bf16", None, "does not run on CPU with TensorRT-LLM"),
        ("tgi", shapes.SMALL, "nvfp4", "b200-180", "has no kernel"),
        ("tgi", shapes.SMALL, "bf16", "t4", "has no kernel"),
        ("transformers", shapes.SMALL, "fp8", "a100-80", "has no kernel"),
        ("transformers", shapes.SMALL, "fp8", None, "not known to run on CPU"),
        ("ray-serve", shapes.SMALL, "bf16", "v100-32", "needs compute capability 7.5"),
        ("ray-serve", shapes.SMALL, "gguf-q4_k_m", "l4", "vllm-gguf-plugin"),
        ("triton", shapes.SMALL, "bf16", "v100-32", "has no kernel"),
        ("triton-tensorrt-llm", shapes.SMALL, "bf16", "t4", "has no kernel"),
        ("triton", shapes.SMALL, "gguf-q4_k_m", "l4", "vllm-gguf-plugin"),
        ("ollama", shapes.SMALL, "awq", "l4", "loads GGUF only"),
        ("ollama", shapes.SMALL, "gguf-q4_k_m", "mi300x", "built for NVIDIA CUDA"),
        ("llama.cpp", shapes.SMALL, "awq", "l4", "loads GGUF only"),
        ("llama.cpp", shapes.SMALL, "gguf-q4_k_m", "mi300x", "built for NVIDIA CUDA"),
        ("llama.cpp", "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2", "gguf-q4_k_m", None, "not known to serve reward models"),
    ],
)
def test_what_cannot_run_is_refused(name: str, model: str, quantization: str, gpu: str | None, reason: str) -> None:
    """The reason says what is missing."""
    refused = refusal(name, model, quantization, gpu)
    assert refused is not None
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("name", "quantization", "gpu"),
    [
        ("vllm", "bf16", "t4"),
        ("vllm", "awq", "t4"),
        ("vllm", "fp8", "a100-80"),
        ("vllm", "int8", "h100-80"),
        ("vllm", "nvfp4", "b200-180"),
        ("vllm", "fp8", "rtx-pro-6000"),
        ("llama.cpp", "gguf-q4_k_m", None),
        ("llama.cpp", "gguf-q8_0", "rtx-pro-6000"),
    ],
)
def test_what_can_run_is_not_refused(name: str, quantization: str, gpu: str | None) -> None:
    """Casts, weight-only kernels and inferred columns are notes, not refusals."""
    assert refusal(name, shapes.SMALL, quantization, gpu) is None


def test_quantizing_at_load_needs_a_gpu_that_computes_in_fp8() -> None:
    """On an L4 the weights are quantized while loading; on an A100 it is refused with what to use."""
    assert refusal("vllm", shapes.SMALL, "fp8", "l4", quantized_at_load=True) is None
    refused = refusal("vllm", shapes.SMALL, "fp8", "a100-80", quantized_at_load=True)
    assert refused is not None
    assert refused.nearest


def test_a_pinned_commit_needs_the_name_of_the_gguf_file() -> None:
    """llama.cpp takes a repository at its newest commit only; a commit can be pinned by the address of a file."""
    refused = refusal("llama.cpp", shapes.SMALL, "gguf-q4_k_m", None, revision="c0ffee")
    assert refused is not None
    assert "file" in refused.reason
    assert refusal("llama.cpp", shapes.SMALL, "gguf-q4_k_m", None, revision="c0ffee", file="a.gguf") is None


def test_notes_say_what_a_plan_must_not_hide() -> None:
    """Weight-only arithmetic, casts, inferred columns, quantization at load and layer splits are said; a plain shape has no notes."""
    assert "computes at 16 bit" in notes("vllm", "fp8", "a100-80")
    assert "cast to float16" in notes("vllm", "bf16", "t4")
    assert "believed" in notes("vllm", "bf16", "rtx-pro-6000")
    assert "while loading" in notes("vllm", "fp8", "l4", quantized_at_load=True)
    assert "no faster" in notes("llama.cpp", "gguf-q4_k_m", "l4", count=2)
    assert notes("vllm", "bf16", "h100-80") == notes("llama.cpp", "gguf-q4_k_m", "l4") == ""


def test_silicon_newer_than_the_matrix_is_read_from_the_newest_older_column() -> None:
    """A minimum compute capability holds upwards; unknown marks are skipped, and the result says that it was inferred."""
    rows = {"awq": {"sm75": "Y", "sm100": "Y", "sm120": "?"}, "int8": {"sm90": "Y", "sm100": "N"}, "mxfp4": {"sm80": "W"}}
    assert verdict(rows, "awq", (10, 0)).own
    assert (verdict(rows, "awq", (12, 0)).mark, verdict(rows, "awq", (12, 0)).column, verdict(rows, "awq", (12, 0)).own) == (
        "Y",
        "sm100",
        False,
    )
    assert verdict(rows, "int8", (12, 0)).mark == "N"
    assert verdict(rows, "mxfp4", (7, 5)).mark == "N"
    assert verdict(rows, "nothing", (9, 0)).mark == "?"


def test_checkpoints_are_those_that_the_engine_can_load() -> None:
    """vLLM takes safetensors and adds FP8 at load from the 16-bit weights; llama.cpp takes GGUF."""
    known = (shapes.checkpoint(shapes.SMALL), shapes.checkpoint(shapes.SMALL, "awq"), shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m"))
    model = catalog.model(shapes.SMALL)
    offered = engine("vllm").checkpoints(model, known)
    assert [(weights.quantization, weights.quantized_at_load) for weights in offered] == [("bf16", False), ("awq", False), ("fp8", True)]
    assert engine("llama.cpp").checkpoints(model, known) == known[2:]


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (shapes.SMALL, (shapes.checkpoint(shapes.SMALL), shapes.checkpoint(shapes.SMALL, "fp8"))),
        (shapes.SMALL, (shapes.checkpoint(shapes.SMALL, "awq"),)),
        (shapes.NATIVE_MXFP4, (shapes.checkpoint(shapes.NATIVE_MXFP4, "mxfp4"),)),
    ],
)
def test_nothing_is_quantized_at_load_without_need(model: str, known: tuple[Checkpoint, ...]) -> None:
    """A ready FP8 checkpoint is better, and only 16-bit weights can be quantized."""
    assert engine("vllm").checkpoints(catalog.model(model), known) == known


def test_illegal_degrees_are_refused_with_a_legal_one() -> None:
    """Three GPUs do not divide the heads of vLLM's tensors; llama.cpp splits by layers and takes any number up to them."""
    model, weights = catalog.model(shapes.SMALL), shapes.checkpoint(shapes.SMALL)
    refused = engine("vllm").refuse_parallelism(model, weights, Parallelism(tensor=3))
    assert refused is not None
    assert refused.nearest == "use 2"
    legal = [n for n in range(1, 9) if engine("vllm").refuse_parallelism(model, weights, Parallelism(tensor=n)) is None]
    assert legal == [1, 2, 4, 8]
    gguf = shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m")
    assert engine("llama.cpp").refuse_parallelism(model, gguf, Parallelism(pipeline=3)) is None
    assert engine("llama.cpp").refuse_parallelism(model, gguf, Parallelism(pipeline=1000)) is not None


def test_degrees_become_tensors_or_stages() -> None:
    """vLLM divides every layer, llama.cpp gives each GPU layers of its own: both use as many devices as were asked for."""
    assert (engine("vllm").spread(4).tensor, engine("vllm").spread(4).pipeline) == (4, 1)
    assert (engine("llama.cpp").spread(4).tensor, engine("llama.cpp").spread(4).pipeline) == (1, 4)


def test_ollama_takes_weights_from_the_hub_only() -> None:
    """Buckets, claims and pinned commits are refused with another engine or without the pin; a repository is not."""
    for facts in ({"uri": "s3://bucket/a.gguf"}, {"uri": "hf://o/r", "revision": "c0ffee"}):
        refused = refusal("ollama", shapes.SMALL, "gguf-q4_k_m", None, **facts)
        assert refused is not None
        assert "llama.cpp" in (refused.nearest or "")
    assert refusal("ollama", shapes.SMALL, "gguf-q4_k_m", None) is None


def test_transformers_uses_one_device() -> None:
    """More than one GPU per replica is refused."""
    model, weights = catalog.model(shapes.SMALL), shapes.checkpoint(shapes.SMALL)
    refused = engine("transformers").refuse_parallelism(model, weights, Parallelism(tensor=2))
    assert refused is not None
    assert "use 1" in (refused.nearest or "")
