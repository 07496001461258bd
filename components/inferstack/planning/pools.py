"""Node pools: which services share nodes, how many nodes the range of their replicas needs, and what the nodes must carry."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .. import catalog
from ..catalog.types import NVIDIA_RESOURCE, CapacityType, Machine, Offering
from ..clouds.nodes import DISK_STEP_GIB
from ..clouds.types import Fabric
from ..costs.money import exact
from ..costs.types import Columns
from ..engines.memory import download_gib
from ..engines.weights import CLAIM
from ..errors import Problem, join_names
from .counting import HOURS_PER_WEEK, Level
from .placement import Placement
from .requirement import CPU, Requirement
from .site import Site
from .types import PoolPlan, ServicePlan

POOL_LABEL = "inferstack.dev/pool"
SYSTEM_POOL = "system"
"""Value of that label on the nodes that carry controllers."""
FABRIC_LABEL = "inferstack.dev/fabric"
"""On nodes whose accelerators a network joins with those of other nodes."""
GPU_LABEL = "nvidia.com/gpu.present"
SYSTEM_DISK_GIB = 30
"""Operating system, add-on images and logs on a node's root disk."""
SMALLEST_DISK_GIB = 100
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Tenant:
    """A planned service with the placement it came from."""

    requirement: Requirement
    placement: Placement
    plan: ServicePlan
    pod_devices: int = 0
    """Devices of the pods that it shares with other services; 0 where its pods are its own."""
    leads: bool = True
    """True for one of the services of a pod, by which its pods are counted."""

    @property
    def devices_together(self) -> int:
        """Devices that have to be on one node."""
        return self.pod_devices if self.pod_devices else self.placement.sized.device.per_machine


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool with what costs need of it: its machine and offering."""

    plan: PoolPlan
    machine: Machine
    offering: Offering | None
    shares: tuple[tuple[str, Columns], ...]


def pool_name(machine: Machine, capacity: CapacityType, reservation_id: str | None, fabric: Fabric | None = None) -> str:
    """Identity of a pool: machine type, capacity type, reservation, and whether a network joins its accelerators. Never a service, whose
    rename or removal must not replace nodes."""
    parts = [machine.name.replace(".", "-").lower()]
    if capacity is not CapacityType.ON_DEMAND:
        parts.append(capacity.value)
    if reservation_id is not None:
        parts.append(hashlib.sha256(reservation_id.encode()).hexdigest()[:6])
    if fabric is not None:
        parts.append("fabric")
    return "-".join(parts)


def pool_selector(
    machine: Machine, capacity: CapacityType, reservation_id: str | None, site: Site, fabric: Fabric | None = None
) -> tuple[tuple[str, str], ...]:
    """Labels that put a service's pods onto its pool: our own label on pools that we make, the declared labels on nodes that exist."""
    if machine.count is None:
        return ((POOL_LABEL, pool_name(machine, capacity, reservation_id, fabric)),)
    return declared_labels(machine)


def declared_labels(machine: Machine) -> tuple[tuple[str, str], ...]:
    labels: Mapping[str, str] = machine.facts.get("labels", {})
    if labels:
        return tuple(sorted(labels.items()))
    return ((GPU_LABEL, "true"),) if has_nvidia(machine) else ()


def has_nvidia(machine: Machine) -> bool:
    """True where its accelerators are what `GPU_LABEL` says: the label brings NVIDIA's device plugin to a node."""
    return machine.accelerator is not None and catalog.accelerator(machine.accelerator).resource == NVIDIA_RESOURCE


def look_alikes(pools: Sequence[Pool], site: Site) -> tuple[str, ...]:
    """Existing nodes with another GPU that the labels of a pool select as well: its pods may start there."""
    found: list[str] = []
    for pool in pools:
        if pool.plan.managed or pool.machine.accelerator is None:
            continue
        others = [
            machine.name
            for machine in site.machines.values()
            if machine.accelerator not in (None, pool.machine.accelerator) and set(pool.plan.labels) <= set(declared_labels(machine))
        ]
        if others:
            names = join_names(others, "and")
            found.append(
                f"pods for {pool.plan.name} may start on {names}, which bear the same labels: give each kind of node its own `labels`"
            )
    return tuple(found)


def build_pools(tenants: Sequence[Tenant], site: Site) -> tuple[tuple[Pool, ...], list[Problem]]:
    """The pools of a stack in order of name, and a problem for each set of existing nodes that its services overfill."""
    groups: dict[str, list[Tenant]] = {}
    for tenant in tenants:
        groups.setdefault(tenant.plan.pool, []).append(tenant)
    problems: list[Problem] = []
    pools: list[Pool] = []
    for name, members in sorted(groups.items()):
        pool = _pool(name, members, site)
        pools.append(pool)
        problems += _unlike_terms(members)
        count = pool.machine.count
        if count is not None and pool.plan.nodes.max > count:
            names = ", ".join(pool.plan.services)
            reason = f"{'node' if count == 1 else 'nodes'} of {pool.machine.name} cannot hold {names}, which need {pool.plan.nodes.max}"
            problems.append(Problem("inferstack:target.nodes", reason, count, "add nodes, or bound the services with `replicas`"))
    return tuple(pools), problems


def _unlike_terms(members: Sequence[Tenant]) -> list[Problem]:
    """Services on the same nodes buy them in the same way."""
    first, *others = members
    return [
        Problem(
            f"{other.requirement.path}.commitment",
            f"is not what {first.plan.name} says of the same {first.plan.machine_type} nodes ({first.requirement.commitment or 'none'})",
            other.requirement.commitment,
            "say the same for both, or pin another machineType",
        )
        for other in others
        if other.requirement.commitment != first.requirement.commitment
    ]


