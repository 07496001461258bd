"""Services that share pods: one machine type for all, a GPU for each, as many pods as the one that needs most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import manifests, planning
from inferstack.planning import StackPlan
from tests.planning.stacks import GKE, embedder, plan, problems, service, stack

LLM = service(name="assistant", model="Qwen/Qwen3-8B", engine="triton", server="knowledge", slo={"tpotP95Ms": 60})
EMBEDDER = embedder(engine="triton", server="knowledge")
OFFICE = {"start": "08:00", "end": "18:00", "timezone": "Europe/Berlin"}
BUSY = {**LLM, "traffic": {"requestsPerSecond": 4, "isl": 500, "osl": 200}}


def alone(service: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in service.items() if key != "server"}


def nodes(count: int, gpus: int, gpu: str = "l4") -> dict[str, Any]:
    return {"cloud": "existing", "nodes": [{"gpu": gpu, "gpusPerNode": gpus, "count": count, "cpu": 32 * gpus, "memoryGib": 128 * gpus}]}


def objects(made: StackPlan) -> dict[str, dict[str, Any]]:
    return {item["kind"]: item for item in manifests.stack_objects(made)}


def test_all_are_on_one_machine_type_with_a_gpu_each() -> None:
    """The same machine, pool and number of replicas, one device for each, and a machine that has as many."""
    first, second = plan(BUSY, EMBEDDER).services
    assert (first.machine_type, first.pool, first.replicas) == (second.machine_type, second.pool, second.replicas)
    assert first.gpus_per_replica == second.gpus_per_replica == 1
    (pool,) = plan(BUSY, EMBEDDER).pools
    assert pool.gpus_per_node >= 2


def test_there_are_as_many_pods_as_the_busiest_needs() -> None:
    """The one that needs most decides, and the other says so."""
    busy = {**BUSY, "gpu": "l4"}
    made, apart = plan(busy, {**EMBEDDER, "gpu": "l4"}), plan(alone(busy))
    assert made.services[0].replicas.max == made.services[1].replicas.max == apart.services[0].replicas.max > 1
    (reason,) = [decision.reason for decision in made.services[1].decisions if decision.key == "replicas"]
    assert "those of assistant, which needs as many" in reason


def test_it_is_the_cheapest_that_both_can_do_with() -> None:
    """No other machine type that both may be pinned to costs less; what was turned down costs more, in each of them."""
    made = plan(LLM, EMBEDDER)
    cost = made.costs.services[0].monthly_usd.expected + made.costs.services[1].monthly_usd.expected
    for machine in ("g6.12xlarge", "g5.12xlarge", "g6e.12xlarge", "p4d.24xlarge"):
        other = plan({**LLM, "machineType": machine}, {**EMBEDDER, "machineType": machine})
        assert sum(each.monthly_usd.expected for each in other.costs.services) >= cost
    for each in made.services:
        assert each.alternatives
        assert all("month more" in other.reason for other in each.alternatives)


def test_nodes_are_counted_by_whole_pods() -> None:
    """A pod is on one node: three services on nodes of four GPUs leave one idle on each, and cost their part of it."""
    third = {**EMBEDDER, "name": "titles"}
    made = plan(*({**each, "replicas": 2} for each in (LLM, EMBEDDER, third)), target=nodes(2, 4))
    (pool,) = made.pools
    assert (pool.nodes.max, pool.idle_share) == (2, pytest.approx(0.25))
    assert plan(*({**each, "replicas": 2} for each in (LLM, EMBEDDER, third)), target=nodes(1, 6)).pools[0].idle_share == 0


def test_costs_are_shared_by_gpus() -> None:
    """Each pays for its GPU of every pod, and for its part of what is idle; beside that, for what its own weights and answers move."""
    first, second = plan(LLM, EMBEDDER).costs.services
    assert first.economics is not None
    assert second.economics is not None
    assert first.economics.allocated_monthly_usd == second.economics.allocated_monthly_usd
    assert first.monthly_usd.expected != second.monthly_usd.expected
    assert first.monthly_usd.expected == pytest.approx(second.monthly_usd.expected, rel=Decimal("0.01"))


def test_existing_nodes_must_hold_all_of_a_pod() -> None:
    """Enough GPUs on nodes of one each are not enough; on one node of two they are."""
    (line,) = problems(LLM, EMBEDDER, target=nodes(8, 1))
    assert line.startswith("inferstack:services[0].server: knowledge has no machine with 2 GPUs of one kind")
    assert "assistant on l4 and search on l4" in line
    assert plan(LLM, EMBEDDER, target=nodes(1, 2)).pools[0].nodes.max == 1


def test_pods_beside_other_services_fit_into_what_exists() -> None:
    """Where existing nodes are short, services of a pod are packed together and never onto different machines."""
    target = {"cloud": "existing", "nodes": [*nodes(1, 2)["nodes"], *nodes(1, 4, "l40s")["nodes"]]}
    chat = service(name="chat", engine="vllm", gpu="l4", replicas=1)
    made = plan(chat, LLM, EMBEDDER, target=target)
    assert made.services[1].pool == made.services[2].pool != made.services[0].pool


def test_one_pod_is_made_for_all() -> None:
    """One InferenceService of the server's name, whose container has the GPUs, memory and models of all of its services."""
    made = plan(LLM, EMBEDDER)
    found = objects(made)
    assert set(found) >= {"InferenceService", "ServingRuntime", "ConfigMap", "NetworkPolicy", "ServiceAccount"}
    assert {item["metadata"]["name"] for kind, item in found.items() if kind not in ("Namespace", "ConfigMap")} == {"knowledge"}
    limits = found["InferenceService"]["spec"]["predictor"]["model"]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "2"
    assert limits["memory"] == f"{sum(each.resources.memory_bytes for each in made.services) >> 20}Mi"
    mounted = {mount["mountPath"] for mount in found["ServingRuntime"]["spec"]["containers"][0]["volumeMounts"]}
    assert {f"/models/{name}/config.pbtxt" for name in ("assistant", "search")} <= mounted
    urls = {document["endpoint"]["url"] for document in planning.document(made)["services"]}
    assert urls == {"http://knowledge-predictor.inference.svc.cluster.local/v1"}


