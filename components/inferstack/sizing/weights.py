"""Bytes of weights: all of them, those that one device holds, and those that one token or one batch reads."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

from .. import catalog
from ..catalog.types import Checkpoint, KvKind, Model, Quantization
from .constants import MIB, constants
from .gguf import gguf_bits
from .types import Parallelism, Shape

BYTES_16_BIT = 2
KEPT = 4096
"""Figures of a model and a checkpoint that are kept, because a search asks for them again for each machine and batch."""
ROTARY_OF_LATENT = 64
"""Width with position of an MLA head, as DeepSeek, Kimi and GLM have it."""
DOWN_PROJECTIONS = 3.67
"""Columns of the down-projections of MLA over the width of its latent: 1536 + 576 over 576 in DeepSeek-V3 and Kimi-K2."""


@functools.lru_cache(KEPT)
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
        return gguf_bytes(model, quantization)
    wide = language - quantized_params(model, quantization)
    wide_bytes = constants("memory")["wide_bits"].get(quantization.name, 16) / 8
    return round(wide * wide_bytes + model.params_vision * BYTES_16_BIT + (language - wide) * quantization.bits / 8)


def weight_error(model: Model, checkpoint: Checkpoint) -> float:
    """Half of the 80 % interval of weights, relative: recipes of 4-bit formats differ in what they leave wide, engines in vision towers."""
    form = catalog.quantization(checkpoint.quantization)
    errors = constants("memory")["weight_errors"]
    if form.whole_model:
        return errors["gguf"]
    if form.bits < 8:
        return errors["narrow"]
    return errors["vision" if model.params_vision else "wide"]


def gguf_bytes(model: Model, quantization: Quantization, experts_widened: bool = True) -> int:
    """Bytes of a GGUF file of the language model: by kinds of tensors where the preset mixes block types.

    `experts_widened` is False for files from before April 2024, when experts were tensors of their own and ffn_down kept the narrow type.
    """
    bits = gguf_bits(model, quantization.name, expert_params(model) if experts_widened else 0)
    return round(language_params(model) * (quantization.bits if bits is None else bits) / 8)


def stored_bytes(model: Model, checkpoint: Checkpoint) -> int:
    """Bytes of the files of a checkpoint: the model and the layers for multi-token prediction that it carries."""
    if checkpoint.weight_bytes is not None and not checkpoint.quantized_at_load:
        return checkpoint.weight_bytes
    quantization = catalog.quantization(checkpoint.quantization)
    if not model.mtp_layers or quantization.whole_model:
        return weight_bytes(model, checkpoint)
    # Formats of 4 bits leave these layers at 16 bit, FP8 ones store them like the others.
    each = quantization.bits / 8 if quantization.bits >= 8 else BYTES_16_BIT
    copied = constants("memory")["mtp_copies_embeddings"]["architectures"]
    copies = 2 * model.vocab_size * model.hidden_size * BYTES_16_BIT if model.architecture in copied else 0
    return weight_bytes(model, checkpoint) + model.mtp_layers * round(mtp_params(model) * each + copies)


def mtp_params(model: Model) -> float:
    """Parameters of one layer for multi-token prediction: a layer of the model with experts, and a projection of two hidden widths."""
    experts = expert_params(model)
    dense = language_params(model) - embedding_params(model) - experts
    expert_layers = model.num_layers - (model.first_k_dense or 0)
    return experts / expert_layers + dense / model.num_layers + 2 * model.hidden_size**2


def weight_bytes_per_device(shape: Shape) -> int:
    """Bytes of weights on the fullest device of `shape`, as its engine loads them."""
    return bytes_per_device(shape.model, shape.checkpoint, shape.parallel, splits_head(shape.engine))


def fetched_bytes(shape: Shape) -> int:
    """Bytes of weights that each machine of `shape` fetches: the files once, however many of its devices copy a part of them."""
    held = weight_bytes(shape.model, shape.checkpoint) if shape.experts_span else weight_bytes_per_device(shape) * shape.parallel.devices
    return round(held * file_width(shape.model, shape.checkpoint))


def checkpoint_bytes(shape: Shape) -> int:
    """Bytes of the files of its checkpoint, wherever they lie."""
    return round(weight_bytes(shape.model, shape.checkpoint) * file_width(shape.model, shape.checkpoint))


def file_width(model: Model, checkpoint: Checkpoint) -> float:
    """Bytes of the files over those of the weights as they are loaded: what is quantized while loading comes at 16 bit, some at 32."""
    stored = replace(checkpoint, quantization="bf16", quantized_at_load=False) if checkpoint.quantized_at_load else checkpoint
    doubled = 2 if model.native_dtype == "float32" and stored.quantization in ("bf16", "fp16") else 1
    return doubled * weight_bytes(model, stored) / weight_bytes(model, checkpoint)


def splits_head(engine: str) -> bool:
    """True for engines that divide lm_head over all devices even where attention is data-parallel."""
    return engine in constants("memory")["splits_lm_head"]["engines"]


@functools.lru_cache(KEPT)
def bytes_per_device(model: Model, checkpoint: Checkpoint, parallel: Parallelism, head_split: bool = False) -> int:
    """Bytes of weights on the fullest device.

    Tensor parallelism divides all but small matrices, a pipeline stage holds whole layers and one end; attention data parallelism copies
    attention and embeddings, and all of a dense model. Engines on torch add a table of rotary positions and what the allocator rounds up.
    """
    total = loaded_bytes(model, checkpoint)
    stage = total if parallel.pipeline == 1 else _fullest_stage_bytes(model, checkpoint, total, parallel)
    copied = stage * (copied_share(model, checkpoint, head_split) if parallel.data > 1 else 0.0)
    held = (stage - copied) / (parallel.tensor * parallel.data) + copied / parallel.tensor
    quantization = catalog.quantization(checkpoint.quantization)
    beside = _replicated_kv_bytes(model, quantization, parallel) + _replicated_small_bytes(model, quantization, parallel)
    if not quantization.whole_model:
        beside += rotary_bytes(model) + allocator_bytes(model, quantization, parallel)
    return math.ceil(held + beside)


def loaded_bytes(model: Model, checkpoint: Checkpoint) -> int:
    """Bytes of all weights in the layout of the kernels, which widen some experts."""
    step = constants("memory")["kernel_width"].get(checkpoint.quantization)
    width = model.moe_intermediate_size if model.moe_intermediate_size else model.intermediate_size
    total = weight_bytes(model, checkpoint)
    if step is None or not model.is_moe or not width:
        return total
    wider = math.ceil(width / step) * step / width - 1
    return round(total * (1 + wider * expert_share(model, checkpoint)))


def rotary_bytes(model: Model) -> int:
    """Bytes of the table of rotary positions, which each device keeps once: longest context x head width at 16 bit."""
    width = ROTARY_OF_LATENT if model.kv.kind is KvKind.LATENT else model.head_dim
    return 0 if model.kv.kind is KvKind.NONE else (model.max_context or 0) * width * BYTES_16_BIT


def allocator_bytes(model: Model, quantization: Quantization, parallel: Parallelism) -> int:
    """Bytes that torch's allocator adds to the matrices of dense layers: blocks are whole 2 MiB, and up to 1 MiB of rest is not split off.

    With it Qwen2.5-7B takes the 14.25 GiB and Phi-4 the 27.39 GiB that vLLM logs.
    """
    bits, tensor = quantization.bits, parallel.tensor
    if model.is_moe or not model.intermediate_size or model.kv.kind not in (KvKind.FULL, KvKind.WINDOW) or bits < 8:
        return 0
    heads, kv_heads = model.num_attention_heads / tensor, max(1, model.num_kv_heads / tensor)
    width = model.intermediate_size / tensor
    columns = ((heads + 2 * kv_heads) * model.head_dim, heads * model.head_dim, 2 * width, width)
    return model.num_layers // parallel.pipeline * sum(_rounded_up(each * model.hidden_size * round(bits) / 8) for each in columns)


def language_params(model: Model) -> int:
    """Parameters without the vision tower."""
    return model.params_total - model.params_vision


def embedding_params(model: Model) -> int:
    """Parameters of the token embedding and, where it is not tied to it, of lm_head."""
    return model.vocab_size * model.hidden_size * (1 if model.tied_embeddings else 2)


@functools.lru_cache(KEPT)
def expert_params(model: Model) -> int:
    """Parameters of all routed experts: a token reads top_k of n_experts, so total - active = experts x (1 - k/E)."""
    if not model.n_experts or not model.top_k or model.n_experts == model.top_k:
        return 0
    return round((language_params(model) - model.params_active) * model.n_experts / (model.n_experts - model.top_k))


@functools.lru_cache(KEPT)
def quantized_params(model: Model, quantization: Quantization) -> int:
    """Parameters that a safetensors checkpoint stores in the quantized format; embeddings and lm_head stay at 16 bit."""
    if quantization.bits >= 16:
        return 0
    data = constants("memory")
    if quantization.name in data["experts_only"]["quantizations"]:
        return expert_params(model)
    if expert_params(model) and model.architecture in data["experts_only_by_architecture"].get(quantization.name, ()):
        return expert_params(model)
    if model.architecture in data["mlp_only_by_architecture"].get(quantization.name, ()) and model.intermediate_size:
        return 3 * model.hidden_size * model.intermediate_size * model.num_layers + expert_params(model)
    return max(0, language_params(model) - embedding_params(model))


@functools.lru_cache(KEPT)
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


@functools.lru_cache(KEPT)
def copied_share(model: Model, checkpoint: Checkpoint, head_split: bool = False) -> float:
    """Part of the weight bytes that attention data parallelism copies: all of a dense model; with experts attention and embeddings.

    `head_split` says that lm_head is divided all the same.
    """
    if not model.is_moe:
        return 1.0
    dense_layers = model.first_k_dense or 0
    shared = model.shared_expert_intermediate_size or (model.n_shared_experts or 0) * (model.moe_intermediate_size or 0)
    width = dense_layers * (model.intermediate_size or 0) + (model.num_layers - dense_layers) * shared
    beside = language_params(model) - expert_params(model) - embedding_params(model)
    feed_forward = min(1.0, 3 * model.hidden_size * width / beside)
    experts = expert_share(model, checkpoint)
    ends = embedding_params(model) * _end_bytes(checkpoint) / weight_bytes(model, checkpoint)
    kept = ends / 2 if head_split and not model.tied_embeddings else ends
    return kept + max(0.0, 1 - experts - ends) * (1 - feed_forward)


def _fullest_stage_bytes(model: Model, checkpoint: Checkpoint, total: int, parallel: Parallelism) -> float:
    """Weights of the pipeline stage that holds most: its layers and the embedding or lm_head (vLLM logs: 8B PP4 4.26 GiB, not 3.75)."""
    bytes_per_end = model.vocab_size * model.hidden_size * _end_bytes(checkpoint)
    ends = bytes_per_end * (1 if model.tied_embeddings else 2)
    layers = math.ceil(model.num_layers / parallel.pipeline) / model.num_layers
    return (total - ends) * layers + bytes_per_end


def _end_bytes(checkpoint: Checkpoint) -> float:
    quantization = catalog.quantization(checkpoint.quantization)
    return quantization.bits / 8 if quantization.whole_model else BYTES_16_BIT


def _replicated_kv_bytes(model: Model, quantization: Quantization, parallel: Parallelism) -> int:
    """K and V projections beyond one share, where there are more devices than KV heads and heads are copied."""
    tensor = parallel.tensor
    if tensor <= model.num_kv_heads or model.kv.kind is KvKind.LATENT:
        return 0
    layers = model.kv.full_layers + model.kv.window_layers
    projections = 2 * model.hidden_size * model.head_dim * layers / parallel.pipeline
    return round(projections * (1 - model.num_kv_heads / tensor) * quantization.bits / 8)


def _replicated_small_bytes(model: Model, quantization: Quantization, parallel: Parallelism) -> int:
    """Matrices that tensor parallelism copies to each device: down-projections of MLA, and routers."""
    layers = model.num_layers / parallel.pipeline
    down = 0.0
    if model.kv.kind is KvKind.LATENT:
        attention_bits = 16 if quantization.bits < 8 else quantization.bits
        down = DOWN_PROJECTIONS * model.kv.elements_full / model.kv.full_layers * model.hidden_size * attention_bits / 8
    router = (model.n_experts or 0) * model.hidden_size * BYTES_16_BIT
    return round((down + router) * layers * (1 - 1 / parallel.tensor))


def _rounded_up(size: float) -> int:
    """Bytes that torch's allocator adds to a tensor of so many bytes, 10 MiB or more: up to whole 2 MiB, unless more than 1 MiB is left."""
    rest = -size % (2 * MIB)
    return round(rest) if size >= 10 * MIB and rest <= MIB else 0
