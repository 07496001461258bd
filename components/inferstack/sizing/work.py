"""What a prompt and a decode step ask of the silicon: seconds at its peak rates and counts, before any efficiency. No fitted number here.

    token     = 2 P / (n F)                      matrix products of one token
    attention = 4 heads x width x context / F16  per layer; causal: half the context in prefill, at most the window
    read      = bytes / (n BW)                   weights and KV cache
    link      = 2 (n-1)/n x tokens x H x 2 B     per all-reduce, two in a layer

`n` are the devices of one pipeline stage; stages work one after the other for one token. A full pipeline goes at the pace of its slowest
stage: the one with the most layers, and lm_head, which the others wait for. Where attention is data-parallel, each rank reads
all attention weights but keeps only its own sequences, and tokens travel to the experts and back once in a layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .. import catalog
from ..catalog.types import KvCache, KvKind, Model, Quantization
from .constants import constants
from .devices import is_geforce, link_kind, peak_flops
from .kv import kv_read_bytes
from .types import Shape
from .weights import embedding_params, expert_params, expert_share, language_params, quantized_params, weight_bytes

ACTIVATION_BYTES = 2
BYTES_16_BIT = 2
WIDE = {"bf16", "fp16"}


@dataclass(frozen=True, slots=True)
class Work:
    """One replica's work at one input and output length: seconds at peak (`_s`) over all pipeline stages, and counts."""

    prefill_dense_s: float
    """Matrix products of one prompt outside routed experts; lm_head runs for its last token only."""
    prefill_expert_s: float
    prefill_attention_s: float
    token_dense_s: float
    """The same of one decoded token."""
    token_expert_s: float
    token_attention_s: float
    dense_read_s: float
    """Reading what every step reads; the input embedding is looked up, not read."""
    expert_read_s: float
    """Reading all routed experts."""
    expert_miss: float
    """Chance that a token does not use a given expert, 1 - k/E; 0 for dense models."""
    kv_read_s: float
    """Reading one sequence's KV cache at its mean length, ISL + OSL / 2."""
    link_token_s: float
    """All-reduces of one token at the link's nominal rate."""
    link: str
    messages: int
    """Collective operations of one step, each with its latency."""
    hops: int
    """Transfers between pipeline stages."""
    layers: int
    expert_layers: int
    stages: int
    ranks: int
    """Attention-data-parallel ranks, each with a scheduler of its own."""
    expert_width: float
    """Columns of one expert; infinite for dense models."""
    weight_only: bool
    """True where weights are unpacked to 16 bits before they are multiplied."""
    loops: int
    """Experts that one step visits one after the other, over all layers; 0 where an engine has one kernel for all of them."""
    unfused: bool
    """True where each product of a narrow format is several launches: its activations are quantized, or its weights unpacked, apart."""
    isl: float
    osl: float


def work_of(shape: Shape, isl: float, osl: float) -> Work:
    """The work of `shape` for requests of `isl` input and `osl` output tokens."""
    model, device, parallel = shape.model, shape.device, shape.parallel
    devices = parallel.tensor * parallel.data
    quantization = catalog.quantization(shape.checkpoint.quantization)
    wide = peak_flops(device, "bf16") * _accumulation(shape)
    fast = peak_flops(device, _compute_dtype(shape, quantization)) * _accumulation(shape)
    expert_total = expert_params(model)
    expert = expert_total * model.top_k / model.n_experts if expert_total and model.top_k and model.n_experts else 0.0
    dense = min(model.params_active, language_params(model)) - _looked_up(model) - expert
    slowest = _slowest_stage(shape)
    dense_rate = devices * (wide if _only_experts(model, quantization) else fast)
    last = _lm_head(model)
    kv = _as_read(shape, model.kv)
    context = isl + osl / 2
    scored = 4 * model.num_attention_heads / (devices * wide)
    return Work(
        prefill_dense_s=isl * 2 * (dense - last) / dense_rate,
        prefill_expert_s=isl * 2 * expert / (devices * fast),
        prefill_attention_s=scored * model.head_dim * isl * prompt_context(model, kv, isl),
        token_dense_s=2 * ((dense - last) * slowest.layers + last * slowest.heads) / dense_rate,
        token_expert_s=2 * expert / (devices * fast),
        token_attention_s=scored * _decode_width(model) * (kv.full_layers * context + kv.window_layers * min(context, kv.window_tokens)),
        dense_read_s=_dense_bytes(shape, quantization, slowest) / device.bandwidth_bytes_s,
        expert_read_s=_expert_bytes(shape) / (devices * device.bandwidth_bytes_s),
        expert_miss=1 - model.top_k / model.n_experts if expert and model.top_k and model.n_experts else 0.0,
        kv_read_s=kv_read_bytes(model, context, shape.kv_dtype, parallel.tensor, kv) / (parallel.data * device.bandwidth_bytes_s),
        link_token_s=_link_token_bytes(shape) / _link_bytes_s(shape),
        link=link_kind(device),
        messages=_exchanges(shape) * model.num_layers,
        hops=parallel.pipeline - 1,
        layers=model.num_layers,
        expert_layers=model.num_layers - (model.first_k_dense or 0) if expert else 0,
        stages=parallel.pipeline,
        ranks=parallel.data,
        expert_width=expert_width(model),
        weight_only=weight_only(device.flops, quantization.name),
        loops=model.num_layers * (model.n_experts or 0) if expert and _kernel_by_kernel(shape) else 0,
        unfused=_kernel_by_kernel(shape) and quantization.name in constants("performance")["kernel_by_kernel"]["unfused"],
        isl=isl,
        osl=osl,
    )


