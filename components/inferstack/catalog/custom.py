"""Models that the catalog does not have. What understands configs is imported when the first one is given, as most stacks give none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .types import Model


def model_from_config(config: Mapping[str, Any], id: str, source: str, gated: bool | None = None) -> Model:
    """The model that a parsed Hugging Face `config.json` describes; `source` is where the config comes from.

    Raises `BadConfig` for an architecture that is not known (named in the text) and for a config that lacks a dimension.
    """
    from . import configs

    return configs.read(config, id, source, gated)


def model_from_dimensions(id: str, dimensions: Mapping[str, Any], gated: bool | None = None) -> Model:
    """The model of plain dimensions: architecture, hidden_size, num_layers, num_attention_heads, num_kv_heads, head_dim, intermediate_size,
    vocab_size, tied_embeddings and max_context, each as in `Model`. Raises `BadConfig` as `model_from_config` does.
    """
    from . import configs

    return configs.read(configs.config_of(dimensions), id, "dimensions in the stack file", gated)
