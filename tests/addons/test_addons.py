"""What the Addons component registers, in which order, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate
import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.provider.experimental.component import ComponentProvider

from inferstack.addons import Addons
from inferstack.clouds.addons import ADDONS
from tests.services.recorder import Registered, record

ACCELERATORS = {"tcpx": "nvidia-h100-80gb", "tcpxo": "nvidia-h100-mega-80gb"}
ALL = [{"name": name} for name in ADDONS]
EKS = {"addons": ALL, "cluster_name": "prod", "region": "us-east-1"}


def graph(args: Any, *, with_aws: bool = True, ready: list[str] | None = None) -> dict[str, Registered]:
    """What the component registers in a program with a cluster; names of `ready` are added to `ready`."""

    def program() -> None:
        providers: list[pulumi.ProviderResource] = [kubernetes.Provider("cluster", kubeconfig="{}")]
        providers += [aws.Provider("aws", region="us-east-1")] if with_aws else []
        nodes = pulumi.CustomResource("test:index:Nodes", "system-nodes", {})
        addons = Addons("addons", args, pulumi.ResourceOptions(providers=providers, depends_on=[nodes]))
        if ready is not None:
            ready.extend(resource.pulumi_resource_name for resource in addons.ready)

    return record(program)


def before(found: dict[str, Registered], name: str) -> set[str]:
    """Everything that must be there before `name`."""
    direct = found[name].dependencies if name in found else frozenset()
    return set(direct).union(*(before(found, dependency) for dependency in direct))


def test_releases() -> None:
    """Each chart is one Helm release of a fixed name, version and namespace, from its own repository."""
    found = graph(EKS)
    for addon in ADDONS.values():
        for chart in addon.charts:
            inputs = found[f"addons-{chart.release}"].inputs
            assert (inputs["name"], inputs["chart"], inputs["version"]) == (chart.release, chart.chart, addon.version)
            assert inputs["namespace"] == addon.namespace
            assert inputs.get("repositoryOpts", {}).get("repo") == chart.repository
            assert (chart.repository is None) == chart.chart.startswith("oci://")


def test_order() -> None:
    """Certificates come before KServe and its definitions before its controller; rights before the autoscaler; nodes before all."""
    found = graph(EKS)
    assert {"addons-cert-manager", "addons-kserve-crd"} <= before(found, "addons-kserve-resources")
    assert "addons-cert-manager" in before(found, "addons-kserve-crd")
    assert {"addons-cluster-autoscaler-identity", "addons-cluster-autoscaler-policy"} <= before(found, "addons-cluster-autoscaler")
    children = [name for name, resource in found.items() if resource.parent == "addons"]
    assert all("system-nodes" in before(found, name) for name in children)


def test_namespaces_go_with_their_release() -> None:
    """Every namespace is an object of the stack, save the one that every cluster has, and stands before its releases."""
    found = graph(EKS)
    namespaces = {name: item.inputs["metadata"]["name"] for name, item in found.items() if item.type == "kubernetes:core/v1:Namespace"}
    assert set(namespaces.values()) == {addon.namespace for addon in ADDONS.values()} - {"kube-system"}
    for name, item in found.items():
        if item.type == "kubernetes:helm.sh/v3:Release" and item.inputs["namespace"] != "kube-system":
            assert item.inputs["namespace"] in {namespaces.get(dependency) for dependency in before(found, name)}
            assert "createNamespace" not in item.inputs


def test_ready_is_every_release() -> None:
    """What services depend on is every Helm release, and what stands in place of one."""
    ready: list[str] = []
    found = graph(EKS, ready=ready)
    kinds = ("kubernetes:helm.sh/v3:Release", "kubernetes:apps/v1:DaemonSet")
    assert set(ready) == {name for name, item in found.items() if item.type in kinds}


@pytest.mark.parametrize("transport", ["tcpx", "tcpxo"])
def test_nodes_that_a_transport_joins_are_prepared(transport: str) -> None:
    """NCCL and devices are brought to the joined nodes of those machines alone, by objects that every supported Kubernetes takes."""
    found = graph(EKS)
    for part in ("nccl-installer", "device-injector"):
        item = found[f"addons-{transport}-{part}"].inputs
        assert item["metadata"]["namespace"] == "kube-system"
        pod = item["spec"]["template"]["spec"]
        assert pod["nodeSelector"]["inferstack.dev/fabric"] == "true"
        assert pod["nodeSelector"]["cloud.google.com/gke-accelerator"] == ACCELERATORS[transport]
        whole = {key: value for key, value in item.items() if not key.startswith("__")}
        for version in ("1.34", "1.35", "1.36"):
            kubernetes_validate.validate(json.loads(json.dumps(whole)), version, strict=True)


def test_a_plugin_is_of_the_version_that_is_asked_for() -> None:
    """The version of the add-on is the tag of the installer's image, or the digest that a lock has for it."""
    chosen = graph({"addons": [{"name": "gpudirect-tcpxo", "version": "1.0.16"}]})["addons-tcpxo-nccl-installer"].inputs
    assert chosen["spec"]["template"]["spec"]["initContainers"][-1]["image"].endswith("nccl-plugin-gpudirecttcpx-dev:v1.0.16")


