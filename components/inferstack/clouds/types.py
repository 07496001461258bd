"""What a cloud is to the planner: what its nodes leave for pods, what it charges beside machines, what it rations. Pure; one module per cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..catalog.types import CapacityType, Machine
from ..costs.types import Charge, Columns
from ..stackfile.schema import Target


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
    disk_gib: int


class Cloud(Protocol):
    """One cloud. `existing` is one too: it charges nothing beside its nodes and rations nothing."""

    @property
    def name(self) -> str: ...

    @property
    def kubernetes_version(self) -> str:
        """Default minor version."""
        ...

    def machines(self, target: Target) -> tuple[Machine, ...]:
        """Every machine type that exists there, sold in the region or not; callers filter and say why."""
        ...

    def zones(self, target: Target) -> tuple[str, ...]:
        """Zones that nodes may use: the stack file's, or the defaults of the region."""
        ...

    def allocatable(self, machine: Machine) -> Allocatable: ...

    def system_pool(self, target: Target) -> SystemPool | None: ...

    def charges(self, target: Target, accelerator_nodes: Columns, disk_gib_per_node: int, internal_endpoints: int) -> tuple[Charge, ...]:
        """Everything that is billed beside machines, fixed parts and disks."""
        ...

    def quota(self, target: Target, machine: Machine, nodes: int, capacity_type: CapacityType) -> QuotaNeed | None: ...

    def driver_note(self, target: Target) -> str:
        """Who installs the GPU driver and the device plugin, as a sentence for the plan."""
        ...
