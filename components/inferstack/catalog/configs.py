"""A model from its Hugging Face `config.json`, or from the dimensions that a stack file gives.

An architecture that `architectures` does not have is refused by name: parameters and KV cache of one that looks alike would be a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .architectures import ARCHITECTURES, WRAPPERS, Architecture, Dimensions, LatentAttention, LinearAttention, parameters
from .config_fields import BadConfig, Facts, layer_types, listed, number, refuse
from .irregular import IRREGULAR
from .types import EMBEDDING, LLM, RERANK, REWARD, KvCache, KvKind, Model

NESTED = ("text_config", "llm_config", "language_config")
"""Where multimodal configs keep the language model."""
INDEXER_BYTES = 132
"""Bytes per token and layer that DeepSeek's sparse-attention indexer keeps beside the latent."""


SCORES = ("ForSequenceClassification", "ForRewardModel", "ForProcessRewardModel")
"""Ends of the names of classes whose answer is a score."""

MOST_LAYERS = 2000
"""No model has as many; a larger number is a slip, and layers are counted one by one."""
MOST_PARAMETERS = 20e12


def read(config: Mapping[str, Any], id: str, source: str, gated: bool | None) -> Model:
    """What `catalog.model_from_config` answers. Raises `BadConfig` with everything that is wrong."""
    problems: list[str] = []
    model: Model | None = None
    try:
        model = _read(config, problems, id, source, gated)
    except BadConfig as bad:
        problems.append(str(bad))
    except ArithmeticError:
        # Stand-ins need not divide one another.
        if not problems:
            raise
    if model is not None and model.params_total > MOST_PARAMETERS:
        problems.append(f"comes to {model.params_total / 1e12:,.0f} trillion parameters, which no model has")
    if problems or model is None:
        raise BadConfig("; ".join(dict.fromkeys(problems)))
    return model


def _read(config: Mapping[str, Any], problems: list[str], id: str, source: str, gated: bool | None) -> Model:
    text, kind = _language_model(config, problems)
    architecture = ARCHITECTURES[kind]
    dims = _dimensions(text, architecture)
    if kind in IRREGULAR:
        counts = IRREGULAR[kind](text, dims)
        total, active, kv = counts.total, counts.active, counts.kv
    else:
        total, active = parameters(architecture, dims)
        kv = kv_cache(text, architecture, dims)
    vision = _vision(config, problems)
    longest = _longest(text, architecture)
    said = _class(config)
    purpose = _purpose(text, architecture, said)
    return Model(
        id=id,
        kind=purpose,
        architecture=kind,
        params_total=total + vision,
        params_active=active,
        hidden_size=dims.hidden,
        num_layers=dims.layers,
        num_attention_heads=dims.heads,
        num_kv_heads=dims.kv_heads,
        head_dim=dims.head_width,
        vocab_size=dims.vocabulary,
        kv=kv,
        source=source,
        intermediate_size=dims.intermediate if dims.intermediate else None,
        tied_embeddings=dims.tied,
        max_context=longest if longest else None,
        native_dtype=_dtype(text, config),
        native_quantization=_quantization(config, text),
        n_experts=dims.experts if dims.experts else None,
        top_k=dims.top_k if dims.experts else None,
        moe_intermediate_size=dims.expert_width if dims.experts else None,
        shared_expert_intermediate_size=dims.shared_width if dims.shared_width else None,
        first_k_dense=number(text, "first_k_dense_replace", default=0) or None,
        params_vision=vision,
        multimodal=_multimodal(config, kind) if vision else None,
        mtp_layers=number(text, "num_nextn_predict_layers", "mtp_num_hidden_layers", default=0),
        sliding_window=_window(text, architecture),
        gated=gated,
        checkpoint_class=said if purpose != LLM else None,
        remote_code=isinstance(config.get("auto_map"), Mapping) and architecture.encoder,
    )


def config_of(dimensions: Mapping[str, Any]) -> dict[str, Any]:
    """The config that says the same as plain dimensions; those that are None are left out."""
    renamed = {
        "architecture": "model_type",
        "num_layers": "num_hidden_layers",
        "num_kv_heads": "num_key_value_heads",
        "tied_embeddings": "tie_word_embeddings",
        "max_context": "max_position_embeddings",
    }
    return {renamed.get(key, key): value for key, value in dimensions.items() if value is not None}


