"""What other tools compute for the same row, re-derived from their published formulas. Bytes, seconds and FLOP throughout.

None is what a tool does not cover. Sources: llm-d-planner 0.3.3 (capacity planner), KAITO (nodes estimator, 2026-08), BentoML llm-optimizer
(performance), BLIS inference-sim (hardware configuration), and the textbook roofline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inferstack import catalog
from inferstack.catalog.types import KvKind, Model
from inferstack.sizing.devices import peak_flops
from inferstack.sizing.types import Shape
from inferstack.sizing.weights import weight_bytes

GIB = 2**30
GB = 10**9

LLM_D_ACTIVATION_GIB: Mapping[str, float] = {
    "llama": 1.89, "qwen2": 2.25, "qwen3": 2.21, "qwen3_moe": 2.68, "mixtral": 1.21, "phi3": 1.52, "granite": 0.85,
    "deepseek_v2": 1.93, "gemma2": 3.65, "gemma3": 3.94, "mistral3": 2.10,
}  # fmt: skip
LLM_D_ACTIVATION_ELSE_GIB = {"dense": 2.0, "moe": 2.5}

BLIS_MFU: Mapping[str, tuple[float, float]] = {"h100-80": (0.45, 0.30), "a100-80": (0.38, 0.18), "l40s": (0.32, 0.08)}
"""Prefill and decode MFU by accelerator: the three that it is calibrated for."""

BENTO_PREFILL_MFU, BENTO_DECODE_MFU = 0.45, 0.30


@dataclass(frozen=True, slots=True)
class Load:
    """What a row asks for: sequences at once, and input and output tokens of each."""

    batch: float
    isl: int
    osl: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Throughput and latencies of one replica; None where the tool says nothing."""

    output_tps: float
    ttft_ms: float
    tpot_ms: float


def llm_d_kv_bytes_per_token(model: Model, element_bytes: float) -> float:
    """Bytes of one token's KV over the whole replica: 2 L heads head_dim b, or L (latent + rope) b. Windows and state count as full."""
    layers = model.num_layers
    if model.kv.kind is KvKind.LATENT:
        return model.kv.elements_full / model.kv.full_layers * layers * element_bytes
    return 2 * layers * model.num_kv_heads * model.head_dim * element_bytes


def llm_d_kv_gib_per_gpu(shape: Shape, marketed_gb: float, utilisation: float) -> float:
    """KV pool per GPU: util x memory - weights / GPUs - a constant for activation - a constant for the rest."""
    gpus = shape.parallel.devices
    model = shape.model
    other = LLM_D_ACTIVATION_ELSE_GIB["moe" if model.is_moe else "dense"]
    activation = LLM_D_ACTIVATION_GIB.get(model.architecture, other) / gpus
    non_torch = 2.10 if shape.parallel.tensor > 1 else 0.07 if shape.parallel.pipeline > 1 else 0.27
    return utilisation * marketed_gb - weight_bytes(model, shape.checkpoint) / GIB / gpus - activation - non_torch


def kaito_kv_gib_per_gpu(shape: Shape, marketed_gb: float, files_bytes: float) -> float:
    """What KAITO leaves beside weights: 0.84 of the memory less 2.3 GiB, less 1.02 x 1.05 of the files over all GPUs."""
    usable = 0.84 * marketed_gb - 2.3
    return usable - 1.05 * 1.02 * files_bytes / GIB / shape.parallel.devices


def rule_of_thumb_weight_gb(model: Model) -> float:
    """The widely quoted 2 bytes x parameters x 1.2, in GB."""
    return 2 * model.params_total * 1.2 / GB


def roofline(shape: Shape, load: Load) -> Figures:
    """Textbook: TPOT = (weights + live KV) / bandwidth, TTFT = 2 P ISL / FLOPS; throughput = batch / TPOT."""
    model, gpus = shape.model, shape.parallel.devices
    step = (weight_bytes(model, shape.checkpoint) + load.batch * _live_kv_bytes(shape, load)) / (gpus * shape.device.bandwidth_bytes_s)
    prefill = 2 * model.params_active * load.isl / (gpus * _flops(shape))
    return Figures(load.batch / step, prefill * 1e3, step * 1e3)


def blis(shape: Shape, load: Load) -> Figures | None:
    """Larger of compute at a calibrated MFU and memory at full bandwidth; None where no MFU is published for the accelerator."""
    mfu = BLIS_MFU.get(shape.device.id)
    if mfu is None:
        return None
    model, gpus = shape.model, shape.parallel.devices
    flops = gpus * _flops(shape)
    prefill = 2 * model.params_active * load.isl / (flops * mfu[0])
    read = weight_bytes(model, shape.checkpoint) + load.batch * _live_kv_bytes(shape, load)
    step = max(2 * model.params_active * load.batch / (flops * mfu[1]), read / (gpus * shape.device.bandwidth_bytes_s))
    return Figures(_steady(prefill, step, load), prefill * 1e3, step * 1e3)


def bento(shape: Shape, load: Load) -> Figures:
    """BentoML llm-optimizer: FLOP of a block with a feed-forward of 4 d in two matrices, activations of B heads S^2 in the bytes."""
    model, gpus = shape.model, shape.parallel.devices
    width, element = model.hidden_size, _element_bytes(shape)
    block = 2 * (4 * width * width + 8 * width * width)
    flops = gpus * _flops(shape)
    context = load.isl + load.osl / 2
    prefill_flop = model.num_layers * (block * load.isl + 4 * width * load.isl * load.isl) * load.batch
    decode_flop = model.num_layers * (block + 4 * width * context) * load.batch
    kv = 2 * model.num_layers * width * element * context * load.batch
    read = weight_bytes(model, shape.checkpoint) + kv
    step = max(decode_flop / (flops * BENTO_DECODE_MFU), read / (gpus * shape.device.bandwidth_bytes_s))
    prefill = prefill_flop / (flops * BENTO_PREFILL_MFU)
    return Figures(load.batch * load.osl / (prefill + load.osl * step), prefill * 1e3, step * 1e3)


THROUGHPUT: Mapping[str, Callable[[Shape, Load], Figures | None]] = {
    "textbook roofline": roofline,
    "BLIS roofline": blis,
    "BentoML llm-optimizer": bento,
}


def _steady(prefill_s: float, step_s: float, load: Load) -> float:
    """Output tokens per second when each sequence brings its own prefill: OSL / (t_pre + OSL t_dec / B)."""
    return load.osl / (prefill_s + load.osl * step_s / load.batch)


def _live_kv_bytes(shape: Shape, load: Load) -> float:
    return llm_d_kv_bytes_per_token(shape.model, 1 if shape.kv_dtype == "fp8" else 2) * (load.isl + load.osl / 2)


def _element_bytes(shape: Shape) -> float:
    return catalog.quantization(shape.checkpoint.quantization).bits / 8


def _flops(shape: Shape) -> float:
    return peak_flops(shape.device, catalog.quantization(shape.checkpoint.quantization).compute_dtype)
