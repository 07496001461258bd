"""Accelerators and processors."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from . import names
from .tables import table
from .types import Accelerator, Cpu


@functools.cache
def accelerators() -> Mapping[str, Accelerator]:
    """Every known accelerator by id, those with gaps in their figures included."""
    rows: dict[str, dict[str, Any]] = table("accelerators")["accelerators"]
    return MappingProxyType({name: _accelerator(name, row) for name, row in rows.items()})


def _accelerator(name: str, row: dict[str, Any]) -> Accelerator:
    columns = {key: value for key, value in row.items() if key != "note"}
    columns["dense_tflops"] = MappingProxyType(row["dense_tflops"])
    columns["aliases"] = tuple(row["aliases"])
    return Accelerator(id=name, **columns)


@functools.cache
def accelerator(name: str) -> Accelerator:
    """The accelerator of that id, marketing name or Kubernetes label. Raises `UnknownName` (kind GPU), also where the name fits two."""
    rows = accelerators()
    return rows[names.resolve("GPU", name, _spellings(), table("accelerators")["ambiguous"])]


@functools.cache
def _spellings() -> Mapping[str, str]:
    rows = accelerators()
    return names.index(rows, {row.id: (row.name, *row.aliases) for row in rows.values()})


@functools.cache
def cpus() -> Mapping[str, Cpu]:
    """Every known processor by id, one socket each."""
    return MappingProxyType({name: Cpu(id=name, **row) for name, row in table("cpus")["cpus"].items()})


@functools.cache
def cpu(name: str) -> Cpu:
    """The processor of that id. Raises `UnknownName` (kind CPU)."""
    rows = cpus()
    return rows[names.resolve("CPU", name, names.index(rows, {}))]
