"""What is installed: which charts, which values, and that both agree with what the planner counted on."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.addons import cert_manager, cluster_autoscaler, device_plugin, keda, kserve, pods, prometheus
from inferstack.addons.charts import REQUIRES, VALUES
from inferstack.addons.settings import Settings
from inferstack.clouds.addons import ADDON_VERSIONS, ADDONS, PROMETHEUS_URL
from inferstack.stackfile.schema import Versions

SYSTEM = {"inferstack.dev/pool": "system"}
SETTINGS = Settings("1.0", SYSTEM, cluster_name="prod", region="us-east-1", images=("registry.example/team/controller:v1.0",))


def values_under(tree: Any, key: str) -> list[Any]:
    """Every value that stands under `key` anywhere in `tree`."""
    if not isinstance(tree, dict):
        return []
    here = [tree[key]] if key in tree else []
    return here + [found for branch in tree.values() for found in values_under(branch, key)]


def test_every_chart_has_values_and_every_values_a_chart() -> None:
    """The table of charts and the table of their values have the same rows."""
    assert {chart.release for addon in ADDONS.values() for chart in addon.charts} == set(VALUES)


def test_every_addon_can_be_pinned() -> None:
    """The stack file has a version key for every add-on, and for nothing else but Kubernetes."""
    keys = set(Versions.model_fields) - {"kubernetes"}
    assert keys == {name.replace("-", "_") for name in ADDON_VERSIONS}


def test_facts_have_source_and_date() -> None:
    """Every pinned version says where it was read and of when it is; none is a moving tag."""
    for addon in ADDONS.values():
        assert addon.source
        assert addon.as_of >= "2026-01-01"
        assert addon.version.removeprefix("v")[0].isdigit()


def test_order_of_the_table_is_an_order_of_installation() -> None:
    """What an add-on requires stands before it."""
    order = list(ADDONS)
    assert all(order.index(required) < order.index(addon) for addon, before in REQUIRES.items() for required in before)


@pytest.mark.parametrize(
    ("addon", "wanted", "spelled"),
    [("kserve", "0.19.0", "v0.19.0"), ("kserve", "v0.19.0", "v0.19.0"), ("keda", "v2.20.0", "2.20.0"), ("keda", "2.20.0", "2.20.0")],
)
def test_versions_are_spelled_as_the_chart_does(addon: str, wanted: str, spelled: str) -> None:
    """A version may be written with or without a leading v."""
    assert ADDONS[addon].chart_version(wanted) == spelled


def test_prometheus_is_where_scaling_asks() -> None:
    """Queries go to the Service that the chart makes for a release whose name contains the chart's."""
    addon = ADDONS["prometheus"]
    assert addon.charts[0].chart in addon.charts[0].release
    assert PROMETHEUS_URL == "http://kube-prometheus-stack-prometheus.monitoring.svc.cluster.local:9090"


def test_kserve_runs_without_knative_and_without_defaults() -> None:
    """KServe makes Deployments, no ingress, and fills nothing into a service that its plan left out."""
    values = kserve.values(SETTINGS)["kserve"]
    assert values["controller"]["deploymentMode"] == "Standard"
    assert values["controller"]["gateway"]["disableIngressCreation"] is True
    assert set(values["inferenceservice"]["resources"]["limits"].values()) == {""}
    assert values["version"] == SETTINGS.version


def test_prometheus_scrapes_every_monitor_and_nothing_else() -> None:
    """The operator takes PodMonitors of any label, and none of the stack's other parts is installed."""
    values = prometheus.values(SETTINGS)
    assert values["prometheus"]["prometheusSpec"]["podMonitorSelectorNilUsesHelmValues"] is False
    assert all(values[part] == {"enabled": False} for part in ("grafana", "alertmanager", "nodeExporter", "kubeStateMetrics"))


def test_nothing_is_left_in_kube_system() -> None:
    """Neither cert-manager nor the Prometheus operator keeps an object in a namespace that outlives its release."""
    assert cert_manager.values(SETTINGS)["global"]["leaderElection"]["namespace"] == ADDONS["cert-manager"].namespace
    assert prometheus.values(SETTINGS)["prometheusOperator"]["kubeletService"] == {"enabled": False}


def test_autoscaler_never_moves_a_loaded_replica() -> None:
    """Nodes whose pods keep data on them are left alone, which all of our services do."""
    assert cluster_autoscaler.values(SETTINGS)["extraArgs"]["skip-nodes-with-local-storage"] is True


def test_autoscaler_changes_only_its_own_cluster() -> None:
    """The right to change a group is tied to the tag of this cluster; without a condition it may only read."""
    statements = cluster_autoscaler.policy("prod")["Statement"]
    free = [action for statement in statements if "Condition" not in statement for action in statement["Action"]]
    assert all(action.split(":")[1].startswith(("Describe", "Get")) for action in free)
    tied = next(statement for statement in statements if "Condition" in statement)
    assert tied["Condition"] == {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/prod": "owned"}}


def test_autoscaler_finds_its_identity() -> None:
    """The service account that gets the rights is the one that the chart makes."""
    account = cluster_autoscaler.values(SETTINGS)["rbac"]["serviceAccount"]
    assert (account["create"], account["name"]) == (True, cluster_autoscaler.SERVICE_ACCOUNT)
    assert ADDONS["cluster-autoscaler"].namespace == cluster_autoscaler.NAMESPACE


def test_device_plugin_leaves_its_nodes_to_the_chart() -> None:
    """The device plugin keeps the chart's affinity and toleration, and its namespace may run critical pods."""
    values = device_plugin.values(SETTINGS)
    assert not {"affinity", "tolerations", "nodeSelector"} & set(values)
    quota = device_plugin.critical_quota("nvidia-device-plugin")
    assert quota["spec"]["scopeSelector"]["matchExpressions"][0]["values"] == ["system-node-critical"]


@pytest.mark.parametrize("values", [cert_manager.values, kserve.values, keda.values, prometheus.values, cluster_autoscaler.values])
def test_controllers_run_where_they_are_told(values: Any) -> None:
    """Every controller gets the node selector of the system nodes."""
    selectors = values_under(values(SETTINGS), "nodeSelector")
    assert selectors
    assert all(selector.items() >= SYSTEM.items() for selector in selectors)


@pytest.mark.parametrize("release", sorted(set(VALUES) - {"kserve-crd", "neuron-helm-chart"}))
def test_controllers_state_what_they_request(release: str) -> None:
    """Every chart is told what its pods request, so that system nodes are neither guessed nor overfull."""
    assert values_under(VALUES[release](SETTINGS), "requests")


def test_requests_are_those_that_nodes_were_sized_with() -> None:
    """Requests are read from the planner's own table; a pod that it does not know is a mistake."""
    assert keda.values(SETTINGS)["resources"]["operator"]["requests"] == pods.requests("keda-operator")
    with pytest.raises(KeyError):
        pods.requests("unplanned")
