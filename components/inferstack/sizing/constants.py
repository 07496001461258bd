"""Constants of physics and engines, read from `constants.json`. Code never holds a fitted or believed number of its own."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .types import Estimate, Provenance, worst

FITTED = ("performance", "techniques")
"""Sections that are files of their own."""
GIB = 2**30
MIB = 2**20
GB = 10**9


@dataclass(frozen=True, slots=True)
class KvRules:
    """How an engine allots KV cache to one sequence."""

    block_tokens: int = 16
    """Tokens are rounded up to whole blocks."""
    spare_blocks: int = 1
    """Blocks that a sliding window holds beyond its rounding."""
    padded_groups: bool = True
    """True where layers are put into groups of equal size and the missing ones are paid for (vLLM's hybrid cache)."""
    state_blocks: int = 1
    """Blocks that each layer with a recurrent state holds per sequence: 2 where prefixes of states are cached."""
    in_flight: int = 1
    """Batches whose tokens a window keeps at once: 2 where the next step is scheduled before the last one is settled."""
    tokens_by_request: bool = False
    """True where the reported capacity is sequences of full length times that length, False where it is blocks times their tokens."""
    latent_width: int = 1
    """A latent is padded to a multiple of that many elements per layer."""
    state_share: float | None = None
    """Bytes set aside for recurrent states over bytes for the KV cache, where an engine keeps two pools."""
    window_share: float | None = None
    """Tokens that window layers keep over tokens that full layers keep, where an engine keeps two pools."""


@dataclass(frozen=True, slots=True, eq=False)
class MemoryConstants:
    """What an engine at a version takes besides weights and KV cache. GiB are per device. One object for each, its own key."""

    engine: str
    """The engine that the constants belong to: the one asked for, or its nearest kin."""
    versions: str
    is_kin: bool
    """True where the engine asked for has no constants of its own."""
    utilisation: Estimate
    """Share of the visible memory that the engine may take, by its own default."""
    logit_bytes: Estimate
    """Bytes of logits and sampler per row and vocabulary entry."""
    hidden_bytes: Estimate
    """Bytes per token of a batch and unit of hidden width that stay beside the logits."""
    logit_rows: str
    """sequences: one row for each of `max_sequences`; batched-tokens: one for each token of a batch."""
    forward_factor: Estimate
    """Peak of the forward pass, relative to the widest activations of one layer."""
    runtime_gib_single: Estimate
    """Memory outside the tensor allocator on one device."""
    runtime_gib_tensor: Estimate
    """The same with tensor parallelism over NVLink: communication buffers included."""
    runtime_gib_pcie: Estimate
    """The same with tensor parallelism over PCIe, which has no shared buffers."""
    runtime_gib_pipeline: Estimate
    graph_gib: Estimate
    """Captured CUDA graphs, whatever their number."""
    graph_mib_per_layer: Estimate
    """And for each captured batch size and layer, in MiB."""
    graphs_inside: bool
    """True where graphs count within `utilisation`, False where they come on top."""
    batched_tokens: int
    """Token budget of one batch that plans ask for (vLLM: max_num_batched_tokens, llama.cpp: the micro-batch)."""
    budget: str
    """What the engine gives to the KV cache: profiled (its share of all memory less all else), static (its share of what is free at the
    start, less weights), free (its share of what is left at the end), or allotted (what its slots need)."""
    tiers: Sequence[Mapping[str, Any]]
    """The engine's own limits by GPU memory, largest first: sequences and batched_tokens."""
    whole_prompts_up_to: int
    """Longest admitted sequence, in tokens, that a batch must hold as a whole because prompts are not cut; 0 where they always are."""
    reserve: Mapping[str, Any] | None
    """How a static share follows from the GPU where none is given."""
    kv: KvRules

    @property
    def provenance(self) -> Provenance:
        parts = (self.utilisation, self.logit_bytes, self.forward_factor, self.runtime_gib_single, self.runtime_gib_tensor, self.graph_gib)
        return worst(*(part.provenance for part in parts), Provenance.BELIEVED if self.is_kin else Provenance.MEASURED)

    @property
    def source(self) -> str:
        return f"memory constants of {self.engine} {self.versions}{', nearest kin' if self.is_kin else ''}"


@functools.cache
def memory_constants(engine: str, version: str) -> MemoryConstants:
    """Memory constants of `engine` at `version`: its latest range that is not newer; an unknown engine gets its nearest kin, marked so."""
    section = constants("memory")
    rows: list[Mapping[str, Any]] = section["engines"]
    known = {row["engine"] for row in rows}
    name = engine if engine in known else kin(section["kin"], engine)
    row = _range(tuple(row for row in rows if row["engine"] == name), version)
    return MemoryConstants(
        engine=name,
        versions=row["label"],
        is_kin=name != engine,
        utilisation=estimate(row["utilisation"]),
        logit_bytes=estimate(row["logit_bytes"]),
        hidden_bytes=estimate(row["hidden_bytes"]),
        logit_rows=row["logit_rows"],
        forward_factor=estimate(row["forward_factor"]),
        runtime_gib_single=estimate(row["runtime_gib_single"]),
        runtime_gib_tensor=estimate(row["runtime_gib_tensor"]),
        runtime_gib_pcie=estimate(row["runtime_gib_pcie"]),
        runtime_gib_pipeline=estimate(row["runtime_gib_pipeline"]),
        graph_gib=estimate(row["graph_gib"]),
        graph_mib_per_layer=estimate(row["graph_mib_per_layer"]),
        graphs_inside=row["graphs_inside"],
        batched_tokens=row["batched_tokens"],
        budget=row["budget"],
        tiers=row["tiers"],
        whole_prompts_up_to=row.get("whole_prompts_up_to", 0),
        reserve=row.get("reserve"),
        kv=KvRules(**row["kv"]),
    )


def _range(ranges: Sequence[Mapping[str, Any]], version: str) -> Mapping[str, Any]:
    """The latest range that is not newer than `version`, else the oldest; each holds only what sets it apart from the next newer one."""
    found: dict[str, Any] = {}
    for row in ranges:
        found.update(row)
        if version_key(row["from"]) <= version_key(version):
            break
    return found


@functools.cache
def constants(section: str) -> Mapping[str, Any]:
    """One section of the data files: memory, cpu or cold_start of `constants.json`; performance and techniques, which `make fit` writes."""
    return _document(f"{section}.json") if section in FITTED else _document("constants.json")[section]


@functools.cache
def _document(name: str) -> Mapping[str, Any]:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def estimate(row: Mapping[str, Any], source: str = "", provenance: str = Provenance.BELIEVED) -> Estimate:
    """An `Estimate` from its row in the data file; `source` and `provenance` stand in where the row leaves them to its section."""
    return Estimate(row["low"], row["expected"], row["high"], Provenance(row.get("provenance", provenance)), row.get("source", source))


def kin(table: Mapping[str, str], engine: str) -> str:
    """The engine whose constants stand in for `engine`."""
    return table.get(engine, table["*"])


def version_key(version: str) -> tuple[int, ...]:
    """`v0.19.1` -> (0, 19, 1), `b6210` -> (6210,). Text without a number counts as newest."""
    numbers = re.findall(r"\d+", version)
    return tuple(int(number) for number in numbers[:3]) if numbers else (10**9,)
