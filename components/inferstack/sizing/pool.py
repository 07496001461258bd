"""How an engine cuts KV cache into blocks: layers of one kind form groups of equal size, and all groups draw blocks from one pool.

A block holds one page of each layer of a group; pages of all kinds are equally large, so a kind with fewer bytes per token puts more
tokens into its page, and attention pages grow until a recurrent state fits into one. After vllm/v1/core/kv_cache_utils.py and
kv_cache_interface.py of 0.33; it gives the concurrency that 0.11, 0.19 and 0.24 logged for Gemma 3 and 4 and Qwen 3.6.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from ..catalog.types import KvCache, KvKind, Model
from .constants import KvRules, constants

REGROUP_RATIO = 1.25
"""vLLM puts layer kinds into one group size where their counts differ by less."""
STATE_ALIGNMENT = 16
"""Attention blocks that grow around a recurrent state are a multiple of so many tokens."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The blocks of one model on one device."""

    block_bytes: float
    """One page of every layer of a group."""
    block_tokens: int
    """Tokens of the smallest block."""
    full_groups: int
    full_block_tokens: int
    window_groups: int
    window_block_tokens: int
    window_tokens: int
    state_groups: int
    rules: KvRules

    @property
    def groups(self) -> int:
        return self.full_groups + self.window_groups + self.state_groups

    def blocks(self, tokens: float, batched_tokens: int) -> int:
        """Blocks that one sequence of `tokens` holds at most, over all groups; windows keep what is in flight as well."""
        full = self.full_groups * math.ceil(tokens / self.full_block_tokens)
        held = min(tokens, self.window_tokens - 1 + self.rules.in_flight * batched_tokens)
        window = self.window_groups * (math.ceil(held / self.window_block_tokens) + self.rules.spare_blocks)
        return full + window + self.state_groups * self.rules.state_blocks

    def reported_tokens(self, blocks: float, context: int, batched_tokens: int) -> int:
        """The capacity in tokens that the engine's log states for so many blocks."""
        if not self.groups:
            return 0
        if self.rules.tokens_by_request:
            return int(blocks / self.blocks(context, batched_tokens) * context)
        return int(blocks) // self.groups * self.block_tokens


@functools.lru_cache(maxsize=4096)
def pool(model: Model, kv_dtype: str, tensor: int, pipeline: int, rules: KvRules) -> Pool:
    """The pool of the fullest pipeline stage."""
    kv, heads = model.kv, model.num_kv_heads
    full, window, state = (-(-count // pipeline) for count in (kv.full_layers, kv.window_layers, kv.state_layers))
    per_full, per_window = full_layer_bytes(kv, heads, kv_dtype, tensor, rules), window_layer_bytes(kv, heads, kv_dtype, tensor)
    block = rules.block_tokens
    if state and per_full:
        state_page = kv.state_bytes / kv.state_layers / tensor
        block = max(block, math.ceil(state_page / (STATE_ALIGNMENT * per_full)) * STATE_ALIGNMENT)
    page = block * max(per_full, per_window)
    if state and not per_full:
        page = kv.state_bytes / kv.state_layers / tensor
    size = _group_size([count for count in (full, window, state) if count])
    full_block, window_block = (block * max(1, int(page // (block * each))) if each else block for each in (per_full, per_window))
    return Pool(
        block_bytes=page * size,
        block_tokens=min(tokens for tokens, count in ((full_block, full), (window_block, window), (block, 1)) if count),
        full_groups=-(-full // size),
        full_block_tokens=full_block,
        window_groups=-(-window // size),
        window_block_tokens=window_block,
        window_tokens=kv.window_tokens,
        state_groups=-(-state // size),
        rules=rules,
    )


def full_layer_bytes(kv: KvCache, kv_heads: int, kv_dtype: str, tensor: int, rules: KvRules | None = None) -> float:
    """Bytes per token of one layer that keeps every token, per device, the part that does not follow the KV dtype included; 0.0 without."""
    if not kv.full_layers:
        return 0.0
    elements = kv.elements_full / kv.full_layers
    if kv.kind is KvKind.LATENT and rules is not None:
        elements = math.ceil(elements / rules.latent_width) * rules.latent_width
    return elements * kv_element_bytes(kv_dtype) * full_head_share(kv, kv_heads, tensor) + kv.extra_bytes_per_token / kv.full_layers


def window_layer_bytes(kv: KvCache, kv_heads: int, kv_dtype: str, tensor: int) -> float:
    """Bytes per token of one window layer, per device; 0.0 without such layers."""
    return kv.elements_window / kv.window_layers * kv_element_bytes(kv_dtype) / min(tensor, kv_heads) if kv.window_layers else 0.0


def full_head_share(kv: KvCache, kv_heads: int, tensor: int) -> float:
    """Part of the KV heads of full layers that one device keeps: 1/TP, not below one head; a latent (MLA) is whole on each device."""
    return 1.0 if kv.kind is KvKind.LATENT else 1 / min(tensor, kv.full_heads if kv.full_heads else kv_heads)


def kv_element_bytes(kv_dtype: str) -> float:
    """Bytes of one K or V element, its scale included."""
    return constants("memory")["kv_bytes_per_element"][kv_dtype]


def _group_size(counts: list[int]) -> int:
    """Layers of a group: those of the rarest kind, or of the most frequent one where that is hardly more."""
    if not counts:
        return 1
    return max(counts) if max(counts) < min(counts) * REGROUP_RATIO else min(counts)
