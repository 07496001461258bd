"""Weights that wait in main memory and cross PCIe in each step that uses them, as vLLM does with --cpu-offload-gb.

    decode  += part x (bytes / (PCIe x e) - bytes / (memory bandwidth x e_b))     part = kept there / all weights of the device
    prefill += part x bytes / (PCIe x e)                                          for each chunk of a lone prompt

Kernels read them in place (unified addressing), so that experts that no token of a batch chose do not cross. Believed throughout.
"""

from __future__ import annotations

import math
from dataclasses import replace

from .constants import constants, estimate, memory_constants
from .efficiency import Efficiency
from .times import StepTimes
from .types import Estimate, Shape
from .weights import weight_bytes_per_device
from .work import Work, work_of


def host_part(shape: Shape) -> float:
    """Part of the weights of a device that waits in main memory, 0..1."""
    return min(1.0, shape.host_weight_bytes / weight_bytes_per_device(shape)) if shape.host_weight_bytes else 0.0


def from_host(times: StepTimes, shape: Shape, work: Work, efficiency: Efficiency) -> StepTimes:
    """The step times with what waits in main memory read from there, as expected."""
    part = host_part(shape)
    if not part:
        return times
    slower = _times_slower(shape).expected
    dense, experts = work.dense_read_s * slower, work.expert_read_s * slower
    chunks = prompt_chunks(shape, work)
    return replace(
        times,
        prefill_s=times.prefill_s + part * chunks * (dense + experts),
        fixed_s=times.fixed_s + part * (dense - work.dense_read_s / efficiency.weight_read),
        experts_s=times.experts_s + part * (experts - work.expert_read_s / efficiency.expert_read),
    )


def prompt_chunks(shape: Shape, work: Work) -> int:
    """Steps that a lone prompt is cut into, each of which reads the weights."""
    return math.ceil(work.isl / memory_constants(shape.engine, shape.engine_version).batched_tokens)


def host_read_s(shape: Shape, work: Work, hit: float) -> Estimate | None:
    """Seconds of a step that reading them takes where `hit` of the experts are used; None where all weights are on the device."""
    part = host_part(shape)
    return _times_slower(shape).scaled(part * (work.dense_read_s + hit * work.expert_read_s)) if part else None


def host_read_ms(shape: Shape, isl: float, osl: float) -> Estimate | None:
    """Milliseconds of a step that uses all experts that reading weights from main memory takes; None where none wait there."""
    read = host_read_s(shape, work_of(shape, isl, osl), 1.0)
    return None if read is None else read.scaled(1000)


def host_spread(shape: Shape) -> float:
    """How much wider bands are where weights wait in main memory; 1 where none do."""
    return constants("host_weights")["spread"] if shape.host_weight_bytes else 1.0


def _times_slower(shape: Shape) -> Estimate:
    """Bandwidth of the device's memory over what is reached from main memory."""
    data = constants("host_weights")
    own = shape.device.host_bytes_s
    nominal, reached = data["assumed_bytes_s"] if own is None else own, estimate(data["efficiency"])
    low, expected, high = (shape.device.bandwidth_bytes_s / (nominal * each) for each in (reached.high, reached.expected, reached.low))
    return Estimate(low, expected, high, reached.provenance, reached.source)
