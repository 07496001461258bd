"""What the objects of a service say, and what they agree on among each other."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from inferstack import manifests
from inferstack.clouds.addons import WAKER_HOST
from inferstack.engines.spec import Metrics
from inferstack.manifests.container import literal
from inferstack.planning.endpoints import predictor_name, service_url
from inferstack.planning.types import ReplicaRange, Scaling, ServicePlan
from tests.manifests.sample_plans import (
    ALL,
    LLAMA_CPP,
    ON_KSERVE,
    VLLM,
    cpu_plan,
    fixed_plan,
    gpu_plan,
    internal_plan,
    mounted_plan,
    woken_plan,
)

EACH = pytest.mark.parametrize("plan", ON_KSERVE, ids=lambda plan: plan.name)


def by_kind(plan: ServicePlan) -> dict[str, dict[str, Any]]:
    objects = manifests.service_objects(plan)
    kinds = {item["kind"]: item for item in objects}
    assert len(kinds) == len(objects)
    return kinds


def predictor(plan: ServicePlan) -> dict[str, Any]:
    return by_kind(plan)["InferenceService"]["spec"]["predictor"]


def container(plan: ServicePlan) -> dict[str, Any]:
    return by_kind(plan)["ServingRuntime"]["spec"]["containers"][0]


class YamlFile(SingleFileSnapshotExtension):
    file_extension = "yaml"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return yaml.safe_dump_all(data, sort_keys=False, width=140)


@pytest.mark.golden
@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_text(plan: ServicePlan, snapshot: SnapshotAssertion) -> None:
    """The objects of each kind of service are those of the committed file."""
    assert list(manifests.service_objects(plan)) == snapshot(extension_class=YamlFile)


# --- agreement ------------------------------------------------------------------------------------------------------------------


@EACH
def test_everything_that_selects_pods_selects_the_pods_of_kserve(plan: ServicePlan) -> None:
    """Budgets, monitors, spreads and load balancers select by the labels that KServe v0.20 puts on a predictor's pods."""
    kserve = {"app": f"isvc.{plan.name}-predictor", "serving.kserve.io/inferenceservice": plan.name, "component": "predictor"}
    kinds = by_kind(plan)
    selectors = [kinds[kind]["spec"]["selector"]["matchLabels"] for kind in ("PodDisruptionBudget", "PodMonitor") if kind in kinds]
    selectors += [kinds["Service"]["spec"]["selector"]] if "Service" in kinds and not plan.scaling.wakes else []
    selectors += [spread["labelSelector"]["matchLabels"] for spread in predictor(plan).get("topologySpreadConstraints", [])]
    assert all(selector == kserve for selector in selectors)


@EACH
def test_no_object_carries_labels_of_kserve(plan: ServicePlan) -> None:
    """No object of ours carries the labels by which KServe v0.20 deletes what it did not make."""
    for item in manifests.service_objects(plan):
        assert not {"serving.kserve.io/inferenceservice", "component", "app"} & set(item["metadata"]["labels"])