def _pool(name: str, members: list[Tenant], site: Site) -> Pool:
    first = members[0]
    machine = first.placement.machine
    nodes = _nodes(members, machine, site)
    managed = machine.count is None
    zones = site.cloud.pool_zones(site.target, machine)
    own = ((POOL_LABEL, name), *(((GPU_LABEL, "true"),) if has_nvidia(machine) else ()))
    plan = PoolPlan(
        name=name,
        machine_type=machine.name,
        gpu=machine.accelerator if machine.accelerator else CPU,
        gpus_per_node=machine.accelerator_count,
        capacity_type=first.plan.capacity_type,
        reservation_id=first.requirement.service.reservation_id,
        capacity_block=first.requirement.service.capacity_block,
        # What joins machines ends at the zone.
        zones=zones[:1] if first.plan.fabric else zones,
        nodes=nodes,
        disk_gib=_disk_gib(members, machine) if managed else 0,
        autoscaled=managed and site.target.scales_nodes,
        managed=managed,
        labels=own if managed else declared_labels(machine),
        services=tuple(member.plan.name for member in members),
        idle_share=_idle_share(members, machine, nodes),
        fabric=first.plan.fabric.name if first.plan.fabric else None,
    )
    return Pool(plan, machine, first.placement.offering, _shares(members, machine, nodes))


def _nodes(members: Sequence[Tenant], machine: Machine, site: Site) -> Columns:
    """Whole nodes at the bottom and top of the range; expected is the mean over a week whose active hours lie within one another."""
    at_most = nodes_for(machine, (_parts(m, m.plan.replicas.max) for m in members))
    if not site.target.scales_nodes:
        return Columns.same(at_most)
    at_least = nodes_for(machine, (_parts(m, m.plan.replicas.min) for m in members))
    expected, begun = Decimal(0), Decimal(0)
    for hour in sorted({level.until_hour for m in members for level in m.placement.levels}):
        busy = nodes_for(machine, (_parts(m, _replicas_at(m.placement.levels, hour)) for m in members))
        expected += (hour - begun) * busy
        begun = hour
    return Columns(Decimal(at_least), expected / HOURS_PER_WEEK, Decimal(at_most))


def _parts(member: Tenant, replicas: int) -> tuple[int, int]:
    """What lands on nodes: devices together on one, and how many times. A replica that spans machines has a part on each."""
    return member.devices_together, replicas * member.placement.sized.machines if member.leads else 0


def _replicas_at(levels: Sequence[Level], hour: Decimal) -> int:
    return next(level.replicas for level in levels if level.until_hour >= hour)


def nodes_for(machine: Machine, replicas: Iterable[tuple[int, int]]) -> int:
    """Nodes that hold `(devices, count)` replicas, or parts of them, largest first into the first node with room; on CPU each takes one."""
    wanted = sorted(replicas, reverse=True)
    if machine.accelerator is None:
        return sum(count for _, count in wanted)
    sizes = {tensor for tensor, _ in wanted}
    if len(sizes) == 1:
        (tensor,) = sizes
        return math.ceil(sum(count for _, count in wanted) / (machine.accelerator_count // tensor))
    free: list[int] = []
    for tensor, count in wanted:
        for _ in range(count):
            slot = next((index for index, room in enumerate(free) if room >= tensor), None)
            if slot is None:
                free.append(machine.accelerator_count - tensor)
            else:
                free[slot] -= tensor
    return len(free)


def _disk_gib(members: Sequence[Tenant], machine: Machine) -> int:
    """Root disk: the system, every image once, and the weights of every replica that may land on one node."""
    images = {m.plan.spec.image: m.placement.sized.engine.release_for(m.plan.replica.shape.device.kind).image_gib for m in members}
    weights = sum(_weights_gib(m) * min(m.plan.replicas.max * m.plan.machines, m.placement.replicas_per_node) for m in members)
    need = SYSTEM_DISK_GIB + sum(images.values()) + weights
    return max(SMALLEST_DISK_GIB, DISK_STEP_GIB * math.ceil(need / DISK_STEP_GIB))


def _weights_gib(tenant: Tenant) -> float:
    """What a replica puts on the disk: its own volumes, and weights that KServe copies or that come as an image."""
    spec = tenant.plan.spec
    copied = spec.storage_uri is not None and not spec.storage_uri.startswith(CLAIM)
    own = sum(volume.size_gib for volume in spec.volumes if not volume.memory)
    return own + (download_gib(tenant.plan.replica.shape) if copied else 0)


def _idle_share(members: Sequence[Tenant], machine: Machine, nodes: Columns) -> float:
    room = float(nodes.max) * max(1, machine.accelerator_count)
    used = sum(m.plan.replicas.max * m.placement.sized.devices for m in members)
    return max(0.0, 1 - used / room)


def _shares(members: Sequence[Tenant], machine: Machine, nodes: Columns) -> tuple[tuple[str, Columns], ...]:
    """Part of the pool's devices that each service occupies over the range of its replicas."""
    room = nodes.map(lambda count: count * max(1, machine.accelerator_count))
    return tuple((m.plan.name, _occupied(m).over(room)) for m in members)


def _occupied(tenant: Tenant) -> Columns:
    """Devices of its replicas."""
    replicas, each = tenant.plan.replicas, tenant.placement.sized.devices
    return Columns(Decimal(replicas.min * each), exact(replicas.expected * each), Decimal(replicas.max * each))