def generates(model: Model) -> bool:
    """True for models that decode; encoders, embedding and reward models answer after prefill."""
    return model.kind == "llm" and model.kv.kind is not KvKind.NONE


def weight_only(flops: Mapping[str, float], quantization: str) -> bool:
    """True where the silicon does not multiply in the stored format: weights are unpacked to 16 bits first."""
    stored = catalog.quantization(quantization)
    return stored.bits < 16 and stored.compute_dtype not in flops.keys() - WIDE


def expert_width(model: Model) -> float:
    """Columns of one expert: narrow products run far below the silicon's peak. Infinite for dense models."""
    if not expert_params(model):
        return math.inf
    return float(model.moe_intermediate_size or model.intermediate_size or math.inf)


def prompt_context(model: Model, kv: KvCache, isl: float) -> float:
    """Tokens that a prompt token attends to, mean, summed over layers: causal ISL / 2, at most the window; all of them in encoders."""
    if kv.kind is KvKind.NONE:
        return model.num_layers * isl
    return kv.full_layers * isl / 2 + kv.window_layers * min(isl / 2, kv.window_tokens)


def _decode_width(model: Model) -> float:
    """Width of a head in decode: with a latent (MLA) every head scores against the latent itself."""
    kv = model.kv
    return kv.elements_full / kv.full_layers if kv.kind is KvKind.LATENT else model.head_dim


def _as_read(shape: Shape, kv: KvCache) -> KvCache:
    """The cache as the engine's kernels walk it: some engines keep and read window layers whole."""
    if not kv.window_layers or shape.engine not in constants("performance")["windows_read_whole"]["engines"]:
        return kv
    return KvCache(
        kind=kv.kind,
        full_layers=kv.full_layers + kv.window_layers,
        elements_full=kv.elements_full + kv.elements_window,
        state_bytes=kv.state_bytes,
        extra_bytes_per_token=kv.extra_bytes_per_token,
    )


def _kernel_by_kernel(shape: Shape) -> bool:
    """True where an engine launches each operation by itself, as a model is written."""
    return shape.engine in constants("performance")["kernel_by_kernel"]["engines"]


def _accumulation(shape: Shape) -> int:
    """2 where an engine accumulates products in 16 bits on silicon that does so at twice its stated rate."""
    return 2 if is_geforce(shape.device) and shape.engine in constants("performance")["accumulates_in_16_bits"]["engines"] else 1


def _compute_dtype(shape: Shape, quantization: Quantization) -> str:
    """Key of the silicon's FLOPS: what the quantization computes in, narrowed where kernels use wider activations."""
    dtype = quantization.compute_dtype
    if dtype in shape.device.flops:
        return constants("performance")["narrowed_dtypes"].get(quantization.name, dtype)
    return dtype


def _only_experts(model: Model, quantization: Quantization) -> bool:
    return quantization.bits < 16 and 0 < quantized_params(model, quantization) == expert_params(model)


def _looked_up(model: Model) -> int:
    """Parameters of an input embedding that is not lm_head too: one row of it per token. Without decode no logits are computed at all."""
    if not generates(model):
        return embedding_params(model)
    return 0 if model.tied_embeddings else embedding_params(model) // 2


def _dense_bytes(shape: Shape, quantization: Quantization, slowest: _Stage) -> float:
    """Bytes per device that every step reads besides experts and KV cache; attention-data-parallel ranks hold them whole."""
    model = shape.model
    total = weight_bytes(model, shape.checkpoint)
    wide = quantization.bits / 8 if quantization.whole_model else BYTES_16_BIT
    unread = _looked_up(model) * wide + model.params_vision * BYTES_16_BIT
    read, head = max(0.0, total * (1 - expert_share(model, shape.checkpoint)) - unread), _lm_head(model) * wide
    return (max(0.0, read - head) * slowest.layers + head * slowest.heads) / shape.parallel.tensor


@dataclass(frozen=True, slots=True)
class _Stage:
    """The slowest stage of a full pipeline, as parts of the whole model when all stages are like it."""

    layers: float
    heads: int


def _slowest_stage(shape: Shape) -> _Stage:
    """A pipeline that cannot be full is the sum of its stages."""
    layers, stages = shape.model.num_layers, shape.parallel.pipeline
    if shape.max_sequences < stages:
        return _Stage(1.0, 1)
    return _Stage(math.ceil(layers / stages) * stages / layers, stages)


def _lm_head(model: Model) -> float:
    """Parameters of the product that gives the logits; 0 for models that have none."""
    return embedding_params(model) / (1 if model.tied_embeddings else 2) if generates(model) else 0.0


def _expert_bytes(shape: Shape) -> float:
    return weight_bytes(shape.model, shape.checkpoint) * expert_share(shape.model, shape.checkpoint)


def _exchanges(shape: Shape) -> int:
    """Collective operations per layer: two all-reduces, or one to the experts and back where attention is data-parallel."""
    if shape.parallel.data > 1:
        return 1 if shape.model.is_moe else 0
    return 2 if shape.parallel.tensor > 1 else 0


def _link_token_bytes(shape: Shape) -> float:
    """Bytes that one token sends in one step: exchanges x 2 (n-1)/n x H x 2 B per layer."""
    devices = shape.parallel.tensor * shape.parallel.data
    return _exchanges(shape) * shape.model.num_layers * 2 * (devices - 1) / devices * shape.model.hidden_size * ACTIVATION_BYTES


def _link_bytes_s(shape: Shape) -> float:
    own = shape.device.link_bytes_s
    return constants("performance")["links"][shape.device.link]["assumed_bytes_s"] if own is None else own
