"""Whole containers, as committed files: what a change of an engine's module changes for users."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from inferstack.engines import engine
from inferstack.engines.gang import WORKER_INDEX
from inferstack.plain import plain
from inferstack.sizing.types import Parallelism
from tests.engines import shapes
from tests.engines.command_lines import problems

CASES = {
    "vllm-70b-fp8-on-four-h100": ("vllm", shapes.checkpoint(shapes.LARGE, "fp8", quantized_at_load=True), ("h100-80", 4), 16_384, 128),
    "vllm-8b-awq-from-a-bucket-on-t4": ("vllm", shapes.checkpoint(shapes.SMALL, "awq", "s3://models/qwen3-8b-awq"), ("t4", 1), 8_192, 16),
    "sglang-70b-fp8-on-four-h100": ("sglang", shapes.checkpoint(shapes.LARGE, "fp8"), ("h100-80", 4), 16_384, 128),
    "sglang-8b-awq-from-a-bucket-on-t4": (
        "sglang",
        shapes.checkpoint(shapes.SMALL, "awq", "s3://models/qwen3-8b-awq"),
        ("t4", 1),
        8_192,
        16,
    ),
    "tensorrt-llm-70b-fp8-on-four-h100": ("tensorrt-llm", shapes.checkpoint(shapes.LARGE, "fp8"), ("h100-80", 4), 16_384, 128),
    "triton-70b-fp8-on-four-h100": ("triton", shapes.checkpoint(shapes.LARGE, "fp8"), ("h100-80", 4), 16_384, 128),
    "triton-tensorrt-llm-70b-fp8-on-four-h100": (
        "triton-tensorrt-llm",
        shapes.checkpoint(shapes.LARGE, "fp8"),
        ("h100-80", 4),
        16_384,
        128,
    ),
    "ray-serve-70b-fp8-on-four-h100": ("ray-serve", shapes.checkpoint(shapes.LARGE, "fp8"), ("h100-80", 4), 16_384, 128),
    "tgi-8b-on-l4": ("tgi", shapes.checkpoint(shapes.SMALL), ("l4", 1), 8_192, 16),
    "ollama-8b-on-two-l4": ("ollama", shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", "hf://Qwen/Qwen3-8B-GGUF"), ("l4", 2), 8_192, 2),
    "transformers-8b-on-cpu": ("transformers", shapes.checkpoint(shapes.SMALL), None, 4_096, 4),
    "llamacpp-8b-on-cpu": (
        "llama.cpp",
        shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", "hf://Qwen/Qwen3-8B-GGUF", file="Qwen3-8B-Q4_K_M.gguf"),
        None,
        4_096,
        2,
    ),
    "llamacpp-70b-on-two-l40s": (
        "llama.cpp",
        shapes.checkpoint(shapes.LARGE, "gguf-q4_k_m", "pvc://models/llama/llama.gguf"),
        ("l40s", 2),
        8_192,
        4,
    ),
}


SPANNING = {
    "vllm-671b-with-shared-experts-on-two-machines": ("vllm", Parallelism(tensor=1, data=16, expert=16)),
    "sglang-671b-with-shared-experts-on-two-machines": ("sglang", Parallelism(tensor=1, data=16, expert=16)),
    "vllm-671b-in-stages-on-two-machines": ("vllm", Parallelism(tensor=8, pipeline=2)),
    "sglang-671b-in-stages-on-two-machines": ("sglang", Parallelism(tensor=8, pipeline=2)),
    "tensorrt-llm-671b-in-stages-on-two-machines": ("tensorrt-llm", Parallelism(tensor=8, pipeline=2)),
}


@pytest.mark.golden
@pytest.mark.parametrize("case", list(SPANNING))
def test_containers_of_a_group(case: str, snapshot: SnapshotAssertion) -> None:
    """Leader and workers of a replica on two machines are the committed ones, and the release has every option that both are given."""
    name, parallel = SPANNING[case]
    spec = engine(name).spec(shapes.replica_of(shapes.spanning(name, parallel)), shapes.SERVICE)
    assert spec.workers is not None
    # As the second pod reads them: Kubernetes puts its place in.
    told = spec.args if spec.workers.command else tuple(word.replace(WORKER_INDEX, "1") for word in spec.workers.args)
    assert [problems(name, args) for args in (spec.args, told)] == [[], []]
    assert plain(spec) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.golden
@pytest.mark.parametrize("case", list(CASES))
def test_container(case: str, snapshot: SnapshotAssertion) -> None:
    """The container of a known shape is the committed one."""
    name, weights, gpu, context, sequences = CASES[case]
    device = shapes.cpus() if gpu is None else shapes.gpus(*gpu)
    shape = shapes.shape_of(name, weights, device, context, sequences)
    spec = engine(name).spec(shapes.replica_of(shape), shapes.SERVICE)
    assert plain(spec) == snapshot(extension_class=JSONSnapshotExtension)
