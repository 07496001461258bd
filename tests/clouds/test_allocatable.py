"""What nodes leave for pods, against machines whose figures are known, and whether the controllers fit the system nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog, clouds
from inferstack.catalog import Machine
from inferstack.clouds import eks, gke, nodes
from inferstack.clouds.eks import max_pods

from . import targets

GIB = 2**30


@pytest.mark.parametrize(("vcpus", "millicores"), [(1, 60), (2, 70), (4, 80), (8, 90), (16, 110), (64, 230), (0.5, 30)])
def test_the_kubelet_keeps_its_part_of_the_cores(vcpus: float, millicores: float) -> None:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest: 4 cores leave 3,920 millicores."""
    assert nodes.cpu_reserve_millicores(vcpus) == pytest.approx(millicores)


@pytest.mark.parametrize(
    ("capacity_kib", "allocatable_kib"),
    [(32880872, 29085928), (131919220, 122210676), (528365196, 510603916)],
    ids=["n2-highmem-4", "n2-highmem-16", "n2-highmem-64"],
)
def test_the_tiers_reproduce_what_gke_nodes_report(capacity_kib: int, allocatable_kib: int) -> None:
    """The tiers and 100 MiB for eviction give the allocatable memory of three real nodes within 0.1 %."""
    capacity = capacity_kib / 2**20
    left = capacity - nodes.tiered_gib(capacity, nodes.MEMORY_TIERS) - nodes.EVICTION_BYTES / GIB
    assert left == pytest.approx(allocatable_kib / 2**20, rel=1e-3)


@pytest.mark.parametrize(("memory_gib", "capacity_kib"), [(32, 32880872), (128, 131919220), (512, 528365196)])
def test_gke_nodes_see_at_least_what_is_assumed(memory_gib: float, capacity_kib: int) -> None:
    """The assumed capacity lies below that of three real nodes, by less than 1 %."""
    assumed = memory_gib * (1 - gke.UNSEEN_SHARE) - gke.UNSEEN_GIB
    assert assumed <= capacity_kib / 2**20
    assert assumed == pytest.approx(capacity_kib / 2**20, rel=0.01)


@given(st.floats(min_value=0, max_value=4096))
def test_reserves_never_exceed_what_there_is(gib: float) -> None:
    """A quarter of the memory is the most that tiers keep."""
    assert 0 <= nodes.tiered_gib(gib, nodes.MEMORY_TIERS) <= gib / 4 + 1e-9


def test_pods_of_an_eks_node_follow_its_network_interfaces() -> None:
    """ENIs x (addresses - 1) + 2: 58 pods on g6.xlarge, as in Amazon's own table; 110 or 250 where interfaces are not known."""
    assert max_pods(catalog.machine("eks", "g6.xlarge")) == 58
    assert max_pods(catalog.machine("eks", "p5.4xlarge")) == 118
    bare = Machine("eks", "new.large", 2, 8, None, 0, "none", (), "test")
    assert max_pods(bare) == 110
    assert max_pods(Machine("eks", "new.48xlarge", 192, 768, None, 0, "none", (), "test")) == 250


def test_an_eks_node_keeps_what_its_kubelet_keeps() -> None:
    """g6.xlarge, 16 GiB and 58 pods: 7.5 % unseen, 255 + 11 x 58 MiB for the kubelet, 100 MiB before eviction, then the agents."""
    machine = catalog.machine("eks", "g6.xlarge")
    millicores, agents = nodes.requests(nodes.landing(eks.AGENTS, machine))
    left = clouds.cloud("eks").allocatable(machine)
    assert left.cpu_millicores == 4000 - 80 - millicores
    assert left.memory_bytes == pytest.approx(16 * GIB * 0.925 - (255 + 11 * 58 + 100) * 2**20 - agents, abs=1)


def test_agents_of_accelerators_stay_off_other_nodes() -> None:
    """The device plugin takes nothing from a CPU node."""
    with_gpu, without = catalog.machine("eks", "g6.xlarge"), catalog.machine("eks", eks.SYSTEM_MACHINE)
    assert {agent.name for agent in nodes.landing(eks.AGENTS, with_gpu)} - {agent.name for agent in nodes.landing(eks.AGENTS, without)} == {
        "nvidia-device-plugin"
    }


@pytest.mark.parametrize(("cloud", "module", "smaller"), [("eks", eks, "t3.medium"), ("gke", gke, "e2-standard-2")])
def test_one_system_node_holds_all_controllers(cloud: str, module: object, smaller: str) -> None:
    """With one of two system nodes lost, everything fits the other with a tenth to spare; the next smaller machine is too small."""
    controllers = (*nodes.CONTROLLERS, *module.CLOUD_CONTROLLERS)  # type: ignore[attr-defined]
    millicores, memory = nodes.requests(controllers)

    def fits(machine_type: str) -> bool:
        left = clouds.cloud(cloud).allocatable(catalog.machine(cloud, machine_type))
        return millicores <= left.cpu_millicores * nodes.SYSTEM_FILL and memory <= left.memory_bytes * nodes.SYSTEM_FILL

    assert fits(module.SYSTEM_MACHINE)  # type: ignore[attr-defined]
    assert not fits(smaller)


def test_all_controllers_may_run_on_one_eks_node() -> None:
    """The pods of all controllers and agents stay below the pods that one system node can address."""
    machine = catalog.machine("eks", eks.SYSTEM_MACHINE)
    pods = sum(agent.copies for agent in (*nodes.CONTROLLERS, *eks.CLOUD_CONTROLLERS, *nodes.landing(eks.AGENTS, machine)))
    assert pods <= max_pods(machine)


@pytest.mark.parametrize(
    "target", [targets.eks(), targets.eks(zones=["us-east-1a"]), targets.gke(), targets.gke(zones=["us-central1-a", "us-central1-b"])]
)
def test_system_nodes_spread_evenly(target: targets.Target) -> None:
    """The number of system nodes is a multiple of their zones, so that no zone is asked for part of a node; two zones where there are."""
    cloud = clouds.cloud(target.cloud)
    pool = cloud.system_pool(target)
    assert pool is not None
    assert pool.zones == cloud.zones(target)[:2]
    assert not pool.zones or pool.nodes % len(pool.zones) == 0
    assert catalog.machine(target.cloud, pool.machine_type).accelerator is None


def test_an_existing_cluster_has_no_system_nodes_of_ours() -> None:
    """Controllers land on the nodes that are there, which therefore keep room for them."""
    cloud = clouds.cloud("existing")
    (machine,) = cloud.machines(targets.existing({"cpu": 8, "memoryGib": 16}))
    assert cloud.system_pool(targets.existing()) is None
    left = cloud.allocatable(machine)
    millicores, memory = nodes.requests(nodes.CONTROLLERS)
    assert left.cpu_millicores < 8000 - millicores
    assert 8 * GIB < left.memory_bytes < 16 * GIB - memory
