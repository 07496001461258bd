"""Architectures as rows: which weight matrices a layer has, and how many parameters follow.

Counted are matrices. Norms and biases are below 0.1 % of every model here and left out; `tests/catalog` compares the count with the exact
one of every model in the catalog.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """What sets one `model_type` apart. The defaults are a Llama."""

    mlp_matrices: int = 3
    """3: gate, up and down; 2: up and down."""
    tied: bool = False
    """Whether output and input embeddings are one matrix where the config does not say."""
    shared_expert: str = ""
    """How a shared expert is sized: `count` of routed size, `width` of its own, or `one` of routed size."""
    window_every: int = 0
    """Of so many layers in a row all but the last keep a window, where the config lists no layer types; 1: all of them."""
    window_needs_switch: bool = False
    """True where a window only counts with `use_sliding_window`."""
    gated_attention: bool = False
    """True where the query projection is twice as wide, for an output gate."""
    hybrid: bool = False
    """True where some layers are gated delta nets that keep a constant state."""
    mla: bool = False
    """True where K and V are compressed into one latent vector."""
    four_times_wide: bool = False
    """True where the feed-forward width is four times the hidden size unless the config says otherwise."""
    query_per_kv: bool = False
    """True where `multi_query` without the new decoder means one KV head."""
    experts: bool = False
    """True where every model of it is a mixture of experts, so that a config without them lacks something."""
    encoder: bool = False
    """True where tokens attend to the whole input: nothing is generated, and nothing is kept."""
    padded_positions: bool = False
    """True where positions are counted behind the padding token's, so that the last ones cannot be used."""


LLAMA = Architecture()
ENCODER = Architecture(tied=True, encoder=True)
ROBERTA = Architecture(tied=True, encoder=True, padded_positions=True)

ARCHITECTURES: dict[str, Architecture] = {
    "llama": LLAMA,
    "mistral": Architecture(window_every=1),
    "ministral3": LLAMA,
    "mixtral": Architecture(window_every=1, experts=True),
    "granite": LLAMA,
    "qwen2": Architecture(window_needs_switch=True),
    "qwen2_moe": Architecture(window_needs_switch=True, shared_expert="width", experts=True),
    "qwen3": Architecture(window_needs_switch=True),
    "qwen3_moe": Architecture(window_needs_switch=True, experts=True),
    "qwen2_5_vl_text": Architecture(window_needs_switch=True),
    "qwen3_vl_text": LLAMA,
    "qwen3_vl_moe_text": Architecture(experts=True),
    "qwen3_next": Architecture(gated_attention=True, hybrid=True, shared_expert="width"),
    "qwen3_5_text": Architecture(gated_attention=True, hybrid=True),
    "qwen3_5_moe_text": Architecture(gated_attention=True, hybrid=True, shared_expert="width"),
    "gemma2": Architecture(tied=True, window_every=2),
    "gemma3_text": Architecture(tied=True, window_every=6),
    "phi3": Architecture(window_every=1),
    "phimoe": Architecture(window_every=1, experts=True),
    "gpt_oss": Architecture(window_every=2, experts=True),
    "deepseek_v2": Architecture(mla=True, shared_expert="count"),
    "deepseek_v3": Architecture(mla=True, shared_expert="count"),
    "deepseek_v32": Architecture(mla=True, shared_expert="count"),
    "kimi_k2": Architecture(mla=True, shared_expert="count"),
    "glm_moe_dsa": Architecture(mla=True, shared_expert="count"),
    "glm4_moe": Architecture(shared_expert="count", experts=True),
    "minimax_m2": Architecture(experts=True),
    "llama4_text": Architecture(shared_expert="one", window_every=4, experts=True),
    "mistral4": Architecture(mla=True, shared_expert="count"),
    "gemma4_text": Architecture(tied=True),
    "gemma4_unified_text": Architecture(tied=True),
    "nemotron_h": LLAMA,
    "granitemoehybrid": Architecture(tied=True),
    "bamba": LLAMA,
    "gemma": Architecture(tied=True),
    "cohere": Architecture(tied=True),
    "cohere2": Architecture(tied=True, window_every=4),
    "olmo": LLAMA,
    "olmo2": LLAMA,
    "olmo3": LLAMA,
    "olmoe": Architecture(experts=True),
    "smollm3": Architecture(tied=True),
    "internlm2": LLAMA,
    "internlm3": LLAMA,
    "stablelm": LLAMA,
    "seed_oss": LLAMA,
    "glm": LLAMA,
    "glm4": LLAMA,
    "ernie4_5": Architecture(tied=True),
    "hunyuan_v1_dense": LLAMA,
    "arcee": Architecture(mlp_matrices=2),
    "apertus": Architecture(mlp_matrices=2),
    "nemotron": Architecture(mlp_matrices=2),
    "granitemoe": Architecture(experts=True),
    "dots1": Architecture(shared_expert="count", experts=True),
    "bailing_moe": Architecture(shared_expert="count", experts=True),
    "bailing_moe_v2": Architecture(shared_expert="count", experts=True),
    "phi": Architecture(mlp_matrices=2, four_times_wide=True),
    "opt": Architecture(mlp_matrices=2, tied=True, four_times_wide=True),
    "gpt2": Architecture(mlp_matrices=2, tied=True, four_times_wide=True),
    "gptj": Architecture(mlp_matrices=2, four_times_wide=True),
    "gpt_bigcode": Architecture(mlp_matrices=2, tied=True, four_times_wide=True, query_per_kv=True),
    "starcoder2": Architecture(mlp_matrices=2, tied=True, window_every=1),
    "falcon": Architecture(mlp_matrices=2, tied=True, four_times_wide=True, query_per_kv=True),
    "gpt_neox": Architecture(mlp_matrices=2, four_times_wide=True),
    "bloom": Architecture(mlp_matrices=2, tied=True, four_times_wide=True),
    "bert": ENCODER,
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "mpnet": ROBERTA,
    "jina_embeddings_v3": ROBERTA,
    "nomic_bert": ENCODER,
    "gte": ENCODER,
}
"""By Hugging Face `model_type` of the language model."""

