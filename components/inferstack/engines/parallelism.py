"""Tensor parallelism as most engines have it: heads, KV heads, feed-forward widths and quantization groups must divide."""

from __future__ import annotations

from .. import catalog, sizing
from ..catalog.types import Checkpoint, Model
from .types import Refusal


def refuse_tensor(model: Model, checkpoint: Checkpoint, tensor: int) -> Refusal | None:
    """None where `tensor` is legal; otherwise what it does not divide, and the nearest degree below."""
    conflict = sizing.refuse_tensor_degree(model, catalog.quantization(checkpoint.quantization), tensor)
    return None if conflict is None else Refusal(conflict.reason, f"use {conflict.nearest}")
