"""A node pool, read and checked: what both clouds' translators start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import catalog
from ..catalog.types import NVIDIA_RESOURCE, CapacityType, Machine
from ..planning.pools import FABRIC_LABEL, GPU_LABEL, POOL_LABEL, has_nvidia
from ..stackfile.schema import Prices


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """Nodes of one machine type and capacity type, in one cluster."""

    name: str
    machine: Machine
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    reservation_id: str | None = None
    capacity_block: bool = False
    zones: tuple[str, ...] = ()
    """() where they are left to the cluster."""
    min_nodes: int = 0
    """In all zones together, as is `max_nodes`."""
    max_nodes: int = 1
    expected_nodes: float | None = None
    """Mean over a month; None where nobody said."""
    autoscaled: bool = True
    disk_gib: int = 50
    labels: tuple[tuple[str, str], ...] = ()
    kubernetes_version: str | None = None
    own_device_plugin: bool = False
    prices: Prices = field(default_factory=Prices)
    """The user's own, in place of listed ones."""
    fabric: bool = False
    """True where a network joins the accelerators of its nodes, which lie in one zone."""

    @property
    def has_gpus(self) -> bool:
        return self.machine.accelerator_count > 0

    @property
    def has_nvidia(self) -> bool:
        return has_nvidia(self.machine)

    @property
    def gpu_resource(self) -> str:
        """What pods request of its accelerators."""
        return catalog.accelerator(self.machine.accelerator).resource if self.machine.accelerator else NVIDIA_RESOURCE

    @property
    def gpu_taint(self) -> tuple[str, str]:
        """Key and value of the taint, effect NoSchedule, that keeps everything without a toleration off the accelerators. GKE sets the
        same one, except where all other pools of the cluster have GPUs too, so both clouds are told."""
        return self.gpu_resource, "present"

    @property
    def node_labels(self) -> Mapping[str, str]:
        """Labels of the nodes, in order of key: ours, and what was asked for, which wins."""
        ours = {POOL_LABEL: self.name} | ({GPU_LABEL: "true"} if self.has_nvidia else {}) | ({FABRIC_LABEL: "true"} if self.fabric else {})
        return dict(sorted((ours | dict(self.labels)).items()))
