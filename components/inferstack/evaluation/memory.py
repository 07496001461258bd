"""Memory of one row: what the engine's log would say of weights, activations, graphs and KV cache."""

from __future__ import annotations

from ..engines import memory as engine_memory
from ..sizing import weight_bytes, weight_bytes_per_device
from ..sizing.constants import GIB
from ..sizing.types import Device, EngineSettings, MemoryLayout, Provenance, Shape
from .resolve import Resolved, Unresolvable, resolve_memory
from .rows import BadRow, MemoryRow
from .types import Band, Prediction, Value, skipped

KEYS = (
    "kv_gib_per_gpu",
    "weights_gib_per_gpu",
    "activation_gib",
    "non_torch_gib",
    "cuda_graph_gib",
    "kv_tokens",
    "max_concurrency",
    "fits",
)
CHECKPOINT_SIZE = "checkpoint-size"
"""In place of an engine: the row asks for the bytes of all weights as they are stored."""
UNSTATED_CONTEXT = 4096
"""Tokens of the longest sequence where neither row nor model says."""

BELIEVED_ERROR = 0.1
"""Half the width of each band, relative."""


def evaluate_memory(row: MemoryRow | BadRow) -> Prediction:
    """The prediction for one row; a row that cannot be read or resolved is skipped with the reason."""
    if isinstance(row, BadRow):
        return skipped(row.row_id, KEYS, str(row))
    try:
        resolved = resolve_memory(row)
    except Unresolvable as reason:
        return skipped(row.id, KEYS, str(reason))
    values = _values(row, resolved)
    return Prediction(row.id, {key: values.get(key) for key in KEYS}, _bands(values))


def _values(row: MemoryRow, resolved: Resolved) -> dict[str, Value]:
    if row.engine.casefold() == CHECKPOINT_SIZE:
        return {"weights_gib_per_gpu": weight_bytes(resolved.model, resolved.checkpoint) / GIB}
    if resolved.device is None:
        return {"weights_gib_per_gpu": weight_bytes_per_device(shape_of(row, resolved, _NOWHERE)) / GIB}
    layout = engine_memory.layout(shape_of(row, resolved, resolved.device))
    return _figures(layout)


def shape_of(row: MemoryRow, resolved: Resolved, device: Device) -> Shape:
    """The replica that the row describes, with the engine's own defaults where the row is silent."""
    context = row.max_model_len or resolved.model.max_context or UNSTATED_CONTEXT
    settings = EngineSettings(row.gpu_memory_utilization, row.max_num_batched_tokens, row.block_size)
    return resolved.shape(device, context, row.max_num_seqs or 256, settings)


def _figures(layout: MemoryLayout) -> dict[str, Value]:
    return {
        "kv_gib_per_gpu": layout.kv_bytes / GIB,
        "weights_gib_per_gpu": layout.weight_bytes / GIB,
        "activation_gib": layout.activation_bytes / GIB,
        "non_torch_gib": layout.runtime_bytes / GIB,
        "kv_tokens": layout.kv_tokens,
        "max_concurrency": layout.max_sequences,
        "fits": layout.fits,
    }


def _bands(values: dict[str, Value]) -> dict[str, Band]:
    return {key: Band(value, value) if isinstance(value, bool) else _around(value) for key, value in values.items()}


def _around(value: float) -> Band:
    return Band(value - abs(value) * BELIEVED_ERROR, value + abs(value) * BELIEVED_ERROR)


_NOWHERE = Device("unknown", "gpu", 1, 0, 0.0, {}, "none", None, None, Provenance.BELIEVED, "the row names no GPU")
"""Stands in where only weights are asked for, which no device changes."""
