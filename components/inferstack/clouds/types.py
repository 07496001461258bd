"""What a cloud is to the planner: what its nodes leave for pods, what it charges beside machines, what it rations. One module per cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..catalog.types import CapacityType, Fee, Machine
from ..costs.types import Charge, NodeGroup, Use
from ..errors import Problem
from ..stackfile.schema import Target


@dataclass(frozen=True, slots=True)
class Agent:
    """A pod that runs beside ours, with its requests."""

    name: str
    millicores: int
    mib: int
    copies: int = 1
    accelerated: bool = False
    """True where it only lands on nodes with accelerators."""
    image_gib: float = 0.0
    """Disk that its image takes, where that is more than what every node has room for."""


@dataclass(frozen=True, slots=True)
class Allocatable:
    """What one node leaves for our pods, after the kubelet, the system and the DaemonSets of this library."""

    cpu_millicores: int
    memory_bytes: int
    provenance: str
    source: str


@dataclass(frozen=True, slots=True)
class QuotaNeed:
    """What the cloud must allow, in its own name and unit."""

    name: str
    """`Running On-Demand G and VT instances`, `NVIDIA_L4_GPUS`, ..."""
    amount: int
    unit: str
    """vCPUs or GPUs."""
    where: str
    """Region."""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SystemPool:
    """The small CPU nodes that carry controllers, DNS and metrics; None of it lands on accelerators."""

    machine_type: str
    nodes: int
    """In all zones together; a multiple of the number of `zones`."""
    disk_gib: int
    zones: tuple[str, ...]
    """Zones that its nodes are spread over evenly; () where they are left to the cloud."""


@dataclass(frozen=True, slots=True)
class InternalBalancer:
    """How a Service of type LoadBalancer is kept inside the network."""

    annotations: tuple[tuple[str, str], ...]
    idle_seconds: int
    """A connection without traffic for longer is cut."""
    source: str


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A folder of the node that a container sees."""

    name: str
    """Of the volume."""
    on_node: str
    path: str
    """In the container."""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ReceiveDaemon:
    """The container beside a server that moves what arrives on the network into the memory of GPUs."""

    name: str
    image: str
    """Repository and tag."""
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    capabilities: tuple[str, ...]
    devices: tuple[str, ...]
    """Devices of the node that it is given beside the server, which has them by request."""
    folders: tuple[NodeFolder, ...]
    ready_file: str | None
    """Written once it is ready to receive; None where it does not tell."""
    cpu_millicores: int
    memory_mib: int
    """What it requests, as is `cpu_millicores`; believed."""


@dataclass(frozen=True, slots=True)
class GpuDirect:
    """Google's own transport of NCCL over TCP: networks beside the node's, a plugin on each node, a daemon in each pod."""

    networks: int
    """VPCs beside the node's own, one for each card; interface eth1 is in the first."""
    network_gbps: float
    """Of all of them together."""
    accelerator: str
    """GKE's label of the machines that have it."""
    releases: tuple[tuple[str, str], ...]
    """Version of the plugin -> that of the daemon that goes with it; the newest first."""
    daemon: ReceiveDaemon
    env: tuple[tuple[str, str], ...]
    """Of the server."""
    folders: tuple[NodeFolder, ...]
    """Of the server."""
    shared: tuple[tuple[str, str], ...]
    """Name and path of folders of the pod that both have."""
    capabilities: tuple[str, ...]
    """Of the server."""
    source: str


@dataclass(frozen=True, slots=True)
class Fabric:
    """The network that joins the accelerators of several machines, and how pods ask for it."""

    name: str
    """EFA, GPUDirect RDMA."""
    resources: tuple[tuple[str, str], ...]
    """What a pod that takes a whole machine requests beside its accelerators."""
    device_class: str | None
    """Class of which a pod claims every device of its node; None where `resources` are all there is."""
    addon: str | None
    """Add-on that offers `resources`; None where nodes do so by themselves."""
    note: str
    """How nodes and pods get it, as a sentence for the plan."""
    takes: str
    """What NCCL needs for it in the image."""
    gpudirect: GpuDirect | None = None
    """What it takes on nodes and in pods where the stack file has to ask for it; None where nodes bring all of it."""

    @property
    def card_networks(self) -> int:
        """Networks of the cluster that cards of a node are in, beside the node's own."""
        return 0 if self.gpudirect is None else self.gpudirect.networks


class Cloud(Protocol):
    """One cloud. `existing` is one too: it charges nothing beside its nodes and rations nothing.

    What is asked with a target may raise `catalog.UnknownName` for a region or a GPU that the catalog does not know.
    """

    @property
    def name(self) -> str: ...

    @property
    def kubernetes_version(self) -> str:
        """Minor version of a new cluster where the stack file names none."""
        ...

    @property
    def stores(self) -> Mapping[str, str]:
        """Scheme of each place of its own where weights may lie, its bucket first -> fee of a GB and month there. {} where it has none."""
        ...

    @property
    def sells_capacity_blocks(self) -> bool: ...

    def region(self, target: Target) -> str:
        """Region of offerings and quota; a constant where there are no regions."""
        ...

    def machines(self, target: Target) -> tuple[Machine, ...]:
        """Every machine type that exists there, sold in the region or not; callers filter and say why."""
        ...

    def zones(self, target: Target) -> tuple[str, ...]:
        """Zones that nodes may use: the stack file's, or the defaults of the region."""
        ...

    def pool_zones(self, target: Target, machine: Machine) -> tuple[str, ...]:
        """Zones that a pool of that machine type may use: where it is sold, as far as that is known. () where it is sold in none."""
        ...

    def network_problems(self, target: Target) -> Iterator[Problem]:
        """Why its network cannot have the range of addresses that the target gives it."""
        ...

    def allocatable(self, machine: Machine) -> Allocatable: ...

    def system_pool(self, target: Target, more: Sequence[Agent] = ()) -> SystemPool | None:
        """The nodes of controllers, with room for `more` pods beside those that every stack has; None where the cluster brings its own."""
        ...

    def fees(self, target: Target) -> Mapping[str, Fee]:
        """Unit prices that `charges` refer to, in the target's region; empty where nothing is charged."""
        ...

    def charges(self, target: Target, groups: Sequence[NodeGroup], internal: Sequence[str], use: Use | None = None) -> tuple[Charge, ...]:
        """Everything that is billed beside the machines of `groups` (all nodes of the stack): control plane, disks, network.

        What is billed by `use` shows its rate alone where that is None.
        """
        ...

    def fabric(self, machine: Machine) -> Fabric | None:
        """The network between accelerators that machines of that type can have; None where they have none, or none that is known."""
        ...

    def internal_balancer(self) -> InternalBalancer | None:
        """How an internal endpoint is made; None where nobody here knows."""
        ...

    def quota(self, target: Target, machine: Machine, nodes: int, capacity_type: CapacityType) -> QuotaNeed | None:
        """What `nodes` of that machine take from the cloud's rations; needs of several pools add up (`clouds.total_quota`)."""
        ...

    def needs_device_plugin(self, target: Target) -> bool:
        """True where pods get no `nvidia.com/gpu` unless the NVIDIA device plugin is installed by us."""
        ...

    def needs_cluster_autoscaler(self, target: Target) -> bool:
        """True where nodes follow the pods only if the Cluster Autoscaler is installed by us."""
        ...

    def driver_note(self, target: Target) -> str:
        """Who installs the driver and the device plugin of NVIDIA GPUs, as a sentence for the plan."""
        ...
