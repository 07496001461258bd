"""Bytes of GGUF files: each preset stores kinds of tensors in different block types, so bits per weight differ from model to model.

After llama_tensor_get_type in llama.cpp/src/llama-quant.cpp: output in a wider type, and attn_v and ffn_down in a wider one in half of the
layers (presets *_M) or in the first ones (*_S).
"""

from __future__ import annotations

from ..catalog.types import Model
from .constants import constants


def gguf_bits(model: Model, quantization: str, widened_experts: float) -> float | None:
    """Bits per parameter of the language model in that preset; None for a format that stores all tensors alike or is not known.

    `widened_experts` are the parameters of experts whose ffn_down has the wider type.
    """
    mix = constants("memory")["gguf_mixes"]["presets"].get(quantization)
    if mix is None:
        return None
    language = model.params_total - model.params_vision
    ends = model.vocab_size * model.hidden_size
    value = model.num_layers * model.hidden_size * model.num_kv_heads * model.head_dim
    output = model.num_layers * model.hidden_size * model.num_attention_heads * model.head_dim
    dense_layers = (model.first_k_dense or 0) if model.is_moe else model.num_layers
    # A gated feed-forward layer has three matrices of equal size.
    down = widened_experts / 3 + dense_layers * model.hidden_size * (model.intermediate_size or 0)
    extra = ends * (mix["output"] - mix["base"]) + (value + down) * (mix["wide"] - mix["base"])
    extra += output * (mix["attention_output"] - mix["base"])
    return mix["base"] + extra / language
