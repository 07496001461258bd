"""Models, the checkpoints that exist of them, and the ways of storing weights."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from . import model_names, names
from .tables import table
from .types import Checkpoint, IncompleteModel, KvCache, KvKind, Model, Quantization

NEEDED = (
    "params_total",
    "params_active",
    "hidden_size",
    "num_layers",
    "num_attention_heads",
    "num_kv_heads",
    "head_dim",
    "vocab_size",
    "kv",
)
"""What sizing cannot do without."""


@functools.cache
def models() -> Mapping[str, Model]:
    """Every model whose dimensions are known, by Hugging Face id of its reference weights."""
    rows = table("models")["models"]
    return MappingProxyType({name: _model(name, row) for name, row in rows.items() if not _missing(row)})


@functools.cache
def incomplete_models() -> Mapping[str, IncompleteModel]:
    """Models that are known by name, but of whose dimensions a part has no source; what is unknown is None."""
    rows = table("models")["models"]
    return MappingProxyType({name: _incomplete(name, row) for name, row in rows.items() if _missing(row)})


@functools.cache
def model(name: str) -> Model:
    """The model that `name` means: its id in any case, without organisation or `-Instruct`, or the name of a quantized checkpoint of it.

    Raises `UnknownName` (kind model) with the nearest models, also where the name is known but its dimensions are not.
    """
    found = model_names.resolve(name, tuple(table("models")["models"]), suggest=tuple(models()))
    row = models().get(found)
    if row is not None:
        return row
    missing = missing_dimensions(incomplete_models()[found])
    reason = f"is known, but not its {names.listed(missing)}; give its config.json: model: {{id: ..., config: path}}"
    raise names.UnknownName("model", name, model_names.nearest(found, tuple(models())), reason)


def missing_dimensions(model: Model | IncompleteModel) -> tuple[str, ...]:
    """Names of the dimensions that sizing needs and that have no source; () for every `Model`."""
    return tuple(name for name in NEEDED if getattr(model, name) is None)


@functools.cache
def checkpoints(model_id: str) -> tuple[Checkpoint, ...]:
    """The known checkpoints of a model, its reference weights first. () for a model that is not in the catalog."""
    known = models().get(model_id)
    if known is None:
        return ()
    data = table("checkpoints")
    sources: Mapping[str, str] = data["sources"]
    rows: list[dict[str, Any]] = data["checkpoints"].get(model_id, [])
    return (_reference(known), *(found for row in rows for found in _checkpoints(model_id, row, sources)))


@functools.cache
def quantizations() -> Mapping[str, Quantization]:
    """Every way of storing weights, by name."""
    rows = table("quantizations")["quantizations"]
    return MappingProxyType(
        {name: Quantization(name=name, **{key: row[key] for key in row if key != "aliases"}) for name, row in rows.items()}
    )


@functools.cache
def quantization(name: str) -> Quantization:
    """The quantization of that name or spelling, such as `Q4_K_M` or `w8a8`. Raises `UnknownName` (kind quantization)."""
    rows = table("quantizations")["quantizations"]
    spellings = names.index(rows, {owner: row["aliases"] for owner, row in rows.items()})
    return quantizations()[names.resolve("quantization", name, spellings, table("quantizations")["ambiguous"])]


def kv_cache(row: Mapping[str, Any]) -> KvCache:
    """The KV cache of a data row; `kind` as text, the other fields by name."""
    columns: dict[str, Any] = {**row, "kind": KvKind(row["kind"])}
    return KvCache(**columns)


def _missing(row: Mapping[str, Any]) -> bool:
    return any(row.get(key) is None for key in NEEDED)


def _model(name: str, row: Mapping[str, Any]) -> Model:
    columns: dict[str, Any] = {**row, "kv": kv_cache(row["kv"])}
    if "config_overrides" in row:
        columns["config_overrides"] = json.dumps(row["config_overrides"], separators=(",", ":"))
    return Model(id=name, **columns)


def _incomplete(name: str, row: Mapping[str, Any]) -> IncompleteModel:
    columns: dict[str, Any] = {key: value for key, value in row.items() if key in IncompleteModel.__dataclass_fields__}
    columns["kv"] = kv_cache(row["kv"]) if "kv" in row else None
    return IncompleteModel(id=name, **columns)


def _reference(model: Model) -> Checkpoint:
    """The repository that the model is named after."""
    dtype = "fp16" if model.native_dtype == "float16" else "bf16"
    stored = model.native_quantization if model.native_quantization is not None else dtype
    return Checkpoint(model.id, stored, f"hf://{model.id}", "the model's own repository", gated=model.gated)


def _checkpoints(model_id: str, row: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[Checkpoint]:
    """One checkpoint for a row with a quantization, one per file for a repository of GGUF files."""
    files: Mapping[str, str | None] = row["files"] if "files" in row else {row["quantization"]: None}
    for quantization, file in files.items():
        yield Checkpoint(
            model=model_id,
            quantization=quantization,
            uri=f"hf://{row['repository']}",
            source=sources[row["source"]],
            revision=row.get("revision"),
            file=file,
            weight_bytes=row.get("bytes"),
            gated=row.get("gated", False),
        )
