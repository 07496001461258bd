"""What a pool can be: defaults, and refusals as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import catalog
from inferstack.nodepools.rules import pool_warnings
from tests.nodepools.specs import EKS, GKE, eks_spec, gke_spec, said_eks, said_gke


def test_what_is_left_out() -> None:
    """A machine type and a maximum make an autoscaled on-demand pool from zero, in all zones of the cluster, with room for weights."""
    spec = eks_spec()
    assert (spec.min_nodes, spec.max_nodes, spec.autoscaled) == (0, 3, True)
    assert spec.capacity_type is catalog.CapacityType.ON_DEMAND
    assert spec.zones == ("us-east-1a", "us-east-1b", "us-east-1c")
    assert spec.disk_gib == 200
    assert dict(spec.node_labels) == {"inferstack.dev/pool": "gpus", "nvidia.com/gpu.present": "true"}


def test_cpu_workers_have_neither_label_nor_large_disk() -> None:
    """A machine without GPUs makes a pool without the GPU label and with a disk for the system and an image."""
    spec = gke_spec("c3-standard-8")
    assert dict(spec.node_labels) == {"inferstack.dev/pool": "gpus"}
    assert spec.disk_gib == 50


def test_a_pool_of_fixed_size_has_one_number() -> None:
    """Without autoscaling the minimum is the maximum."""
    assert eks_spec(autoscaled=False).min_nodes == 3


def test_zones_without_the_machine_are_passed_over() -> None:
    """Nodes start only in zones in which their machine type is sold: EKS and GKE refuse the whole pool for one zone that lacks it."""
    machine = catalog.machine("eks", "g6.xlarge")
    sold = {f"us-east-1{letter}" for letter in machine.facts["zones"]["us-east-1"]}
    cluster = {**EKS, "subnet_ids": {f"us-east-1{letter}": f"subnet-{letter}" for letter in "abcdef"}}
    assert set(eks_spec(cluster=cluster).zones) == sold
    assert sold != set(cluster["subnet_ids"])


def test_labels_that_were_asked_for_win() -> None:
    """A pool may be known by another name than its component's."""
    assert eks_spec(labels={"inferstack.dev/pool": "other", "team": "search"}).node_labels["inferstack.dev/pool"] == "other"


