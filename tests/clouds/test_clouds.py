"""What holds for every cloud."""

from __future__ import annotations

import dataclasses
import itertools
import re
from decimal import Decimal
from pathlib import Path

import pytest

import inferstack
from inferstack import catalog, clouds
from inferstack.catalog import CapacityType
from inferstack.clouds import QuotaNeed
from inferstack.costs import Columns, NodeGroup, estimate

from .targets import ALL, eks, existing, gke

every_cloud = pytest.mark.parametrize("name", ALL)


def test_clouds_are_those_of_the_stack_file() -> None:
    """Each cloud that a stack file may name has a module, under that name."""
    assert tuple(clouds.clouds()) == ("eks", "gke", "existing")
    assert all(cloud.name == name for name, cloud in clouds.clouds().items())


def test_nobody_above_asks_for_a_cloud_that_sells_machines_by_name() -> None:
    """What decides asks a cloud for what it has, so that another one is a module and no condition."""
    library = Path(inferstack.__file__).parent
    rooms = ("sizing", "costs", "engines", "evaluation", "measurements", "planning", "manifests", "comparison", "diff", "images")
    named = [
        f"{path.relative_to(library)}:{number}"
        for room in rooms
        for path in (library / room).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"""["'](eks|gke)["']""", line)
    ]
    assert named == []


def test_an_unknown_cloud_names_the_nearest() -> None:
    """A slip in the name is answered with the cloud that was meant."""
    with pytest.raises(catalog.UnknownName) as caught:
        clouds.cloud("gek")
    assert caught.value.nearest == ("gke",)


@every_cloud
def test_nodes_leave_less_than_they_have(name: str) -> None:
    """What pods may request lies below the machine's CPU and memory, on every machine type of the cloud."""
    cloud = clouds.cloud(name)
    for machine in cloud.machines(ALL[name]):
        left = cloud.allocatable(machine)
        assert 0 <= left.cpu_millicores < machine.vcpus * 1000
        assert 0 <= left.memory_bytes < machine.memory_gib * 2**30
        assert left.provenance
        assert left.source


@every_cloud
def test_a_larger_machine_leaves_more(name: str) -> None:
    """Of two machines with the same accelerators, the one with more of everything leaves at least as much for pods."""
    cloud = clouds.cloud(name)
    machines = sorted(cloud.machines(ALL[name]), key=lambda machine: (machine.vcpus, machine.memory_gib))
    for small, large in itertools.pairwise(machines):
        if large.memory_gib > small.memory_gib * 1.25 and (small.accelerator is None) == (large.accelerator is None):
            assert cloud.allocatable(large).cpu_millicores >= cloud.allocatable(small).cpu_millicores
            assert cloud.allocatable(large).memory_bytes > cloud.allocatable(small).memory_bytes


@every_cloud
def test_every_machine_has_a_quota_where_there_are_quotas(name: str) -> None:
    """No machine type of the catalog, bought in whichever way, lacks its line in the quota table; amounts scale with nodes."""
    cloud, target = clouds.cloud(name), ALL[name]
    for machine in cloud.machines(target):
        for capacity in CapacityType:
            need = cloud.quota(target, machine, 3, capacity)
            assert (need is None) == (name == "existing")
            if need is not None:
                per_node = machine.accelerator_count if need.unit == "GPUs" else machine.vcpus
                assert need.amount == 3 * per_node
                assert need.where == target.region


@every_cloud
@pytest.mark.parametrize("endpoints", [0, 2])
def test_every_charge_has_a_fee(name: str, endpoints: int) -> None:
    """What a cloud charges is in its price list, so that the estimate never meets a fee that does not exist; no quantity is negative."""
    cloud, target = clouds.cloud(name), ALL[name]
    machine = cloud.machines(target)[0]
    half = Columns.same(Decimal("0.5"))
    group = NodeGroup("pool", machine, None, Columns(Decimal(0), Decimal("0.5"), Decimal(4)), 100, (("a", half), ("b", half)))
    charges = cloud.charges(target, [group], ["a", "b"][:endpoints])
    assert estimate([group], charges, cloud.fees(target), []).unpriced == ("pool",)
    for charge in charges:
        quantity = charge.monthly_quantity
        assert quantity is None or 0 <= quantity.min <= quantity.expected <= quantity.max


@every_cloud
def test_lines_have_names_of_their_own(name: str) -> None:
    """No two lines of one stack share a name, so that two estimates can be compared line by line."""
    cloud, target = clouds.cloud(name), ALL[name]
    groups = [NodeGroup(pool, cloud.machines(target)[0], None, Columns.same(1), 100) for pool in ("a", "b")]
    names = [charge.line for charge in cloud.charges(target, groups, ["a", "b"])]
    assert len(set(names)) == len(names)


