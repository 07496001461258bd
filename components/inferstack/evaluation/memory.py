"""Memory of one row: what the engine's log would say of weights, activations, graphs and KV cache."""

from __future__ import annotations

import math
from dataclasses import replace

from ..catalog import quantization
from ..sizing import (
    activation_bytes,
    batched_tokens,
    concurrency,
    default_share,
    gguf_bytes,
    graph_bytes,
    layout,
    limits,
    memory_constants,
    reported_tokens,
    runtime_bytes,
    sequence_bytes_of,
    stored_bytes,
    weight_bytes,
    weight_bytes_per_device,
    weight_error,
)
from ..sizing.constants import GIB, constants, version_key
from ..sizing.types import Device, EngineSettings, Estimate, Parallelism, Provenance, Shape
from .by_name import figures_by_name
from .figures import CHECKPOINT_SIZE, Figure, Figures, near, of
from .model_names import UnknownModel, is_kin
from .resolve import Resolved, resolve_memory
from .rows import BadRow, MemoryRow
from .types import Band, Prediction, skipped
from .unresolvable import Unresolvable

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
EXPERTS_IN_ONE_TENSOR = "b2600"
"""Build of llama.cpp from which all experts of a layer are one tensor."""
UNSTATED_CONTEXT = 4096
"""Tokens of the longest sequence where neither row nor model says."""

ALLOTTED = "allotted"
ALLOTTED_ERROR = 0.01
"""The same of a cache that is reserved for a given number of tokens: padding."""


def evaluate_memory(row: MemoryRow | BadRow) -> Prediction:
    """The prediction for one row; a row that cannot be read or resolved is skipped with the reason."""
    if isinstance(row, BadRow):
        return skipped(row.row_id, KEYS, str(row))
    try:
        resolved = resolve_memory(row)
    except UnknownModel as reason:
        figures = figures_by_name(row)
        return skipped(row.id, KEYS, str(reason)) if figures is None else _answer(row, figures)
    except Unresolvable as reason:
        return skipped(row.id, KEYS, str(reason))
    return _answer(row, _figures(row, resolved))


def _answer(row: MemoryRow, figures: Figures) -> Prediction:
    predicted = {key: figures[key].expected if key in figures else None for key in KEYS}
    return Prediction(row.id, predicted, {key: Band(figure.low, figure.high) for key, figure in figures.items()})


def _figures(row: MemoryRow, resolved: Resolved) -> Figures:
    if row.engine.casefold() == CHECKPOINT_SIZE:
        stored = stored_bytes(resolved.model, resolved.checkpoint)
        return {"weights_gib_per_gpu": near(stored, weight_error(resolved.model, resolved.checkpoint))}
    shape = shape_of(row, resolved, resolved.device or _NOWHERE)
    whole = memory_constants(shape.engine, shape.engine_version).budget == ALLOTTED
    if whole:
        return _allotted(row, shape, resolved.device is not None)
    weights = near(weight_bytes_per_device(shape), _weight_error(row, shape))
    if resolved.device is None:
        return {"weights_gib_per_gpu": weights}
    return {"weights_gib_per_gpu": weights, **_profiled(row, shape)}


def _profiled(row: MemoryRow, shape: Shape) -> Figures:
    """What an engine finds when it has measured itself. Pipeline stages report one by one: the figures are those of the first."""
    rules = memory_constants(shape.engine, shape.engine_version)
    found = layout(shape)
    parallel = shape.parallel
    tokens = batched_tokens(shape)
    activation = activation_bytes(rules, shape.model, shape.max_sequences, tokens, parallel, samples=parallel.pipeline == 1)
    kv = found.kv_bytes + (found.activation_bytes - round(activation.expected) if rules.budget == "profiled" else 0)
    unstated = _unstated_bytes(row, shape, activation)
    low, high = kv - round(math.hypot(found.kv_less_bytes, unstated)), kv + round(math.hypot(found.kv_more_bytes, unstated))
    sequence = _sequence_error(row, shape)
    ends = _within(kv, low, sequence), kv, _within(kv, high, sequence)
    held = [concurrency(shape, end) for end in ends]
    tokens_held = [reported_tokens(shape, end) for end in ends]
    return {
        "kv_gib_per_gpu": Figure(kv / GIB, low / GIB, high / GIB),
        "activation_gib": of(activation),
        "non_torch_gib": of(runtime_bytes(rules, parallel, shape.device.link)),
        "cuda_graph_gib": of(graph_bytes(rules, shape.model, shape.max_sequences, parallel.pipeline)),
        "kv_tokens": Figure(tokens_held[1], tokens_held[0], tokens_held[2]),
        "max_concurrency": Figure(held[1], held[0], held[2]),
        "fits": Figure(held[1] >= 1, held[0] >= 1, held[2] >= 1),
    }


