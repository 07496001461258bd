"""One way to run a service: a sized replica on a machine type. Counts its replicas, prices its nodes, or says why not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from ..catalog.types import Checkpoint, Machine, Offering
from ..clouds.nodes import DIRECT_AGENTS
from ..costs.types import HOURS_PER_MONTH, Columns
from ..sizing import ColdStart
from ..sizing.types import Device, Parallelism
from . import ways
from .counting import HOURS_PER_WEEK, Count, Level, Pace, Sleep, count_nodes, count_replicas
from .replica import CLOSENESS, GIB, Failure, Sized
from .requirement import Requirement
from .site import Site
from .types import ReplicaRange

MIB = 2**20
NOBODY = Count(ReplicaRange(0, 0, 0), (Level(HOURS_PER_WEEK, 0),))
SCALE_DOWN_OVER_COLD_START = 1.5
SHORTEST_SCALE_DOWN = 300


@dataclass(frozen=True, slots=True)
class Placement:
    """A sized replica on a machine type, counted and priced."""

    sized: Sized
    machine: Machine
    offering: Offering | None
    replicas: ReplicaRange
    levels: tuple[Level, ...]
    """Replicas over the hours of a week, the busiest hours first."""
    nodes: Columns
    monthly_usd: Columns | None
    """Its machines alone, whole nodes; None where no price is known."""
    failure: Failure | None
    sleep: Sleep | None = None
    """What going to zero does to it; None where it does not."""

    @property
    def replicas_per_node(self) -> int:
        return replicas_per_node(self.machine, self.sized.device)

    @property
    def standing(self) -> Placement:
        """The same placement with all of its replicas always there."""
        most = self.replicas.max
        nodes = Columns.same(self.nodes.max)
        return replace(
            self,
            replicas=ReplicaRange(most, most, most),
            levels=(Level(HOURS_PER_WEEK, most),),
            nodes=nodes,
            monthly_usd=monthly_usd(self.offering, nodes),
            sleep=None,
        )

    @property
    def rank(self) -> tuple[bool, Decimal, Decimal, bool, bool, int, int, float]:
        """Cheapest at the expected load first; unpriced ones last, by nodes. Equal cost: whole weights, fewer devices, more capacity."""
        cost = self.monthly_usd
        checkpoint = self.sized.checkpoint
        return (
            cost is None,
            cost.expected if cost else self.nodes.max,
            cost.max if cost else Decimal(0),
            self.sized.is_reduced,
            checkpoint.quantized_at_load,
            self.sized.devices,
            _involved(self.sized.parallel),
            -self.sized.capacity_rps,
        )

    @property
    def occupied(self) -> float:
        """Part of the nodes of its kind that it takes at the top of its range, where their number is given; nodes otherwise."""
        nodes = self.replicas.max * self.sized.machines / self.replicas_per_node
        return nodes / self.machine.count if self.machine.count else nodes

    @property
    def distance(self) -> tuple[int, float, float, tuple[bool, Decimal, Decimal, bool, bool, int, int, float]]:
        """Of placements that failed: those nearest to working first. Where none takes any load, the largest silicon is nearest."""
        assert self.failure is not None, "what was turned down has a reason"
        criterion, sized = self.failure.criterion, self.sized
        capacity = 0.0 if criterion == "quality" else sized.capacity_rps
        each = sized.accelerator.memory_gib if sized.accelerator else self.machine.memory_gib
        return CLOSENESS.index(criterion), -capacity, -(each if each else 0.0) * sized.devices, self.rank


def _involved(parallel: Parallelism) -> int:
    """How far a way to spread a replica is from plain tensor parallelism, for choosing among equals."""
    return (parallel.data > 1) + (parallel.expert is not None)


def replicas_per_node(machine: Machine, device: Device) -> int:
    """How many replicas, or parts of those that span machines, one node carries; a CPU replica takes its node."""
    return machine.accelerator_count // device.per_machine if machine.accelerator else 1


def host_share(sized: Sized, machine: Machine, site: Site) -> tuple[int, int]:
    """CPU in millicores and bytes of main memory that one replica may take of a node: its part of what the node leaves for pods."""
    room = site.allocatable(machine)
    per_node = max(1, replicas_per_node(machine, sized.device))
    beside = (_sidecar(sized.checkpoint, site), _receiver(sized, machine, site))
    millicores, mib = (sum(column) for column in zip(*beside, strict=True))
    return room.cpu_millicores // per_node - millicores, room.memory_bytes // per_node - mib * MIB


def _sidecar(checkpoint: Checkpoint, site: Site) -> tuple[int, int]:
    """Millicores and MiB of the container that stands beside the server to read the volume."""
    volume = ways.volume_of(checkpoint, site)
    return (0, 0) if volume is None else volume.sold_as.sidecar or (0, 0)


def _receiver(sized: Sized, machine: Machine, site: Site) -> tuple[int, int]:
    """The same of the daemon that stands beside the server where one of Google's own transports joins the machines of a replica."""
    found = site.fabric(machine) if sized.machines > 1 else None
    if found is None or found.gpudirect is None or sized.device.network != found.name:
        return (0, 0)
    made = found.gpudirect.daemon
    return made.cpu_millicores + sum(agent.millicores for agent in DIRECT_AGENTS), made.memory_mib + sum(a.mib for a in DIRECT_AGENTS)


