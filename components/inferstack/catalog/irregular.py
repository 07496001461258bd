"""Architectures whose layers differ too much among themselves for a row in `architectures`: one counting function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .architectures import Dimensions
from .config_fields import layer_types, listed, number, refuse
from .types import KvCache, KvKind


@dataclass(frozen=True, slots=True)
class Counts:
    """What a counting function finds."""

    total: int
    active: int
    kv: KvCache


def gemma4(text: Mapping[str, Any], dims: Dimensions) -> Counts:
    """Gemma 4: wider heads and shared K and V on full layers, last layers that reuse earlier K and V, per-layer embeddings, experts beside
    a dense MLP. After transformers 5.23, models/gemma4.
    """
    layers = dims.layers
    every = number(text, "sliding_window_pattern", default=6)
    kinds = layer_types(text, layers) or tuple("sliding_attention" if (n + 1) % every else "full_attention" for n in range(layers))
    reusing = layers - number(text, "num_kv_shared_layers", default=0)
    same_kv = bool(text.get("attention_k_eq_v"))
    wide = number(text, "global_head_dim", default=dims.head_width)
    full_heads = number(text, "num_global_key_value_heads", default=dims.kv_heads) if same_kv else dims.kv_heads
    inner = number(text, "hidden_size_per_layer_input", default=0)
    dense_layers = layers + (layers - reusing if text.get("use_double_wide_mlp") else 0)
    total = dims.vocabulary * dims.hidden * (1 if dims.tied else 2) + 3 * dims.hidden * number(text, "intermediate_size") * dense_layers
    total += inner * layers * (number(text, "vocab_size_per_layer_input", default=dims.vocabulary) + 3 * dims.hidden) if inner else 0
    kept = {"full_attention": 0, "sliding_attention": 0}
    if strange := set(kinds) - kept.keys():
        refuse(text, f"has layers of kind {min(strange)}, which Gemma 4 has not")
        kinds = ()
    for layer, kind in enumerate(kinds):
        full = kind == "full_attention"
        width, heads = (wide, full_heads) if full else (dims.head_width, dims.kv_heads)
        total += 2 * dims.hidden * dims.heads * width
        if layer < reusing:
            kept[kind] += 1
            total += dims.hidden * heads * width * (1 if full and same_kv else 2)
    expert = 3 * dims.hidden * number(text, "moe_intermediate_size", default=0) * layers if text.get("enable_moe_block") else 0
    total += dims.hidden * dims.experts * layers if expert else 0
    each_full, each_window = 2 * full_heads * wide, 2 * dims.kv_heads * dims.head_width
    full, windowed = kept["full_attention"], kept["sliding_attention"]
    window = number(text, "sliding_window", default=1024)
    kv = KvCache(KvKind.WINDOW, full, windowed, window, full * each_full, windowed * each_window, full_heads)
    return Counts(total + expert * dims.experts, total + expert * number(text, "top_k_experts", default=0), kv)


def nemotron_h(text: Mapping[str, Any], dims: Dimensions) -> Counts:
    """Nemotron-H and 3: Mamba-2, attention, MLP and expert layers in a given order. After transformers 5.23, models/nemotron_h."""
    pattern = _pattern(text)
    mamba, attention, experts = pattern.count("M"), pattern.count("*"), pattern.count("E")
    hidden = dims.hidden
    latent = number(text, "moe_latent_size", default=0)
    shared = number(text, "moe_shared_expert_intermediate_size", default=0) * number(text, "n_shared_experts", default=0)
    layer_parameters, layer_state = _mamba(text, hidden)
    total = dims.vocabulary * hidden * (1 if dims.tied else 2)
    total += mamba * layer_parameters
    total += attention * 2 * hidden * dims.head_width * (dims.heads + dims.kv_heads)
    total += pattern.count("-") * 2 * hidden * dims.intermediate
    total += experts * hidden * (dims.experts + 2 * shared + 2 * latent)
    expert = experts * 2 * (latent if latent else hidden) * dims.expert_width
    elements = attention * 2 * dims.kv_heads * dims.head_width
    kv = KvCache(KvKind.STATE, full_layers=attention, elements_full=elements, state_bytes=mamba * layer_state, state_layers=mamba)
    return Counts(total + expert * dims.experts, total + expert * dims.top_k, kv)


def mamba_hybrid(text: Mapping[str, Any], dims: Dimensions) -> Counts:
    """Granite 4 hybrids and Bamba: a Mamba-2 or an attention layer, then experts beside a shared MLP, or an MLP alone. After transformers
    5.23, models/granitemoehybrid and models/bamba.
    """
    layers, hidden = dims.layers, dims.hidden
    chosen = listed(text, "attn_layer_indices")
    attention = len(chosen) if chosen else layer_types(text, layers).count("attention")
    layer_parameters, layer_state = _mamba(text, hidden)
    total = dims.vocabulary * hidden * (1 if dims.tied else 2)
    total += (layers - attention) * layer_parameters
    total += attention * 2 * hidden * dims.head_width * (dims.heads + dims.kv_heads)
    width = number(text, "shared_intermediate_size", default=dims.intermediate)
    total += layers * (3 * hidden * width + hidden * dims.experts)
    expert = layers * 3 * hidden * dims.expert_width
    elements = attention * 2 * dims.kv_heads * dims.head_width
    state_layers = layers - attention
    kv = KvCache(
        KvKind.STATE, full_layers=attention, elements_full=elements, state_bytes=state_layers * layer_state, state_layers=state_layers
    )
    return Counts(total + expert * dims.experts, total + expert * dims.top_k, kv)


def _mamba(text: Mapping[str, Any], hidden: int) -> tuple[int, int]:
    """Parameters of one Mamba-2 layer, and bytes that it keeps per sequence: its state in the dtype that the config names, else in 16 bits,
    and the tail of its convolution.
    """
    heads, kernel = number(text, "mamba_num_heads", "mamba_n_heads", default=0), number(text, "conv_kernel", "mamba_d_conv", default=0)
    inner = heads * number(text, "mamba_head_dim", "mamba_d_head", default=0)
    states = number(text, "ssm_state_size", "mamba_d_state", default=0)
    mixed = inner + 2 * number(text, "n_groups", "mamba_n_groups", default=0) * states
    state_width = 4 if text.get("mamba_ssm_cache_dtype") == "float32" else 2
    return hidden * (2 * inner + mixed + heads) + mixed * kernel, inner * states * state_width + (kernel - 1) * mixed * 2


def _pattern(text: Mapping[str, Any]) -> str:
    """The order of the layers, one letter each: M Mamba, * attention, - MLP, E experts."""
    letters = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}
    pattern = str(text.get("hybrid_override_pattern", ""))
    for kind in listed(text, "layers_block_type"):
        pattern += letters.get(str(kind), str(kind))
    if not pattern:
        refuse(text, "lacks `hybrid_override_pattern`")
    return pattern


def encoder(text: Mapping[str, Any], dims: Dimensions, *, gated: bool = False, positions: bool = True) -> Counts:
    """BERT and its kin, small enough that biases, norms and the pooler count. `gated`: a third matrix in the MLP and hardly any biases;
    `positions`: each has a vector of its own. After transformers 5.23, models/bert, xlm_roberta, mpnet, nomic_bert and gte.
    """
    hidden, wide = dims.hidden, dims.intermediate
    learned = number(text, "max_position_embeddings", default=0) if positions else 0
    embedding = (dims.vocabulary + learned + number(text, "type_vocab_size", default=0) + 2) * hidden
    matrices = 4 * hidden * hidden + (3 if gated else 2) * hidden * wide
    layer = matrices + 4 * hidden + (0 if gated else 5 * hidden + wide)
    total = embedding + dims.layers * layer + (0 if gated else hidden * hidden + hidden)
    return Counts(total, total, KvCache(KvKind.NONE))


IRREGULAR: dict[str, Callable[[Mapping[str, Any], Dimensions], Counts]] = {
    "gemma4_text": gemma4,
    "gemma4_unified_text": gemma4,
    "nemotron_h": nemotron_h,
    "granitemoehybrid": mamba_hybrid,
    "bamba": mamba_hybrid,
    "bert": encoder,
    "roberta": encoder,
    "xlm-roberta": encoder,
    "mpnet": encoder,
    "jina_embeddings_v3": partial(encoder, positions=False),
    "nomic_bert": partial(encoder, gated=True, positions=False),
    "gte": partial(encoder, gated=True, positions=False),
}
"""By `model_type`; each has a row in `ARCHITECTURES` for what it shares with the others."""
