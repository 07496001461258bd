"""What KubeRay and Ray Serve are told, and who may reach the pods of a Ray cluster."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import yaml

from inferstack import catalog, manifests, planning, stackfile
from inferstack.errors import InputError
from inferstack.planning import StackPlan
from inferstack.planning.types import ServicePlan

SERVICE: dict[str, Any] = {
    "name": "assistant",
    "model": "Qwen/Qwen3-8B",
    "engine": "ray-serve",
    "gpu": "l4",
    "traffic": {"requestsPerSecond": 8, "isl": 1000, "osl": 300, "activeHours": 12},
    "slo": {"tpotP95Ms": 60},
}
FIXED = {**SERVICE, "replicas": 12}
LARGE = {**SERVICE, "model": "Qwen/Qwen3-32B", "gpu": "l40s", "tensorParallel": 4, "replicas": 10, "quantization": "bf16"}


def planned(*services: dict[str, Any], cloud: str = "gke") -> StackPlan:
    region = {"gke": "us-central1", "eks": "us-east-1"}[cloud]
    network = {"network": {"apiAccessCidrs": ["203.0.113.0/24"]}} if cloud == "eks" else {}
    config = {"inferstack:target": {"cloud": cloud, "region": region, **network}, "inferstack:services": list(services)}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


@functools.cache
def objects(kind: str = "scaled") -> dict[str, Any]:
    wanted = {"scaled": (SERVICE, "gke"), "fixed": (FIXED, "gke"), "large": (LARGE, "eks")}[kind]
    return {item["kind"]: item for item in manifests.stack_objects(planned(wanted[0], cloud=wanted[1]))}


def llm_config(kind: str = "scaled") -> dict[str, Any]:
    application = yaml.safe_load(objects(kind)["RayService"]["spec"]["serveConfigV2"])["applications"][0]
    assert application["import_path"] == "ray.serve.llm:build_openai_app"
    return application["args"]["llm_configs"][0]


def test_ray_stands_in_for_kserve_and_keda() -> None:
    """A service of Ray Serve is one RayService; nothing of KServe's, and no other scaler, has a part in it."""
    assert set(objects()) == {"Namespace", "ServiceAccount", "NetworkPolicy", "RayService"}


def test_autoscaling_follows_the_plan() -> None:
    """Serve starts replicas within the range of the plan, at the requests in flight of its peak, and workers within the same range."""
    plan = planned(SERVICE).services[0]
    assert plan.replicas.scales
    found = llm_config()["deployment_config"]["autoscaling_config"]
    assert (found["min_replicas"], found["max_replicas"]) == (plan.replicas.min, plan.replicas.max)
    assert found["target_ongoing_requests"] == pytest.approx(plan.replica.performance.sequences, abs=1)
    assert found["downscale_delay_s"] > plan.cold_start_seconds.high
    cluster = objects()["RayService"]["spec"]["rayClusterConfig"]
    (workers,) = cluster["workerGroupSpecs"]
    assert (workers["minReplicas"], workers["maxReplicas"]) == (plan.replicas.min, plan.replicas.max)
    assert cluster["enableInTreeAutoscaling"] is True


def test_a_fixed_number_has_no_autoscaler_and_no_token() -> None:
    """Where the number is fixed, Serve keeps it and no pod may ask Kubernetes for anything."""
    assert llm_config("fixed")["deployment_config"]["num_replicas"] == 12
    cluster = objects("fixed")["RayService"]["spec"]["rayClusterConfig"]
    assert cluster["enableInTreeAutoscaling"] is False
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert group["template"]["spec"]["automountServiceAccountToken"] is False


