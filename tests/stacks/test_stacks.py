"""The four stacks that ship: what each is promised to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inferstack import offline
from tests.stacks.graphs import STACKS, graph, plan

ROOT = Path(__file__).parents[2]


def test_dev_is_one_small_model_on_one_spot_l4_in_gke() -> None:
    """dev is cheap and works as it is."""
    document = plan("dev")
    (service,) = document["services"]
    assert (document["cloud"], service["gpu"], service["gpusPerReplica"], service["capacityType"]) == ("gke", "l4", 1, "spot")
    assert service["replicas"]["max"] == 1


def test_staging_is_one_service_on_demand_in_eks() -> None:
    """staging runs on machines that are not taken away."""
    document = plan("staging")
    assert document["cloud"] == "eks"
    assert [service["capacityType"] for service in document["services"]] == ["on-demand"]


def test_prod_is_three_services_of_which_one_needs_several_gpus() -> None:
    """prod has a 70B-class model on several GPUs, all on demand."""
    document = plan("prod")
    assert len(document["services"]) == 3
    assert {service["capacityType"] for service in document["services"]} == {"on-demand"}
    assert max(service["gpusPerReplica"] for service in document["services"]) > 1


def test_local_is_llama_cpp_on_cpu_in_an_existing_cluster() -> None:
    """local makes no cloud resource at all."""
    document = plan("local")
    (service,) = document["services"]
    assert (document["cloud"], service["engine"]["name"], service["gpu"]) == ("existing", "llama.cpp", "cpu")
    assert not [resource for resource in graph("local").resources if resource.type.startswith(("aws:", "gcp:"))]


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_keep_their_slos_and_budgets(stack: str) -> None:
    """What ships is a plan that works."""
    document = plan(stack)
    assert document["overBudget"] == []
    assert all(service["meetsSlo"] for service in document["services"])


@pytest.mark.parametrize("stack", STACKS)
def test_outputs_are_the_plan_its_costs_and_the_endpoints(stack: str) -> None:
    """A StackReference finds the same plan that the preview prints, its costs, and one URL per service."""
    preview = graph(stack)
    assert {"plan", "costs", "endpoints", "clusterName"} <= set(preview.outputs)
    assert ("kubeconfig" in preview.outputs) == (stack != "local")
    assert preview.outputs["plan"]["costs"] == preview.outputs["costs"]
    assert set(preview.outputs["endpoints"]) == {service["name"] for service in plan(stack)["services"]}


@pytest.mark.golden
@pytest.mark.parametrize("stack", STACKS)
def test_the_resources_of_each_stack_are_committed_evidence(stack: str, snapshot: object) -> None:
    """Type, name and parent of every resource; a change here is a change of what runs."""
    lines = [f"{resource.urn.split('::', 2)[2]}" for resource in graph(stack).resources]
    assert "\n".join(sorted(lines)) == snapshot


def test_components_of_a_stack_are_priced_at_its_own_prices(tmp_path: Path) -> None:
    """Cluster and pools of a stack with a price file say in their output `cost` what the plan says; services may go to zero."""
    (tmp_path / "prices.yaml").write_text(
        """
        asOf: "2026-11-01"
        discounts: [{percent: 7.5}]
        machines: [{machineType: e2-standard-4, usdPerHour: 0.1}]
        fees: [{fee: cloud_nat_gb, usd: 0.02}, {fee: pd_balanced_gb_month, usd: 0.05}]
        """
    )
    path = tmp_path / "Pulumi.own.yaml"
    path.write_text(
        """
        config:
          inferstack:target: {cloud: gke, region: us-central1}
          inferstack:services:
            - name: rare
              model: Qwen/Qwen2.5-7B-Instruct
              gpu: l4
              replicas: {min: 0}
              traffic: {requestsPerSecond: 0.001, isl: 600, osl: 200}
          inferstack:prices: prices.yaml
        """
    )
    shown = offline.preview(ROOT, path)
    costs = {resource.type: resource.outputs["cost"] for resource in shown.resources if "cost" in resource.outputs}
    planned = {line["name"]: line for branch in shown.document()["costs"]["lines"]["children"] for line in branch["children"]}
    for kind, line in (("GkeCluster", "system"), ("GpuNodePool", "g2-standard-4 disks")):
        (own,) = [leaf for leaf in leaves(costs[f"inferstack:index:{kind}"]["lines"]) if leaf["name"] == line]
        assert own["unitPriceUsd"] == planned[line]["unitPriceUsd"]
    kinds = {resource.type.rpartition(":")[2] for resource in shown.resources}
    assert {"InterceptorRoute", "ScaledObject"} <= kinds
    assert shown.document()["outputs"]["endpoints"] == {"rare": "http://rare-waker.inference.svc.cluster.local:8080/v1"}


def leaves(line: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for child in line["children"] for leaf in leaves(child)] if line["children"] else [line]
