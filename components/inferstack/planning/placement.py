"""One way to run a service: an engine with a checkpoint on a machine type. Sizes it, counts its replicas, prices it, or says why not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from .. import catalog, sizing
from ..catalog.types import Accelerator, Checkpoint, Machine, Model, Offering
from ..costs.types import HOURS_PER_MONTH, Columns
from ..engines.types import Engine
from ..sizing.types import Device, MemoryLayout, Performance, Replica, Shape
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .requirement import Requirement
from .site import Site
from .types import ReplicaRange

GIB = 2**30
SIXTEEN_BIT = 16
DEFAULT_KV_DTYPE = "bf16"
ALWAYS_ON_DAY = 24
CLOSENESS = ("quality", "nodes", "replicas", "slo", "memory")
"""Criteria of failures: how near to working what they turn down came, nearest first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a placement was turned down: which criterion, and the sentence."""

    criterion: str
    """One of `CLOSENESS`."""
    reason: str


@dataclass(frozen=True, slots=True)
class Sized:
    """A replica on given silicon, whichever machine carries it. `replica` is None where it does not fit."""

    engine: Engine
    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator | None
    tensor: int
    replica: Replica | None
    host_bytes: int
    """Main memory that one replica needs."""
    failure: Failure | None

    @property
    def is_reduced(self) -> bool:
        """True where the weights have fewer bits than those that the model was published with."""
        name, model = self.checkpoint.quantization, self.model
        return name != model.native_quantization and catalog.quantization(name).bits < SIXTEEN_BIT

    @property
    def capacity_rps(self) -> float:
        return self.replica.performance.capacity_rps.expected if self.replica else 0.0


@dataclass(frozen=True, slots=True)
class Placement:
    """A sized replica on a machine type, counted and priced."""

    sized: Sized
    machine: Machine
    offering: Offering | None
    replicas: ReplicaRange
    active_replicas: int
    """Replicas at the mean load of the active hours."""
    nodes: Columns
    monthly_usd: Columns | None
    """Its machines alone, whole nodes; None where no price is known."""
    failure: Failure | None

    @property
    def replicas_per_node(self) -> int:
        return replicas_per_node(self.machine, self.sized.tensor)

    @property
    def standing(self) -> Placement:
        """The same placement with all of its replicas always there."""
        most, price = self.replicas.max, self.offering.usd_per_hour if self.offering else None
        nodes = Columns.same(self.nodes.max)
        return replace(
            self,
            replicas=ReplicaRange(most, most, most),
            active_replicas=most,
            nodes=nodes,
            monthly_usd=None if price is None else nodes.map(lambda count: count * price * HOURS_PER_MONTH),
        )

    @property
    def rank(self) -> tuple[bool, Decimal, Decimal, bool, bool, int, float]:
        """Cheapest at the expected load first; unpriced ones last, by nodes. Equal cost: whole weights, fewer devices, more capacity."""
        cost = self.monthly_usd
        checkpoint = self.sized.checkpoint
        return (
            cost is None,
            cost.expected if cost else self.nodes.max,
            cost.max if cost else Decimal(0),
            self.sized.is_reduced,
            checkpoint.quantized_at_load,
            self.sized.tensor,
            -self.sized.capacity_rps,
        )

    @property
    def occupied(self) -> float:
        """Part of the nodes of its kind that it takes at the top of its range, where their number is given; nodes otherwise."""
        nodes = self.replicas.max / self.replicas_per_node
        return nodes / self.machine.count if self.machine.count else nodes

    @property
    def distance(self) -> tuple[int, float, float, tuple[bool, Decimal, Decimal, bool, bool, int, float]]:
        """Of placements that failed: those nearest to working first. Where none takes any load, the largest silicon is nearest."""
        assert self.failure is not None, "what was turned down has a reason"
        criterion, sized = self.failure.criterion, self.sized
        capacity = 0.0 if criterion == "quality" else sized.capacity_rps
        each = sized.accelerator.memory_gib if sized.accelerator else self.machine.memory_gib
        return CLOSENESS.index(criterion), -capacity, -(each if each else 0.0) * sized.tensor, self.rank


def replicas_per_node(machine: Machine, tensor: int) -> int:
    """How many replicas one node carries; a CPU replica takes its node."""
    return machine.accelerator_count // tensor if machine.accelerator else 1


def size(
    requirement: Requirement, engine: Engine, checkpoint: Checkpoint, accelerator: Accelerator | None, device: Device, context: int
) -> Sized:
    """The replica of `requirement` on `device`, with as many sequences as its KV cache serves; latencies are those of an idle one."""
    tensor = device.count

    def failed(criterion: str, reason: str) -> Sized:
        return Sized(engine, requirement.model, checkpoint, accelerator, tensor, None, 0, Failure(criterion, reason))

    over = sizing.weight_bytes(requirement.model, checkpoint) - device.count * device.memory_bytes
    if over > 0:
        where = f"{device.count} x {device.id}" if device.count > 1 else device.id
        return failed("memory", f"the weights alone exceed {where} by {over / GIB:.1f} GiB")
    shape, memory = _admit(requirement, engine, checkpoint, device, context)
    if not memory.fits or (not engine.paged_kv and memory.max_sequences < shape.max_sequences):
        return failed("memory", _shortfall(memory, device, shape))
    performance = at_load(requirement, shape, memory, load_rps=0.0)
    host_bytes = engine.host_memory_bytes(shape) + round(requirement.overrides.tuning.host_gib * GIB)
    replica = Replica(shape, memory, performance)
    failure = Failure("slo", _missed(requirement, performance)) if performance.capacity_rps.expected <= 0 else None
    return Sized(engine, requirement.model, checkpoint, accelerator, tensor, replica, host_bytes, failure)


def at_load(requirement: Requirement, shape: Shape, memory: MemoryLayout, load_rps: float) -> Performance:
    workload = requirement.workload
    return sizing.size_replica(shape, memory, workload.isl, workload.osl, requirement.slo, load_rps, techniques=requirement.techniques)


def _admit(requirement: Requirement, engine: Engine, checkpoint: Checkpoint, device: Device, context: int) -> tuple[Shape, MemoryLayout]:
    """The shape whose `max_sequences` is what its own KV cache holds: a larger batch would only take memory from the cache.

    A number that the user gives stands as it is.
    """
    tuning = requirement.overrides.tuning
    name, version = engine.traits.sized_as or (engine.name, engine.release.version)
    admitting = partial(
        Shape,
        engine=name,
        engine_version=version,
        model=requirement.model,
        checkpoint=checkpoint,
        device=device,
        parallel=engine.spread(device.count),
        kv_dtype=DEFAULT_KV_DTYPE if tuning.kv_dtype is None else tuning.kv_dtype,
    )
    workload = requirement.workload
    length = workload.isl + workload.osl if engine.paged_kv else context
    held = engine.memory(admitting(context=length, max_sequences=engine.most_sequences)).max_sequences
    sequences = max(1, min(held, engine.most_sequences)) if tuning.max_sequences is None else tuning.max_sequences
    shape = admitting(context=context, max_sequences=sequences)
    return shape, engine.memory(shape)


def _shortfall(memory: MemoryLayout, device: Device, shape: Shape) -> str:
    where = f"{device.count} x {device.id}" if device.count > 1 else device.id
    weights = memory.weight_bytes * device.count / GIB
    if memory.kv_bytes <= 0:
        over = -memory.kv_bytes * device.count / GIB
        return f"{weights:.1f} GiB of weights and buffers exceed {where} by {over:.1f} GiB"
    left = memory.kv_bytes * device.count / GIB
    if memory.fits:
        return f"{where} holds {memory.max_sequences} requests of {shape.context:,} tokens in the KV cache, not {shape.max_sequences}"
    return f"{where} has {left:.1f} GiB left for the KV cache, less than one request of {shape.context:,} tokens needs"


def _missed(requirement: Requirement, idle: Performance) -> str:
    slo = requirement.slo
    if slo.ttft_p95_ms is not None and idle.ttft_p95_ms.expected > slo.ttft_p95_ms:
        return f"TTFT is {idle.ttft_p95_ms.expected:,.0f} ms even without load, above {slo.ttft_p95_ms:,.0f} ms"
    if slo.tpot_p95_ms is not None and idle.tpot_p95_ms.expected > slo.tpot_p95_ms:
        return f"TPOT is {idle.tpot_p95_ms.expected:,.1f} ms even without load, above {slo.tpot_p95_ms:,.1f} ms"
    return "the SLO leaves no load that one replica could take"


def host_share(sized: Sized, machine: Machine, site: Site) -> tuple[int, int]:
    """CPU in millicores and bytes of main memory that one replica may take of a node: its part of what the node leaves for pods."""
    room = site.allocatable(machine)
    per_node = max(1, replicas_per_node(machine, sized.tensor))
    return room.cpu_millicores // per_node, room.memory_bytes // per_node


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
    offering = site.offering(machine, requirement.capacity)
    failure = sized.failure if sized.failure else host_failure(sized, machine, site)
    replicas, active = ReplicaRange(0, 0, 0), 0
    if failure is None:
        replicas, active, failure = count_replicas(requirement, sized.capacity_rps)
    nodes = count_nodes(replicas, active, replicas_per_node(machine, sized.tensor), requirement.workload.active_hours, site)
    if failure is None and machine.count is not None and nodes.max > machine.count:
        failure = Failure("nodes", f"needs {nodes.max} nodes of {machine.name}, the cluster has {machine.count}")
    price = offering.usd_per_hour if offering else None
    monthly = None if price is None else nodes.map(lambda count: count * price * HOURS_PER_MONTH)
    return Placement(sized, machine, offering, replicas, active, nodes, monthly, failure)


def count_replicas(requirement: Requirement, capacity_rps: float) -> tuple[ReplicaRange, int, Failure | None]:
    """Replicas for the peak, for the mean of the active hours, and outside them, within the bounds that the stack file sets."""
    workload = requirement.workload
    peak = max(1, math.ceil(workload.peak_rps / capacity_rps - 1e-9))
    active = max(1, math.ceil(workload.mean_rps / capacity_rps - 1e-9))
    wish = requirement.replicas
    least, most = (wish, wish) if isinstance(wish, int) else (wish.min, wish.max) if isinstance(wish, ReplicaBounds) else (1, peak)
    if most < peak:
        carried = most * capacity_rps
        word = "replica carries" if most == 1 else "replicas carry"
        reason = f"{most} {word} {carried:,.2f} requests per second within the SLO, the peak is {workload.peak_rps:,.2f}; it takes {peak}"
        return ReplicaRange(least, least, most), least, Failure("replicas", reason)
    active = min(most, max(least, active))
    share = workload.active_hours / ALWAYS_ON_DAY
    return ReplicaRange(least, share * active + (1 - share) * least, most), active, None


def count_nodes(replicas: ReplicaRange, active: int, per_node: int, active_hours: float, site: Site) -> Columns:
    """Whole nodes at each point of the range; expected is the mean over a day. Nodes that do not come and go stand at the maximum."""
    most = math.ceil(replicas.max / per_node)
    if not site.target.scales_nodes:
        return Columns.same(most)
    least = math.ceil(replicas.min / per_node)
    share = Decimal(str(active_hours)) / ALWAYS_ON_DAY
    return Columns(Decimal(least), share * math.ceil(active / per_node) + (1 - share) * least, Decimal(most))