def test_the_head_serves_nothing_and_workers_one_replica_each() -> None:
    """No task lands on the head, which has no GPU; a worker's GPUs are those of one replica, which stays on one machine."""
    cluster = objects("large")["RayService"]["spec"]["rayClusterConfig"]
    head = cluster["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert "nvidia.com/gpu" not in head["template"]["spec"]["containers"][0]["resources"]["limits"]
    (workers,) = cluster["workerGroupSpecs"]
    assert workers["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert workers["resources"]["GPU"] == "4"
    group = llm_config("large")["placement_group_config"]
    assert group == {"bundle_per_worker": {"GPU": 1, "assistant": 0.001}, "strategy": "STRICT_PACK"}
    assert llm_config("large")["engine_kwargs"]["tensor_parallel_size"] == 4


def test_engine_kwargs_are_those_of_rays_own_vllm() -> None:
    """Every keyword that the plan or the user sets is a field of the vLLM that the Ray release brings."""
    known = catalog.engine_flags("ray-serve")
    assert known.brings == "vLLM 0.29.0"
    for kind in ("scaled", "fixed", "large"):
        assert set(llm_config(kind)["engine_kwargs"]) <= set(known.flags)
    told = {**SERVICE, "engineArgs": {"enable-prefix-caching": False, "reasoning_parser": "qwen3"}}
    (service,) = planned(told).services
    assert service.spec.served is not None
    kwargs = service.spec.served.llm_config["engine_kwargs"]
    assert kwargs["enable_prefix_caching"] is False
    assert kwargs["reasoning_parser"] == "qwen3"


def test_an_embedder_answers_beside_an_llm() -> None:
    """A model that answers after one pass is a RayService of its own, told so, and asked for embeddings."""
    embedder = {**FIXED, "name": "embedder", "model": "BAAI/bge-m3", "slo": {}, "replicas": 1}
    embedder["traffic"] = {"requestsPerSecond": 1, "isl": 500}
    plan = planned(FIXED, embedder)
    served = [item for item in manifests.stack_objects(plan) if item["kind"] == "RayService"]
    assert [item["metadata"]["name"] for item in served] == ["assistant", "embedder"]
    found = plan.services[1].spec
    assert found.routes == ("/v1/embeddings",)
    assert found.served is not None
    assert found.served.llm_config["engine_kwargs"]["runner"] == "pooling"


EMBEDDER: dict[str, Any] = {
    "name": "search",
    "model": "meta-llama/Llama-3.2-1B-Instruct",
    "task": "embed",
    "engine": "ray-serve",
    "gpu": "l4",
    "traffic": {"requestsPerSecond": 1, "isl": 500},
    "replicas": 2,
}
GATED: dict[str, Any] = {**SERVICE, "model": "meta-llama/Llama-3.1-8B-Instruct"}
TOGETHER = [{**each, "server": "knowledge"} for each in (GATED, EMBEDDER)]


@functools.cache
def knowledge() -> tuple[ServicePlan, ...]:
    """The services of one server."""
    config = {
        "inferstack:target": {"cloud": "gke", "region": "us-central1"},
        # What scales on its queue brings Prometheus.
        "inferstack:services": [*TOGETHER, {**SERVICE, "name": "chat", "engine": "vllm"}],
        "inferstack:huggingFaceToken": stackfile.SECRET,
    }
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml")).servers[0]


@functools.cache
def shared() -> dict[tuple[str, str], dict[str, Any]]:
    """Its objects, by kind and name."""
    secrets = [manifests.secret(plan, kind, "x") for plan in knowledge() for kind in manifests.secrets_needed(plan)]
    return {(item["kind"], item["metadata"]["name"]): item for item in (*secrets, *manifests.server_objects(knowledge()))}


def test_one_application_serves_an_llm_and_an_embedder() -> None:
    """One RayService, whose application has a model for each service, and whose cluster a worker group for each."""
    (service,) = [item for (kind, _), item in shared().items() if kind == "RayService"]
    assert service["metadata"]["name"] == "knowledge"
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    assert application["name"] == "knowledge"
    configs = {config["model_loading_config"]["model_id"]: config for config in application["args"]["llm_configs"]}
    assert list(configs) == ["assistant", "search"]
    assert configs["search"]["engine_kwargs"]["runner"] == "pooling"
    assert "runner" not in configs["assistant"]["engine_kwargs"]
    cluster = service["spec"]["rayClusterConfig"]
    groups = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}
    assert list(groups) == list(configs)
    for name, group in groups.items():
        assert configs[name]["placement_group_config"]["bundle_per_worker"][name] > 0
        assert group["resources"][name] == "1"
        assert not (groups.keys() - {name}) & group["resources"].keys()


def test_a_worker_has_the_identity_and_the_token_of_its_service() -> None:
    """Each service has an account, a budget and a secret of its own, by names that it has not when it is served alone."""
    cluster = shared()["RayService", "knowledge"]["spec"]["rayClusterConfig"]
    for group in cluster["workerGroupSpecs"]:
        own = f"knowledge-{group['groupName']}"
        pod = group["template"]["spec"]
        assert pod["serviceAccountName"] == own
        assert ("ServiceAccount", own) in shared()
        tokens = [variable for variable in pod["containers"][0]["env"] if variable["name"] == "HF_TOKEN"]
        assert [token["valueFrom"]["secretKeyRef"]["name"] for token in tokens] == [f"{own}-hugging-face-token"]
        assert ("Secret", f"{own}-hugging-face-token") in shared()
    assert ("ServiceAccount", "knowledge") in shared()
    assert not {name for _, name in shared()} & {"assistant", "search"}


def test_what_watches_a_service_means_its_workers_alone() -> None:
    """Disruption budgets and monitors select the workers of one service, the network policy all pods of the cluster."""
    cluster = shared()["RayService", "knowledge"]["spec"]["rayClusterConfig"]
    pods = {group["groupName"]: group["template"]["metadata"]["labels"] for group in cluster["workerGroupSpecs"]}
    pods["head"] = cluster["headGroupSpec"]["template"]["metadata"]["labels"]

    def selected(item: dict[str, Any], key: str) -> set[str]:
        wanted = item["spec"][key]["matchLabels"]
        return {name for name, labels in pods.items() if wanted.items() <= labels.items()}

    assert selected(shared()["PodDisruptionBudget", "knowledge-search"], "selector") == {"search"}
    assert selected(shared()["PodMonitor", "knowledge-assistant"], "selector") == {"assistant"}
    assert selected(shared()["PodMonitor", "knowledge-search"], "selector") == {"search"}
    assert selected(shared()["NetworkPolicy", "knowledge"], "podSelector") == {"assistant", "search", "head"}
    assert [kind for kind, _ in shared() if kind == "NetworkPolicy"] == ["NetworkPolicy"]


def test_the_ingress_waits_as_long_as_the_proxy() -> None:
    """Ray's ingress gives up after ten minutes by itself: a worker whose responses may take longer says so."""
    service = shared()["RayService", "knowledge"]["spec"]
    timeout = yaml.safe_load(service["serveConfigV2"])["http_options"]["request_timeout_s"]
    assert timeout > 600
    for group in service["rayClusterConfig"]["workerGroupSpecs"]:
        env = {variable["name"]: variable.get("value") for variable in group["template"]["spec"]["containers"][0]["env"]}
        assert env["RAY_SERVE_LLM_ROUTER_HTTP_TIMEOUT"] == str(timeout)


def test_only_the_server_is_reached_from_the_namespace() -> None:
    """Pods of the namespace reach the server's port; every other port is for the cluster's own pods and KubeRay."""
    inside, others, *_ = objects()["NetworkPolicy"]["spec"]["ingress"]
    assert "ports" not in inside
    assert [list(peer) for peer in inside["from"]] == [["podSelector"], ["namespaceSelector"]]
    assert [port["port"] for port in others["ports"]] == [8000]


def test_addons_follow_from_who_serves() -> None:
    """KubeRay comes where a service needs it, KServe where another does; a stack of Ray Serve alone has no KServe."""
    alone = {addon.name: addon.installed for addon in planned(SERVICE).addons}
    assert (alone["kuberay"], alone["kserve"], alone["cert-manager"], alone["keda"]) == (True, False, False, False)
    both = {addon.name: addon.installed for addon in planned(SERVICE, {**FIXED, "name": "other", "engine": "vllm"}).addons}
    assert (both["kuberay"], both["kserve"]) == (True, True)
    assert not {addon.name: addon.installed for addon in planned({**FIXED, "engine": "vllm"}).addons}["kuberay"]


@pytest.mark.parametrize("cloud", ["gke", "eks"])
def test_heads_have_room_on_system_nodes(cloud: str) -> None:
    """System nodes grow with the heads of Ray clusters, in whole rounds over the zones, have room for their image, and are priced."""
    bare, one, many = (
        planned(*services, cloud=cloud)
        for services in (
            [{**FIXED, "engine": "vllm"}],
            [FIXED],
            [{**FIXED, "name": f"chat-{index}"} for index in range(8)],
        )
    )
    for plan in (bare, one, many):
        assert plan.system_pool is not None
    assert bare.system_pool.nodes <= one.system_pool.nodes < many.system_pool.nodes  # type: ignore[union-attr]
    assert many.system_pool.nodes % len(many.system_pool.zones) == 0  # type: ignore[union-attr]
    assert one.system_pool.disk_gib >= bare.system_pool.disk_gib + 30  # type: ignore[union-attr]
    line = next(line for _, line in many.costs.lines.walk() if line.name == "system nodes")
    assert line.leaves[0].quantity is not None
    assert line.leaves[0].quantity.expected == many.system_pool.nodes * 730  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"schedule": {"start": "08:00", "end": "18:00", "timezone": "Europe/Berlin"}}, "schedule", "by no clock"),
        ({"modelUri": "pvc://models/qwen", "quantization": "bf16"}, "quantization", "by Ray Serve, which fetches weights itself"),
        ({"engineArgs": {"swap-space": 4}}, "engineArgs.swap-space", "ray-serve 2.60.0, which brings vLLM 0.29.0"),
        ({"engineArgs": {"distributed_executor_backend": "mp"}}, "engineArgs.distributed_executor_backend", "for the plan to decide"),
        ({"engineArgs": {"enable_prefix_caching": "no"}}, "engineArgs.enable_prefix_caching", "is not true or false"),
    ],
)
def test_what_ray_serve_cannot_is_refused(change: dict[str, Any], path: str, reason: str) -> None:
    """What Ray Serve does not do, and options that its own vLLM does not have, are refused by their key."""
    service = {**SERVICE, **change}
    if "schedule" in change:
        service["traffic"] = {"requestsPerSecond": 8, "isl": 1000, "osl": 300, "activeHours": 8, "activeDays": 5}
    with pytest.raises(InputError) as refused:
        planned(service)
    assert any(problem.path.endswith(path) and reason in problem.reason for problem in refused.value.problems), refused.value.problems