def _unstated_bytes(row: MemoryRow, shape: Shape, activation: Estimate) -> float:
    """What settings that the row does not state may move: defaults are what the engine ships with, not what somebody ran."""
    errors, visible = constants("memory")["kv_errors"], shape.device.memory_bytes
    share = 0.0 if row.gpu_memory_utilization is not None else visible * errors["unstated_share"]
    profiled = memory_constants(shape.engine, shape.engine_version).budget != "static"
    batch = activation.expected * errors["unstated_batch"] if row.max_num_seqs is None and profiled else 0.0
    unlisted = visible * errors["unlisted_gpu"] if row.gpu_total_gib is None and not shape.device.flops else 0.0
    images = visible * errors["vision_profile"] if shape.model.params_vision else 0.0
    kin = weight_bytes_per_device(shape) * errors["kin"] if is_kin(row.model, row.model_config) else 0.0
    copied = weight_bytes_per_device(shape) * errors["data_parallel"] if shape.parallel.data > 1 and shape.model.is_moe else 0.0
    return math.hypot(share, batch, unlisted, images, kin, copied)


def _weight_error(row: MemoryRow, shape: Shape) -> float:
    """Half of the 80 % interval of weights, relative, also where the model is another's fine-tuned one."""
    kin = constants("memory")["kv_errors"]["kin"] if is_kin(row.model, row.model_config) else 0.0
    return math.hypot(weight_error(shape.model, shape.checkpoint), kin)


def _sequence_error(row: MemoryRow, shape: Shape) -> float:
    """Half of the 80 % interval of the bytes of one sequence, relative."""
    errors, kind = constants("memory")["kv_errors"], shape.model.kv.kind.value
    return math.hypot(errors["sequence"][kind], 0.0 if row.kv_dtype is not None else errors["unstated_dtype"][kind])


def _within(kv: int, end: int, error: float) -> int:
    """The end of the interval of KV bytes at which as many sequences are held as at an end of theirs: both errors, as a root of squares."""
    return kv + round(math.copysign(math.hypot(end - kv, kv * error), end - kv))


def _allotted(row: MemoryRow, shape: Shape, known: bool) -> Figures:
    """What an engine takes for the slots that it is told; its log counts all devices together."""
    single = replace(shape, parallel=Parallelism())
    kv = shape.max_sequences * sequence_bytes_of(single)
    weights = _file_bytes(shape)
    rules = memory_constants(shape.engine, shape.engine_version)
    activation = activation_bytes(rules, shape.model, shape.max_sequences, batched_tokens(shape), shape.parallel)
    stored = near(weights, weight_error(shape.model, shape.checkpoint))
    figures: Figures = {"weights_gib_per_gpu": stored, "activation_gib": of(activation)}
    if row.max_model_len is not None:
        figures["kv_gib_per_gpu"] = near(kv, ALLOTTED_ERROR)
        figures["kv_tokens"] = near(shape.max_sequences * shape.context * GIB, ALLOTTED_ERROR)
        figures["max_concurrency"] = near(shape.max_sequences * GIB, 0.0)
    if known:
        found = layout(shape)
        needed = shape.max_sequences * sequence_bytes_of(shape)
        figures["non_torch_gib"] = of(runtime_bytes(rules, shape.parallel, shape.device.link))
        low, high = found.kv_bytes - found.kv_less_bytes, found.kv_bytes + found.kv_more_bytes
        figures["fits"] = Figure(found.kv_bytes >= needed, low >= needed, high >= needed)
    return figures


def _file_bytes(shape: Shape) -> int:
    """Bytes of the file that was loaded, as the release of that time would have made it."""
    form = quantization(shape.checkpoint.quantization)
    if shape.checkpoint.weight_bytes is not None or not form.whole_model:
        return weight_bytes(shape.model, shape.checkpoint)
    return gguf_bytes(shape.model, form, version_key(shape.engine_version) >= version_key(EXPERTS_IN_ONE_TENSOR))


def shape_of(row: MemoryRow, resolved: Resolved, device: Device) -> Shape:
    """The replica that the row describes, with the engine's own defaults where the row is silent."""
    context = row.max_model_len or resolved.model.max_context or UNSTATED_CONTEXT
    own = limits(resolved.engine, resolved.version, device, context)
    batch = row.max_num_batched_tokens or own.batched_tokens
    # A step has a token for each of its sequences; a batch that is not stated grows with them.
    sequences = row.max_num_seqs if row.max_num_seqs and not row.max_num_batched_tokens else min(row.max_num_seqs or own.sequences, batch)
    share = row.gpu_memory_utilization
    if share is None:
        share = default_share(resolved.engine, resolved.version, device, resolved.parallel, batch).expected if device.memory_bytes else None
    settings = EngineSettings(share, batch, row.block_size)
    return resolved.shape(device, context, sequences, settings)


_NOWHERE = Device("unknown", "gpu", 1, 0, 0.0, {}, "none", None, None, Provenance.BELIEVED, "the row names no GPU")
"""Stands in where only weights are asked for, which no device changes."""