@EACH
def test_references_resolve(plan: ServicePlan) -> None:
    """Every name that an object refers to is the name of an object of the same service, or of what KServe makes of it."""
    kinds = by_kind(plan)
    assert predictor(plan)["serviceAccountName"] == kinds["ServiceAccount"]["metadata"]["name"]
    assert predictor(plan)["model"]["runtime"] == kinds["ServingRuntime"]["metadata"]["name"]
    formats = [entry["name"] for entry in kinds["ServingRuntime"]["spec"]["supportedModelFormats"]]
    assert predictor(plan)["model"]["modelFormat"]["name"] in formats
    volumes = {volume["name"]: volume for volume in kinds["ServingRuntime"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container(plan)["volumeMounts"]} == set(volumes)
    if "ConfigMap" in kinds:
        assert volumes["files"]["configMap"]["name"] == kinds["ConfigMap"]["metadata"]["name"]
        assert {item["key"] for item in volumes["files"]["configMap"]["items"]} == set(kinds["ConfigMap"]["data"])
    for kind in ("ScaledObject", "HorizontalPodAutoscaler"):
        if kind in kinds:
            assert kinds[kind]["spec"]["scaleTargetRef"]["name"] == predictor_name(plan.name)


@EACH
def test_secrets_are_references(plan: ServicePlan) -> None:
    """Every secret in an object is a reference to a key that the service's own secret has."""
    made = {
        item["metadata"]["name"]: set(item["stringData"])
        for item in (manifests.secret(plan, kind, "value") for kind in manifests.secrets_needed(plan))
    }
    references = [entry["valueFrom"]["secretKeyRef"] for entry in container(plan)["env"] if "valueFrom" in entry]
    monitor = by_kind(plan).get("PodMonitor", {}).get("spec", {}).get("podMetricsEndpoints", [{}])[0]
    references += [monitor["authorization"]["credentials"]] if "authorization" in monitor else []
    assert all(reference["key"] in made[reference["name"]] for reference in references)
    assert len(references) >= len(made)


# --- what KServe would change ---------------------------------------------------------------------------------------------------


def go_template(text: str) -> str:
    """What Go's text/template makes of `text` when its only actions are quoted constants; any other action is an error."""
    parts = re.split(r"\{\{`([^`]*)`\}\}", text)
    assert not any("{{" in part for part in parts[::2])
    return "".join(parts)


@given(st.text(alphabet="{}`x\"' "))
def test_words_survive_the_template(text: str) -> None:
    """Whatever stands in an argument, KServe's template engine gives it back unchanged."""
    assert go_template(literal(text)) == text


def test_command_arguments_and_environment_are_literal() -> None:
    """Braces in command, arguments and environment reach the engine as they were planned."""
    plan = mounted_plan()
    assert [go_template(word) for word in container(plan)["args"]] == list(plan.spec.args)
    assert go_template(container(plan)["env"][0]["value"]) == "{{{x}}}"


@EACH
def test_all_four_resources_are_stated(plan: ServicePlan) -> None:
    """CPU and memory stand in requests and in limits, no limit below its request, so that no default of KServe stands in for one."""
    resources = predictor(plan)["model"]["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"]) == set(resources["limits"])
    for name, requested in resources["requests"].items():
        assert int(re.sub(r"\D", "", resources["limits"][name])) >= int(re.sub(r"\D", "", requested))
    assert resources["limits"]["memory"] == resources["requests"]["memory"] == f"{plan.resources.memory_bytes // 2**20}Mi"


