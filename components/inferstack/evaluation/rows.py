"""Rows of measurements: reading a file of them, and naming each row that cannot be used, with the field and the reason."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import InferstackError, InputError, Problem, join_names, nearest_name
from .spellings import spellings

MEMORY_OBSERVED = {
    "weights_gib_per_gpu": "obs_weights_gib_per_gpu",
    "activation_gib": "obs_activation_peak_gib",
    "non_torch_gib": "obs_non_torch_gib",
    "cuda_graph_gib": "obs_cuda_graph_gib",
    "kv_gib_per_gpu": "obs_kv_gib_per_gpu",
    "kv_tokens": "obs_kv_tokens",
    "max_concurrency": "obs_max_concurrency",
}
"""Predicted key -> field of the observation."""
THROUGHPUT_OBSERVED = ("output_tps", "total_tps", "ttft_ms", "ttft_p50_ms", "ttft_p99_ms", "tpot_ms", "tpot_p50_ms", "tpot_p99_ms")


MOST_DEVICES = 4096
"""No replica spans as many; a larger degree is a slip."""


class BadRow(InferstackError):
    """A row that cannot be used. As text: a sentence that names the field, its value and the reason."""

    exit_code = 2

    def __init__(self, row_id: int | str, reason: str) -> None:
        self.row_id = row_id
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """What one engine was told, and what its log said of memory. GiB are per GPU; None is not stated."""

    id: int | str
    model: str
    engine: str
    version: str | None = None
    weights_quant: str | None = None
    dtype: str | None = None
    kv_dtype: str | None = None
    gpu: str | None = None
    gpu_total_gib: float | None = None
    """Memory as torch sees it."""
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    dcp: int | None = None
    """Decode context parallelism: ranks that share one copy of the KV cache."""
    gpu_memory_utilization: float | None = None
    """The engine's own share of memory: vLLM's utilisation, SGLang's mem-fraction-static, TensorRT-LLM's free fraction."""
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    block_size: int | None = None
    model_config: Mapping[str, Any] | None = None
    """A Hugging Face config object."""
    observed: Mapping[str, float] = field(default_factory=dict[str, float])
    """By predicted key. Predictions never read it."""


@dataclass(frozen=True, slots=True)
class ThroughputRow:
    """One benchmark run. Lengths in tokens, rates per second, times in ms; None is not stated."""

    id: int | str
    model: str
    engine: str
    gpu: str
    version: str | None = None
    quantization: str | None = None
    kv_dtype: str | None = None
    n_gpus: int | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    isl: float | None = None
    osl: float | None = None
    load: str | None = None
    concurrency: int | None = None
    request_rate: float | None = None
    dataset: str | None = None
    """What was asked, as free text: `ShareGPT 1000 prompts`."""
    flags: tuple[str, ...] = ()
    model_config: Mapping[str, Any] | None = None
    observed: Mapping[str, float] = field(default_factory=dict[str, float])
    """By field of the file. Predictions never read it."""


def read_rows(path: Path) -> list[Any]:
    """The rows of a JSON file as they stand. Raises `InputError` where it is not a JSON list."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(str(path), f"is not JSON: {error}")]) from error
    if not isinstance(document, list):
        raise InputError([Problem(str(path), "is not a list of rows", nearest="wrap the row in [ ]")])
    return cast("list[Any]", document)


def memory_rows(document: Sequence[Any]) -> list[MemoryRow | BadRow]:
    """Each row of a memory file, or why it cannot be used; in order."""
    return [_row(_memory_row, raw, index) for index, raw in enumerate(document)]


def throughput_rows(document: Sequence[Any]) -> list[ThroughputRow | BadRow]:
    """Each row of a throughput file, or why it cannot be used; in order."""
    return [_row(_throughput_row, raw, index) for index, raw in enumerate(document)]


def _row(make: Any, raw: object, index: int) -> Any:
    row_id: int | str = f"#{index}"
    if not isinstance(raw, Mapping):
        return BadRow(row_id, "is not an object")
    facts = cast("Mapping[str, Any]", raw)
    stated = facts.get("id")
    if isinstance(stated, str) or (isinstance(stated, int) and not isinstance(stated, bool)):
        row_id = stated
    try:
        return make(_Fields(row_id, facts))
    except BadRow as bad:
        return bad


def _memory_row(fields: _Fields) -> MemoryRow:
    fields.check_units(frozenset({"gpu_total_gib", *MEMORY_OBSERVED.values()}))
    return MemoryRow(
        id=fields.row_id,
        model=fields.required("model"),
        engine=fields.required("engine"),
        version=fields.text("version"),
        weights_quant=fields.text("weights_quant"),
        dtype=fields.text("dtype"),
        kv_dtype=fields.text("kv_dtype"),
        gpu=fields.text("gpu"),
        gpu_total_gib=fields.positive("gpu_total_gib"),
        **{name: fields.degree(name) for name in ("tp", "pp", "dp", "ep", "dcp")},
        gpu_memory_utilization=fields.share("gpu_memory_utilization"),
        **{name: fields.count(name) for name in ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "block_size")},
        model_config=fields.config("model_config"),
        observed=fields.observed(MEMORY_OBSERVED),
    )


