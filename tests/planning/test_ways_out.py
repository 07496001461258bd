"""Every combination that is refused before anything is created: its sentence has a way out and a price, and the way out really plans."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inferstack.errors import InputError
from tests.planning.offered import LAPTOP, LORA, ROUTER, SMALL, applied, refused
from tests.planning.stacks import EKS, GKE, plan, service

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is refused: keys of the service, the key of the problem, a word of the reason
    "GGUF on vLLM's stock image": ({"engine": "vllm", "quantization": "gguf-q4_k_m"}, "quantization", "no known checkpoint"),
    "weights of GGUF named for vLLM": (
        {"engine": "vllm", "modelUri": "hf://acme/qwen/a.gguf", "quantization": "gguf-q4_k_m"},
        "quantization",
        "stock image, which lacks",
    ),
    "safetensors on llama.cpp": ({"engine": "llama.cpp", "quantization": "awq"}, "quantization", "no known checkpoint"),
    "a CUDA 13 image on Volta": ({"engine": "vllm", "gpu": "v100-32", "slo": None}, "engine", "needs compute capability 7.5"),
    "FP8 on A100 where it is not weight-only": (
        {"engine": "tensorrt-llm", "quantization": "fp8", "gpu": "a100-80"},
        "quantization",
        "no kernel",
    ),
    "NVFP4 on Ada": ({"model": "openai/gpt-oss-20b", "engine": "tensorrt-llm", "gpu": "l4", "slo": None}, "engine", ""),
    "a GPU that is not NVIDIA's": ({"gpu": "inferentia2", "engine": "vllm"}, "gpu", ""),
    "a model family that float16 breaks": ({"model": "google/gemma-2-9b-it", "gpu": "t4", "engine": "vllm"}, "gpu", ""),
    "heads that do not divide": ({"tensorParallel": 3}, "tensorParallel", "divide"),
    "quantization groups that do not divide": (
        {"model": "Qwen/Qwen2.5-14B-Instruct", "quantization": "awq", "tensorParallel": 8, "slo": None},
        "tensorParallel",
        "quantization group",
    ),
    "more GPUs than a machine with weights' kernels has": (
        {"model": "Qwen/Qwen2.5-72B-Instruct", "quantization": "awq", "tensorParallel": 16},
        "tensorParallel",
        "has 16 GPUs that it runs on",
    ),
    "more GPUs than the machine has": ({"tensorParallel": 4, "machineType": "g6.xlarge"}, "tensorParallel", "has 1 GPU"),
    "pipelines on an engine without": ({"engine": "tgi", "pipelineParallel": 2}, "pipelineParallel", "is not something that tgi"),
    "several machines on an engine without": (
        {"model": "deepseek-ai/DeepSeek-V3", "engine": "triton", "tensorParallel": 8, "pipelineParallel": 2, "slo": None},
        "engine",
        "serves a replica on one machine",
    ),
    "data parallelism of a dense model": ({"engine": "vllm", "dataParallel": 2}, "dataParallel", "mixtures of experts"),
    "context beyond rope": ({"context": 500_000}, "context", "is beyond the"),
    "context below one request": ({"context": 600}, "context", "is shorter than one request"),
    "requests beyond rope": ({"traffic": {"requestsPerSecond": 0.1, "isl": 900_000, "osl": 200}, "slo": None}, "traffic", "are beyond the"),
    "a speculative method that the engine lacks": (
        {"engine": "llama.cpp", "speculation": {"method": "eagle3", "model": "acme/head"}},
        "speculation.method",
        "is not a method that llama.cpp has",
    ),
    "layers that the checkpoint lacks": ({"speculation": {"method": "mtp"}}, "speculation.method", "does not carry"),
    "a draft of another vocabulary": (
        {"speculation": {"method": "draft", "model": "meta-llama/Llama-3.2-1B-Instruct"}},
        "speculation.model",
        "has a vocabulary of",
    ),
    "a rank beyond the kernels": ({"engine": "vllm", "adapters": [{**LORA, "rank": 1024}]}, "adapters[0].rank", "is above the 512"),
    "adapters where they have no names": ({"engine": "llama.cpp", "adapters": [LORA]}, "adapters", "have no names"),
    "adapters on latent attention": (
        {"model": "deepseek-ai/DeepSeek-V2-Lite-Chat", "adapters": [LORA], "adapterSlots": 1, "slo": None},
        "adapters",
        "latent attention",
    ),
    "an engine that does not embed": (
        {"model": "BAAI/bge-m3", "engine": "tensorrt-llm", "traffic": ROUTER, "slo": None},
        "engine",
        "is known to",
    ),
    "output of a model that embeds": (
        {"model": "BAAI/bge-m3", "traffic": {**ROUTER, "osl": 9}, "slo": None},
        "traffic.osl",
        "writes none",
    ),
    "targets of tokens where none come": (
        {"model": "BAAI/bge-m3", "traffic": ROUTER, "slo": {"ttftP95Ms": 500}},
        "slo.ttftP95Ms",
        "generates none",
    ),
    "a target of models that generate nothing": ({"slo": {"latencyP95Ms": 5000}}, "slo.latencyP95Ms", "generate nothing"),
    "a task that the model is not made for": ({"model": "BAAI/bge-m3", "task": "rerank", "traffic": ROUTER, "slo": None}, "task", "kind"),
    "adapters of a model that embeds": (
        {"model": "BAAI/bge-m3", "adapters": [LORA], "traffic": ROUTER, "slo": None},
        "adapters",
        "is for models that generate",
    ),
    "images for a model without eyes": (
        {"traffic": {"requestsPerSecond": 1.0, "isl": 500, "osl": 200, "images": {"perRequest": 1, "width": 640, "height": 480}}},
        "traffic.images",
        "vision tower",
    ),
    "images for a model that embeds": (
        {"model": "BAAI/bge-m3", "traffic": {**ROUTER, "images": {"perRequest": 1, "width": 640, "height": 480}}, "slo": None},
        "traffic.images",
        "a vision tower that generate",
    ),
    "a cold start that no place of weights keeps": ({"slo": {"coldStartSeconds": 5}}, "slo.coldStartSeconds", "cannot be kept by anything"),
    "devices that a variable hides": ({"env": {"CUDA_VISIBLE_DEVICES": "0"}}, "env.CUDA_VISIBLE_DEVICES", "would hide devices"),
    "tool calls without a parser": ({"engine": "tgi", "toolCalls": True}, "toolCalls", "needs the parser"),
    "zero replicas of an engine that asks for no key": (
        {"engine": "tensorrt-llm", "replicas": {"min": 0}},
        "replicas.min",
        "asks nobody for a key",
    ),
    "a schedule of an engine that scales itself": (
        {
            "engine": "ray-serve",
            "schedule": {"start": "08:00", "end": "18:00"},
            "traffic": {"requestsPerSecond": 1.0, "isl": 500, "osl": 200, "activeHours": 8, "activeDays": 5},
        },
        "schedule",
        "starts its replicas by",
    ),
    "loading without a bucket": ({"loading": "stream"}, "loading", "is for weights in a bucket"),
    "a GPU that is none": ({"gpu": "none", "model": "Qwen/Qwen2.5-1.5B-Instruct", "slo": None}, "gpu", "is not a known GPU"),
    "a machine and another GPU": ({"machineType": "g6.xlarge", "gpu": "a10g"}, "machineType", "while `gpu` says"),
    "a planned flag": (
        {"engine": "vllm", "engineArgs": {"tensor-parallel-size": 2}},
        "engineArgs.tensor-parallel-size",
        "is for the plan to decide",
    ),
    "an obsolete flag": ({"engine": "vllm", "engineArgs": {"num-shards": 2}}, "engineArgs.num-shards", "is no option of vllm"),
    "a flag that is newer than the vLLM that Ray brings": (
        {"engine": "ray-serve", "engineArgs": {"log_level": "INFO"}},
        "engineArgs.log_level",
        "which brings vLLM 0.29.0",
    ),
    "flags of an engine without": (
        {"engine": "ollama", "gpu": "l4", "engineArgs": {"num-parallel": 4}},
        "engineArgs.num-parallel",
        "is no flag",
    ),
    "a number that is none": (
        {"engine": "vllm", "engineArgs": {"cpu-offload-gb": float("nan")}},
        "engineArgs.cpu-offload-gb",
        "not a finite",
    ),
    "a number below what does anything": ({"engine": "vllm", "engineArgs": {"max-num-seqs": -3}}, "engineArgs.max-num-seqs", "is below 1"),
    "a part of a number": ({"engine": "vllm", "engineArgs": {"max-num-seqs": 2.5}}, "engineArgs.max-num-seqs", "not a whole number"),
    "a value that is none of them": ({"engine": "vllm", "engineArgs": {"dtype": "bflot16"}}, "engineArgs.dtype", ""),
    "a KV cache that cannot be sized": (
        {"engine": "vllm", "engineArgs": {"kv-cache-dtype": "int3"}},
        "engineArgs.kv-cache-dtype",
        "cannot size",
    ),
    "a switch that is none": (
        {"engine": "vllm", "engineArgs": {"enable-prefix-caching": "maybe"}},
        "engineArgs.enable-prefix-caching",
        "takes no value",
    ),
    "flags of no engine": ({"engineArgs": {"max-num-seqs": 9}}, "engineArgs", "is one engine's own"),
    "flags of SGLang alone": ({"engineArgs": {"max-running-requests": 9}}, "engineArgs", "is one engine's own"),
    "flags where engines are compared": ({"engine": "auto", "engineArgs": {"max-num-seqs": 9}}, "engineArgs", "is one engine's own"),
    "an image of no engine": ({"image": "acme/vllm:1"}, "image", "is one engine's own"),
    "a batch beyond memory": (
        {"engine": "vllm", "gpu": "l4", "engineArgs": {"max-num-seqs": 100_000}},
        "engineArgs.max-num-seqs",
        "is more than memory holds",
    ),
    "targets out of reach": ({"slo": {"ttftP95Ms": 1}}, "slo.ttftP95Ms", "cannot be kept"),
    "replicas too few": (
        {"replicas": 1, "gpu": "l4", "traffic": {"requestsPerSecond": 80, "isl": 500, "osl": 200}},
        "replicas",
        "cannot work",
    ),
    "a GPU too small": ({"gpu": "a10g", "model": "meta-llama/Llama-3.1-405B-Instruct", "slo": None}, "gpu", "cannot work"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_has_a_way_out_with_a_price_that_plans(what: str) -> None:
    """Key, value, reason, nearest and price stand in the sentence; the change that is named makes a plan at that price."""
    changes, key, reason = REFUSED[what]
    wanted = service(**{"model": SMALL, **changes})
    (problem,) = refused(wanted)
    assert problem.path == f"inferstack:services[0].{key}"
    assert reason in problem.reason
    assert problem.nearest is not None
    assert "it works: " in problem.nearest
    price = re.search(r"\$([\d,]+\.\d+) a month$", problem.nearest)
    assert price is not None, problem.nearest
    assert problem.change
    target, mended = applied(problem.change, EKS, wanted)
    (made,) = plan(mended, target=target).costs.services
    assert made.monthly_usd is not None


def test_the_way_out_of_a_service_on_a_server_leaves_it_there() -> None:
    """Its engine makes the server and was not given up in the plan that is offered: the change leaves both, and is that plan."""
    pins = {"engine": "ray-serve", "server": "models", "gpu": "h100-80", "quantization": "bf16", "pipelineParallel": 2}
    wanted = service(model="meta-llama/Llama-3.1-405B-Instruct", slo=None, **pins)
    (problem,) = refused(wanted)
    target, mended = applied(problem.change, EKS, wanted)
    (made,) = plan(mended, target=target).services
    assert (mended["engine"], mended["server"]) == ("ray-serve", "models")
    assert f"ray-serve, {made.replicas.max} x {made.replica.shape.checkpoint.quantization} on" in str(problem.nearest)


def test_ways_out_on_nodes_without_a_price_say_so() -> None:
    """Whose nodes cost nothing that is known is told that the price is not."""
    (problem,) = refused(service(context=500_000), LAPTOP)
    assert str(problem.nearest).endswith("price unknown")
    plan(applied(problem.change, LAPTOP, service(context=500_000))[1], target=LAPTOP)


OLD_DRIVER = {
    "cloud": "existing",
    "nodes": [{"gpu": "l4", "gpusPerNode": 1, "count": 8, "cpu": 16, "memoryGib": 64, "driver": 550, "usdPerHour": 0.5}],
}


def test_an_image_on_cuda_13_is_refused_on_an_old_driver() -> None:
    """The nodes of an existing cluster have driver 550, vLLM's image needs 580; llama.cpp's is built on CUDA 12."""
    wanted = service(model=SMALL, engine="vllm", slo=None)
    (problem,) = refused(wanted, OLD_DRIVER)
    assert problem.path == "inferstack:services[0].engine"
    assert "needs driver 580, and the nodes have 550" in problem.reason
    assert "update the driver to 580" in str(problem.nearest)
    assert "without engine it works: llama.cpp, " in str(problem.nearest)
    assert str(problem.nearest).endswith(" a month")
    (made,) = plan(applied(problem.change, OLD_DRIVER, wanted)[1], target=OLD_DRIVER).services
    assert made.spec.engine == "llama.cpp"


def test_new_drivers_own_images_and_nodes_without_a_driver_are_taken() -> None:
    """What is known to suffice, and what is not known, is no reason to refuse."""
    (nodes,) = OLD_DRIVER["nodes"]
    for driver, more in ((580, {}), (None, {}), (550, {"image": "acme/vllm:0.33.0-cu129"})):
        target = {**OLD_DRIVER, "nodes": [{key: value for key, value in {**nodes, "driver": driver}.items() if value is not None}]}
        (made,) = plan(service(model=SMALL, engine="vllm", slo=None, **more), target=target).services
        assert made.spec.engine == "vllm"


def test_of_nodes_with_several_drivers_the_newer_are_taken() -> None:
    """The same GPU stands in two kinds of nodes."""
    (nodes,) = OLD_DRIVER["nodes"]
    target = {**OLD_DRIVER, "nodes": [nodes, {**nodes, "cpu": 24, "driver": 580, "usdPerHour": 1}]}
    (pool,) = plan(service(model=SMALL, engine="vllm", slo=None), target=target).pools
    assert "24cpu" in pool.machine_type


def test_what_is_sold_elsewhere_is_planned_here_without_it() -> None:
    """Keys that depend on the cloud have ways out of their own."""
    for target, wanted in (
        ({"cloud": "eks", "region": "eu-west-1"}, {"machineType": "g6.xlarge"}),
        (GKE, {"gpu": "h100-80", "capacityType": "reserved", "reservationId": "r", "capacityBlock": True}),
    ):
        (problem,) = refused(service(**wanted), target)
        assert str(problem.nearest).endswith(" a month")
        plan(applied(problem.change, target, service(**wanted))[1], target=target)


def test_nothing_is_priced_while_a_name_is_unknown() -> None:
    """A misspelt name has no price, and the way out beside it says why it has none."""
    problems = {problem.path.rpartition(".")[2]: problem for problem in refused(service(gpu="h100x", context=500_000))}
    assert str(problems["context"].nearest) == "use at most 131072; price unknown while other keys are wrong"
    assert "$" not in str(problems["gpu"].nearest)


def test_several_problems_of_one_service_are_priced_together() -> None:
    """All of them have to be mended, so that each names the plan that mending all of them leads to."""
    wanted = service(context=500_000, engine="llama.cpp", adapters=[LORA])
    first, second = refused(wanted)
    assert first.change == second.change
    assert "with context 131072 and engine vllm it works: " in str(first.nearest)
    plan(applied(first.change, EKS, wanted)[1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantization": "bf16", "gpu": "t4"}, "t4 has no bfloat16: weights are cast to float16"),
        ({"quantization": "fp8", "gpu": "a100-80"}, "saves memory on a100-80 but computes at 16 bit there"),
    ],
)
def test_what_works_otherwise_than_asked_says_so(changes: dict[str, Any], said: str) -> None:
    """bf16 on Turing is cast, and FP8 on Ampere is weight-only: both are planned, with a note."""
    (made,) = plan(service(model=SMALL, engine="vllm", slo=None, **changes)).services
    assert any(said in note for note in made.warnings)


def test_what_shares_pods_is_not_priced_by_itself() -> None:
    """Its machines follow from its neighbours too: a plan of it alone would promise another price, and may be none."""
    alone = service(name="chat", model=SMALL, engine="triton", server="shared", replicas={"min": 0})
    beside = service(name="search", model="BAAI/bge-m3", engine="triton", server="shared", traffic=ROUTER, slo=None)
    with pytest.raises(InputError) as error:
        plan(alone, beside, target=GKE)
    (problem,) = error.value.problems
    assert "replicas.min" in str(problem)
    assert str(problem).endswith("price unknown, since its pods are those of other services too")


def test_what_has_to_follow_a_change_is_part_of_it() -> None:
    """Without its engine on nodes with an old driver a service is llama.cpp's, which has no variables of SGLang."""
    wanted = service(model=SMALL, engine="sglang", slo=None, env={"SGLANG_LOG_MS": "1"})
    (problem,) = refused(wanted, OLD_DRIVER)
    target, mended = applied(problem.change, OLD_DRIVER, wanted)
    (made,) = plan(mended, target=target).services
    assert made.spec.engine == "llama.cpp"


def test_a_change_that_leads_to_no_plan_is_none() -> None:
    """What would be in the way next stands in its place."""
    wanted = service(model=SMALL, slo=None, adapters=[{**LORA, "rank": 4096}])
    (problem,) = refused(wanted, {"cloud": "gke", "region": "africa-south1"})
    assert not problem.change
    assert str(problem.nearest).startswith("use at most 512; then adapters: 1 cannot work")
