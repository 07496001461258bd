"""What cannot be planned is refused at its key, with the reason and the nearest thing that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inferstack.errors import InputError, Problem
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

TRAFFIC = {"requestsPerSecond": 1.0, "isl": 500, "osl": 200}
LAPTOP = {"cloud": "existing", "nodes": [{"gpu": "RTX 4090", "gpusPerNode": 2, "cpu": 16, "memoryGib": 64}]}


def refused(target: dict[str, Any] = EKS, **changes: Any) -> Problem:
    """The only problem of a service with these keys."""
    with pytest.raises(InputError) as caught:
        plan(service(**changes), target=target)
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("changes", "key", "nearest"),
    [
        ({"model": "meta-llama/Llama-3.2-70B"}, "model", "Llama-3.3-70B-Instruct"),
        ({"gpu": "h100x"}, "gpu", "h100-80"),
        ({"gpu": "a100"}, "gpu", "a100-80 or a100-40"),
        ({"machineType": "g6.xlargee"}, "machineType", "g6.xlarge"),
        ({"engine": "vlm"}, "engine", "vllm"),
        ({"tensorParallel": 3}, "tensorParallel", "use "),
        ({"tensorParallel": 16, "model": "Qwen/Qwen2.5-72B-Instruct"}, "tensorParallel", "without tensorParallel it works"),
        ({"tensorParallel": 4, "machineType": "g6.xlarge"}, "tensorParallel", "without tensorParallel it works"),
        ({"context": 500_000}, "context", "use at most 131072"),
        ({"context": 600}, "context", "use at least 700"),
        ({"engine": "vllm", "quantization": "gguf-q4_k_m"}, "quantization", "known for vllm"),
        ({"slo": {"ttftP95Ms": 1}}, "slo.ttftP95Ms", "without ttftP95Ms it works"),
        ({"slo": {"tpotP95Ms": 1}}, "slo.tpotP95Ms", "without tpotP95Ms it works"),
        ({"gpu": "a10g", "model": "meta-llama/Llama-3.1-405B-Instruct", "slo": None}, "gpu", "without gpu it works"),
        ({"gpu": "inferentia2"}, "gpu", "without gpu it works"),
        ({"gpu": "v100-16"}, "gpu", "without gpu it works"),
        ({"replicas": 1, "gpu": "l4", "traffic": {**TRAFFIC, "requestsPerSecond": 80}}, "replicas", "without replicas it works"),
        ({"quantization": "int4"}, "quantization", "did you mean awq or gptq-int4?"),
        ({"gpu": "biggest"}, "gpu", "leave it out for the cheapest one"),
        ({"slo": {"ttftP95Ms": 1, "tpotP95Ms": 0.5}}, "slo", "without slo it works"),
    ],
)
def test_a_refusal_names_the_key_and_the_nearest_thing_that_works(changes: dict[str, Any], key: str, nearest: str) -> None:
    """Each wish that cannot be kept is reported at its own key, with its value and a way out."""
    problem = refused(**changes)
    assert problem.path == f"inferstack:services[0].{key}"
    assert nearest in (problem.nearest or "")


def test_the_way_out_is_priced() -> None:
    """A plan that would work without the wish says what it would cost."""
    nearest = refused(gpu="a10g", model="meta-llama/Llama-3.1-405B-Instruct", slo=None).nearest
    assert nearest is not None
    assert "$" in nearest
    assert "a month" in nearest


def test_a_machine_that_is_not_sold_in_the_region_names_regions_that_sell_it() -> None:
    """g6 is not sold in eu-west-1."""
    problem = refused({"cloud": "eks", "region": "eu-west-1"}, machineType="g6.xlarge")
    assert problem.reason == "is not sold in eu-west-1"
    assert "us-east-1" in str(problem.nearest) or "sell it" in str(problem.nearest)


def test_an_unknown_region_names_the_nearest() -> None:
    """us-east-9 is near us-east-2."""
    problem = refused({"cloud": "eks", "region": "us-east-9"})
    assert problem.path == "inferstack:target.region"
    assert "us-east" in str(problem.nearest)


def test_an_existing_cluster_that_is_too_small_says_how_many_nodes_it_takes() -> None:
    """The traffic is what is too much there, not the model."""
    problem = refused(LAPTOP, slo=None, traffic={**TRAFFIC, "requestsPerSecond": 500})
    assert problem.path == "inferstack:services[0].traffic"
    assert "the cluster has 1" in problem.reason


def test_services_that_fit_alone_but_not_together_are_refused() -> None:
    """Three services with one GPU each do not fit on two GPUs."""
    with pytest.raises(InputError) as caught:
        plan(*(service(name=f"s{index}", slo=None, traffic={**TRAFFIC, "requestsPerSecond": 0.1}) for index in range(3)), target=LAPTOP)
    assert [problem.path for problem in caught.value.problems] == ["inferstack:target.nodes"]


def test_all_problems_of_a_file_are_reported_together() -> None:
    """Two services with three wrong keys give three problems."""
    with pytest.raises(InputError) as caught:
        plan(service(name="a", model="nope", gpu="nope"), service(name="b", engine="nope"))
    assert {problem.path for problem in caught.value.problems} == {
        "inferstack:services[0].model",
        "inferstack:services[0].gpu",
        "inferstack:services[1].engine",
    }


def test_a_config_that_cannot_be_read_is_named() -> None:
    """A missing config.json is reported at its own key."""
    problem = refused(model={"id": "me/mine", "config": "missing.json"})
    assert problem.path == "inferstack:services[0].model.config"
    assert problem.value == "missing.json"


def test_two_targets_that_nothing_keeps_are_reported_together() -> None:
    """Giving up one of them would not help, so that none is offered alone; the best of each is named."""
    problem = refused(slo={"ttftP95Ms": 1, "tpotP95Ms": 0.5})
    assert "ttftP95Ms" in problem.reason
    assert "tpotP95Ms" in problem.reason


def test_the_best_latency_that_is_named_is_the_best_of_all_machines() -> None:
    """What is named as out of reach is out of reach: a little more than the best that is named can be had."""
    problem = refused(slo={"tpotP95Ms": 0.5})
    best = float(problem.reason.partition("the best is ")[2].split(" ")[0])
    assert plan_one(slo={"tpotP95Ms": best * 1.5}, traffic={**TRAFFIC, "requestsPerSecond": 0.001}).meets_slo


def test_a_model_that_no_machine_of_a_region_holds_is_offered_elsewhere() -> None:
    """Nothing in ca-west-1 can be planned; a region that sells GPUs is named with its price."""
    problem = refused({"cloud": "eks", "region": "ca-west-1"})
    assert problem.path == "inferstack:services[0].model"
    assert str(problem.nearest).startswith("in ")
    assert "a month" in str(problem.nearest)


def test_a_model_that_is_only_held_by_spot_machines_is_offered_there() -> None:
    """Machines with more memory are sold in us-central1, but not on demand."""
    problem = refused({"cloud": "gke", "region": "us-central1"}, model="moonshotai/Kimi-K2-Instruct", slo=None)
    assert str(problem.nearest).startswith("with capacityType spot it works")


@pytest.mark.parametrize(
    ("changes", "gpu"),
    [
        ({"gpu": "l40s", "model": "moonshotai/Kimi-K2-Instruct"}, "l40s"),
        ({"gpu": "t4", "quantization": "bf16"}, "t4"),
        ({"gpu": "a10g", "model": "meta-llama/Llama-3.1-405B-Instruct", "slo": None}, "a10g"),
    ],
)
def test_a_gpu_that_is_not_sold_is_to_blame_and_no_engine(changes: dict[str, Any], gpu: str) -> None:
    """What another engine has no weights for says nothing of a GPU that the region does not sell."""
    problem = refused(GKE, **changes)
    assert problem.path.endswith(".gpu")
    assert f"{gpu} is not sold as on-demand in us-central1" in problem.reason
    assert "it works" in str(problem.nearest)


def test_an_existing_cluster_is_never_told_to_take_another_region() -> None:
    """Where the nodes are given, larger nodes are the way out; where the GPU is not NVIDIA's, an NVIDIA GPU is."""
    small = {"cloud": "existing", "nodes": [{"cpu": 1, "memoryGib": 1}]}
    other = {"cloud": "existing", "nodes": [{"gpu": "mi300x", "gpusPerNode": 8, "cpu": 96, "memoryGib": 1024}]}
    assert "larger nodes" in str(refused(small, slo=None).nearest)
    assert "NVIDIA" in str(refused(other, slo=None).nearest)


