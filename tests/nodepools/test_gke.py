"""From a pool to a GKE node pool, as data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.nodepools.gke import card_networks, first_nodes, gke_pool, spread
from tests.nodepools.specs import GKE, gke_spec, said_gke

ONE_ZONE = {"capacity_type": "reserved", "reservation_id": "mine", "zones": ["us-central1-a"]}


def _node(machine: str = "g2-standard-8", **args: Any) -> dict[str, Any]:
    return gke_pool(gke_spec(machine, **args)).node_pool["node_config"]


def test_gpu_and_driver_are_always_said() -> None:
    """Type, count and driver version are explicit: what is installed when nothing is said differs between versions of GKE."""
    assert _node("g2-standard-24")["guest_accelerators"] == [
        {"type": "nvidia-l4", "count": 2, "gpu_driver_installation_config": {"gpu_driver_version": "LATEST"}}
    ]
    assert "guest_accelerators" not in _node("c3-standard-8")


def test_gpu_nodes_are_tainted() -> None:
    """The taint is set by us: GKE leaves it out where all other pools of a cluster have GPUs too. CPU nodes have none."""
    assert _node()["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert "taints" not in _node("c3-standard-8")


def test_own_device_plugin_switches_off_that_of_gke() -> None:
    """With a device plugin of one's own the node carries the label that keeps GKE's away; the driver is still installed."""
    label = "gke-no-default-nvidia-gpu-device-plugin"
    assert _node(own_device_plugin=True)["labels"][label] == "true"
    assert label not in _node()["labels"]
    assert _node(own_device_plugin=True)["guest_accelerators"][0]["gpu_driver_installation_config"]["gpu_driver_version"] == "LATEST"


def test_limits_of_autoscaling_are_totals() -> None:
    """From zero to the maximum in all zones together, wherever there is capacity; no number counts once for every zone."""
    pool = gke_pool(gke_spec()).node_pool
    assert pool["autoscaling"] == {"total_min_node_count": 0, "total_max_node_count": 3, "location_policy": "ANY"}
    assert pool["node_locations"] == GKE["zones"]
    assert "node_count" not in pool
    assert "initial_node_count" not in pool


def test_a_minimum_is_there_from_the_first_day() -> None:
    """The autoscaler never raises a pool to its minimum by itself, so the pool begins with it; a later difference is ignored."""
    pool = gke_pool(gke_spec(min_nodes=2))
    assert pool.node_pool["initial_node_count"] == 1
    assert "initialNodeCount" in pool.ignore_changes
    assert "initialNodeCount" not in gke_pool(gke_spec()).ignore_changes


@given(data=st.data())
def test_first_nodes_keep_the_limits(data: st.DataObject) -> None:
    """What a pool begins with is never above its maximum, and reaches the minimum wherever the zones can be filled evenly."""
    most = data.draw(st.integers(min_value=1, max_value=60))
    least = data.draw(st.integers(min_value=0, max_value=most))
    zones = data.draw(st.integers(min_value=1, max_value=3))
    spec = gke_spec(min_nodes=least, max_nodes=most, zones=GKE["zones"][:zones])
    begun = first_nodes(spec) * zones
    assert begun <= most
    assert begun >= least or not any(least <= each * zones <= most for each in range(most + 1))


@given(nodes=st.integers(min_value=1, max_value=200), zones=st.integers(min_value=1, max_value=4))
def test_a_fixed_size_is_met_exactly(nodes: int, zones: int) -> None:
    """Nodes per zone times zones is the number that was asked for, over as many zones as divide it."""
    names = tuple("abcd"[:zones])
    used, each = spread(nodes, names)
    assert each * len(used) == nodes
    assert used == names[: len(used)]
    assert not any(nodes % more == 0 for more in range(len(used) + 1, zones + 1))


def test_a_fixed_size_without_zones_is_kept_by_limits() -> None:
    """Where the zones are GKE's choice, the total is held by the autoscaler's limits and not multiplied by zones."""
    pool = gke_pool(gke_spec("e2-standard-4", cluster={**GKE, "zones": []}, autoscaled=False)).node_pool
    assert pool["autoscaling"]["total_min_node_count"] == pool["autoscaling"]["total_max_node_count"] == 3
    assert "node_count" not in pool
    assert "node_locations" not in pool


def test_capacity_types() -> None:
    """Spot nodes never use a reservation, reserved nodes use only theirs, on-demand nodes are left to Compute Engine."""
    assert _node(capacity_type="spot")["spot"] is True
    assert _node(capacity_type="spot")["reservation_affinity"] == {"consume_reservation_type": "NO_RESERVATION"}
    assert _node(**ONE_ZONE)["reservation_affinity"] == {
        "consume_reservation_type": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["mine"],
    }
    assert _node(**ONE_ZONE)["spot"] is False
    assert "reservation_affinity" not in _node()


@pytest.mark.parametrize(("machine", "disks"), [("a3-highgpu-8g", 16), ("a2-ultragpu-1g", 1), ("a3-highgpu-1g", 2)])
def test_local_disks_come_with_the_machine(machine: str, disks: int) -> None:
    """Bundled SSDs become ephemeral storage, as many as the machine has; how they are told is not compared later."""
    spec = gke_spec(machine, cluster={**GKE, "zones": []})
    pool = gke_pool(spec)
    assert pool.node_pool["node_config"]["ephemeral_storage_local_ssd_config"] == {"local_ssd_count": disks}
    assert pool.ignore_changes == ("nodeConfig.ephemeralStorageLocalSsdConfig",)


def test_bundled_disks_have_one_size() -> None:
    """Every machine of the catalog with local SSDs has a whole number of them."""
    for machine in catalog.machines("gke"):
        assert machine.local_nvme_gib % 375 == 0, machine.name


def test_gpu_nodes_are_replaced_old_before_new() -> None:
    """An upgrade takes one GPU node down before its successor comes, as there is rarely quota for a spare; CPU nodes surge."""
    assert gke_pool(gke_spec()).node_pool["upgrade_settings"] == {"strategy": "SURGE", "max_surge": 0, "max_unavailable": 1}
    assert gke_pool(gke_spec("c3-standard-8")).node_pool["upgrade_settings"]["max_surge"] == 1


def test_nodes_start_fast_and_safely() -> None:
    """Image streaming and gVNIC are on, metadata is that of workload identity, and the disk is of the size that was asked for."""
    node = _node(disk_gib=300)
    assert node["gcfs_config"] == {"enabled": True}
    assert node["gvnic"] == {"enabled": True}
    assert node["workload_metadata_config"] == {"mode": "GKE_METADATA"}
    assert node["boot_disk"] == {"size_gb": 300}
    assert node["image_type"] == "COS_CONTAINERD"


def test_kind_of_disk_is_left_to_the_machine() -> None:
    """Newer machines take Hyperdisk only and older ones none: no kind is named."""
    assert "disk_type" not in _node()["boot_disk"]
    assert "disk_type" not in _node()


def test_secure_boot_where_no_driver_is_installed() -> None:
    """CPU nodes boot securely; GPU nodes cannot, because their driver is installed while they run."""
    assert _node("c3-standard-8")["shielded_instance_config"]["enable_secure_boot"] is True
    assert _node()["shielded_instance_config"] == {"enable_integrity_monitoring": True, "enable_secure_boot": False}


def test_long_names_are_cut_for_the_cloud() -> None:
    """The generated name of a pool stays within GKE's limit; labels keep the whole name."""
    name = "g4-standard-384-reserved-" + "a" * 30
    pool = gke_pool(gke_spec(pool=name)).node_pool
    assert len(pool["name_prefix"]) <= 31
    assert pool["node_config"]["labels"]["inferstack.dev/pool"] == name


