"""The component: what it registers, and that nothing is registered of a pool that cannot be."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from inferstack.errors import InputError
from inferstack.nodepools.document import pool_cost, pool_document
from inferstack.nodepools.rules import pool_spec
from inferstack.offline import ProgramError
from tests.clusters.programs import named, of_type, previewed
from tests.clusters.sdk_shapes import is_covered, misfits
from tests.nodepools.specs import eks_spec, gke_spec

OWN_EKS = """
import pulumi_aws as aws
from inferstack.nodepools import GpuNodePool

role = aws.iam.Role("own-role", assume_role_policy="{}")
GpuNodePool("gpus", {
    "cluster": {
        "cloud": "eks", "name": "own", "region": "eu-west-1", "node_role_arn": role.arn, "subnet_ids": {"eu-west-1a": "subnet-1"},
    },
    "machine_type": "g5.xlarge",
    "max_nodes": 2,
})
"""

OWN_GKE = """
import pulumi
from inferstack.nodepools import GpuNodePool

pool = GpuNodePool("gpus", {
    "cluster": {"cloud": "gke", "name": "own", "region": "europe-west4", "project": "mine"},
    "machine_type": "g2-standard-4",
    "zones": ["europe-west4-a"],
    "max_nodes": 2,
    "min_nodes": 1,
})
pulumi.export("pool", pool.pool)
"""


def test_a_pool_joins_a_cluster_of_ones_own_on_eks(tmp_path: Path) -> None:
    """On a cluster that somebody else made, the pool takes its name, role and subnets as they are written down."""
    preview = previewed(tmp_path, OWN_EKS)
    nodes = named(preview, "gpus-nodes")
    assert nodes.inputs["clusterName"] == "own"
    assert nodes.inputs["subnetIds"] == ["subnet-1"]
    assert nodes.property_dependencies["nodeRoleArn"] == (named(preview, "own-role").urn,)
    assert nodes.property_dependencies["launchTemplate"] == (named(preview, "gpus-template").urn,)
    assert "version" not in nodes.inputs
    assert [misfit for resource in preview.resources if is_covered(resource) for misfit in misfits(resource)] == []


def test_scaling_group_is_tagged_for_the_autoscaler(tmp_path: Path) -> None:
    """Each tag is put on the Auto Scaling group and not on its instances; no two tags have one name or one key."""
    preview = previewed(tmp_path, OWN_EKS)
    tags = of_type(preview, "aws:autoscaling/tag:Tag")
    keys = [tag.inputs["tag"]["key"] for tag in tags]
    assert len(keys) == len(set(keys))
    assert {"k8s.io/cluster-autoscaler/enabled", "k8s.io/cluster-autoscaler/own"} <= set(keys)
    nodes = named(preview, "gpus-nodes").urn
    for tag in tags:
        assert tag.inputs["tag"]["propagateAtLaunch"] is False
        assert tag.property_dependencies["autoscalingGroupName"] == (nodes,)


def test_a_pool_joins_a_cluster_of_ones_own_on_gke(tmp_path: Path) -> None:
    """On a cluster that somebody else made, the pool takes its name, place and project; without an account GKE uses its default."""
    preview = previewed(tmp_path, OWN_GKE)
    nodes = named(preview, "gpus-nodes").inputs
    assert (nodes["cluster"], nodes["location"], nodes["project"]) == ("own", "europe-west4", "mine")
    assert "serviceAccount" not in nodes["nodeConfig"]
    assert preview.outputs == {"pool": "gpus"}
    assert [misfit for resource in preview.resources if is_covered(resource) for misfit in misfits(resource)] == []


def test_a_pool_that_cannot_be_ends_the_program(tmp_path: Path) -> None:
    """All problems come as one error without a traceback, and nothing was registered."""
    with pytest.raises(ProgramError) as caught:
        previewed(tmp_path, OWN_GKE.replace("g2-standard-4", "g2-standard-5").replace('"max_nodes": 2', '"max_nodes": "2"'))
    assert str(caught.value) == 'GpuNodePool gpus: max_nodes: "2" is not a whole number'
    assert len(caught.value.partial.resources) <= 1


def test_plan_says_what_was_decided() -> None:
    """The plan output names machine, GPUs, range and zones as a stack's plan does."""
    document = pool_document(eks_spec("g6.12xlarge", min_nodes=1, expected_nodes=1.5))
    assert (document["gpu"], document["gpusPerNode"], document["machineType"]) == ("l4", 4, "g6.12xlarge")
    assert document["nodes"] == {"min": 1.0, "expected": 1.5, "max": 3.0}


def test_cost_is_that_of_nodes_and_disks() -> None:
    """Cost follows the range of nodes, includes their disks, leaves out what the cluster pays, and is spread over no service."""
    cost = pool_cost(eks_spec(min_nodes=1, expected_nodes=2), "eks", "us-east-1")
    assert cost.monthly_usd.min * 2 == cost.monthly_usd.expected
    assert cost.monthly_usd.min * 3 == cost.monthly_usd.max
    assert cost.services == ()
    names = {line.name for _, line in cost.lines.walk()}
    assert "gpus disks" in names
    assert not any("control plane" in name or "NAT" in name for name in names)


def test_mean_is_the_maximum_where_nobody_says_it() -> None:
    """Without an expected number the cost is that of the maximum: never less than what may come."""
    cost = pool_cost(gke_spec(), "gke", "us-central1")
    assert cost.monthly_usd.expected == cost.monthly_usd.max
    assert cost.monthly_usd.min == 0


def test_cost_is_at_the_prices_of_its_owner() -> None:
    """With `prices` the nodes cost what a price file would say, and what such a file gets wrong is named at its key."""
    cluster = {"cloud": "eks", "name": "own", "region": "us-east-1", "node_role_arn": "", "subnet_ids": {"us-east-1a": ""}}
    args = {"cluster": cluster, "machine_type": "g6.xlarge", "max_nodes": 1}
    prices = {"machines": [{"machineType": "g6.xlarge", "usdPerHour": 0.5}], "fees": [{"fee": "ebs_gp3_gb_month", "usd": 0.05}]}
    cost = pool_cost(pool_spec("gpus", {**args, "prices": prices}), "eks", "us-east-1")
    assert cost.monthly_usd.max == Decimal("0.5") * 730 + 200 * Decimal("0.05")
    for wrong, said in (
        ({"machines": [{"machineType": "g6.xlarge", "usdPerHour": -1}]}, "prices.machines[0].usdPerHour: -1"),
        ({"machine": []}, "prices.machine"),
        ({"fees": [{"fee": "nat", "usd": 1}]}, "prices.fees[0].fee: nat is not a known fee"),
    ):
        with pytest.raises(InputError) as refused:
            pool_spec("gpus", {**args, "prices": wrong})
        assert str(refused.value.problems[0]).startswith(said)
