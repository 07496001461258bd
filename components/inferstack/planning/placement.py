"""One way to run a service: an engine with a checkpoint on a machine type. Sizes it, counts its replicas, prices it, or says why not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from .. import catalog, sizing
from ..catalog.types import Accelerator, Checkpoint, Machine, Model, Offering
from ..clouds.gpudirect import FABRICS
from ..clouds.nodes import DIRECT_AGENTS
from ..costs.types import HOURS_PER_MONTH, Columns
from ..engines.kinds import pools
from ..engines.spec import Tuning
from ..engines.types import Engine
from ..sizing import ColdStart
from ..sizing.types import Device, EngineSettings, MemoryLayout, Parallelism, Performance, Replica, Shape
from . import ways
from .counting import HOURS_PER_WEEK, Count, Level, Pace, Sleep, count_nodes, count_replicas
from .requirement import Requirement
from .site import Site
from .types import ReplicaRange

GIB = 2**30
MIB = 2**20
SIXTEEN_BIT = 16
DEFAULT_KV_DTYPE = "bf16"
NOBODY = Count(ReplicaRange(0, 0, 0), (Level(HOURS_PER_WEEK, 0),))
SCALE_DOWN_OVER_COLD_START = 1.5
SHORTEST_SCALE_DOWN = 300
CLOSENESS = ("quality", "nodes", "replicas", "slo", "memory")
"""Criteria of failures: how near to working what they turn down came, nearest first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a placement was turned down: which criterion, and the sentence."""

    criterion: str
    """One of `CLOSENESS`."""
    reason: str
    cold_start_seconds: float | None = None
    """Where a cold start takes too long: how long the shortest."""
    key: str | None = None
    """Key of the service that is in the way, where it is a single one."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A replica on given silicon, whichever machine carries it. `replica` is None where it does not fit."""

    engine: Engine
    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator | None
    device: Device
    parallel: Parallelism
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
    def devices(self) -> int:
        """Devices of one replica, on all its machines."""
        return self.device.count

    @property
    def machines(self) -> int:
        """Machines of one replica."""
        return self.device.machines

    def with_checkpoint(self, checkpoint: Checkpoint) -> Sized:
        """The same weights from another place."""
        assert self.replica is not None, "what does not fit is nowhere"
        shape = replace(self.replica.shape, checkpoint=checkpoint)
        return replace(self, checkpoint=checkpoint, replica=replace(self.replica, shape=shape))

    @property
    def experts_span(self) -> bool:
        """True where several machines share the experts, in place of stages."""
        return self.machines > 1 and self.parallel.data > 1

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


def size(
    requirement: Requirement,
    engine: Engine,
    checkpoint: Checkpoint,
    accelerator: Accelerator | None,
    device: Device,
    parallel: Parallelism,
    context: int,
) -> Sized:
    """The replica of `requirement` on `device`, with as many sequences as its KV cache serves; latencies are those of an idle one."""

    if not reaches_network(requirement, engine, device.network):
        device = sizing.over_tcp(device)

    def failed(criterion: str, reason: str) -> Sized:
        return Sized(engine, requirement.model, checkpoint, accelerator, device, parallel, None, 0, Failure(criterion, reason))

    tuning = requirement.overrides.tuning
    over = sizing.weight_bytes(requirement.model, checkpoint) - room_for_weights(requirement, device)
    if over > 0:
        where = f"{device.count} x {device.id}" if device.count > 1 else device.id
        return failed("memory", f"the weights alone exceed {where} by {over / GIB:.1f} GiB")
    shape, memory = _admit(requirement, engine, checkpoint, device, parallel, context)
    if not memory.fits or (not engine.paged_kv and memory.max_sequences < shape.max_sequences):
        return failed("memory", _shortfall(memory, device, shape))
    host_bytes = engine.host_memory_bytes(shape) + offloaded_bytes(engine, tuning, shape, memory)
    replica, failure = _paced(requirement, shape, memory)
    return Sized(engine, requirement.model, checkpoint, accelerator, device, parallel, replica, host_bytes, failure)


def paced(requirement: Requirement, sized: Sized) -> Sized:
    """`sized`, which was sized for other targets or techniques, for those of `requirement`: they change how fast it is and nothing else."""
    if sized.replica is None:
        return sized
    replica, failure = _paced(requirement, sized.replica.shape, sized.replica.memory)
    return replace(sized, replica=replica, failure=failure)


def _paced(requirement: Requirement, shape: Shape, memory: MemoryLayout) -> tuple[Replica, Failure | None]:
    """The replica without load, and why it keeps its targets at no load; None where it does at some."""
    performance = at_load(requirement, shape, memory, load_rps=0.0)
    return Replica(shape, memory, performance), _missed(requirement, performance) if performance.capacity_rps.expected <= 0 else None


def room_for_weights(requirement: Requirement, device: Device) -> int:
    """Bytes that weights alone may take at most: all memory of the device, and main memory that flags give them."""
    return device.count * (device.memory_bytes + round(requirement.overrides.tuning.host_weight_gib * GIB))