def _throughput_row(fields: _Fields) -> ThroughputRow:
    fields.check_units(frozenset(THROUGHPUT_OBSERVED))
    return ThroughputRow(
        id=fields.row_id,
        model=fields.required("model"),
        engine=fields.required("engine"),
        gpu=fields.text("gpu_norm") or fields.required("gpu"),
        version=fields.text("version"),
        quantization=fields.text("quantization"),
        kv_dtype=fields.text("kv_dtype"),
        **{name: fields.degree(name) for name in ("n_gpus", "tp", "pp", "dp", "ep")},
        concurrency=fields.count("concurrency"),
        isl=fields.positive("isl"),
        osl=fields.positive("osl"),
        load=fields.one_of("load", tuple(spellings()["loads"])),
        request_rate=fields.positive("request_rate"),
        dataset=fields.text("dataset"),
        flags=fields.words("flags"),
        model_config=fields.config("model_config"),
        observed=fields.observed({name: name for name in THROUGHPUT_OBSERVED}, signed=False),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """Typed reading of one row; each method answers None where the field is missing or null and raises `BadRow` where it is wrong."""

    row_id: int | str
    facts: Mapping[str, Any]

    def check_units(self, known: frozenset[str]) -> None:
        """Refuse a known quantity under another unit, such as gpu_total_mib: silently ignoring it would be a wrong prediction."""
        by_stem = {_stem(name): name for name in known if _stem(name) != name}
        for name in self.facts:
            if name not in known and _stem(name) != name and (meant := by_stem.get(_stem(name))):
                raise BadRow(self.row_id, f"{name} is in an unknown unit; give {meant}")

    def text(self, name: str) -> str | None:
        value = self.facts.get(name)
        if value is None or isinstance(value, str):
            return value.strip() or None if value else None
        raise BadRow(self.row_id, f"{name} {value!r} is not text")

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise BadRow(self.row_id, f"{name} is missing")
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str | None:
        value = self.text(name)
        if value is None or value in known:
            return value
        close = nearest_name(value, known)
        raise BadRow(
            self.row_id, f"{name} {value!r} is unknown; " + (f"did you mean {close!r}?" if close else f"known are {join_names(known)}")
        )

    def number(self, name: str) -> float | None:
        value = self.facts.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRow(self.row_id, f"{name} {value!r} is not a number")
        if not math.isfinite(value):
            raise BadRow(self.row_id, f"{name} is {value}, which is not a finite number")
        return value

    def positive(self, name: str) -> float | None:
        value = self.number(name)
        if value is not None and value <= 0:
            raise BadRow(self.row_id, f"{name} is {value:g}, which is not above 0")
        return value

    def share(self, name: str) -> float | None:
        value = self.positive(name)
        if value is not None and value > 1:
            raise BadRow(self.row_id, f"{name} is {value:g}, which is not a share of at most 1")
        return value

    def count(self, name: str) -> int | None:
        value = self.positive(name)
        if value is not None and value != int(value):
            raise BadRow(self.row_id, f"{name} is {value:g}, which is not a whole number")
        return None if value is None else int(value)

    def degree(self, name: str) -> int | None:
        value = self.count(name)
        if value is not None and value > MOST_DEVICES:
            raise BadRow(self.row_id, f"{name} is {value:,}, which is more than {MOST_DEVICES:,} devices")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        value = self.facts.get(name)
        return tuple(str(word) for word in cast("Sequence[Any]", value)) if isinstance(value, list) else ()

    def config(self, name: str) -> Mapping[str, Any] | None:
        value = self.facts.get(name)
        if value is None or isinstance(value, Mapping):
            return cast("Mapping[str, Any] | None", value)
        raise BadRow(self.row_id, f"{name} is not an object; give a Hugging Face config")

    def observed(self, columns: Mapping[str, str], signed: bool = True) -> Mapping[str, float]:
        """What was observed, by predicted key; memory may be negative where an engine did not start."""
        values = {key: self.number(column) if signed else self.positive(column) for key, column in columns.items()}
        return {key: value for key, value in values.items() if value is not None}


def _stem(name: str) -> str:
    """A field's name without its unit."""
    for unit in ("_gib_per_gpu", "_gb_per_gpu", "_mib_per_gpu", "_gib", "_gb", "_mib", "_mb", "_bytes", "_ms", "_us", "_s", "_seconds"):
        if name.endswith(unit):
            return name.removesuffix(unit)
    return name
