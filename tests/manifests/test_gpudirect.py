"""Pods that Google's own transport joins, and the networks that their cluster knows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest
import yaml

from inferstack import manifests
from inferstack.clouds.gpudirect import FABRICS, networks
from inferstack.manifests.pod_security import PRIVILEGED, level, pods
from inferstack.planning.types import ServicePlan
from tests.manifests import crd_schema
from tests.manifests.sample_plans import group_plan

EACH = pytest.mark.parametrize("name", sorted(FABRICS))


def joined(name: str) -> ServicePlan:
    return replace(group_plan(), fabric=FABRICS[name])


def templates(plan: ServicePlan) -> list[dict[str, Any]]:
    made = next(item for item in manifests.service_objects(plan) if item["kind"] == "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    return [made["leaderTemplate"], made["workerTemplate"]]


@EACH
def test_each_pod_takes_all_cards_of_its_node(name: str) -> None:
    """The first interface is the cluster's own, each other one in a network of its own, in their order."""
    direct = FABRICS[name].gpudirect
    assert direct is not None
    for pod in templates(joined(name)):
        asked = json.loads(pod["metadata"]["annotations"]["networking.gke.io/interfaces"])
        assert asked[0] == {"interfaceName": "eth0", "network": "default"}
        assert [card["network"] for card in asked[1:]] == list(networks(direct.networks))
        assert [card["interfaceName"] for card in asked] == [f"eth{index}" for index in range(direct.networks + 1)]


@EACH
def test_the_daemon_starts_first_and_goes_last(name: str) -> None:
    """It is a sidecar: started before the server and stopped after it, with devices by annotation and rights of the network alone."""
    direct = FABRICS[name].gpudirect
    assert direct is not None
    for pod in templates(joined(name)):
        daemon = pod["spec"]["initContainers"][0]
        assert (daemon["name"], daemon["restartPolicy"]) == (direct.daemon.name, "Always")
        assert set(daemon["securityContext"]["capabilities"]["add"]) <= {"NET_ADMIN", "NET_BIND_SERVICE"}
        assert "privileged" not in daemon["securityContext"]
        devices = yaml.safe_load(pod["metadata"]["annotations"][f"devices.gke.io/container.{direct.daemon.name}"])
        assert [device["path"] for device in devices] == list(direct.daemon.devices)
        assert ("startupProbe" in daemon) is (direct.daemon.ready_file is not None)


@EACH
def test_every_mount_has_its_volume(name: str) -> None:
    """Server and daemon mount volumes that the pod has, and no volume is mounted by nobody."""
    for pod in templates(joined(name)):
        spec = pod["spec"]
        mounted = {mount["name"] for kind in ("initContainers", "containers") for one in spec[kind] for mount in one["volumeMounts"]}
        named = [volume["name"] for volume in spec["volumes"]]
        assert mounted == set(named)
        assert len(named) == len(set(named))


@EACH
def test_their_namespace_enforces_nothing(name: str) -> None:
    """Folders of the node are what no standard lets a pod have; the server itself still drops what it can."""
    plan = joined(name)
    assert {level(pod) for pod in pods([plan]).values()} == {PRIVILEGED}
    labels = manifests.namespace("inference", PRIVILEGED)["metadata"]["labels"]
    assert {key: value for key, value in labels.items() if key.startswith("pod-security")} == {
        "pod-security.kubernetes.io/enforce": "privileged"
    }
    for pod in templates(plan):
        (server,) = pod["spec"]["containers"]
        assert server["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert server["securityContext"]["allowPrivilegeEscalation"] is False


@EACH
def test_pods_are_valid(name: str) -> None:
    """The group fits the schema of its CRD and its pods that of Kubernetes, without an unknown field."""
    plan = joined(name)
    group = next(item for item in manifests.service_objects(plan) if item["kind"] == "LeaderWorkerSet")
    assert crd_schema.problems(group) == []
    for pod in templates(plan):
        whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", **pod["metadata"]}, "spec": pod["spec"]}
        for version in ("1.34", "1.35", "1.36"):
            kubernetes_validate.validate(whole, version, strict=True)


def test_networks_are_valid() -> None:
    """Both objects of a network fit the schemas of GKE, and refer to each other."""
    parameters, network = manifests.accelerator_network("accelerator-1", "vpc", "subnet")
    assert crd_schema.problems(parameters) == []
    assert crd_schema.problems(network) == []
    assert network["spec"]["parametersRef"]["name"] == parameters["metadata"]["name"]