@EACH
def test_metadata_is_not_volatile(plan: ServicePlan) -> None:
    """The InferenceService says nothing of traffic, cost or sizes in its metadata, which KServe copies into the pods."""
    busier = replace(plan, workload=replace(plan.workload, mean_rps=9), timeout_seconds=999, decisions=(), warnings=("dear",))
    assert by_kind(plan)["InferenceService"]["metadata"] == by_kind(busier)["InferenceService"]["metadata"]
    assert by_kind(plan)["InferenceService"]["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


# --- placement and lifetime -----------------------------------------------------------------------------------------------------


def test_only_gpu_services_tolerate_gpu_nodes() -> None:
    """A service with GPUs tolerates their taint and asks for them; one without does neither."""
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert predictor(gpu_plan())["tolerations"] == [toleration]
    assert predictor(gpu_plan())["model"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "tolerations" not in predictor(cpu_plan())
    assert "nvidia.com/gpu" not in predictor(cpu_plan())["model"]["resources"]["limits"]


@pytest.mark.parametrize(("rollout", "expected"), [("surge", (1, 0)), ("recreate", (0, 1))])
def test_rollout(rollout: str, expected: tuple[int, int]) -> None:
    """A rollout starts a spare replica first, or takes one away first, as planned; never both and never neither."""
    update = predictor(gpu_plan(rollout=rollout))["deploymentStrategy"]["rollingUpdate"]
    assert (update["maxSurge"], update["maxUnavailable"]) == expected


@EACH
def test_pods_are_denied_what_they_do_not_need(plan: ServicePlan) -> None:
    """No pod gets an API token, variables of other Services, privileges or capabilities; root only where the image knows no other user."""
    pod, server = predictor(plan), container(plan)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"].get("runAsNonRoot") is (True if plan.spec.confinement.user else None)
    assert server["securityContext"]["allowPrivilegeEscalation"] is False
    assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@EACH
def test_drain(plan: ServicePlan) -> None:
    """A pod sleeps before SIGTERM and may take longer than that to end."""
    assert container(plan)["lifecycle"]["preStop"]["sleep"]["seconds"] == plan.spec.drain.pre_stop
    assert predictor(plan)["terminationGracePeriodSeconds"] == plan.spec.drain.grace > plan.spec.drain.pre_stop


def test_changed_files_make_a_new_config_map() -> None:
    """Changed files get a ConfigMap of a new name, which is what makes running pods take them."""
    plan = mounted_plan()
    changed = replace(plan, spec=replace(plan.spec, files=((plan.spec.files[0][0], "other"), *plan.spec.files[1:])))
    assert by_kind(plan)["ConfigMap"]["metadata"]["name"] != by_kind(changed)["ConfigMap"]["metadata"]["name"]
    assert by_kind(plan)["ConfigMap"]["immutable"] is True


def test_files_of_one_name_do_not_collide() -> None:
    """Two files of one base name in different folders are two entries of the ConfigMap."""
    assert len(by_kind(mounted_plan())["ConfigMap"]["data"]) == 2


# --- scaling --------------------------------------------------------------------------------------------------------------------


def test_fixed_services_have_no_scaler() -> None:
    """A service of a fixed number of replicas has no scaler, and KServe sets the number itself."""
    kinds = by_kind(fixed_plan())
    assert kinds["InferenceService"]["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert not {"ScaledObject", "HorizontalPodAutoscaler"} & set(kinds)


@pytest.mark.parametrize("plan", [gpu_plan(), cpu_plan()], ids=["queue", "cpu"])
def test_scaled_services_are_left_to_their_scaler(plan: ServicePlan) -> None:
    """A service that scales has one scaler within the planned range, and KServe keeps its hands off."""
    kinds = by_kind(plan)
    scaler = (kinds.get("ScaledObject") or kinds["HorizontalPodAutoscaler"])["spec"]
    assert kinds["InferenceService"]["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    least, most = scaler.get("minReplicaCount", scaler.get("minReplicas")), scaler.get("maxReplicaCount", scaler.get("maxReplicas"))
    assert (least, most) == (plan.replicas.min, plan.replicas.max)


def test_autoscaler_is_not_named_like_the_one_of_kserve() -> None:
    """Our HorizontalPodAutoscaler has another name than KServe's, which would be overwritten."""
    assert by_kind(cpu_plan())["HorizontalPodAutoscaler"]["metadata"]["name"] != predictor_name("titles")


def test_queue_triggers_sum_over_the_pods_of_one_service() -> None:
    """Each signal is a sum over the pods of this service alone, against the plan's threshold, and its absence is no zero."""
    kinds = by_kind(gpu_plan())
    triggers = {trigger["name"]: trigger for trigger in kinds["ScaledObject"]["spec"]["triggers"]}
    assert {name: trigger["metadata"]["threshold"] for name, trigger in triggers.items()} == {"waiting": "6", "kv-use": "0.8"}
    selector = '{namespace="inference",inference_service="chat"}'
    assert triggers["waiting"]["metadata"]["query"] == f"sum(vllm:num_requests_waiting{selector})"
    assert {trigger["metricType"] for trigger in triggers.values()} == {"AverageValue"}
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in triggers.values()} == {"false"}
    relabeling = kinds["PodMonitor"]["spec"]["podMetricsEndpoints"][0]["relabelings"][0]
    assert relabeling["targetLabel"] == "inference_service"


def test_missing_signal_holds_the_number() -> None:
    """While a signal is missing the current number of replicas is kept."""
    fallback = by_kind(gpu_plan())["ScaledObject"]["spec"]["fallback"]
    assert (fallback["behavior"], fallback["replicas"]) == ("currentReplicasIfHigher", 1)


@pytest.mark.parametrize(("planned", "stated"), [(900, 900), (7200, 3600)])
def test_scale_down_waits_as_planned(planned: int, stated: int) -> None:
    """Replicas go after the planned wait, or after the longest that Kubernetes allows."""
    for plan in (gpu_plan(), cpu_plan()):
        kinds = by_kind(replace(plan, scaling=replace(plan.scaling, scale_down_seconds=planned)))
        scaled = kinds["ScaledObject"]["spec"]["advanced"]["horizontalPodAutoscalerConfig"] if "ScaledObject" in kinds else None
        behavior = (scaled or kinds["HorizontalPodAutoscaler"]["spec"])["behavior"]
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] == stated


def test_queue_scaling_needs_a_metric() -> None:
    """A plan that scales an engine without queue metrics on its queue is a mistake and not an empty ScaledObject."""
    silent = replace(VLLM, metrics=Metrics("/metrics", None, None, None))
    with pytest.raises(ValueError, match="no metric"):
        manifests.service_objects(gpu_plan(spec=silent))


def test_engine_without_kv_metric_scales_on_its_queue_alone() -> None:
    """An engine that does not report its KV use scales on waiting requests."""
    kinds = by_kind(gpu_plan(spec=LLAMA_CPP))
    assert [trigger["name"] for trigger in kinds["ScaledObject"]["spec"]["triggers"]] == ["waiting"]


def test_a_service_that_goes_to_zero_is_woken_by_requests_that_wait() -> None:
    """The interceptors hold requests at a host of the service's own for a cold start, and KEDA scales on those in flight, from none."""
    kinds = by_kind(woken_plan())
    spec, route, alias = (kinds[kind]["spec"] for kind in ("ScaledObject", "InterceptorRoute", "Service"))
    assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["cooldownPeriod"]) == (0, 2, 900)
    assert spec["initialCooldownPeriod"] == 900 + route_seconds(route["timeouts"]["readiness"]) == 900 + 504
    assert [(trigger["type"], trigger["metadata"]["interceptorRoute"]) for trigger in spec["triggers"]] == [("external-push", "rare")]
    assert (route["target"], route["scalingMetric"]) == ({"service": "rare-predictor", "port": 80}, {"concurrency": {"targetValue": 12}})
    assert alias == {"type": "ExternalName", "externalName": WAKER_HOST}
    asked = urlsplit(service_url(woken_plan()))
    assert asked.hostname in route["rules"][0]["hosts"]
    assert (kinds["Service"]["metadata"]["name"], asked.port) == ("rare-waker", 8080)


def route_seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_a_service_that_always_runs_is_not_intercepted() -> None:
    """Its requests go to its pods and pass nothing on their way."""
    assert not {"InterceptorRoute", "Service"} & set(by_kind(gpu_plan()))


@pytest.mark.parametrize(("least", "budget"), [(1, False), (2, True)])
def test_budget_only_where_two_run(least: int, budget: bool) -> None:
    """A disruption budget exists only where two or more replicas always run."""
    assert ("PodDisruptionBudget" in by_kind(cpu_plan(replicas=ReplicaRange(least, 2, 4)))) is budget


def test_monitor_only_where_read() -> None:
    """Without a Prometheus there is no PodMonitor, except where scaling depends on it."""
    assert "PodMonitor" not in by_kind(cpu_plan(monitored=False))
    assert "PodMonitor" in by_kind(gpu_plan(monitored=False))
    assert "PodMonitor" not in by_kind(gpu_plan(monitored=False, scaling=Scaling("none")))


# --- endpoint and stack ---------------------------------------------------------------------------------------------------------


def test_internal_endpoint() -> None:
    """An internal endpoint is a load balancer on port 80 that its annotations keep inside the network, in front of the engine's port."""
    service = by_kind(internal_plan())["Service"]
    assert service["spec"]["type"] == "LoadBalancer"
    assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [(80, 8080)]
    assert service["metadata"]["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}


def test_internal_endpoint_is_never_public_by_omission() -> None:
    """Without annotations that keep it inside, no load balancer is rendered at all."""
    with pytest.raises(ValueError, match="kept off the internet"):
        manifests.service_objects(replace(internal_plan(), endpoint_annotations=()))


def test_cluster_endpoint_has_no_load_balancer() -> None:
    """An endpoint inside the cluster adds no Service to the one that KServe makes."""
    assert "Service" not in by_kind(gpu_plan())
