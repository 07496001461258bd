"""The objects of the four stacks that the repository ships."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from inferstack import clouds, manifests, planning, stackfile
from inferstack.catalog import machine
from inferstack.planning import StackPlan
from tests.manifests import validity

ROOT = Path(__file__).parents[2]
STACKS = ("dev", "staging", "prod", "local")
EACH = pytest.mark.parametrize("stack", STACKS)
MIB = 2**20


@functools.cache
def planned(stack: str) -> StackPlan:
    return planning.plan(stackfile.load(ROOT / f"Pulumi.{stack}.yaml"))


def objects(stack: str, kind: str | None = None) -> list[dict[str, Any]]:
    return [item for item in manifests.stack_objects(planned(stack)) if kind in (None, item["kind"])]


@EACH
def test_objects_fit_their_schemas(stack: str) -> None:
    """Every object of a stack is valid, custom resources by the schema of their CRD and built-in kinds in Kubernetes 1.34 to 1.36."""
    assert validity.problems(objects(stack)) == []


@EACH
def test_every_service_is_complete(stack: str) -> None:
    """Every planned service has an account, a runtime and an InferenceService, in the namespace that comes first."""
    names = {service.name for service in planned(stack).services}
    for kind in ("ServiceAccount", "ServingRuntime", "InferenceService"):
        assert {item["metadata"]["name"] for item in objects(stack, kind)} == names
    assert objects(stack)[0]["kind"] == "Namespace"
    assert {item["metadata"].get("namespace") for item in objects(stack)[1:]} == {planned(stack).namespace}


@EACH
def test_no_two_objects_share_a_name(stack: str) -> None:
    """No two objects of a stack are of one kind and name."""
    names = [(item["kind"], item["metadata"]["name"]) for item in objects(stack)]
    assert len(names) == len(set(names))


@EACH
def test_secrets_hold_placeholders_only(stack: str) -> None:
    """What is written to files holds a placeholder where a secret belongs."""
    for item in objects(stack, "Secret"):
        assert all(value.startswith("<") and value.endswith(">") for value in item["stringData"].values())


@EACH
def test_pods_fit_their_machine(stack: str) -> None:
    """What a pod requests is no more than one node of its machine leaves for pods, and its memory volumes are part of that."""
    cloud = clouds.cloud(planned(stack).cloud)
    plans = {service.name: service for service in planned(stack).services}
    for item in objects(stack, "InferenceService"):
        plan = plans[item["metadata"]["name"]]
        requests = item["spec"]["predictor"]["model"]["resources"]["requests"]
        shared = sum(volume.size_gib for volume in plan.spec.volumes if volume.memory) * 1024
        assert int(requests["memory"].removesuffix("Mi")) > shared
        if planned(stack).cloud != "existing":
            room = cloud.allocatable(machine(planned(stack).cloud, plan.machine_type))
            assert int(requests["cpu"].removesuffix("m")) <= room.cpu_millicores
            assert int(requests["memory"].removesuffix("Mi")) * MIB <= room.memory_bytes


@EACH
def test_scale_down_is_slower_than_a_cold_start(stack: str) -> None:
    """No service that scales gives a replica back sooner than it could have it again, up to the hour that Kubernetes allows."""
    plans = {service.name: service for service in planned(stack).services}
    for item in objects(stack, "ScaledObject"):
        behavior = item["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        slowest = plans[item["metadata"]["name"]].cold_start_seconds.high
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= min(slowest, 3600)


@EACH
def test_what_scales_is_scraped(stack: str) -> None:
    """Every service that scales on its queue has a monitor that brings its metrics to Prometheus."""
    monitored = {item["metadata"]["name"] for item in objects(stack, "PodMonitor")}
    assert {item["metadata"]["name"] for item in objects(stack, "ScaledObject")} <= monitored
