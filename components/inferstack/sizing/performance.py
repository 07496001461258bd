"""How long a prefill and a decode step take: an additive model of compute, memory, all-reduce and launch, one function per term.

    decode(B)  = 2 P B / (n F e_c)  +  (W + B ctx kv) / (n BW e_b)  +  all-reduce  +  L t_layer + t_step
    prefill(I) = I (2 P + attention) / (n F e_p)  +  all-reduce

divided by a factor for engine, quantization and silicon. A sum fits measurements better than the larger of compute and memory.
Constants: `constants.json`, section performance. Seconds, bytes and FLOP throughout.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import catalog
from ..catalog.types import KvKind, Model
from .constants import constants, kin, memory_constants
from .devices import peak_flops
from .kv import kv_read_bytes
from .types import Device, Estimate, Provenance, Shape, worst
from .weights import expert_share, weight_bytes

ACTIVATION_BYTES = 2


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What part of the silicon's peak an engine reaches: fitted or believed constants for one engine, quantization and device."""

    bandwidth: float
    prefill: float
    decode: float
    layer_s: float
    """Launch time of one layer in one step."""
    step_s: float
    """Scheduler and sampler time of one step."""
    moe_compute: float
    """Further factor on compute for mixtures of experts."""
    factor: float
    """Product of the factors for engine, quantization and silicon; times are divided by it."""
    provenance: Provenance
    source: str


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Times of one replica at one input and output length, in seconds: all that queueing needs to know of the hardware."""

    prefill_s: float
    """One prompt, alone."""
    prefill_busy_s: float
    """Time of the replica that one prompt takes; below `prefill_s` where pipeline stages work on several."""
    fixed_s: float
    """Part of a decode step that does not depend on the batch: dense weights, launches, latency of links."""
    sequence_s: float
    """Added to a decode step by each sequence: compute, its KV cache, its share of all-reduces."""
    experts_s: float
    """Reading all routed experts."""
    expert_miss: float
    """Chance that a sequence does not use a given expert, 1 - k/E."""

    def decode_s(self, batch: float) -> float:
        """Seconds of one decode step of `batch` sequences; experts are read as far as they are expected to be hit."""
        if not self.experts_s:
            return self.fixed_s + self.sequence_s * batch
        return self.fixed_s + self.sequence_s * batch + self.experts_s * (1 - self.expert_miss**batch)


def generates(model: Model) -> bool:
    """True for models that decode; encoders, embedding and reward models answer after prefill."""
    return model.kind == "llm" and model.kv.kind is not KvKind.NONE


def step_times(shape: Shape, isl: int, osl: int) -> StepTimes:
    """Times of `shape` at `isl` input and `osl` output tokens; pipeline stages are in a row for one token, side by side for several."""
    efficiency = efficiency_of(shape)
    model, device, parallel = shape.model, shape.device, shape.parallel
    weights_s = weight_read_s(shape, efficiency)
    experts = expert_share(model, shape.checkpoint)
    prefill = (prefill_compute_s(shape, isl, efficiency) + all_reduce_s(model, device, parallel.tensor, isl)) / efficiency.factor
    fixed = weights_s * (1 - experts) + launch_s(model, parallel.pipeline, efficiency) + link_latency_s(model, device, parallel.tensor)
    fixed += (parallel.pipeline - 1) * _link(device)["latency_s"]
    sequence = (
        decode_compute_s(shape, efficiency)
        + kv_read_s(shape, isl + osl / 2, efficiency)
        + all_reduce_s(model, device, parallel.tensor, 1 / parallel.pipeline, latency=False)
    )
    miss = 1 - model.top_k / model.n_experts if experts and model.top_k and model.n_experts else 0.0
    return StepTimes(
        prefill_s=prefill,
        prefill_busy_s=(prefill + _encoder_step_s(shape, isl, fixed / efficiency.factor)) / parallel.pipeline,
        fixed_s=fixed / efficiency.factor,
        sequence_s=sequence / efficiency.factor,
        experts_s=weights_s * experts / efficiency.factor,
        expert_miss=miss ** (1 / parallel.pipeline),
    )


def weight_read_s(shape: Shape, efficiency: Efficiency) -> float:
    """Seconds to read all weights once, over all pipeline stages: W / (TP x BW x e_b)."""
    total = weight_bytes(shape.model, shape.checkpoint)
    return total / (shape.parallel.tensor * shape.device.bandwidth_bytes_s * efficiency.bandwidth)


def kv_read_s(shape: Shape, tokens: float, efficiency: Efficiency) -> float:
    """Seconds that one sequence of `tokens` adds to a decode step by its KV cache: ctx x kv / (BW x e_b)."""
    held = kv_read_bytes(shape.model, tokens, shape.kv_dtype, shape.parallel.tensor)
    return held / shape.parallel.pipeline / (shape.device.bandwidth_bytes_s * efficiency.bandwidth)


def decode_compute_s(shape: Shape, efficiency: Efficiency) -> float:
    """Seconds of matrix products that one sequence adds to a decode step: 2 P / (n F e_c)."""
    return 2 * shape.model.params_active / (_flops(shape) * shape.parallel.pipeline * efficiency.decode * _moe(shape.model, efficiency))


def prefill_compute_s(shape: Shape, isl: int, efficiency: Efficiency) -> float:
    """Seconds of matrix products of one prompt: ISL x (2 P + attention) / (TP F e_p)."""
    flop = isl * (2 * shape.model.params_active + attention_flop_per_token(shape.model, isl))
    return flop / (_flops(shape) * efficiency.prefill * _moe(shape.model, efficiency))


def attention_flop_per_token(model: Model, isl: int) -> float:
    """Mean FLOP of attention per prompt token: 4 x heads x head_dim x mean context per layer; causal: ISL / 2, at most the window."""
    kv = model.kv
    if kv.kind is KvKind.NONE:
        token_layers = model.num_layers * isl
    else:
        token_layers = kv.full_layers * isl / 2 + kv.window_layers * min(isl / 2, kv.window_tokens)
    return 4 * model.num_attention_heads * model.head_dim * token_layers


def all_reduce_s(model: Model, device: Device, tensor: int, tokens: float, latency: bool = True) -> float:
    """Seconds of two all-reduces per layer over `tokens`: 2 L (alpha + 2 (n-1)/n x tokens x H x 2 B / link); 0 on one device."""
    if tensor == 1:
        return 0.0
    moved = 2 * (tensor - 1) / tensor * tokens * model.hidden_size * ACTIVATION_BYTES
    transfer = 2 * model.num_layers * moved / link_bytes_s(device)
    return transfer + (link_latency_s(model, device, tensor) if latency else 0.0)


def link_latency_s(model: Model, device: Device, tensor: int) -> float:
    """Seconds of latency of the two all-reduces per layer; 0 without tensor parallelism."""
    return 2 * model.num_layers * _link(device)["latency_s"] if tensor > 1 else 0.0


def link_bytes_s(device: Device) -> float:
    """Bytes per second that all-reduces reach: a fitted part of the link's own rate, at most the fitted ceiling of its kind."""
    link = _link(device)
    own = link["assumed_bytes_s"] if device.link_bytes_s is None else device.link_bytes_s
    reached = own * link["efficiency"]
    return reached if link["most_bytes_s"] is None else min(reached, link["most_bytes_s"])


