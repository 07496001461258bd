"""Facts as data, each with source and date, behind typed and lazy lookups; nothing else.

The data lies beside this file as JSON. Every lookup by name is kind (case, a missing organisation) and raises `UnknownName`, which
carries the nearest names that exist.
"""

from __future__ import annotations

from .types import (
    Accelerator,
    CapacityType,
    Checkpoint,
    Cpu,
    EngineRelease,
    Fee,
    KvCache,
    KvKind,
    Machine,
    Model,
    Offering,
    Quantization,
)

__all__ = [
    "Accelerator",
    "CapacityType",
    "Checkpoint",
    "Cpu",
    "EngineRelease",
    "Fee",
    "KvCache",
    "KvKind",
    "Machine",
    "Model",
    "Offering",
    "Quantization",
]