def _language_model(config: Mapping[str, Any], problems: list[str]) -> tuple[Facts, str]:
    """The part of the config that describes the language model, and its architecture."""
    nested = next((cast("Mapping[str, Any]", config[key]) for key in NESTED if isinstance(config.get(key), Mapping)), None)
    outer: object = config.get("model_type")
    kind: object
    if nested is None:
        text, kind = config, outer
    else:
        inherited = {key: config[key] for key in ("tie_word_embeddings",) if key in config}
        text, kind = {**inherited, **nested}, nested.get("model_type", outer)
    kind = WRAPPERS.get(str(kind), kind)
    if kind is None:
        raise BadConfig("names no `model_type`")
    if not isinstance(kind, str):
        raise BadConfig(f"has model_type {kind!r}, which is not text")
    if kind not in ARCHITECTURES:
        raise BadConfig(f"is of architecture {kind}, which is not known; known are {', '.join(sorted(ARCHITECTURES))}")
    return Facts(text, problems), kind


def _class(config: Mapping[str, Any]) -> str | None:
    """The class that the config names for its weights."""
    named = listed(config, "architectures")
    return named[0] if named and isinstance(named[0], str) else None


def _multimodal(config: Mapping[str, Any], kind: str) -> str | None:
    """What the whole is called, where that is not its language model's name; `llava` joins any two, so that its tower counts."""
    named = config.get("model_type")
    tower = config.get("vision_config")
    if named == "llava" and isinstance(tower, Mapping):
        named = cast("Mapping[str, Any]", tower).get("model_type")
    return named if isinstance(named, str) and named != kind else None


def _purpose(text: Mapping[str, Any], architecture: Architecture, said: str | None) -> str:
    """`Model.kind` as the class says it: a head with a score ranks pairs on an encoder, and is a reward on a language model."""
    scores = said is not None and said.endswith(SCORES)
    if architecture.encoder or text.get("use_bidirectional_attention"):
        return RERANK if scores else EMBEDDING
    return REWARD if scores else LLM


def _longest(text: Mapping[str, Any], architecture: Architecture) -> int:
    """Tokens that the positions of the config permit; 0 where it does not say."""
    longest = number(text, "max_position_embeddings", "n_positions", "seq_length", default=0)
    padding = number(text, "pad_token_id", default=1) + 1 if architecture.padded_positions else 0
    return max(0, longest - padding)