def launch_s(model: Model, pipeline: int, efficiency: Efficiency) -> float:
    """Seconds of kernel launches and scheduling in one step: L t_layer + PP t_step."""
    return model.num_layers * efficiency.layer_s + pipeline * efficiency.step_s


def efficiency_of(shape: Shape) -> Efficiency:
    """The constants for the shape's engine, quantization and silicon; believed where one of them has no measurement."""
    return _efficiency(shape.engine, shape.checkpoint.quantization, shape.device.id, shape.device.kind)


def provenance_of(shape: Shape) -> Provenance:
    """The worst of constants, device and link."""
    parts = [efficiency_of(shape).provenance, shape.device.provenance]
    if shape.parallel.devices > 1:
        parts.append(Provenance(_link(shape.device)["provenance"]))
    return worst(*parts)


@functools.cache
def slower_faster(provenance: Provenance) -> tuple[float, float]:
    """Throughput over expected throughput at the low and the high end of the band."""
    band = constants("performance")["bands"]["believed" if provenance is Provenance.BELIEVED else "fitted"]
    return band["low"], band["high"]


def throughput_band(value: float, provenance: Provenance, source: str) -> Estimate:
    low, high = slower_faster(provenance)
    return Estimate(value * low, value, value * high, provenance, source)


def latency_band(value: float, provenance: Provenance, source: str) -> Estimate:
    """The inverse of the throughput band: what is slow at the low end takes long."""
    low, high = slower_faster(provenance)
    return Estimate(value / high, value, value / low, provenance, source)