def host_failure(sized: Sized, machine: Machine, site: Site) -> Failure | None:
    """Why the node's main memory is too small for the replicas that its accelerators would carry; None where it is not."""
    _, share = host_share(sized, machine, site)
    if sized.host_bytes <= share:
        return None
    return Failure(
        "memory", f"needs {sized.host_bytes / GIB:.1f} GiB of main memory, a replica's share of {machine.name} is {share / GIB:.1f} GiB"
    )


def place(requirement: Requirement, sized: Sized, machine: Machine, site: Site) -> Placement:
    """`sized` on `machine`: how many replicas and nodes the traffic needs there, and what they cost."""
    offering = site.offering(machine, requirement.capacity, requirement.commitment, requirement.service.capacity_block)
    failure = sized.failure
    if failure is None:
        sized, failure = _by_its_way(requirement, sized, machine, site)
    failure = failure if failure else host_failure(sized, machine, site)
    count = NOBODY
    if failure is None:
        found = count_replicas(requirement, sized.capacity_rps, lambda: pace_of(sized, machine, site))
        count, failure = (NOBODY, Failure("replicas", found)) if isinstance(found, str) else (found, None)
    nodes = count_nodes(count.replicas, count.levels, replicas_per_node(machine, sized.device), sized.machines, site)
    if failure is None and machine.count is not None and nodes.max > machine.count:
        failure = Failure("nodes", f"needs {nodes.max} nodes of {machine.name}, the cluster has {machine.count}")
    monthly = monthly_usd(offering, nodes)
    return Placement(sized, machine, offering, count.replicas, count.levels, nodes, monthly, failure, count.sleep)


def monthly_usd(offering: Offering | None, nodes: Columns) -> Columns | None:
    """What the nodes cost over the range; None where a price is missing at any point of it."""
    if offering is None:
        return None
    at = [offering.monthly_usd(count, HOURS_PER_MONTH, nodes.min) for count in (nodes.min, nodes.expected, nodes.max)]
    known = [usd for usd in at if usd is not None]
    return Columns(*known) if len(known) == len(at) else None


def cold_start_of(sized: Sized, machine: Machine, site: Site, *, first: bool = False) -> ColdStart:
    """How long a new replica takes there until it answers, `first` of all. Only what fits has one."""
    assert sized.replica is not None, "what does not fit does not start"
    return ways.cold_start(sized.engine, sized.replica.shape, machine, site, sized.checkpoint, first=first)


def _by_its_way(requirement: Requirement, sized: Sized, machine: Machine, site: Site) -> tuple[Sized, Failure | None]:
    """`sized` with its weights by the way that is taken on that machine; the failure says that none is soon enough."""
    assert sized.replica is not None, "what does not fit does not start"
    service, shape = requirement.service, sized.replica.shape
    most = service.slo.cold_start_seconds
    if most is None and (not site.target.volumes or service.volume is not None):
        return sized, None
    found = list(ways.ways(service, sized.engine, shape, sized.accelerator, machine, site))
    taken = ways.best(found, most)
    if taken is None:
        soonest = min(found, key=lambda way: way.seconds)
        reason = f"a new replica answers after {soonest.seconds:,.0f} s, above {most:,.0f} s"
        return sized, Failure("slo", reason, soonest.seconds, "slo.coldStartSeconds")
    return sized.with_checkpoint(taken.checkpoint), None


def scale_down_seconds(cold_start: ColdStart) -> int:
    """How long the load must be lower before a replica goes: longer than one takes to come, or the same load would start it again."""
    return max(SHORTEST_SCALE_DOWN, 60 * math.ceil(cold_start.seconds.high * SCALE_DOWN_OVER_COLD_START / 60))


def pace_of(sized: Sized, machine: Machine, site: Site) -> Pace:
    """How fast a replica comes and goes there."""
    start = cold_start_of(sized, machine, site)
    return Pace(start.seconds.expected, scale_down_seconds(start))
