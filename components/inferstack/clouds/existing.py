"""A cluster that is there already: its nodes are what the stack file declares, and nothing beside them is paid or rationed here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from .. import catalog
from ..catalog.types import CapacityType, Fee, Machine, Offering
from ..costs.money import owned_usd_per_hour
from ..costs.types import Charge, NodeGroup, Use
from ..errors import Problem
from ..stackfile.schema import ExistingNodes, Target
from .nodes import CONTROLLERS, MEMORY_TIERS, left_for_pods, tiered_gib
from .types import Agent, Allocatable, QuotaNeed

REGION = "existing"
NO_FEES: Mapping[str, Fee] = MappingProxyType({})

AGENTS = (
    Agent("CNI and kube-proxy", 200, 128),
    Agent("CSI driver", 30, 120),
    Agent("log and metrics agents", 200, 400),
    Agent("nvidia-device-plugin", 50, 64, accelerated=True),
)
"""What commonly runs on every node; believed."""

CLUSTER_CONTROLLERS = (
    Agent("coredns", 100, 70, copies=2),
    Agent("kube-apiserver", 250, 512),
    Agent("kube-controller-manager", 200, 128),
    Agent("kube-scheduler", 100, 64),
    Agent("etcd", 100, 256),
)
"""The control plane of a one-node cluster, which pods share; requests of kubeadm (no memory is requested: believed)."""


class Existing:
    """An existing cluster; implements `clouds.types.Cloud`."""

    name = "existing"
    kubernetes_version = "as installed"
    stores: Mapping[str, str] = MappingProxyType({})
    sells_capacity_blocks = False

    def region(self, target: Target) -> str:
        return REGION

    def machines(self, target: Target) -> tuple[Machine, ...]:
        """One machine per entry of `nodes`, named by what it has (`l4-x2-16cpu-64gib`, `node-8cpu-32gib`), the second of a kind `-2`."""
        names: list[str] = []
        for nodes in target.nodes:
            name = _name(nodes)
            names.append(name if (nth := _times(name, names) + 1) == 1 else f"{name}-{nth}")
        return tuple(_machine(name, nodes) for name, nodes in zip(names, target.nodes, strict=True))

    def zones(self, target: Target) -> tuple[str, ...]:
        return target.zones

    def pool_zones(self, target: Target, machine: Machine) -> tuple[str, ...]:
        return target.zones

    def network_problems(self, target: Target) -> Iterator[Problem]:
        """It has its network already."""
        yield from ()

    def allocatable(self, machine: Machine) -> Allocatable:
        """What is left beside GKE's reserve (the largest of the common ones), common agents, a control plane and our controllers.

        What is planned into it starts on a one-node cluster too.
        """
        vcpus = machine.facts.get("cpu", machine.vcpus)
        return left_for_pods(
            machine,
            vcpus=vcpus,
            visible_gib=machine.memory_gib,
            reserved_gib=tiered_gib(machine.memory_gib, MEMORY_TIERS),
            agents=(*AGENTS, *CLUSTER_CONTROLLERS, *CONTROLLERS),
            provenance="believed",
            source="a cautious reserve: GKE's tiers, common agents, a control plane and this library's controllers on the same node",
        )

    def system_pool(self, target: Target, more: Sequence[Agent] = ()) -> None:
        return None

    def fees(self, target: Target) -> Mapping[str, Fee]:
        return NO_FEES

    def charges(self, target: Target, groups: Sequence[NodeGroup], internal: Sequence[str], use: Use | None = None) -> tuple[Charge, ...]:
        return ()

    def fabric(self, machine: Machine) -> None:
        """What joins the nodes of a cluster that exists is not known here."""

    def internal_balancer(self) -> None:
        """What keeps a load balancer off the internet is the cluster's own affair."""

    def quota(self, target: Target, machine: Machine, nodes: int, capacity_type: CapacityType) -> QuotaNeed | None:
        return None

    def needs_device_plugin(self, target: Target) -> bool:
        return any(nodes.gpu is not None for nodes in target.nodes)

    def needs_cluster_autoscaler(self, target: Target) -> bool:
        return False

    def driver_note(self, target: Target) -> str:
        if target.addons.nvidia_device_plugin is False:
            return "Driver and device plugin are those of your cluster, as the stack file says."
        return "The GPU driver is that of your nodes; the NVIDIA device plugin is installed by this stack."


def _name(nodes: ExistingNodes) -> str:
    what = "node" if nodes.gpu is None else f"{nodes.gpu}-x{nodes.gpus_per_node}"
    return re.sub(r"[^a-z0-9]+", "-", f"{what}-{nodes.cpu:g}cpu-{nodes.memory_gib:g}gib".lower()).strip("-")


def _times(name: str, names: Sequence[str]) -> int:
    return sum(1 for other in names if other == name or re.fullmatch(rf"{re.escape(name)}-\d+", other))


def _machine(name: str, nodes: ExistingNodes) -> Machine:
    return Machine(
        cloud="existing",
        name=name,
        vcpus=math.floor(nodes.cpu),
        memory_gib=nodes.memory_gib,
        accelerator=None if nodes.gpu is None else catalog.accelerator(nodes.gpu).id,
        accelerator_count=nodes.gpus_per_node,
        # How GPUs of a declared node are linked is not known; PCIe is what every one has.
        link="pcie" if nodes.gpus_per_node > 1 else "none",
        offerings=_offerings(nodes),
        source="stack file",
        regions=(REGION,),
        count=nodes.count,
        facts=MappingProxyType({"labels": MappingProxyType(dict(nodes.labels)), "cpu": nodes.cpu, "driver": nodes.driver}),
    )


def _offerings(nodes: ExistingNodes) -> tuple[Offering, ...]:
    """The price per node and hour that the stack file gives; none where it gives none."""
    price = _usd_per_hour(nodes)
    if price is None:
        return ()
    source = "stack file" if nodes.owned is None else "stack file: amortisation and power"
    return (Offering(REGION, CapacityType.ON_DEMAND, price, source=source, basis="user"),)


def _usd_per_hour(nodes: ExistingNodes) -> Decimal | None:
    owned = nodes.owned
    if owned is None:
        return nodes.usd_per_hour
    return owned_usd_per_hour(owned.purchase_usd, owned.years, owned.watts, owned.pue, owned.usd_per_kwh)