def _dimensions(text: Facts, architecture: Architecture) -> Dimensions:
    hidden = number(text, "hidden_size", "n_embd", "d_model")
    layers = number(text, "num_hidden_layers", "n_layer", "n_layers", default=_layers_of_pattern(text))
    if not 0 < layers <= MOST_LAYERS:
        layers = refuse(text, f"has {layers} layers, which no model has")
    heads = number(text, "num_attention_heads", "n_head", "n_heads")
    latent = _latent(text) if architecture.mla else None
    head_width = latent.nope + latent.rope if latent else number(text, "head_dim", default=_even_head_width(hidden, heads))
    experts = number(text, "num_local_experts", "num_experts", "n_routed_experts", default=None if architecture.experts else 0)
    expert_layers = _expert_layers(text, layers) if experts else 0
    default_width = 4 * hidden if architecture.four_times_wide else None
    wide = number(
        text, "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", default=default_width if expert_layers < layers else 0
    )
    expert_width = number(text, "moe_intermediate_size", default=wide) if experts else 0
    kinds = layer_types(text, layers)
    return Dimensions(
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=_kv_heads(text, architecture, heads),
        head_width=head_width,
        vocabulary=number(text, "vocab_size"),
        tied=bool(text.get("tie_word_embeddings", architecture.tied)),
        intermediate=number(text, "intermediate_size_mlp", default=wide) if expert_layers < layers else 0,
        experts=experts,
        top_k=number(text, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k_experts") if experts else 0,
        expert_width=expert_width,
        shared_width=_shared_width(text, architecture, expert_width) if experts else 0,
        expert_layers=expert_layers,
        linear_layers=sum(kind == "linear_attention" for kind in kinds) if architecture.hybrid else 0,
        latent=latent,
        linear=_linear(text) if architecture.hybrid else None,
    )


def _layers_of_pattern(text: Mapping[str, Any]) -> int | None:
    """Layers of a config that only lists their kinds; None where it does not."""
    count = len(str(text.get("hybrid_override_pattern", ""))) + len(listed(text, "layers_block_type"))
    return count if count else None


def _kv_heads(text: Facts, architecture: Architecture, heads: int) -> int:
    if architecture.query_per_kv and text.get("multi_query") and not text.get("new_decoder_architecture"):
        return 1
    kv_heads = number(text, "num_key_value_heads", "num_kv_heads", default=heads)
    if text.problems:
        return kv_heads
    if not kv_heads or heads % kv_heads:
        return refuse(text, f"has {kv_heads} KV heads, which do not divide its {heads} attention heads")
    return kv_heads


def _even_head_width(hidden: int, heads: int) -> int | None:
    """Width of a head where the config does not say; None where the heads do not divide the hidden size, so that it must be said."""
    return None if hidden % heads else hidden // heads


def _latent(text: Mapping[str, Any]) -> LatentAttention:
    query_rank = number(text, "q_lora_rank", default=0)
    index_heads, index_width = number(text, "index_n_heads", default=0), number(text, "index_head_dim", default=0)
    hidden = number(text, "hidden_size")
    indexer = index_width * (index_heads * query_rank + hidden) + hidden * index_heads if index_heads and query_rank else 0
    return LatentAttention(
        kv_rank=number(text, "kv_lora_rank"),
        query_rank=query_rank if query_rank else None,
        rope=number(text, "qk_rope_head_dim"),
        nope=number(text, "qk_nope_head_dim"),
        value=number(text, "v_head_dim"),
        indexer=indexer,
    )


def _linear(text: Mapping[str, Any]) -> LinearAttention:
    return LinearAttention(
        key_heads=number(text, "linear_num_key_heads"),
        value_heads=number(text, "linear_num_value_heads"),
        key_width=number(text, "linear_key_head_dim"),
        value_width=number(text, "linear_value_head_dim"),
        kernel=number(text, "linear_conv_kernel_dim"),
    )


def _expert_layers(text: Mapping[str, Any], layers: int) -> int:
    """Layers with experts: all but the first dense ones, every n-th, or those that the config lists."""
    if layers_with_experts := listed(text, "moe_layers"):
        return len(layers_with_experts)
    if marked := listed(text, "moe_layer_freq"):
        return sum(mark == 1 for mark in marked)
    step = max(1, number(text, "interleave_moe_layer_step", "decoder_sparse_step", "moe_layer_freq", default=1))
    first = number(text, "first_k_dense_replace", default=0)
    dense = listed(text, "mlp_only_layers")
    return sum(1 for layer in range(first, layers) if (layer + 1) % step == 0 and layer not in dense)


def _shared_width(text: Mapping[str, Any], architecture: Architecture, expert_width: int) -> int:
    if architecture.shared_expert == "width":
        return number(text, "shared_expert_intermediate_size", default=0)
    if architecture.shared_expert == "count":
        return number(text, "n_shared_experts", "num_shared_experts", default=0) * expert_width
    return expert_width if architecture.shared_expert == "one" else 0


def kv_cache(text: Mapping[str, Any], architecture: Architecture, dims: Dimensions) -> KvCache:
    """The shape of the KV cache: `docs/how-a-plan-is-made.md` has the formulas by kind."""
    if text.get("use_bidirectional_attention"):
        return KvCache(KvKind.NONE)
    if dims.latent is not None:
        width = (dims.latent.kv_rank + dims.latent.rope) * dims.layers
        extra = INDEXER_BYTES * dims.layers if dims.latent.indexer else 0
        return KvCache(KvKind.LATENT, full_layers=dims.layers, elements_full=width, extra_bytes_per_token=extra)
    each = 2 * dims.kv_heads * dims.head_width
    if dims.linear is not None:
        full = dims.layers - dims.linear_layers
        state = dims.linear_layers * _state_bytes(dims.linear)
        return KvCache(KvKind.STATE, full_layers=full, elements_full=full * each, state_bytes=state, state_layers=dims.linear_layers)
    window = _window(text, architecture)
    windowed = _window_layers(text, architecture, dims.layers) if window else 0
    if not window or not windowed:
        return KvCache(KvKind.FULL, full_layers=dims.layers, elements_full=dims.layers * each)
    full = dims.layers - windowed
    return KvCache(KvKind.WINDOW, full, windowed, window, full * each, windowed * each)


def _state_bytes(linear: LinearAttention) -> int:
    """One layer's recurrent state in fp32 and the tail of its convolution in 16 bits."""
    recurrent = linear.value_heads * linear.key_width * linear.value_width * 4
    return recurrent + (linear.kernel - 1) * (2 * linear.keys + linear.values) * 2


def _window(text: Mapping[str, Any], architecture: Architecture) -> int | None:
    """Tokens that window layers keep; None where the window is off or as long as the context."""
    if architecture.window_needs_switch and not text.get("use_sliding_window"):
        return None
    window = number(text, "sliding_window", "attention_chunk_size", default=0)
    longest = number(text, "max_position_embeddings", default=0)
    return window if window and (not longest or window < longest) else None


def _window_layers(text: Mapping[str, Any], architecture: Architecture, layers: int) -> int:
    kinds = layer_types(text, layers)
    if kinds:
        return sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)
    every = number(text, "sliding_window_pattern", default=architecture.window_every)
    return layers if every == 1 else layers - layers // every if every else 0


