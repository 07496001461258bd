"""Pinned engine releases, and what each engine runs on which silicon."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from . import names
from .tables import table
from .types import EngineRelease


@functools.cache
def engine_releases() -> Mapping[str, EngineRelease]:
    """Every known release by engine; an engine with one image for CPUs and one for GPUs has two, the former as `<engine>-cpu`."""
    return MappingProxyType({row["engine"]: EngineRelease(**row) for row in table("engines")["releases"]})


@functools.cache
def engine_release(engine: str) -> EngineRelease:
    """The pinned release of `engine`. Raises `UnknownName` (kind engine)."""
    rows = engine_releases()
    return rows[names.resolve("engine", engine, names.index(rows, {}))]


@functools.cache
def pooled_classes(engine: str) -> Mapping[str, frozenset[str]]:
    """By kind of model that answers after one pass: the classes of checkpoints that the engine's pinned release serves so.

    Empty for an engine that serves none.
    """
    row = table("pooling")["engines"].get(engine, {"kinds": {}})
    return MappingProxyType({kind: frozenset(classes) for kind, classes in row["kinds"].items()})


@functools.cache
def engine_support(engine: str) -> Mapping[str, Mapping[str, str]]:
    """By scheme of a quantization and silicon (sm70 .. sm100, neuron, cpu): Y native, W weights only or emulated, P needs a plugin, N no,
    ? not verified. Raises `UnknownName` (kind engine).
    """
    rows = table("engines")["support"]
    found = names.resolve("engine", engine, names.index(rows, {}))
    return MappingProxyType({scheme: MappingProxyType(row) for scheme, row in rows[found].items()})