def test_an_unknown_zone_names_the_known_ones() -> None:
    """A zone of the right form that the region does not have is refused before anything is planned."""
    problem = refused({"cloud": "eks", "region": "us-east-1", "zones": ["us-east-1z"]})
    assert problem.path == "inferstack:target.zones[0]"
    assert "us-east-1a" in str(problem.nearest)


@pytest.mark.parametrize(("text", "said"), [("[" * 100_000, "nests too deeply"), ("[]", "not an object"), ("{", "is not a Hugging Face")])
def test_a_file_that_is_no_config_says_why(tmp_path: Path, text: str, said: str) -> None:
    """A config.json of any content is refused at its key, however deep it nests."""
    file = tmp_path / "config.json"
    file.write_text(text)
    problem = refused(model={"id": "me/mine", "config": str(file)})
    assert problem.path == "inferstack:services[0].model.config"
    assert said in problem.reason


def test_a_mixture_of_experts_is_not_planned_as_a_dense_model() -> None:
    """Dimensions cannot say what experts a model has; its config can."""
    dimensions = {
        "hiddenSize": 4096,
        "numLayers": 32,
        "numAttentionHeads": 32,
        "numKvHeads": 8,
        "intermediateSize": 14336,
        "vocabSize": 32000,
    }
    problem = refused(model={"id": "me/mine", "architecture": "mixtral", "maxContext": 8192, **dimensions})
    assert problem.path == "inferstack:services[0].model"
    assert "config.json" in str(problem.nearest)