WRAPPERS = {
    "gemma3": "gemma3_text",
    "mistral3": "ministral3",
    "gemma4": "gemma4_text",
    "gemma4_unified": "gemma4_unified_text",
    "llama4": "llama4_text",
    "qwen2_vl": "qwen2_5_vl_text",
    "qwen2_vl_text": "qwen2_5_vl_text",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "glm4v": "glm4",
    "glm4v_text": "glm4",
    "glm4v_moe_text": "glm4_moe",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "llava": "llama",
    "kimi_k25": "kimi_k2",
    "new": "gte",
}
"""`model_type` -> the architecture that it is, or that of the language model inside, where its own config does not name one."""


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Widths of multi-head latent attention."""

    kv_rank: int
    query_rank: int | None
    rope: int
    nope: int
    value: int
    indexer: int = 0
    """Parameters of a sparse-attention indexer per layer."""


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """Heads and widths of the gated delta net of a hybrid model."""

    key_heads: int
    value_heads: int
    key_width: int
    value_width: int
    kernel: int

    @property
    def keys(self) -> int:
        return self.key_heads * self.key_width

    @property
    def values(self) -> int:
        return self.value_heads * self.value_width


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What a config says, under one name per thing."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool
    intermediate: int
    """Width of dense feed-forward layers; 0 where every layer has experts."""
    experts: int = 0
    top_k: int = 0
    expert_width: int = 0
    shared_width: int = 0
    """Width of all shared experts together."""
    expert_layers: int = 0
    linear_layers: int = 0
    latent: LatentAttention | None = None
    linear: LinearAttention | None = None


def parameters(architecture: Architecture, dims: Dimensions) -> tuple[int, int]:
    """Parameters in total, and those that one token reads (all of them where there are no experts)."""
    matrices = architecture.mlp_matrices
    embedding = dims.vocabulary * dims.hidden * (1 if dims.tied else 2)
    attention = _attention(architecture, dims) * (dims.layers - dims.linear_layers) + _linear_attention(dims) * dims.linear_layers
    dense = matrices * dims.hidden * dims.intermediate * (dims.layers - dims.expert_layers)
    expert = matrices * dims.hidden * dims.expert_width
    beside = dims.hidden * dims.experts + matrices * dims.hidden * dims.shared_width
    outside = embedding + attention + dense + beside * dims.expert_layers
    return outside + expert * dims.experts * dims.expert_layers, outside + expert * dims.top_k * dims.expert_layers


def _attention(architecture: Architecture, dims: Dimensions) -> int:
    """Projections of one attention layer."""
    if dims.latent is not None:
        return _latent_attention(dims, dims.latent)
    query = dims.hidden * dims.heads * dims.head_width
    return query * (3 if architecture.gated_attention else 2) + 2 * dims.hidden * dims.kv_heads * dims.head_width


def _latent_attention(dims: Dimensions, latent: LatentAttention) -> int:
    """DeepSeek-V2, arXiv 2405.04434, section 2.1: down- and up-projections of queries and of K and V, and the output."""
    query_width = dims.heads * (latent.nope + latent.rope)
    query = dims.hidden * query_width if latent.query_rank is None else latent.query_rank * (dims.hidden + query_width)
    down = dims.hidden * (latent.kv_rank + latent.rope)
    up = latent.kv_rank * dims.heads * (latent.nope + latent.value)
    return query + down + up + dims.heads * latent.value * dims.hidden + latent.indexer


def _linear_attention(dims: Dimensions) -> int:
    """Gated delta net: in-projections of Q, K, V and the gate, one scalar pair per value head, a short convolution, the output."""
    if dims.linear is None:
        return 0
    wide = 2 * dims.linear.keys + dims.linear.values
    into = dims.hidden * (wide + dims.linear.values + 2 * dims.linear.value_heads)
    return into + wide * dims.linear.kernel + dims.linear.values * dims.hidden
