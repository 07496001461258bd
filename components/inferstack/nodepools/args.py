"""Arguments of the node pool component. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from typing import Any, NotRequired, TypedDict

from ..catalog.types import CapacityType
from .reference import ClusterReference


class GpuNodePoolArgs(TypedDict):
    """Nodes of one machine type, bought in one way. The same on every cloud that makes nodes."""

    cluster: ClusterReference
    """The cluster that the nodes join: `.reference` of `EksCluster` or `GkeCluster`."""
    machine_type: str
    """Machine type as in the catalog: g6.xlarge, g2-standard-8, ... Machines without GPUs make a pool of CPU workers."""
    gpu: NotRequired[str]
    """GPU that the machine must have; left out: whatever it has."""
    gpus_per_node: NotRequired[int]
    """GPUs that the machine must have; left out: as many as it has."""
    capacity_type: NotRequired[CapacityType]
    """on-demand (default), spot or reserved."""
    reservation_id: NotRequired[str]
    """With capacity type reserved: EC2 capacity reservation (cr-...), or name of the Compute Engine reservation."""
    capacity_block: NotRequired[bool]
    """eks, with capacity type reserved: the reservation is a Capacity Block for ML."""
    zones: NotRequired[list[str]]
    """Zones for the nodes; left out: those of the cluster. Zones in which the machine type is known not to be sold are passed over."""
    min_nodes: NotRequired[int]
    """Fewest nodes in all zones together. Left out: 0 with autoscaling, `max_nodes` without."""
    max_nodes: int
    """Most nodes in all zones together."""
    expected_nodes: NotRequired[float]
    """Mean number of nodes over a month, for the cost. Left out: `max_nodes`, the most that it can cost."""
    autoscaled: NotRequired[bool]
    """True (default): nodes come and go with the pods that need them. False: `max_nodes` stand always."""
    disk_gib: NotRequired[int]
    """Root disk of each node: images and weights. Left out: 200 with GPUs, 50 without."""
    labels: NotRequired[dict[str, str]]
    """Node labels beside those of this library."""
    prices: NotRequired[dict[str, Any]]
    """Your own prices, with the keys of a price file; the output `cost` is at these. Left out: listed ones."""
    fabric: NotRequired[bool]
    """True joins the accelerators of the nodes by the network that their machines have for it, for replicas that span them: EFA on eks,
    RDMA on gke, and GPUDirect-TCPX(O) where the cluster has accelerator networks. All nodes are then in one zone."""
    own_device_plugin: NotRequired[bool]
    """gke: True switches GKE's device plugin off on these nodes, because you run NVIDIA's. The driver stays GKE's."""
