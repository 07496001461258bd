"""What holds for every resource of every cluster, whatever the cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferstack.offline import Preview, Resource
from tests.clusters.programs import previewed
from tests.clusters.sdk_shapes import is_covered, misfits


@pytest.fixture(params=["eks", "gke"])
def cluster(request: pytest.FixtureRequest) -> Preview:
    return request.getfixturevalue(request.param)


def test_inputs_are_those_that_the_sdk_declares(cluster: Preview) -> None:
    """No nested key is misspelt, none is missing, and every value has the type that the provider's SDK declares."""
    covered = [resource for resource in cluster.resources if is_covered(resource)]
    assert len(covered) > 20
    assert [misfit for resource in covered for misfit in misfits(resource)] == []


def test_the_check_of_inputs_finds_what_the_sdk_lets_through(tmp_path: Path) -> None:
    """A misspelt nested key, a wrong nested type and a missing nested key are each found, although the SDK accepts all three."""
    program = """
    import pulumi_aws as aws
    aws.eks.NodeGroup("pool", cluster_name="c", node_role_arn="r", subnet_ids=["s"],
        scaling_config={"min_sizee": 0, "desired_size": "zero", "max_size": 1})
    """
    (pool,) = [resource for resource in previewed(tmp_path, program).resources if resource.name == "pool"]
    found = misfits(pool)
    assert any("min_sizee" in text and "not known" in text for text in found)
    assert any("desiredSize: 'zero' where int is wanted" in text for text in found)
    assert any("minSize: required" in text for text in found)


def test_everything_belongs_to_a_component(cluster: Preview) -> None:
    """Only components stand directly below the stack; every other resource has one of them above it."""
    stack = cluster.resources[0]
    assert all(resource.type.startswith("inferstack:index:") for resource in cluster.resources[1:] if resource.parent == stack.urn)
    assert all(resource.parent is not None for resource in cluster.resources[1:])


def test_nothing_is_looked_up(cluster: Preview) -> None:
    """No resource is read and no data source is asked: the program is the same without credentials."""
    assert not any(resource.read for resource in cluster.resources)
    assert cluster.diagnostics == ()


def test_names_start_with_their_component(cluster: Preview) -> None:
    """A resource's name starts with that of the component above it, so that two components never collide."""
    by_urn = {resource.urn: resource for resource in cluster.resources}
    for resource in cluster.resources[1:]:
        parent = by_urn[resource.parent or ""]
        assert parent.type == "pulumi:pulumi:Stack" or resource.name.startswith(f"{parent.name}-"), resource.name


def test_dependencies_exist(cluster: Preview) -> None:
    """Whatever is waited for is part of the graph and was asked for before."""
    seen: set[str] = set()
    for resource in cluster.resources:
        assert set(resource.dependencies) <= seen, resource.name
        seen.add(resource.urn)


def test_components_tell_plan_and_cost(cluster: Preview) -> None:
    """Clusters and pools register what was decided and what it costs, known in a preview."""
    told = [r for r in cluster.resources if r.type.startswith("inferstack:index:") and not r.type.endswith("Network")]
    assert len(told) == 4
    for component in told:
        assert component.outputs["plan"]
        cost = component.outputs["cost"]
        assert cost["currency"] == "USD"
        assert cost["monthlyUsd"]["max"] > 0
        assert cost["services"] == []


def test_the_provider_survives_a_new_kubeconfig(cluster: Preview) -> None:
    """The Kubernetes provider is tied to the cluster's own address, so that a changed kubeconfig replaces nothing that runs there."""
    (provider,) = [resource for resource in cluster.resources if resource.type == "pulumi:providers:kubernetes"]
    assert set(provider.inputs) == {"kubeconfig", "clusterIdentifier"}
    made = _urn(cluster, "serving-cluster")
    assert provider.property_dependencies["clusterIdentifier"] == (made,)


def _urn(preview: Preview, name: str) -> str:
    found: list[Resource] = [resource for resource in preview.resources if resource.name == name]
    return found[0].urn
