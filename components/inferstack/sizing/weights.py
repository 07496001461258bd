"""Bytes of weights: all of them, those that one device holds, and those that one token or one batch reads."""

from __future__ import annotations

import math

from .. import catalog
from ..catalog.types import Checkpoint, KvKind, Model, Quantization
from .constants import constants
from .types import Parallelism, Shape

BYTES_16_BIT = 2


def weight_bytes(model: Model, checkpoint: Checkpoint) -> int:
    """Bytes of all weights as they are loaded. A known file size wins; otherwise parameters times stored bits.

    bytes = (embeddings, lm_head, vision tower) x 2 + quantized linears x bits / 8. In GGUF the bits cover the whole language model.
    Source: llama.cpp and vLLM logs reproduce this within 1 %.
    """
    if checkpoint.weight_bytes is not None and not checkpoint.quantized_at_load:
        return checkpoint.weight_bytes
    quantization = catalog.quantization(checkpoint.quantization)
    language = language_params(model)
    if quantization.whole_model:
        return round(language * quantization.bits / 8)
    wide = language - quantized_params(model, quantization)
    return round((wide + model.params_vision) * BYTES_16_BIT + (language - wide) * quantization.bits / 8)


def weight_bytes_per_device(shape: Shape) -> int:
    """Bytes of weights on the fullest device: tensor parallelism divides all of them, a pipeline stage holds whole layers and one end."""
    total = weight_bytes(shape.model, shape.checkpoint)
    stage = total if shape.parallel.pipeline == 1 else _fullest_stage_bytes(shape.model, shape.checkpoint, total, shape.parallel)
    return math.ceil(stage / shape.parallel.tensor) + _replicated_kv_bytes(shape)


def language_params(model: Model) -> int:
    """Parameters without the vision tower."""
    return model.params_total - model.params_vision


def embedding_params(model: Model) -> int:
    """Parameters of the token embedding and, where it is not tied to it, of lm_head."""
    return model.vocab_size * model.hidden_size * (1 if model.tied_embeddings else 2)


def expert_params(model: Model) -> int:
    """Parameters of all routed experts: a token reads top_k of n_experts, so total - active = experts x (1 - k/E)."""
    if not model.n_experts or not model.top_k or model.n_experts == model.top_k:
        return 0
    return round((language_params(model) - model.params_active) * model.n_experts / (model.n_experts - model.top_k))


def quantized_params(model: Model, quantization: Quantization) -> int:
    """Parameters that a safetensors checkpoint stores in the quantized format; embeddings and lm_head stay at 16 bit."""
    if quantization.bits >= 16:
        return 0
    if quantization.name in constants("memory")["experts_only"]["quantizations"]:
        return expert_params(model)
    return max(0, language_params(model) - embedding_params(model))


def expert_share(model: Model, checkpoint: Checkpoint) -> float:
    """Part of the weight bytes that belongs to routed experts, 0..1."""
    experts = expert_params(model)
    if not experts:
        return 0.0
    quantization = catalog.quantization(checkpoint.quantization)
    if quantization.whole_model or quantization.bits >= 16:
        return experts / (language_params(model) + model.params_vision)
    quantized = quantized_params(model, quantization)
    wide = language_params(model) - quantized + model.params_vision
    return experts * quantization.bits / (wide * 16 + quantized * quantization.bits)


def _fullest_stage_bytes(model: Model, checkpoint: Checkpoint, total: int, parallel: Parallelism) -> float:
    """Weights of the pipeline stage that holds most: its layers and the embedding or lm_head (vLLM logs: 8B PP4 4.26 GiB, not 3.75)."""
    bytes_per_end = model.vocab_size * model.hidden_size * _end_bytes(checkpoint)
    ends = bytes_per_end * (1 if model.tied_embeddings else 2)
    layers = math.ceil(model.num_layers / parallel.pipeline) / model.num_layers
    return (total - ends) * layers + bytes_per_end


def _end_bytes(checkpoint: Checkpoint) -> float:
    quantization = catalog.quantization(checkpoint.quantization)
    return quantization.bits / 8 if quantization.whole_model else BYTES_16_BIT


def _replicated_kv_bytes(shape: Shape) -> int:
    """K and V projections beyond one share, where there are more devices than KV heads and heads are copied."""
    model, tensor = shape.model, shape.parallel.tensor
    if tensor <= model.num_kv_heads or model.kv.kind is KvKind.LATENT:
        return 0
    layers = model.kv.full_layers + model.kv.window_layers
    projections = 2 * model.hidden_size * model.head_dim * layers / shape.parallel.pipeline
    return round(projections * (1 - model.num_kv_heads / tensor) * catalog.quantization(shape.checkpoint.quantization).bits / 8)