def reaches_network(requirement: Requirement, engine: Engine, network: str) -> bool:
    """False where the engine's own image is known to lack what NCCL needs for that network between machines, and of one that takes rights
    on the node where it is not known to hold it."""
    return requirement.overrides.image is not None or engine.release.networks.get(network, network not in FABRICS)


def offloaded_bytes(engine: Engine, tuning: Tuning, shape: Shape, memory: MemoryLayout) -> int:
    """Main memory of one machine that flags of the user take: for each group of attention, for each accelerator, and what stays free."""
    groups = max(1, shape.parallel.data // shape.device.machines)
    each = tuning.host_gib_each * GIB + tuning.host_kv_ratio * memory.kv_bytes + shape.host_weight_bytes
    taken = tuning.host_gib * GIB * groups + each * shape.devices_per_machine
    return round(taken + engine.flags.host_reserve_gib * GIB) if taken else 0


def at_load(requirement: Requirement, shape: Shape, memory: MemoryLayout, load_rps: float) -> Performance:
    workload = requirement.workload
    return sizing.size_replica(
        shape,
        memory,
        workload.isl,
        workload.osl,
        requirement.slo,
        load_rps,
        variability=workload.variability,
        techniques=requirement.techniques,
    )


def _admit(
    requirement: Requirement, engine: Engine, checkpoint: Checkpoint, device: Device, parallel: Parallelism, context: int
) -> tuple[Shape, MemoryLayout]:
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
        parallel=parallel,
        kv_dtype=DEFAULT_KV_DTYPE if tuning.kv_dtype is None else tuning.kv_dtype,
        additions=requirement.beside.physics,
        host_weight_bytes=round(tuning.host_weight_gib * GIB),
    )
    if pools(requirement.model):
        # An input is computed at once, so that a batch must hold the longest.
        batched = max(sizing.memory_constants(name, version).batched_tokens, context)
        admitting = partial(admitting, settings=EngineSettings(batched_tokens=batched))
    workload = requirement.workload
    length = workload.isl + workload.osl if engine.paged_kv else context
    held = engine.memory(admitting(context=length, max_sequences=engine.most_sequences)).max_sequences
    sequences = max(1, min(held, engine.most_sequences)) if tuning.max_sequences is None else tuning.max_sequences
    shape = admitting(context=context, max_sequences=sequences)
    if requirement.calibration is not None:
        shape = replace(shape, measured=requirement.calibration.correction(shape))
    return shape, engine.memory(shape)


def _shortfall(memory: MemoryLayout, device: Device, shape: Shape) -> str:
    where = f"{device.count} x {device.id}" if device.count > 1 else device.id
    weights = memory.weight_bytes * device.count / GIB
    if memory.kv_bytes <= 0 and memory.activation_bytes > memory.weight_bytes:
        batch = memory.activation_bytes * device.count / GIB
        over = -memory.kv_bytes * device.count / GIB
        return f"{batch:,.1f} GiB for a batch of {shape.max_sequences:,} and {weights:.1f} GiB of weights exceed {where} by {over:,.1f} GiB"
    if memory.kv_bytes <= 0:
        over, added = -memory.kv_bytes * device.count / GIB, memory.added_bytes * device.count / GIB
        taken = (
            f"{weights:.1f} GiB of weights and buffers"
            if not added
            else f"{weights:.1f} GiB of weights, {added:.1f} GiB beside them and buffers"
        )
        adapters = shape.additions.adapters
        fewer = "; fewer `adapterSlots` take less" if adapters is not None and adapters.slots > 1 else ""
        return f"{taken} exceed {where} by {over:.1f} GiB{fewer}"
    left = memory.kv_bytes * device.count / GIB
    if memory.fits:
        return f"{where} holds {memory.max_sequences} requests of {shape.context:,} tokens in the KV cache, not {shape.max_sequences}"
    return f"{where} has {left:.1f} GiB left for the KV cache, less than one request of {shape.context:,} tokens needs"


def _missed(requirement: Requirement, idle: Performance) -> Failure:
    slo = requirement.slo
    if slo.ttft_p95_ms is not None and idle.ttft_p95_ms.expected > slo.ttft_p95_ms:
        name, key = ("latency", "latencyP95Ms") if pools(requirement.model) else ("TTFT", "ttftP95Ms")
        reason = f"{name} is {idle.ttft_p95_ms.expected:,.0f} ms even without load, above {slo.ttft_p95_ms:,.0f} ms"
        return Failure("slo", reason, key=f"slo.{key}")
    if slo.tpot_p95_ms is not None and idle.tpot_p95_ms.expected > slo.tpot_p95_ms:
        reason = f"TPOT is {idle.tpot_p95_ms.expected:,.1f} ms even without load, above {slo.tpot_p95_ms:,.1f} ms"
        return Failure("slo", reason, key="slo.tpotP95Ms")
    return Failure("slo", "the SLO leaves no load that one replica could take", key="slo")


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