def test_a_token_is_asked_for_once() -> None:
    """Two gated models in one pod have one secret."""
    gated = [{**LLM, "model": "meta-llama/Llama-3.1-8B-Instruct"}, {**LLM, "name": "second", "model": "meta-llama/Llama-3.2-3B-Instruct"}]
    made = plan(*gated)
    secrets = [item["metadata"]["name"] for item in manifests.stack_objects(made) if item["kind"] == "Secret"]
    assert secrets == ["knowledge-hugging-face-token"]


def test_it_starts_once_all_models_have_loaded() -> None:
    """Node and image are waited for once, weights and start of each: cold start and startup probe hold them all."""
    together, apart = plan(LLM, EMBEDDER), [plan(alone({**each, "gpu": "l4"})).services[0] for each in (LLM, EMBEDDER)]
    first, second = together.services
    assert first.cold_start_seconds == second.cold_start_seconds
    assert first.cold_start_seconds.expected > max(each.cold_start_seconds.expected for each in apart)
    allowed = [each.spec.probes.startup.failures for each in (first, *apart)]
    assert allowed[0] >= allowed[1] + allowed[2] - 1


def test_a_schedule_holds_for_all() -> None:
    """Within the window all pods stand, outside none; both say the same."""
    traffic = {"requestsPerSecond": 1, "isl": 500, "activeHours": 8, "activeDays": 5}
    scheduled = [{**LLM, "schedule": OFFICE, "traffic": {**traffic, "osl": 200}}, {**EMBEDDER, "schedule": OFFICE, "traffic": traffic}]
    made = plan(*scheduled)
    for each in made.services:
        assert (each.replicas.min, each.scaling.signal) == (0, "schedule")
        assert each.scaling.window is not None
        assert each.scaling.window.replicas == each.replicas.max
    (pool,) = made.pools
    assert 0 == pool.nodes.min < pool.nodes.expected < pool.nodes.max


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tensorParallel": 2}, "services[0].tensorParallel: 2 is more than the one GPU that triton gives each service of a shared pod"),
        (
            {"modelUri": "s3://acme/qwen", "quantization": "bf16"},
            "services[0].modelUri: s3://acme/qwen is mounted by KServe at the one place",
        ),
        ({"replicas": 2}, "services[1].replicas: is not that of assistant on the same server: 2"),
        ({"engineArgs": {"tool-call-parser": "llama3"}}, "services[1].engineArgs: is not that of assistant on the same server"),
        ({"capacityType": "spot"}, "services[1].capacityType: on-demand is not that of assistant on the same server: spot"),
        ({"gpu": "l40s"}, "services[1].gpu: is not that of assistant on the same server: l40s"),
        ({"model": "deepseek-ai/DeepSeek-V3"}, "services[0]."),
    ],
    ids=["tensor", "mounted", "replicas", "flags", "spot", "gpu", "too-large"],
)
def test_what_one_pod_cannot_have_is_refused(change: dict[str, Any], expected: str) -> None:
    """More GPUs than one for a model, weights that KServe mounts, and different answers to what a pod has once."""
    found = problems({**LLM, **change}, EMBEDDER)
    assert any(line.startswith(f"inferstack:{expected}") for line in found), found