def test_needs_of_one_ration_add_up() -> None:
    """Two pools of the same family draw on the same quota; other names and places stay apart, and no need is no line."""
    needs = [
        QuotaNeed("G", 4, "vCPUs", "us-east-1"),
        None,
        QuotaNeed("P", 96, "vCPUs", "us-east-1"),
        QuotaNeed("G", 48, "vCPUs", "us-east-1"),
    ]
    assert [(need.name, need.amount) for need in clouds.total_quota(needs)] == [("G", 52), ("P", 96)]
    assert len(clouds.total_quota([*needs, QuotaNeed("G", 4, "vCPUs", "us-west-2")])) == 3


def test_who_installs_the_device_plugin() -> None:
    """EKS nodes bring the driver only, GKE nodes bring both, an existing cluster needs the plugin where it has GPUs."""
    gpu_cluster = existing({"gpu": "l4", "gpusPerNode": 1, "cpu": 8, "memoryGib": 32})
    assert clouds.cloud("eks").needs_device_plugin(eks())
    assert not clouds.cloud("gke").needs_device_plugin(gke())
    assert clouds.cloud("existing").needs_device_plugin(gpu_cluster)
    assert not clouds.cloud("existing").needs_device_plugin(existing())


def test_who_installs_the_cluster_autoscaler() -> None:
    """Only EKS needs it, and only where nodes come and go; GKE scales pools itself, existing clusters have their own ways."""
    assert clouds.cloud("eks").needs_cluster_autoscaler(eks())
    assert not clouds.cloud("eks").needs_cluster_autoscaler(eks(nodeScaling="none"))
    assert not clouds.cloud("gke").needs_cluster_autoscaler(gke())
    assert not clouds.cloud("existing").needs_cluster_autoscaler(existing(nodeScaling="autoscaler"))


@pytest.mark.parametrize("switch", [None, True, False])
@every_cloud
def test_the_driver_note_is_a_sentence_that_follows_the_switch(name: str, switch: bool | None) -> None:
    """The note tells who brings driver and plugin, and differs where the stack file decides otherwise than the default."""
    cloud = clouds.cloud(name)
    target = ALL[name].model_copy(update={"addons": ALL[name].addons.model_copy(update={"nvidia_device_plugin": switch})})
    note = cloud.driver_note(target)
    assert note.endswith(".")
    assert ("installed by this stack" in note) == (switch if switch is not None else cloud.needs_device_plugin(target))


def test_zones_are_those_of_the_stack_file_first() -> None:
    """Zones that the stack file names are used as they are; else the region's, at most three."""
    assert clouds.cloud("eks").zones(eks(zones=["us-east-1d"])) == ("us-east-1d",)
    assert clouds.cloud("eks").zones(eks()) == ("us-east-1a", "us-east-1b", "us-east-1c")
    assert clouds.cloud("gke").zones(gke(zones=["us-central1-a"])) == ("us-central1-a",)
    assert clouds.cloud("existing").zones(existing()) == ()


def test_pools_lie_where_their_machines_are_sold() -> None:
    """Zones that do not sell a machine type are left out of its pool; where nothing is known all zones stay, and none may be left."""
    eks_cloud, machine = clouds.cloud("eks"), catalog.machine("eks", "p6-b200.48xlarge")
    assert machine.facts["zones"]["us-west-2"] == "abd"
    oregon = eks(region="us-west-2")
    assert eks_cloud.pool_zones(oregon, machine) == ("us-west-2a", "us-west-2b")
    assert eks_cloud.pool_zones(eks(region="us-west-2", zones=["us-west-2c", "us-west-2d"]), machine) == ("us-west-2d",)
    assert eks_cloud.pool_zones(eks(region="us-west-2", zones=["us-west-2c"]), machine) == ()
    unknown = dataclasses.replace(machine, facts={})
    assert eks_cloud.pool_zones(oregon, unknown) == ("us-west-2a", "us-west-2b", "us-west-2c")


def test_gke_pools_keep_to_the_zones_of_the_stack_file() -> None:
    """Known zones of a machine type narrow the stack file's; existing clusters leave zones alone."""
    l4 = dataclasses.replace(catalog.machine("gke", "g2-standard-4"), facts={"zones": {"us-central1": "abc"}})
    assert clouds.cloud("gke").pool_zones(gke(zones=["us-central1-f", "us-central1-b"]), l4) == ("us-central1-b",)
    assert clouds.cloud("existing").pool_zones(existing(zones=["rack-1"]), l4) == ("rack-1",)
