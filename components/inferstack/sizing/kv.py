"""Bytes of KV cache: per token, per sequence, and what one decode step reads. All figures are per device."""

from __future__ import annotations

from ..catalog.types import KvCache, Model
from .constants import KvRules
from .pool import full_head_share, full_layer_bytes, kv_element_bytes, pool, window_layer_bytes

PAGED = KvRules()
"""vLLM's paged cache."""
DEFAULT_BATCHED_TOKENS = 8192


def kv_bytes_per_token(model: Model, kv_dtype: str, tensor: int, pipeline: int = 1) -> float:
    """Bytes that one more token adds to a long sequence, per device: layers that keep every token; 0.0 where all layers have windows.

    GQA: 2 x layers x heads x head_dim x bytes / min(TP, heads); MLA: layers x (latent + rope) x bytes; a stage holds ceil(layers / PP).
    """
    return full_layer_bytes(model.kv, model.num_kv_heads, kv_dtype, tensor) * -(-model.kv.full_layers // pipeline)


def sequence_bytes(
    model: Model,
    tokens: float,
    kv_dtype: str,
    tensor: int,
    pipeline: int = 1,
    batched_tokens: int = DEFAULT_BATCHED_TOKENS,
    rules: KvRules = PAGED,
) -> int:
    """Bytes that one sequence of `tokens` holds at most, per device: full layers, windows, state, whole blocks.

    A window layer holds min(tokens, window - 1 + batched_tokens). With `rules.padded_groups` layers form groups of equal size and
    the missing ones count: Gemma-3-27B (10 full, 52 window layers) pays for 70 and needs 10.476 GiB at 32,768 tokens, as vLLM logs.
    """
    if rules.padded_groups:
        blocks = pool(model, kv_dtype, tensor, pipeline, rules)
        return round(blocks.blocks(tokens, batched_tokens) * blocks.block_bytes)
    kv, heads = model.kv, model.num_kv_heads
    total = kv.state_bytes * _stage_share(kv.state_layers, pipeline) / tensor
    total += _whole_blocks(tokens, rules) * full_layer_bytes(kv, heads, kv_dtype, tensor, rules) * -(-kv.full_layers // pipeline)
    if kv.window_layers:
        held = _whole_blocks(min(tokens, kv.window_tokens - 1 + batched_tokens), rules) + rules.spare_blocks * rules.block_tokens
        total += held * window_layer_bytes(kv, heads, kv_dtype, tensor) * -(-kv.window_layers // pipeline)
    return round(total)


def kv_read_bytes(model: Model, tokens: float, kv_dtype: str, tensor: int, read: KvCache | None = None) -> float:
    """Bytes that one decode step reads of a sequence of `tokens`, over all pipeline stages; state is read and written.

    `read` is the cache as the engine walks it, where that is not the model's own.
    """
    kv, heads = (model.kv if read is None else read), model.num_kv_heads
    full = kv.elements_full * tokens * kv_element_bytes(kv_dtype) * full_head_share(kv, heads, tensor) + kv.extra_bytes_per_token * tokens
    window = window_layer_bytes(kv, heads, kv_dtype, tensor) * kv.window_layers * min(tokens, kv.window_tokens)
    return full + window + 2 * kv.state_bytes / tensor


def _whole_blocks(tokens: float, rules: KvRules) -> float:
    return -(-tokens // rules.block_tokens) * rules.block_tokens


def _stage_share(layers: int, pipeline: int) -> float:
    """Part of `layers` that the fullest pipeline stage holds."""
    return -(-layers // pipeline) / layers if layers else 0.0
