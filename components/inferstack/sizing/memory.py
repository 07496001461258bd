"""What a device spends besides weights and KV cache. Engines put these terms together into a `MemoryLayout`."""

from __future__ import annotations

from ..catalog.types import Model
from .constants import GIB, MemoryConstants
from .types import Estimate, Parallelism, worst

BYTES_16_BIT = 2


def logits_bytes(constants: MemoryConstants, model: Model, max_sequences: int, batched_tokens: int) -> Estimate:
    """Bytes of logits and sampler: rows x vocabulary x bytes per entry; not divided by tensor parallelism."""
    rows = max_sequences if constants.logit_rows == "sequences" else batched_tokens
    return constants.logit_bytes.scaled(rows * model.vocab_size)


def forward_bytes(constants: MemoryConstants, model: Model, batched_tokens: int, tensor: int) -> Estimate:
    """Bytes of the widest layer's activations at 16 bit: tokens x (3 x feed-forward width / TP + 4 x hidden size)."""
    width = _active_width(model) / tensor
    return constants.forward_factor.scaled(batched_tokens * (3 * width + 4 * model.hidden_size) * BYTES_16_BIT)


def activation_bytes(constants: MemoryConstants, model: Model, max_sequences: int, batched_tokens: int, tensor: int) -> Estimate:
    """Peak bytes of activations per device: sampler and forward pass come one after the other, so the larger of the two."""
    logits = logits_bytes(constants, model, max_sequences, batched_tokens)
    forward = forward_bytes(constants, model, batched_tokens, tensor)
    larger = logits if logits.expected >= forward.expected else forward
    return Estimate(
        max(logits.low, forward.low),
        larger.expected,
        max(logits.high, forward.high),
        worst(logits.provenance, forward.provenance),
        larger.source,
    )


def runtime_bytes(constants: MemoryConstants, parallel: Parallelism) -> Estimate:
    """Bytes outside the tensor allocator per device: context, libraries, communication buffers; captured graphs are apart."""
    if parallel.tensor > 1:
        return constants.runtime_gib_tensor.scaled(GIB)
    return (constants.runtime_gib_pipeline if parallel.pipeline > 1 else constants.runtime_gib_single).scaled(GIB)


def graph_bytes(constants: MemoryConstants) -> Estimate:
    """Bytes of captured CUDA graphs per device."""
    return constants.graph_gib.scaled(GIB)


def _active_width(model: Model) -> float:
    """Feed-forward columns that one token passes through."""
    width = model.moe_intermediate_size if model.is_moe and model.moe_intermediate_size else model.intermediate_size
    if width is None:
        width = 4 * model.hidden_size
    return width * model.top_k if model.is_moe and model.top_k else width