def test_whole_numbers_from_other_languages() -> None:
    """2.0 is a whole number: programs in other languages send every number as a float."""
    spec = eks_spec(max_nodes=2.0, disk_gib=300.0)
    assert (spec.max_nodes, spec.disk_gib) == (2, 300)
    assert isinstance(spec.max_nodes, int)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"machine_type": "g6.xlrge"},
            "machine_type: g6.xlrge is not a known machine type on eks; use g6.xlarge, ",
        ),
        ({"machine_type": "g2-standard-8"}, "machine_type: g2-standard-8 is not a known machine type on eks"),
        ({"gpu": "h100-80"}, "gpu: h100-80 does not match the machine type: g6.xlarge has 1 x l4; change one of the two"),
        ({"gpu": "l5"}, "gpu: l5 is not a known GPU; use l4"),
        ({"gpus_per_node": 2}, "gpus_per_node: 2 does not match the machine type: g6.xlarge has 1 x l4; use 1"),
        ({"capacity_type": "spott"}, "capacity_type: spott is not one of on-demand, spot or reserved; use spot"),
        ({"capacity_type": "reserved"}, "reservation_id: is missing; capacity type reserved has to say which reservation"),
        ({"reservation_id": "cr-1"}, "reservation_id: cr-1 does not work with capacity type on-demand; set capacity_type to reserved"),
        ({"capacity_block": True}, "capacity_block: does not work with capacity type on-demand; set capacity_type to reserved"),
        (
            {"capacity_type": "reserved", "reservation_id": "cr-1", "capacity_block": True},
            "capacity_type: capacity-block is not how g6.xlarge is sold; use on-demand or spot",
        ),
        ({"max_nodes": 0}, "max_nodes: 0 is below 1; a pool has to be able to have a node; leave the pool out, or use 1"),
        ({"min_nodes": 4}, "min_nodes: 4 is not between 0 and max_nodes (3)"),
        ({"min_nodes": -1}, "min_nodes: -1 is not between 0 and max_nodes (3)"),
        ({"min_nodes": 1, "autoscaled": False}, "min_nodes: 1 differs from max_nodes (3), but without autoscaling a pool has one size"),
        ({"expected_nodes": 3.5}, "expected_nodes: 3.5 is not between min_nodes (0) and max_nodes (3)"),
        ({"disk_gib": 8}, "disk_gib: 8 is below 20, which the node image needs; use 20 or more"),
        ({"zones": ["us-west-2a"]}, "zones: us-west-2a is not in region us-east-1"),
        ({"zones": ["us-east-1d"]}, "zones: us-east-1d has no subnet in cluster.subnet_ids; use us-east-1a, us-east-1b and us-east-1c"),
        ({"zones": ["us-east-1e"]}, "zones: us-east-1e are not zones in which g6.xlarge is sold; those of us-east-1 that end in"),
        ({"labels": {"kubernetes.io/role": "gpu"}}, "labels.kubernetes.io/role: is in kubernetes.io, which is kept for Kubernetes itself"),
        ({"labels": {"team": "a b"}}, "labels.team: a b is not a label value of Kubernetes"),
        ({"labels": {"te am": "a"}}, "labels.te am: is not a label key of Kubernetes"),
        ({"own_device_plugin": True}, "own_device_plugin: is for gke; nodes of eks bring no device plugin"),
        ({"pool": "GPU Pool"}, "name: GPU Pool is not a name of at most 63 characters (a-z, 0-9 and -, a letter first); use gpu-pool"),
        ({"max_node": 3}, "max_node: is not a known key; use max_nodes"),
        ({"max_nodes": "3"}, 'max_nodes: "3" is not a whole number'),
        ({"max_nodes": 1.5}, "max_nodes: 1.5 is not a whole number"),
        ({"max_nodes": True}, "max_nodes: true is not a whole number"),
        ({"zones": "us-east-1a"}, "zones: us-east-1a is not a list; write ['us-east-1a']"),
        ({"cluster": "serving"}, "cluster: serving is not a dict"),
        ({"cluster": {"cloud": "eks", "name": "serving"}}, "cluster.region: is missing; a pool on eks needs it"),
        (
            {"cluster": {"cloud": "eks", "name": "serving", "region": "us-east-1"}},
            "cluster.node_role_arn: is missing; a pool on eks needs it",
        ),
        ({"cluster": {"cloud": "aws", "name": "serving"}}, "cluster.cloud: aws is not one of eks or gke"),
        ({"cluster": {"cloud": "existing", "name": "lab"}}, "cluster.cloud: existing brings its own nodes"),
    ],
)
def test_eks_refusals(args: dict[str, Any], said: str) -> None:
    """Each argument that cannot be says which key, which value, why, and what would work."""
    found = said_eks(**args)
    assert any(line.startswith(said) for line in found), found


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"machine_type": "g2-standrd-8"}, "machine_type: g2-standrd-8 is not a known machine type on gke; use g2-standard-8"),
        (
            {"capacity_type": "reserved", "reservation_id": "mine"},
            "zones: us-central1-a, us-central1-b, us-central1-c has to be the one zone of the reservation",
        ),
        (
            {"capacity_type": "reserved", "reservation_id": "mine", "capacity_block": True, "zones": ["us-central1-a"]},
            "capacity_block: is for eks; gke knows reservations only; leave it out",
        ),
        (
            {"zones": ["us-central1-f"]},
            "zones: us-central1-f are not zones in which g2-standard-8 is sold; those of us-central1 that end in a, b or c have it",
        ),
        ({"zones": ["europe-west4-a"]}, "zones: europe-west4-a is not in region us-central1"),
        (
            {"cluster": {**GKE, "region": "us-east5"}, "zones": ["us-east5-a"]},
            "machine_type: g2-standard-8 is not known to be sold in us-east5; the nearest region with it is us-east",
        ),
    ],
)
def test_gke_refusals(args: dict[str, Any], said: str) -> None:
    """Each argument that cannot be says which key, which value, why, and what would work."""
    found = said_gke(**args)
    assert any(line.startswith(said) for line in found), found


def test_everything_wrong_is_said_at_once() -> None:
    """One run names every problem, so that a pool is mended in one go."""
    found = said_eks("p5.48xlarge", gpu="l4", gpus_per_node=1, max_nodes=0, disk_gib=1, labels={"a b": "c d"}, reservation_id="cr-1")
    assert [line.split(":")[0] for line in found] == [
        "gpu",
        "gpus_per_node",
        "max_nodes",
        "disk_gib",
        "reservation_id",
        "labels.a b",
        "labels.a b",
    ]


def test_every_machine_of_the_catalog_can_be_a_pool() -> None:
    """Where a machine type is sold it makes a pool, or the refusal says that its accelerator is no NVIDIA GPU."""
    for cloud, build in (("eks", said_eks), ("gke", said_gke)):
        for machine in catalog.machines(cloud):
            region = machine.regions[0] if machine.regions else None
            if region is None:
                continue
            zones = list(catalog.zones(cloud, region))
            cluster = {**(EKS if cloud == "eks" else GKE), "region": region, "zones": zones}
            if cloud == "eks":
                cluster["subnet_ids"] = dict.fromkeys(zones, "subnet")
            usage = machine.facts.get("usage_classes", ("on-demand",))
            assert "on-demand" in usage
            found = build(machine.name, cluster=cluster)
            assert found == [] or "which is no NVIDIA GPU" in found[0], (machine.name, found)


def test_warnings_name_what_only_the_cloud_knows() -> None:
    """A reservation in several zones on EKS, and GPUs on GKE without zones, may be refused by the cloud: that is said."""
    reserved = eks_spec(capacity_type="reserved", reservation_id="cr-1")
    (warning,) = pool_warnings(reserved, "eks")
    assert "good in one zone only" in warning
    (warning,) = pool_warnings(gke_spec(cluster={**GKE, "zones": []}), "gke")
    assert "no zones are named" in warning
    assert list(pool_warnings(eks_spec(), "eks")) == []
    assert list(pool_warnings(gke_spec(), "gke")) == []
