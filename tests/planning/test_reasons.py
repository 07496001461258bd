"""What a plan says of itself: reasons that are true, warnings where somebody would be hurt, alternatives that are near."""

from __future__ import annotations

from typing import Any

from inferstack.planning.types import ServicePlan
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

TRAFFIC = {"requestsPerSecond": 2, "isl": 512, "osl": 256}
SLO = {"ttftP95Ms": 3000, "tpotP95Ms": 120}


def reason(found: ServicePlan, key: str) -> str:
    return next(decision.reason for decision in found.decisions if decision.key == key)


def existing(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"cloud": "existing", "nodes": list(nodes)}


def test_coarse_weights_that_nobody_asked_for_are_named_and_warned_of() -> None:
    """A context that leaves no room for 8-bit weights on one L4: the reason says so, and a warning that quality is lost."""
    found = plan_one(model="meta-llama/Llama-3.1-8B-Instruct", gpu="l4", tensorParallel=1, context=131_072, traffic=TRAFFIC, slo=SLO)
    assert found.quantization.startswith("gguf-")
    assert "nothing finer than gguf-q4_k_m works here: gguf-q5_k_m is turned down by tensorParallel" in reason(found, "quantization")
    assert reason(found, "engine").startswith("vllm is turned down by tensorParallel: l4 has ")
    assert any("without tensorParallel it works: vllm, " in warning for warning in found.warnings)
    assert any("coarser than what is chosen unasked" in warning for warning in found.warnings)


def test_pinned_replicas_stand_beside_what_the_traffic_takes() -> None:
    """`{min: 2, max: 20}` is kept, and the reason says what it is more than enough for."""
    found = plan_one(replicas={"min": 2, "max": 20}, traffic=TRAFFIC)
    assert (found.replicas.min, found.replicas.max) == (2, 20)
    assert reason(found, "replicas").startswith("4.00 requests per second at peak")


def test_spot_is_warned_of_wherever_one_replica_may_be_alone() -> None:
    """An autoscaled service falls to one replica at low load."""
    alone = plan_one(capacityType="spot", replicas={"min": 1, "max": 4}, traffic=TRAFFIC)
    pair = plan_one(capacityType="spot", replicas={"min": 2, "max": 4}, traffic=TRAFFIC)
    assert any("one replica on spot" in warning for warning in alone.warnings)
    assert not any("one replica on spot" in warning for warning in pair.warnings)


def test_a_region_without_gpus_is_warned_of() -> None:
    """Nobody asked for CPUs; where somebody did, nothing is said."""
    nowhere = {"cloud": "gke", "region": "africa-south1"}
    small = {"model": "Qwen/Qwen2.5-1.5B-Instruct", "slo": None, "traffic": {"requestsPerSecond": 0.05, "isl": 100, "osl": 50}}
    assert any("no GPU is known to be sold in africa-south1" in warning for warning in plan_one(nowhere, **small).warnings)
    assert not any("no GPU" in warning for warning in plan_one(nowhere, gpu="cpu", **small).warnings)


def test_what_does_not_fit_is_shown_from_the_largest_down() -> None:
    """Beside DeepSeek-V3 on eight GPUs, a single small one teaches nothing; what nearly holds it does."""
    found = plan_one(GKE, model="deepseek-ai/DeepSeek-V3", traffic=TRAFFIC, slo=SLO)
    short = [alternative for alternative in found.alternatives if alternative.criterion == "memory"]
    assert short
    assert all(alternative.gpus_per_replica >= 8 for alternative in short)


def test_services_on_existing_nodes_make_room_for_each_other() -> None:
    """Alone, the larger service would take all four GPUs at the same price; together, both fit, and the reasons say why."""
    node = {"gpu": "l4", "gpusPerNode": 4, "cpu": 48, "memoryGib": 192, "usdPerHour": 3}
    large = service(name="large", model="Qwen/Qwen3-8B", traffic=TRAFFIC, slo=SLO)
    small = service(name="small", model="Qwen/Qwen2.5-1.5B-Instruct", traffic=TRAFFIC, slo=SLO)
    alone = plan(large, target=existing(node)).services[0]
    assert alone.replicas.max * alone.resources.gpus == 4
    together = plan(large, small, target=existing(node))
    assert sum(found.replicas.max * found.resources.gpus for found in together.services) <= 4
    first = together.services[0]
    assert "room" in reason(first, "quantization")
    assert any("no room" in alternative.reason for alternative in first.alternatives)


def test_nodes_with_other_gpus_under_the_same_labels_are_warned_of() -> None:
    """Pods find their nodes by label; without labels of their own, two kinds of GPU nodes cannot be told apart."""
    l4 = {"gpu": "l4", "gpusPerNode": 1, "count": 4, "cpu": 8, "memoryGib": 32, "usdPerHour": 1}
    h100 = {"gpu": "h100-80", "gpusPerNode": 8, "cpu": 96, "memoryGib": 1024, "usdPerHour": 40}
    bare = plan(service(), target=existing(l4, h100))
    told = plan(service(), target=existing({**l4, "labels": {"kind": "l4"}}, {**h100, "labels": {"kind": "h100"}}))
    assert any("bear the same labels" in warning for warning in bare.warnings)
    assert told.warnings == ()


def test_what_has_no_price_says_what_else_speaks_against_it() -> None:
    """Where nothing has a price, an alternative is not turned down for lacking one."""
    l4 = {"gpu": "l4", "gpusPerNode": 1, "count": 9, "cpu": 8, "memoryGib": 32}
    found = plan(service(traffic=TRAFFIC, slo=SLO), target=existing(l4)).services[0]
    dearer = [alternative for alternative in found.alternatives if alternative.criterion == "price-unknown"]
    assert dearer
    assert all("more of its nodes" in alternative.reason for alternative in dearer if alternative.replicas > found.replicas.max)


def test_the_gate_of_a_model_is_opened_by_the_full_key() -> None:
    """The command that the warning gives sets the key that is read."""
    made = plan(service(model="meta-llama/Llama-3.1-8B-Instruct", quantization="bf16"), target=EKS)
    assert any("--secret inferstack:huggingFaceToken" in warning for warning in made.warnings)
