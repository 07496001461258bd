"""What must hold between the resources of each stack, as Pulumi would be asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import catalog, clouds
from tests.stacks.graphs import STACKS, graph, labels, objects, plan, pools, taints, values

every_stack = pytest.mark.parametrize("stack", STACKS)
CLOUD_STACKS = ("dev", "staging", "prod")


@every_stack
def test_urns_parents_and_dependencies_are_whole(stack: str) -> None:
    """No URN stands twice, every parent and dependency is a resource of the stack, and all but the stack have a parent."""
    resources = graph(stack).resources
    urns = [resource.urn for resource in resources]
    assert len(set(urns)) == len(urns)
    for resource in resources:
        assert resource.parent in urns or resource.type == "pulumi:pulumi:Stack"
        assert set(resource.dependencies) <= set(urns)


@every_stack
def test_no_two_kubernetes_objects_share_a_name(stack: str) -> None:
    """Kind, namespace and name are given, and together they are unique."""
    found = [(o.inputs["kind"], o.inputs["metadata"].get("namespace"), o.inputs["metadata"]["name"]) for o in objects(stack)]
    assert found
    assert len(set(found)) == len(found)


@every_stack
def test_every_resource_has_an_explicit_provider(stack: str) -> None:
    """Nothing lands on an ambient account or kubeconfig: every resource of a provider names one that the stack makes."""
    resources = graph(stack).resources
    made = {resource.urn for resource in resources if resource.type.startswith("pulumi:providers:")}
    for resource in resources:
        if resource.type.split(":")[0] in ("kubernetes", "aws", "gcp"):
            assert any((resource.provider or "").startswith(urn) for urn in made), resource.urn


@every_stack
def test_components_give_their_plan_and_cost(stack: str) -> None:
    """Pools, add-ons and services register what was planned and what it costs."""
    for resource in graph(stack).resources:
        if resource.type in ("inferstack:index:GpuNodePool", "inferstack:index:Addons", "inferstack:index:InferenceService"):
            assert {"plan", "cost"} <= set(resource.outputs), resource.urn


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_every_service_finds_nodes(stack: str) -> None:
    """A service's node selector is among the labels of one pool, and its tolerations cover that pool's taints."""
    for service in objects(stack, "InferenceService"):
        predictor = service.inputs["spec"]["predictor"]
        wanted = predictor["nodeSelector"].items()
        (pool,) = (pool for pool in pools(stack) if wanted <= labels(pool).items())
        tolerated = {(t["key"], t["effect"]) for t in predictor.get("tolerations", []) if t["operator"] == "Exists"}
        effects = {"NO_SCHEDULE": "NoSchedule"}
        assert {(taint["key"], effects[taint["effect"]]) for taint in taints(pool)} <= tolerated
        assert taints(pool), "GPU nodes keep other pods away"


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_system_nodes_are_open_to_controllers(stack: str) -> None:
    """The pool that carries DNS and controllers has no taint."""
    (system,) = (pool for pool in pools(stack) if labels(pool)["inferstack.dev/pool"] == "system")
    assert taints(system) == []


@every_stack
def test_requests_fit_what_a_node_leaves_for_pods(stack: str) -> None:
    """The replicas that one node carries ask for no more CPU, memory or GPUs than it can allocate."""
    document = plan(stack)
    cloud = clouds.cloud(document["cloud"])
    for service in document["services"]:
        machine = _machine(document["cloud"], service["machineType"])
        if machine is None:
            continue
        room, asked = cloud.allocatable(machine), service["resources"]
        per_node = machine.accelerator_count // asked["gpus"] if asked["gpus"] else 1
        assert per_node >= 1
        assert asked["cpuMillicores"] * per_node <= room.cpu_millicores
        assert asked["memoryGib"] * per_node <= room.memory_bytes / 2**30 + 0.01


def _machine(cloud: str, name: str) -> Any:
    return None if cloud == "existing" else catalog.machine(cloud, name)


@every_stack
def test_manifests_ask_for_what_the_plan_says(stack: str) -> None:
    """GPUs and memory of the rendered service are those of its plan, with limits at least as high as requests."""
    planned = {service["name"]: service for service in plan(stack)["services"]}
    for service in objects(stack, "InferenceService"):
        resources = service.inputs["spec"]["predictor"]["model"]["resources"]
        wanted = planned[service.inputs["metadata"]["name"]]["resources"]
        assert resources["requests"].get("nvidia.com/gpu", "0") == str(wanted["gpus"])
        assert resources["requests"]["cpu"] == f"{wanted['cpuMillicores']}m"
        assert set(resources["requests"]) == set(resources["limits"])


@every_stack
def test_services_come_after_kserve_and_go_before_it(stack: str) -> None:
    """Every object of a service depends on KServe's release and on the namespace, directly or through another."""
    resources = {resource.urn: resource for resource in graph(stack).resources}
    (kserve,) = (urn for urn in resources if urn.endswith("::addons-kserve-resources"))
    (namespace,) = (o.urn for o in objects(stack, "Namespace") if o.inputs["metadata"]["name"] == "inference")
    for service in objects(stack, "InferenceService"):
        assert {kserve, namespace} <= _reachable(service.urn, resources)


def _reachable(urn: str, resources: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = [urn]
    while waiting:
        for dependency in resources[waiting.pop()].dependencies:
            if dependency not in seen:
                seen.add(dependency)
                waiting.append(dependency)
    return seen


@every_stack
def test_the_preview_waits_for_no_status(stack: str) -> None:
    """No object carries a wait annotation: KServe's observed generation would hang an update."""
    for item in objects(stack):
        assert not any(key.startswith("pulumi.com/") for key in item.inputs["metadata"].get("annotations", {}))


@every_stack
def test_images_are_pinned(stack: str) -> None:
    """Every image that a stack names has a tag other than latest, or a digest."""
    images = [container["image"] for runtime in objects(stack, "ServingRuntime") for container in runtime.inputs["spec"]["containers"]]
    assert images
    for image in images:
        assert ":" in image.rpartition("/")[2]
        assert not image.endswith(":latest")


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_pools_keep_their_identity(stack: str) -> None:
    """A pool is named after its machine type and capacity type, and never after a service."""
    names = {service["name"] for service in plan(stack)["services"]}
    for pool in plan(stack)["pools"]:
        assert not names & set(pool["name"].split("-"))
        assert pool["name"].startswith(pool["machineType"].replace(".", "-"))


@every_stack
def test_no_secret_is_shown(stack: str) -> None:
    """Nothing in the document looks like a token."""
    document = graph(stack).document()
    assert not [value for value in values(document) if isinstance(value, str) and value.startswith(("hf_", "AKIA"))]
