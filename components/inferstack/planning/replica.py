"""One replica on given silicon, whichever machine carries it: whether it fits, what it takes at once and how fast it is, or why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from .. import catalog, sizing
from ..catalog.types import Accelerator, Checkpoint, Model
from ..clouds.gpudirect import FABRICS
from ..engines.kinds import pools
from ..engines.serving import Tuning
from ..engines.types import Engine
from ..sizing.types import Device, EngineSettings, MemoryLayout, Parallelism, Performance, Replica, Shape
from .requirement import Requirement

GIB = 2**30
SIXTEEN_BIT = 16
DEFAULT_KV_DTYPE = "bf16"
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
