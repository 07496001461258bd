"""What servers take from vLLM that run its engine inside: what it loads and on which silicon, and how its engine is told the plan.

They pass keyword arguments where vLLM's own server has flags.
"""

from __future__ import annotations

import json
from typing import Any

from .. import catalog
from ..sizing.types import Shape
from . import memory
from .gpu import BFLOAT16, capability
from .kinds import pools
from .vllm import KV_DTYPES, PLUGIN_FORMATS, UNSTABLE_IN_FLOAT16
from .vllm import NAME as VLLM
from .weights import WeightSource


class VllmInside:
    """Goes before the `GpuEngine` that such a server is."""

    matrix = VLLM
    plugins = PLUGIN_FORMATS
    unstable_in_float16 = UNSTABLE_IN_FLOAT16


def sized_as_vllm() -> tuple[str, str]:
    """As `Traits.sized_as`: the release of vLLM that is pinned, whichever the server brings."""
    return VLLM, catalog.engine_release(VLLM).version


def batch_arguments(shape: Shape) -> dict[str, Any]:
    """How the engine is split, and what it takes at once."""
    return {
        "tensor_parallel_size": shape.parallel.tensor,
        "max_model_len": shape.context,
        "max_num_seqs": shape.max_sequences,
        "max_num_batched_tokens": memory.batched_tokens(shape),
    }


def number_arguments(shape: Shape, source: WeightSource) -> dict[str, Any]:
    """In which formats it computes and keeps, and of which revision."""
    arguments: dict[str, Any] = {}
    if capability(shape.device) < BFLOAT16:
        arguments["dtype"] = "float16"
    if KV_DTYPES[shape.kv_dtype] != "auto":
        arguments["kv_cache_dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        arguments["revision"] = source.revision
    return arguments


def model_arguments(shape: Shape) -> dict[str, Any]:
    """What it must know of the model that its config.json does not say."""
    arguments: dict[str, Any] = {}
    if pools(shape.model):
        arguments["runner"] = "pooling"
    if shape.model.config_overrides is not None:
        arguments["hf_overrides"] = json.loads(shape.model.config_overrides)
    if shape.model.remote_code:
        arguments["trust_remote_code"] = True
    return arguments
