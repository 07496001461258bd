"""From a pool to the arguments of a GKE node pool: data, no resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import clouds
from ..catalog.types import CapacityType
from .spec import PoolSpec

LOCAL_SSD_GIB = 375
"""Size in which the catalog's machines have their local SSDs."""

NAME_PREFIX_LENGTH = 30
"""Names of node pools have at most 40 characters, of which the generated end and its dash take 10."""

DRIVER = "LATEST"
"""The newest GPU driver of the node's system image: engine images built on CUDA 13 need driver 580, which the default may not be. Always
said, because what is installed when nothing is said differs between versions of GKE."""

NO_DEVICE_PLUGIN = {"gke-no-default-nvidia-gpu-device-plugin": "true"}
"""Node label that keeps GKE's device plugin away."""

ACCELERATOR_NETWORKS = {"accelerator_network_profile": "auto"}
"""GKE makes the networks of the RDMA interfaces itself."""

DRANET = {"cloud.google.com/gke-networking-dra-driver": "true"}
"""Node label that starts GKE's driver, by which pods claim those interfaces (GKE how-to/allocate-network-resources-dra)."""

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What a node may do is decided by the roles of its service account."""


@dataclass(frozen=True, slots=True)
class GkePool:
    """A node pool as data; what only its cluster knows (name, project, service account) is put in by whoever makes it."""

    node_pool: dict[str, Any]
    ignore_changes: tuple[str, ...]


def gke_pool(spec: PoolSpec) -> GkePool:
    """The arguments of `gcp.container.NodePool`."""
    pool: dict[str, Any] = {
        "name_prefix": f"{spec.name[:NAME_PREFIX_LENGTH].rstrip('-')}-",
        "management": {"auto_repair": True, "auto_upgrade": True},
        "upgrade_settings": _upgrade_settings(spec),
        "network_config": {"enable_private_nodes": True, **(ACCELERATOR_NETWORKS if has_rdma(spec) else {})},
        "node_config": _node_config(spec),
        **_size(spec),
    }
    return GkePool(pool, tuple(_ignored(spec, pool)))


def has_rdma(spec: PoolSpec) -> bool:
    """True where GKE itself joins the GPUs of its nodes."""
    return spec.fabric and not card_networks(spec)


def card_networks(spec: PoolSpec) -> int:
    """Networks of the cluster that cards of its nodes are in, beside the node's own."""
    found = clouds.cloud("gke").fabric(spec.machine) if spec.fabric else None
    return 0 if found is None else found.card_networks


def spread(nodes: int, zones: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Zones and nodes in each of them that make `nodes` in all: a regional pool has the same number in every zone, so the most zones are
    taken that divide it."""
    count = next(count for count in range(min(nodes, len(zones)), 0, -1) if nodes % count == 0)
    return zones[:count], nodes // count


def first_nodes(spec: PoolSpec) -> int:
    """Nodes in each zone that an autoscaled pool begins with, because the autoscaler never raises a pool to its minimum by itself.

    As many as the minimum needs where the maximum allows that in every zone, else fewer: the rest comes with the pods that need it.
    """
    zones = len(spec.zones)
    if not zones:
        return 0
    enough = -(-spec.min_nodes // zones)
    return enough if enough * zones <= spec.max_nodes else spec.min_nodes // zones


def _size(spec: PoolSpec) -> dict[str, Any]:
    """Zones and number of nodes. Limits are totals; limits per zone would count once for every zone."""
    if not spec.autoscaled and spec.zones:
        zones, each = spread(spec.max_nodes, spec.zones)
        return {"node_locations": list(zones), "node_count": each}
    # Without zones a fixed size is kept by the autoscaler's limits: nobody here knows by how many zones GKE would multiply a number.
    size: dict[str, Any] = {
        "autoscaling": {"total_min_node_count": spec.min_nodes, "total_max_node_count": spec.max_nodes, "location_policy": "ANY"}
    }
    if spec.zones:
        size["node_locations"] = list(spec.zones)
    if first_nodes(spec):
        size["initial_node_count"] = first_nodes(spec)
    return size


def _ignored(spec: PoolSpec, pool: Mapping[str, Any]) -> Iterator[str]:
    """What is good for the first day only; a later difference would replace every node and give the same machines."""
    if "initial_node_count" in pool:
        yield "initialNodeCount"
    if spec.machine.local_nvme_gib:
        yield "nodeConfig.ephemeralStorageLocalSsdConfig"


def _upgrade_settings(spec: PoolSpec) -> dict[str, Any]:
    """GPU nodes are upgraded by replacing them one at a time, old before new: there is rarely quota or capacity for a spare."""
    return {"strategy": "SURGE", "max_surge": 0 if spec.has_gpus else 1, "max_unavailable": 1 if spec.has_gpus else 0}


def _node_config(spec: PoolSpec) -> dict[str, Any]:
    config: dict[str, Any] = {
        "machine_type": spec.machine.name,
        "image_type": "COS_CONTAINERD",
        # The kind of disk is left to Compute Engine: newer machines take Hyperdisk only, older ones none.
        "boot_disk": {"size_gb": spec.disk_gib},
        "labels": {**spec.node_labels, **(NO_DEVICE_PLUGIN if spec.own_device_plugin else {}), **(DRANET if has_rdma(spec) else {})},
        "oauth_scopes": list(SCOPES),
        "metadata": {"disable-legacy-endpoints": "true"},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        # The driver that is installed into a running node is not signed for Secure Boot.
        "shielded_instance_config": {"enable_integrity_monitoring": True, "enable_secure_boot": not spec.has_gpus},
        "gvnic": {"enabled": True},
        # Image streaming: an engine's image of 10 GiB and more starts before it has arrived, where it is mirrored in Artifact Registry.
        # Images from elsewhere are pulled whole (GKE how-to/image-streaming, Requirements).
        "gcfs_config": {"enabled": True},
        "spot": spec.capacity_type is CapacityType.SPOT,
    }
    if spec.has_gpus:
        key, value = spec.gpu_taint
        config["taints"] = [{"key": key, "value": value, "effect": "NO_SCHEDULE"}]
        config["guest_accelerators"] = [_accelerator(spec)]
    if spec.machine.local_nvme_gib:
        config["ephemeral_storage_local_ssd_config"] = {"local_ssd_count": round(spec.machine.local_nvme_gib / LOCAL_SSD_GIB)}
    affinity = _reservation_affinity(spec)
    if affinity is not None:
        config["reservation_affinity"] = affinity
    return config


def _accelerator(spec: PoolSpec) -> dict[str, Any]:
    return {
        "type": spec.machine.facts["accelerator_label"],
        "count": spec.machine.accelerator_count,
        "gpu_driver_installation_config": {"gpu_driver_version": DRIVER},
    }


def _reservation_affinity(spec: PoolSpec) -> dict[str, Any] | None:
    """Spot nodes never use a reservation; on-demand nodes use an open one that fits, as Compute Engine does by itself."""
    if spec.capacity_type is CapacityType.RESERVED:
        name = "compute.googleapis.com/reservation-name"
        return {"consume_reservation_type": "SPECIFIC_RESERVATION", "key": name, "values": [spec.reservation_id]}
    if spec.capacity_type is CapacityType.SPOT:
        return {"consume_reservation_type": "NO_RESERVATION"}
    return None