def test_what_is_too_large_for_one_gpu_would_work_alone() -> None:
    """The error names the key that is in the way, and the plan without it."""
    (line,) = problems({**LLM, "model": "deepseek-ai/DeepSeek-V3"}, EMBEDDER)
    assert line.startswith("inferstack:services[0].server: knowledge ")
    assert "without server it works" in line


def test_a_service_says_what_it_would_cost_alone() -> None:
    """A machine for several suits none as well as its own: where that is dearer, the plan says by how much."""
    made = plan(LLM, EMBEDDER)
    assert any("its part of the pods of knowledge costs" in warning for warning in made.services[1].warnings)


def test_a_lever_changes_all_of_them() -> None:
    """How machines are bought is changed for all, and each shows the whole saving; each says what servers of their own would save."""
    gke = [{**each, "gpu": "l4"} for each in (LLM, EMBEDDER)]
    made, found = plan(*gke, target=GKE), planning.levers(stack(*gke, target=GKE))
    spot = [lever for each in found for lever in each.levers if lever.name == "capacityType"]
    assert len(spot) == 2
    assert spot[0].saves_usd == spot[1].saves_usd > 0
    bought = plan(*({**each, "capacityType": "spot"} for each in gke), target=GKE)
    (pool,), (cheaper,) = ([line for line in each.costs.lines.children if line.name == "GPU nodes"] for each in (made, bought))
    assert [lever.saves_usd for lever in spot] == pytest.approx([pool.monthly_usd.expected - cheaper.monthly_usd.expected] * 2)
    assert {each.monthly_usd for each in found if each.monthly_usd} == {pool.monthly_usd}
    assert {each.server for each in found} == {"knowledge"}
    assert {lever.becomes.machine_type for lever in spot} == {bought.services[0].machine_type}
    apart = [lever for each in planning.levers(stack(LLM, EMBEDDER)) for lever in each.levers if lever.name == "server"]
    assert [lever.change for lever in apart] == ["without `server`"] * 2


def test_a_lever_of_one_is_planned_for_all() -> None:
    """A pin of one service that is given up may let all move to another machine; whose it is stands before it."""
    pinned = {**LLM, "quantization": "bf16"}
    found = planning.levers(stack(pinned, EMBEDDER))
    own, other = ([lever for lever in each.levers if lever.name == "quantization"] for each in found)
    assert [lever.change for lever in own] == ["assistant: without `quantization: bf16`"]
    assert [lever.change for lever in other] == ["assistant: without `quantization: bf16`"]
    free = plan(LLM, EMBEDDER)
    assert own[0].becomes.machine_type == other[0].becomes.machine_type == free.services[0].machine_type


def test_a_way_below_a_budget_changes_all_of_them() -> None:
    """The plan that is named is that of the stack file with the change in it."""
    over = plan(LLM, EMBEDDER, budget={"maxMonthlyUsd": 3000})
    (way, *_) = over.ways_below
    assert way.change == "knowledge: without `server`"
    assert way.monthly_usd == plan(alone(LLM), alone(EMBEDDER)).costs.monthly_usd.max


def test_only_models_of_one_tokenizer_chat() -> None:
    """The front end has one tokenizer, that of the first that generates: other models answer prompts, embedders embeddings."""
    made = plan(EMBEDDER, LLM, {**LLM, "name": "same"}, {**LLM, "name": "other", "model": "Qwen/Qwen2.5-7B-Instruct"})
    routes = {each.name: each.spec.routes for each in made.services}
    assert routes["search"] == ("/v1/embeddings",)
    assert routes["assistant"] == routes["same"] == ("/v1/chat/completions", "/v1/completions")
    assert routes["other"] == ("/v1/completions",)
    assert any("whose template writes the chats of assistant" in warning for warning in made.services[3].warnings)
    args = made.services[0].spec.args
    assert args[args.index("--tokenizer") + 1] == made.services[1].checkpoint_uri.removeprefix("hf://")