@functools.cache
def _efficiency(engine: str, quantization: str, device: str, kind: str) -> Efficiency:
    data = constants("performance")
    regime: Mapping[str, Any] = data["regimes"][kind]
    factor, parts, unmeasured = 1.0, [Provenance(regime["provenance"])], list[str]()
    for label, row in (
        (f"engine {engine}", _engine_row(regime["engines"], data["kin"], engine)),
        (f"quantization {quantization}", _quantization_row(regime["quantizations"], quantization)),
        (f"{kind} {device}", regime["devices"].get(device)),
    ):
        factor *= 1.0 if row is None else row["factor"]
        parts.append(Provenance.BELIEVED if row is None else Provenance(row["provenance"]))
        if parts[-1] is Provenance.BELIEVED:
            unmeasured.append(label)
    return Efficiency(
        bandwidth=regime["bandwidth_efficiency"],
        prefill=regime["prefill_efficiency"],
        decode=regime["decode_efficiency"],
        layer_s=regime["layer_s"],
        step_s=regime["step_s"],
        moe_compute=regime["moe_compute"],
        factor=factor,
        provenance=worst(*parts),
        source=data["source"] + (f"; believed for {', '.join(unmeasured)}" if unmeasured else ""),
    )


def _engine_row(rows: Mapping[str, Any], kin_of: Mapping[str, str], engine: str) -> Mapping[str, Any] | None:
    """The engine's own factor, or its nearest kin's as a belief; None where the regime has neither."""
    if engine in rows:
        return rows[engine]
    stand_in = rows.get(kin(kin_of, engine))
    return None if stand_in is None else {**stand_in, "provenance": Provenance.BELIEVED}


def _quantization_row(rows: Mapping[str, Any], quantization: str) -> Mapping[str, Any] | None:
    """The factor of the quantization itself, else of its scheme."""
    return rows.get(quantization, rows.get(catalog.quantization(quantization).scheme))


def _link(device: Device) -> Mapping[str, Any]:
    return constants("performance")["links"][device.link]


def _flops(shape: Shape) -> float:
    """Peak FLOPS of the tensor-parallel group at the dtype that the quantization computes in."""
    quantization = catalog.quantization(shape.checkpoint.quantization)
    dtype = quantization.compute_dtype
    if dtype in shape.device.flops:
        dtype = constants("performance")["narrowed_dtypes"].get(quantization.name, dtype)
    return shape.parallel.tensor * peak_flops(shape.device, dtype)


def _moe(model: Model, efficiency: Efficiency) -> float:
    return efficiency.moe_compute if model.is_moe else 1.0


def _encoder_step_s(shape: Shape, isl: int, fixed_s: float) -> float:
    """A prompt's share of a step's fixed time where prompts do not join decode steps; a batch takes as many as its tokens allow."""
    if generates(shape.model):
        return 0.0
    batched_tokens = memory_constants(shape.engine, shape.engine_version).batched_tokens
    return fixed_s / max(1.0, min(shape.max_sequences, batched_tokens / isl))