def test_an_unknown_region_hides_no_other_problem() -> None:
    """Names in services are looked up even where there is no site to place them."""
    with pytest.raises(InputError) as caught:
        plan(service(model="nope"), target={"cloud": "eks", "region": "us-east-9"})
    assert [problem.path for problem in caught.value.problems] == ["inferstack:target.region", "inferstack:services[0].model"]


def test_a_kubernetes_version_that_kserve_does_not_run_on_is_refused() -> None:
    """KServe v0.20 needs 1.32; where KServe is not installed by us, any version goes."""
    old = {**EKS, "versions": {"kubernetes": "1.30"}}
    assert refused(old).path == "inferstack:target.versions.kubernetes"
    assert plan(service(), target={**old, "addons": {"kserve": False}}).kubernetes_version == "1.30"


@pytest.mark.parametrize(
    ("target", "asked", "twin"),
    [(EKS, "g2-standard-4", "g6.xlarge"), (EKS, "a3-highgpu-8g", "p5.48xlarge"), (GKE, "g6.12xlarge", "g2-standard-48")],
)
def test_a_machine_type_of_another_cloud_is_refused_with_its_twin(target: dict[str, Any], asked: str, twin: str) -> None:
    """Who names the other cloud's machine is told which one has the same accelerators here."""
    problem = refused(target, machineType=asked)
    assert problem.nearest == f"did you mean {twin}?"


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "vllm", "quantization": "gguf-q4_k_m"},
        {"engine": "vllm", "quantization": "gguf-q4_k_m", "gpu": "cpu"},
        {"engine": "vllm", "quantization": "bf16", "gpu": "v100-16"},
        {"engine": "tensorrt-llm", "quantization": "fp8", "gpu": "a100-80"},
        {"engine": "llama.cpp", "quantization": "awq"},
        {"engine": "ray-serve", "modelUri": "pvc://models/qwen", "quantization": "bf16"},
        {"tensorParallel": 3},
    ],
)
def test_a_refused_combination_has_the_price_of_the_nearest_that_works(changes: dict[str, Any]) -> None:
    """What an engine refuses outright comes with the plan that giving up a pin leads to, and its price."""
    problem = refused(model="Qwen/Qwen3-8B", **changes)
    assert problem.nearest is not None
    assert "it works: " in problem.nearest
    assert "$" in problem.nearest


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({**GKE, "network": {"cidr": "100.64.0.0/16"}}, "overlaps 100.64.0.0/14, which pods and Services use"),
        ({**GKE, "network": {"cidr": "100.72.0.0/16", "gpuDirect": True}}, "which networks between accelerators use"),
        ({**EKS, "network": {"cidr": "10.0.0.0/8"}}, "cannot be a VPC, which is between /16 and /22; use 10.0.0.0/16"),
    ],
)
def test_ranges_that_no_network_can_have_are_refused_by_the_plan(target: dict[str, Any], said: str) -> None:
    """What the cluster would refuse is said where the file says it."""
    with pytest.raises(InputError) as caught:
        plan(service(), target=target)
    (problem,) = caught.value.problems
    assert str(problem).startswith("inferstack:target.network.cidr: ")
    assert said in str(problem)


def test_addons_of_another_cloud_are_refused() -> None:
    """What makes no sense on a cluster that is made on GKE is not installed there because it is asked for."""
    with pytest.raises(InputError) as caught:
        plan(service(), target={**GKE, "addons": {"efaDevicePlugin": True, "clusterAutoscaler": True, "neuronDevicePlugin": False}})
    assert [str(problem).partition(": ")[0] for problem in caught.value.problems] == [
        "inferstack:target.addons.clusterAutoscaler",
        "inferstack:target.addons.efaDevicePlugin",
    ]
