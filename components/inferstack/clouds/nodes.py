"""What a node leaves for our pods: the arithmetic that clouds share, and the controllers that this library installs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..catalog.types import Machine
from .types import Agent, Allocatable, SystemPool

MIB = 2**20
GIB = 2**30
DISK_STEP_GIB = 10
EVICTION_BYTES = 100 * MIB
"""The kubelet evicts below this, so that pods cannot request it: amazon-eks-ami nodeadm/internal/kubelet/config.go, GKE plan-node-sizes."""

CPU_RESERVE = ((1, 60.0), (1, 10.0), (2, 5.0), (math.inf, 2.5))
"""Cores and millicores that the kubelet keeps of each: the first, the second, the next two, the rest. The same on EKS (nodeadm) and GKE."""

MEMORY_TIERS = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (math.inf, 0.02))
"""Parts that GKE keeps of the first 4 GiB, the next 4, ... (GKE plan-node-sizes; checked on nodes of 2i2c-org/infrastructure#2121)."""


CONTROLLERS = (
    Agent("cert-manager", 10, 64),
    Agent("cert-manager-cainjector", 10, 64),
    Agent("cert-manager-webhook", 10, 32),
    Agent("kserve-controller-manager", 100, 300),
    Agent("kserve-rbac-proxy", 10, 32),
    Agent("keda-operator", 100, 100),
    Agent("keda-operator-metrics-apiserver", 100, 100),
    Agent("keda-admission-webhooks", 100, 100),
    Agent("keda-http-scaler", 20, 48),
    Agent("keda-http-interceptor", 40, 96, copies=2),
    Agent("prometheus-operator", 100, 128),
    Agent("prometheus", 200, 1024),
)
"""What this library installs on every cloud. KServe and KEDA: chart defaults. The charts of the others request nothing by default: their
figures are believed, as what they use in a small cluster."""


KUBERAY = Agent("kuberay-operator", 100, 512)
LWS = Agent("lws-controller-manager", 100, 128)
OPERATORS = (KUBERAY, LWS)
"""What this library installs where a service asks for it. KubeRay: the chart's default; LeaderWorkerSet: believed, its chart asks for a
whole core."""
FABRIC_AGENTS = (Agent("aws-efa-k8s-device-plugin", 10, 20, accelerated=True),)
"""On nodes of EKS whose accelerators are joined: the chart's own requests, which the room for an agent of yours holds."""
DIRECT_AGENTS = (Agent("nccl-installer", 150, 64, accelerated=True), Agent("device-injector", 150, 64, accelerated=True))
"""On nodes of GKE whose accelerators GPUDirect-TCPX or -TCPXO joins: Google's own requests of CPU; memory is believed."""

SYSTEM_FILL = 0.9
"""Part of one system node that all controllers together may request: with two nodes one can be lost, and upgrades still find room."""


def with_room(pool: SystemPool, controllers: Sequence[Agent], more: Sequence[Agent], left: Allocatable) -> SystemPool:
    """`pool` with nodes for `more` pods beside its `controllers`: none where one node still holds all, so that one can be lost; otherwise
    nodes of their own, in whole rounds over its zones."""
    if not more:
        return pool
    disk = pool.disk_gib + DISK_STEP_GIB * math.ceil(max(agent.image_gib for agent in more) / DISK_STEP_GIB)
    millicores, memory = requests((*controllers, *more))
    if millicores <= left.cpu_millicores * SYSTEM_FILL and memory <= left.memory_bytes * SYSTEM_FILL:
        return replace(pool, disk_gib=disk)
    own_millicores, own_memory = requests(more)
    own = max(math.ceil(own_millicores / left.cpu_millicores), math.ceil(own_memory / left.memory_bytes))
    round_of = max(1, len(pool.zones))
    return replace(pool, nodes=pool.nodes + round_of * math.ceil(own / round_of), disk_gib=disk)


def sold_in(machine: Machine, region: str, zones: Sequence[str]) -> tuple[str, ...]:
    """Those of `zones` in which that machine type is sold; all where that is not known. A zone ends with its letter on both clouds."""
    letters: Sequence[str] | None = machine.facts.get("zones", {}).get(region)
    if letters is None:
        return tuple(zones)
    sold = {letter[-1] for letter in letters}
    return tuple(zone for zone in zones if zone[-1] in sold)


def cpu_reserve_millicores(vcpus: float) -> float:
    """Millicores that the kubelet keeps for itself and the system."""
    reserved, rest = 0.0, vcpus
    for cores, millicores in CPU_RESERVE:
        reserved += millicores * min(cores, rest)
        rest -= min(cores, rest)
    return reserved


def tiered_gib(gib: float, tiers: Sequence[tuple[float, float]]) -> float:
    """Sum over tiers of `(GiB, part)`: what is kept of a memory of `gib`."""
    kept, rest = 0.0, gib
    for size, part in tiers:
        kept += part * min(size, rest)
        rest -= min(size, rest)
    return kept


def requests(agents: Iterable[Agent]) -> tuple[int, int]:
    """Millicores and bytes of all copies."""
    listed = tuple(agents)
    return sum(agent.millicores * agent.copies for agent in listed), sum(agent.mib * agent.copies for agent in listed) * MIB


def landing(agents: Iterable[Agent], machine: Machine) -> tuple[Agent, ...]:
    """The agents that run on nodes of that machine type."""
    return tuple(agent for agent in agents if machine.accelerator is not None or not agent.accelerated)


def left_for_pods(
    machine: Machine, vcpus: float, visible_gib: float, reserved_gib: float, agents: Sequence[Agent], provenance: str, source: str
) -> Allocatable:
    """Capacity that the kubelet sees, minus its reserves and the eviction threshold, minus the agents on the node; never below 0."""
    millicores, agent_bytes = requests(landing(agents, machine))
    cpu = vcpus * 1000 - cpu_reserve_millicores(vcpus) - millicores
    memory = (visible_gib - reserved_gib) * GIB - EVICTION_BYTES - agent_bytes
    return Allocatable(max(0, math.floor(cpu)), max(0, math.floor(memory)), provenance, source)
