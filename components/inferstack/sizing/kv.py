"""Bytes of KV cache: per token, per sequence, and what one decode step reads. All figures are per device."""

from __future__ import annotations

from ..catalog.types import KvCache, KvKind, Model
from .constants import KvRules, constants

PAGED = KvRules()
"""vLLM's paged cache."""
DEFAULT_BATCHED_TOKENS = 8192
REGROUP_RATIO = 1.25
"""vLLM puts layer kinds into one group size where their counts differ by less."""


def kv_element_bytes(kv_dtype: str) -> float:
    """Bytes of one K or V element, its scale included."""
    return constants("memory")["kv_bytes_per_element"][kv_dtype]


def head_share(model: Model, tensor: int) -> float:
    """Part of the KV heads that one device keeps: 1/TP, not below one head; a latent (MLA) is whole on each device."""
    return 1.0 if model.kv.kind is KvKind.LATENT else 1 / min(tensor, model.num_kv_heads)


def kv_bytes_per_token(model: Model, kv_dtype: str, tensor: int, pipeline: int = 1) -> float:
    """Bytes that one more token adds to a long sequence, per device: layers that keep every token; 0.0 where all layers have windows.

    GQA: 2 x layers x heads x head_dim x bytes / min(TP, heads); MLA: layers x (latent + rope) x bytes; a stage holds ceil(layers / PP).
    """
    kv = model.kv
    stage = _stage_share(kv.full_layers, pipeline)
    return (kv.elements_full * kv_element_bytes(kv_dtype) * head_share(model, tensor) + kv.extra_bytes_per_token) * stage


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
    kv = model.kv
    full, window = _padded_layers(-(-kv.full_layers // pipeline), -(-kv.window_layers // pipeline), rules)
    scale = kv_element_bytes(kv_dtype) * head_share(model, tensor)
    total = kv.state_bytes * _state_share(model, pipeline) / tensor
    if full:
        per_token = full * kv.elements_full / kv.full_layers * scale + kv.extra_bytes_per_token * _stage_share(kv.full_layers, pipeline)
        total += _whole_blocks(tokens, rules) * per_token
    if window:
        held = _window_tokens(kv, tokens, batched_tokens, rules)
        total += held * window * kv.elements_window / kv.window_layers * scale
    return round(total)


def kv_read_bytes(model: Model, tokens: float, kv_dtype: str, tensor: int, read: KvCache | None = None) -> float:
    """Bytes that one decode step reads of a sequence of `tokens`, over all pipeline stages; state is read and written.

    `read` is the cache as the engine walks it, where that is not the model's own.
    """
    kv = model.kv if read is None else read
    elements = kv.elements_full * tokens + kv.elements_window * min(tokens, kv.window_tokens)
    cache = elements * kv_element_bytes(kv_dtype) * head_share(model, tensor) + kv.extra_bytes_per_token * tokens
    return cache + 2 * kv.state_bytes / tensor


def _padded_layers(full: int, window: int, rules: KvRules) -> tuple[int, int]:
    """Layers that are paid for: vLLM makes groups as large as the smaller kind and fills the last one up."""
    if not rules.padded_groups or not full or not window:
        return full, window
    smaller, larger = sorted((full, window))
    size = larger if larger < smaller * REGROUP_RATIO else smaller
    return -(-full // size) * size, -(-window // size) * size


def _window_tokens(kv: KvCache, tokens: float, batched_tokens: int, rules: KvRules) -> float:
    held = min(tokens, kv.window_tokens - 1 + batched_tokens)
    return _whole_blocks(held, rules) + rules.spare_blocks * rules.block_tokens


def _whole_blocks(tokens: float, rules: KvRules) -> float:
    return -(-tokens // rules.block_tokens) * rules.block_tokens


def _stage_share(layers: int, pipeline: int) -> float:
    """Part of `layers` that the fullest pipeline stage holds."""
    return -(-layers // pipeline) / layers if layers else 0.0


def _state_share(model: Model, pipeline: int) -> float:
    return _stage_share(model.num_layers - model.kv.full_layers - model.kv.window_layers, pipeline)