def test_everything_goes_to_the_given_providers() -> None:
    """Kubernetes objects go to the cluster's provider, cloud objects to the cloud's."""
    for item in graph(EKS).values():
        if item.parent == "addons":
            assert item.provider == {"kubernetes": "cluster", "aws": "aws"}[item.type.split(":")[0]]


def test_autoscaler_rights_are_a_pod_identity() -> None:
    """The autoscaler's service account is associated with a role that only EKS pods may take."""
    found = graph(EKS)
    trust = json.loads(found["addons-cluster-autoscaler-role"].inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    association = found["addons-cluster-autoscaler-identity"].inputs
    assert (association["clusterName"], association["namespace"], association["serviceAccount"]) == (
        "prod",
        "kube-system",
        "cluster-autoscaler",
    )


def test_only_what_is_wanted_is_installed() -> None:
    """An add-on that the plan leaves out is not installed, is told in the outputs, and no cloud but the chosen one is needed."""
    addons = [{"name": "kserve"}, {"name": "cert-manager", "installed": False, "reason": "switched off in the stack file"}]
    found = graph({"addons": addons}, with_aws=False)
    assert {item.inputs["name"] for item in found.values() if item.type.endswith(":Release")} == {"kserve-crd", "kserve-resources"}
    assert [(row["name"], row["installed"]) for row in found["addons"].outputs["plan"]] == [("kserve", True), ("cert-manager", False)]
    assert found["addons"].outputs["cost"]["monthlyUsd"]["max"] == 0


def test_version_of_the_plan_is_used() -> None:
    """A version that the plan names is installed, spelled as the chart does; KServe's images follow it."""
    found = graph({"addons": [{"name": "kserve", "version": "0.19.0"}]}, with_aws=False)
    assert found["addons-kserve-resources"].inputs["version"] == "v0.19.0"
    assert found["addons-kserve-resources"].inputs["values"]["kserve"]["version"] == "v0.19.0"


@pytest.mark.parametrize(
    ("args", "with_aws", "expected"),
    [
        ({"addons": [{"name": "kedaa"}]}, True, "Addons addons: addons[0].name: kedaa is not a known add-on; use keda"),
        ({"addons": ALL}, True, "cluster_name: is missing, and the cluster-autoscaler asks for it"),
        (EKS, False, "opts: has no provider for aws"),
        ({"addons": [{"name": "keda", "vresion": "1"}]}, True, "addons[0].vresion: is not a known key; use version"),
    ],
    ids=["unknown", "no-cluster-name", "no-aws", "misspelt"],
)
def test_bad_arguments(args: Any, with_aws: bool, expected: str) -> None:
    """What cannot be installed is refused in a sentence, before anything is registered."""
    with pytest.raises(pulumi.RunError) as found:
        graph(args, with_aws=with_aws)
    assert expected in str(found.value)


def test_schema_for_other_languages() -> None:
    """Pulumi's component host can describe the component; only facts of the cluster may be unknown when it is planned."""
    schema = json.loads(ComponentProvider([Addons], "inferstack").schema)["resources"]["inferstack:index:Addons"]
    may_be_unknown = {name for name, definition in schema["inputProperties"].items() if not definition.get("plain")}
    assert may_be_unknown == {"clusterName", "region"}
    assert set(schema["properties"]) == {"plan", "cost"}
