"""The dtype of a KV cache: what a row states, else what the engine would take by itself for that checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..catalog.names import folded
from ..catalog.types import Checkpoint, Model
from ..errors import join_names
from ..sizing.constants import constants, version_key
from .spellings import spellings
from .unresolvable import Unresolvable

SPARSE = "fp8_ds_mla"
"""656 bytes per token and layer: what FP8 means for a latent with a sparse-attention indexer."""
SPARSE_ENGINES = ("vllm", "sglang")
SPARSE_BY_DEFAULT = ("0.11", "0.12")
"""Versions of vLLM whose `auto` is that format; later ones keep 16 bits (vllm/model_executor/models/config.py)."""


def resolve_kv_dtype(kv_dtype: str | None, dtype: str | None) -> str | None:
    """Our name of a KV cache dtype in free text such as `fp8_e4m3`, else of the model's 16 bits; None where neither is stated.

    Raises `Unresolvable` for a KV cache dtype that is not known.
    """
    known = constants("memory")["kv_bytes_per_element"]
    if kv_dtype is not None and folded(kv_dtype) not in ("auto", "none"):
        found = _meaning(kv_dtype)
        if found not in known:
            raise Unresolvable(f"KV cache dtype {kv_dtype!r} is not known; known are {join_names(tuple(known))}")
        return found
    # The dtype of a model is that of its activations; a quantization in its place says nothing of the cache.
    return found if dtype is not None and (found := _meaning(dtype)) in ("bf16", "fp16", "fp32") else None


def kv_dtype_of(
    stated: str | None, model: Model, checkpoint: Checkpoint, engine: str, version: str, config: Mapping[str, Any] | None
) -> str:
    """The dtype that the engine keeps: FP8 has a format of its own for sparse attention, and checkpoints may say it themselves."""
    sparse = model.kv.extra_bytes_per_token > 0 and engine in SPARSE_ENGINES
    if stated is not None:
        return SPARSE if stated == "fp8" and sparse else stated
    first, past = (version_key(bound) for bound in SPARSE_BY_DEFAULT)
    if sparse and engine == "vllm" and first <= version_key(version) < past:
        return SPARSE
    if _says_fp8(checkpoint, config) and _follows(engine, version):
        return "fp8"
    return spellings()["own_kv_dtypes"].get(engine, {}).get(checkpoint.quantization, "bf16")


def _meaning(text: str) -> str:
    word = (text.casefold().replace("(", " ").split() or [""])[0].removeprefix("torch.")
    return spellings()["kv_dtypes"].get(word, word)


def _says_fp8(checkpoint: Checkpoint, config: Mapping[str, Any] | None) -> bool:
    stated = (config or {}).get("quantization_config")
    if isinstance(stated, Mapping):
        facts = cast("Mapping[str, Any]", stated)
        scheme = facts.get("kv_cache_scheme")
        width = cast("Mapping[str, Any]", scheme).get("num_bits") if isinstance(scheme, Mapping) else None
        return width == 8 or str(facts.get("kv_cache_quant_algo")).casefold() == "fp8"
    named = spellings()["named_kv_dtypes"]
    owner = checkpoint.uri.removeprefix("hf://").casefold().partition("/")[0]
    return owner in named["owners"] and checkpoint.quantization in named["quantizations"]


def _follows(engine: str, version: str) -> bool:
    since = spellings()["named_kv_dtypes"]["since"].get(engine)
    return since is not None and version_key(version) >= version_key(since)