def _dtype(text: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    for part in (text, config):
        for key in ("dtype", "torch_dtype"):
            if isinstance(part.get(key), str):
                return str(part[key])
    return "bfloat16"


def _quantization(config: Mapping[str, Any], text: Mapping[str, Any]) -> str | None:
    """Name of the quantization of the weights themselves, where the config states one that is known."""
    stated = config.get("quantization_config", text.get("quantization_config"))
    if not isinstance(stated, Mapping):
        return None
    facts = cast("Mapping[str, Any]", stated)
    method = str(facts.get("quant_method", "")).replace("_", "-")
    if method == "fp8" and facts.get("weight_block_size"):
        return "fp8-block"
    if method in ("gptq", "auto-round", "bitsandbytes"):
        return "gptq-int8" if facts.get("bits", 4) == 8 or facts.get("load_in_8bit") else "gptq-int4"
    if method.startswith("modelopt"):
        return {"FP8": "fp8", "NVFP4": "nvfp4", "W4A16_AWQ": "awq"}.get(str(facts.get("quant_algo", "")).upper())
    if method == "compressed-tensors":
        return _compressed(facts)
    return method if method in ("fp8", "awq", "mxfp4", "nvfp4") else None


def _compressed(facts: Mapping[str, Any]) -> str | None:
    """What the first group of a compressed-tensors config stores its weights in."""
    groups = facts.get("config_groups")
    first = next(iter(cast("Mapping[str, Any]", groups).values()), None) if isinstance(groups, Mapping) else None
    weights = cast("Mapping[str, Any]", first).get("weights") if isinstance(first, Mapping) else None
    if not isinstance(weights, Mapping):
        return None
    stored = cast("Mapping[str, Any]", weights)
    if stored.get("type") == "float":
        return {8: "fp8", 4: "nvfp4"}.get(stored.get("num_bits", 0))
    if stored.get("num_bits") == 4:
        return "int4-g32" if stored.get("group_size") == 32 else "gptq-int4"
    return "int8" if stored.get("num_bits") == 8 else None


def _vision(config: Mapping[str, Any], problems: list[str]) -> int:
    """Parameters of a vision tower, counted as a plain vision transformer with the mergers that its config names; 0 where it has none.

    Patch and position embeddings and other projectors are left out: below 2 % of the tower, far below 1 % of a model.
    """
    tower = config.get("vision_config")
    if not isinstance(tower, Mapping):
        return 0
    facts = Facts(cast("Mapping[str, Any]", tower), problems)
    hidden = number(facts, "hidden_size", "embed_dim", "width", default=0)
    wide = number(facts, "intermediate_size", default=4 * hidden)
    layers = number(facts, "num_hidden_layers", "depth", "layers", default=0)
    merged = hidden * number(facts, "spatial_merge_size", default=0) ** 2
    mergers = 1 + len(listed(facts, "deepstack_visual_indexes"))
    out = number(facts, "out_hidden_size", default=0)
    return layers * (4 * hidden * hidden + 2 * hidden * wide) + (mergers * merged * (merged + out) if out else 0)
