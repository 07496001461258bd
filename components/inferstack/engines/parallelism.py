"""Tensor parallelism as most engines have it: heads, KV heads, feed-forward widths and quantization groups must divide."""

from __future__ import annotations

from .. import catalog, sizing
from ..catalog.types import Checkpoint, Model
from ..sizing.types import Parallelism
from .types import Refusal


def refuse_tensor(model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
    """None where the tensor-parallel degree is legal; otherwise what it does not divide, and the nearest degree below."""
    quantization = catalog.quantization(checkpoint.quantization)
    conflict = sizing.refuse_tensor_degree(model, quantization, parallel.tensor, whole_experts=parallel.expert is not None)
    return None if conflict is None else Refusal(conflict.reason, f"use {conflict.nearest}")
