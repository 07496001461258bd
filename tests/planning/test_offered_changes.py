"""Every change of the stack file that a refusal offers leads to a plan, whatever else a service wishes for."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from inferstack.errors import InputError
from tests.planning.offered import LAPTOP, LORA, SMALL, applied
from tests.planning.stacks import EKS, GKE, plan, service

WEB = {"requestsPerSecond": 1.0, "isl": 500, "osl": 200}
SEEING = {**WEB, "images": {"perRequest": 2, "width": 1280, "height": 720}}
BIG = {"model": "meta-llama/Llama-3.1-405B-Instruct", "slo": None}
EXPERTS = {"model": "deepseek-ai/DeepSeek-V3", "slo": None}
WISHES: dict[str, dict[str, Any]] = {
    "adapter": {"adapters": [LORA], "adapterSlots": 1},
    "rank": {"adapters": [{**LORA, "rank": 4096}]},
    "adapters that fill a GPU": {"adapters": [{**LORA, "name": f"a{n}", "uri": f"hf://acme/a{n}", "rank": 256} for n in range(64)]},
    "adapter in a bucket": {"adapters": [{**LORA, "uri": "s3://acme/lora"}]},
    "mtp": {"speculation": {"method": "mtp"}},
    "draft": {"speculation": {"method": "draft", "model": "Qwen/Qwen3-0.6B"}},
    "draft of others": {"speculation": {"method": "draft", "model": "meta-llama/Llama-3.2-1B-Instruct"}},
    "eagle3": {"speculation": {"method": "eagle3", "model": "acme/head"}},
    "images": {"traffic": SEEING},
    "many images": {"traffic": {**WEB, "images": {"perRequest": 400, "width": 1280, "height": 720}}},
    "embedder": {"model": "BAAI/bge-m3"},
    "experts": EXPERTS,
    "405 billion": BIG,
    "trillion": {"model": "moonshotai/Kimi-K2-Instruct", "slo": None},
    "shared cluster": {"engine": "ray-serve", "server": "models"},
    "shared pods": {"engine": "triton", "server": "models"},
    "server of an engine without": {"engine": "vllm", "server": "models"},
    "sglang": {"engine": "sglang"},
    "tensorrt-llm": {"engine": "tensorrt-llm"},
    "llama.cpp": {"engine": "llama.cpp"},
    "tgi": {"engine": "tgi"},
    "neuron": {"engine": "neuron"},
    "16 bits": {"quality": {"minBits": 16}},
    "no loss": {"quality": {"maxLossPercent": 0}},
    "awq": {"quantization": "awq"},
    "gguf": {"quantization": "gguf-q4_k_m"},
    "fp8": {"quantization": "fp8"},
    "image of weights": {"modelUri": "oci://acme/weights:1", "quantization": "bf16"},
    "claim of weights": {"modelUri": "pvc://claim/x", "quantization": "bf16"},
    "stream": {"loading": "stream"},
    "no volume": {"volume": "none"},
    "three GPUs": {"tensorParallel": 3},
    "sixteen GPUs": {"tensorParallel": 16},
    "stages": {"pipelineParallel": 2},
    "many stages": {"pipelineParallel": 50},
    "two machines": {"tensorParallel": 8, "pipelineParallel": 2},
    "attention of two": {"tensorParallel": 8, "dataParallel": 2},
    "whole experts": {"expertParallel": True},
    "long context": {"context": 131_072},
    "short context": {"context": 600},
    "l4": {"gpu": "l4"},
    "v100": {"gpu": "v100-32"},
    "cpu": {"gpu": "cpu"},
    "no NVIDIA": {"gpu": "mi300x"},
    "asleep": {"replicas": {"min": 0}},
    "one replica": {"replicas": 1, "traffic": {**WEB, "requestsPerSecond": 400}},
    "at once": {"slo": {"ttftP95Ms": 1}},
    "soon": {"slo": {"coldStartSeconds": 5}},
    "whole answers": {"slo": {"latencyP95Ms": 500}},
    "tools": {"toolCalls": True},
    "weights in main memory": {"engine": "vllm", "engineArgs": {"cpu-offload-gb": 20}},
    "planned flag": {"engine": "vllm", "engineArgs": {"max-model-len": 9000}},
    "old variable": {"env": {"VLLM_USE_V1": "1"}},
    "hidden devices": {"env": {"CUDA_VISIBLE_DEVICES": "0"}},
    "spot": {"capacityType": "spot"},
    "block": {"capacityType": "reserved", "reservationId": "r", "capacityBlock": True},
    "rerank": {"task": "rerank"},
}
"""Keys by what they wish for, each hostile to some of the others."""
PLACES = {
    "eks": EKS,
    "gke": GKE,
    "volume": {**EKS, "volumes": [{"name": "weights", "kind": "efs"}]},
    "no GPUs": {"cloud": "gke", "region": "africa-south1"},
    "laptop": LAPTOP,
    "old driver": {**LAPTOP, "nodes": [{**LAPTOP["nodes"][0], "count": 4, "driver": 550, "usdPerHour": 0.5}]},
    "two H100 machines": {
        "cloud": "existing",
        "nodes": [{"gpu": "h100-80", "gpusPerNode": 8, "count": 2, "cpu": 96, "memoryGib": 1024, "driver": 550, "usdPerHour": 50}],
    },
}


def pairs(place: str) -> list[tuple[str, str]]:
    """Every wish by itself, and a part of the pairs of them: another part in each place, the same in each run."""
    names = list(WISHES)
    both = [(one, other) for one, other in itertools.combinations(names, 2)]
    return [*zip(names, names, strict=True), *both[list(PLACES).index(place) :: 8 * len(PLACES)]]


@pytest.mark.parametrize("place", PLACES)
def test_every_change_that_is_offered_plans(place: str) -> None:
    """What a refusal names as a change of the file is a plan once it is made, whatever else the service wishes for; where it says what that
    costs, the plan does."""
    target, offered = PLACES[place], 0
    for one, other in pairs(place):
        wanted = service(**{"model": SMALL, **WISHES[one], **WISHES[other]})
        try:
            plan(wanted, target=target)
            continue
        except InputError as error:
            problems = error.problems
        if not all(problem.change for problem in problems):
            continue
        joined = {key: value for problem in reversed(problems) for key, value in problem.change.items()}
        offered += 1
        there, mended = applied(joined, target, wanted)
        try:
            (made,) = plan(mended, target=there).services
        except InputError as error:
            pytest.fail(f"{one}, {other}: {problems[0]}\nleads to {error}")
        for said in re.findall(r"it works: (?:[a-z.0-9-]+, )?(\d+) x (\S+) on", str(problems[0].nearest).rpartition("; ")[2]):
            assert said == (str(made.replicas.max), made.quantization), f"{one}, {other}: {problems[0]}"
    assert offered > len(WISHES) / 2
