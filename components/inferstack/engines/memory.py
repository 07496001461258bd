"""How engines of the usual kind divide the memory of one device: weights, activations, the runtime, and the KV cache gets the rest."""

from __future__ import annotations

import math
from dataclasses import replace

from .. import sizing
from ..sizing.types import Estimate, MemoryLayout, Shape, worst

GIB = 2**30
REPOSITORY_OVERHEAD = 1.1
"""Files of a repository over the weights that are loaded: tokenizer, vision tower, extra heads; believed."""


def layout(shape: Shape, runtime: Estimate | None = None) -> MemoryLayout:
    """kv = share x visible - weights - activations - runtime, per device, from the memory constants of the shape's engine and version.

    `runtime` stands in for context, communication buffers and captured graphs where the device has none of these. Formula: sizing.memory.
    """
    constants = constants_of(shape)
    visible = shape.device.memory_bytes
    usable = int(constants.utilisation.expected * visible)
    weights = sizing.weight_bytes_per_device(shape)
    activation = sizing.activation_bytes(constants, shape.model, shape.max_sequences, batched_tokens(shape), shape.parallel.tensor)
    taken = _runtime(shape, constants, visible - usable) if runtime is None else round(runtime.expected)
    kv = usable - weights - round(activation.expected) - taken
    sequence = sequence_bytes(shape)
    per_token = sequence / shape.context
    return MemoryLayout(
        visible_bytes=visible,
        usable_bytes=usable,
        weight_bytes=weights,
        activation_bytes=round(activation.expected),
        runtime_bytes=taken,
        kv_bytes=kv,
        kv_bytes_per_token=per_token,
        kv_tokens=int(max(0, kv) / per_token) if sequence else 0,
        max_sequences=_sequences(shape, kv, sequence),
        provenance=worst(constants.provenance, shape.device.provenance),
        source=constants.source,
    )


def constants_of(shape: Shape) -> sizing.MemoryConstants:
    return sizing.memory_constants(shape.engine, shape.engine_version)


def batched_tokens(shape: Shape) -> int:
    """Token budget of one batch: the engine's default, and never less than a token for each sequence."""
    return max(constants_of(shape).batched_tokens, shape.max_sequences)


def sequence_bytes(shape: Shape) -> int:
    """Bytes that one sequence of the longest admitted length holds, per device."""
    constants = constants_of(shape)
    parallel = shape.parallel
    return sizing.sequence_bytes(
        shape.model, shape.context, shape.kv_dtype, parallel.tensor, parallel.pipeline, batched_tokens(shape), rules=constants.kv
    )


def download_gib(shape: Shape) -> int:
    """Disk that the files of a checkpoint take, in whole GiB: weights that are quantized while loading come at 16 bit."""
    checkpoint = shape.checkpoint
    stored = replace(checkpoint, quantization="bf16", quantized_at_load=False) if checkpoint.quantized_at_load else checkpoint
    return math.ceil(sizing.weight_bytes(shape.model, stored) * REPOSITORY_OVERHEAD / GIB)


def _runtime(shape: Shape, constants: sizing.MemoryConstants, outside_bytes: int) -> int:
    """Context, buffers and graphs; graphs that come on top of the engine's share are only counted where they overflow the rest."""
    graphs = round(sizing.graph_bytes(constants).expected)
    counted = graphs if constants.graphs_inside else max(0, graphs - outside_bytes)
    return round(sizing.runtime_bytes(constants, shape.parallel).expected) + counted


def _sequences(shape: Shape, kv: int, sequence: int) -> int:
    if kv < 0:
        return 0
    return kv // sequence if sequence else shape.max_sequences