def test_joined_nodes_bring_their_networks() -> None:
    """GKE makes the networks of RDMA interfaces itself, and starts the driver by which pods claim them."""
    pool = gke_pool(gke_spec("a3-ultragpu-8g", fabric=True, **{**ONE_ZONE, "zones": ["us-central1-b"]})).node_pool
    assert pool["network_config"]["accelerator_network_profile"] == "auto"
    assert pool["node_config"]["labels"]["cloud.google.com/gke-networking-dra-driver"] == "true"
    assert "accelerator_network_profile" not in gke_pool(gke_spec()).node_pool["network_config"]
    assert any("fabric: is not for g2-standard-8" in line for line in said_gke("g2-standard-8", fabric=True))


def test_cards_over_tcp_need_the_networks_of_their_cluster() -> None:
    """Machines with Google's own transports get no networks of GKE's making; without those of the cluster the pool is refused."""
    said = said_gke("a3-megagpu-8g", fabric=True)
    assert any("cluster.accelerator_networks: 0 are too few: 8 join machines of a3-megagpu-8g" in line for line in said)
    networks = [{"network": f"cards-{index}", "subnetwork": f"cards-{index}"} for index in range(8)]
    place = {"capacity_type": "spot", "zones": ["us-central1-a"], "cluster": {**GKE, "accelerator_networks": networks}}
    spec = gke_spec("a3-highgpu-8g", fabric=True, **place)
    pool = gke_pool(spec).node_pool
    assert card_networks(spec) == 4
    assert "accelerator_network_profile" not in pool["network_config"]
    assert "cloud.google.com/gke-networking-dra-driver" not in pool["node_config"]["labels"]
