"""What can be said of a model of which only the number of parameters is known, and what is left beside it: believed, with wide bands."""

from __future__ import annotations

import math

from ..catalog import quantization
from ..sizing import default_share, limits, memory_constants, runtime_bytes
from ..sizing.constants import GIB, constants
from .checkpoint_names import named_quantization, resolve_quantization
from .figures import CHECKPOINT_SIZE, Figure, Figures, near
from .model_names import resolve_params
from .resolve import memory_device, resolve_engine, resolve_parallel, resolve_version
from .rows import MemoryRow
from .unresolvable import Unresolvable

ERROR = 0.1
"""Half of the 80 % interval of weights: rounding of the name, a vision tower, what stays at 16 bit."""
VOCABULARY = 150_000
"""Entries of the vocabulary of a model that nothing is known of; most of today's have 128,000 to 200,000."""
ACTIVATION_ERROR = 0.6


def figures_by_name(row: MemoryRow) -> Figures | None:
    """Weights from the parameters in the name, and the KV cache that they leave; None where the name says no size."""
    params = resolve_params(row.model)
    if params is None:
        return None
    try:
        stored = resolve_quantization(row.weights_quant, None, row.engine) or named_quantization(row.model)
        weights = params * quantization(stored or "bf16").bits / 8
        whole = row.engine.casefold() == CHECKPOINT_SIZE
        return {"weights_gib_per_gpu": near(weights, ERROR)} if whole else _beside(row, weights)
    except Unresolvable:
        return None


def _beside(row: MemoryRow, weights: float) -> Figures:
    engine = resolve_engine(row.engine)
    version = resolve_version(engine, row.version)
    rules = memory_constants(engine, version)
    parallel = resolve_parallel(row.tp, row.pp, row.dp, row.ep, row.dcp, engine)
    if rules.budget == "allotted":
        return {"weights_gib_per_gpu": near(weights, ERROR)}
    each = weights / (parallel.tensor * parallel.pipeline)
    figures: Figures = {"weights_gib_per_gpu": near(each, ERROR)}
    device = memory_device(row, parallel.devices)
    if device is None:
        return figures
    own = limits(engine, version, device)
    batch = row.max_num_batched_tokens or own.batched_tokens
    stated = row.gpu_memory_utilization
    share = default_share(engine, version, device, parallel, batch).expected if stated is None else stated
    activation = rules.logit_bytes.expected * (row.max_num_seqs or min(own.sequences, batch)) * VOCABULARY
    runtime = runtime_bytes(rules, parallel, device.link).expected
    visible = device.memory_bytes
    kv = {
        "profiled": share * visible - each - activation - runtime,
        "static": share * (visible - runtime) - each,
        "free": share * (visible - each - activation - runtime),
    }[rules.budget]
    unstated = 0.0 if stated is not None else visible * constants("memory")["kv_errors"]["unstated_share"]
    off = math.hypot(each * ERROR, activation * ACTIVATION_ERROR, unstated)
    return {**figures, "kv_gib_per_gpu": Figure(kv / GIB, (kv - off) / GIB, (kv + off) / GIB)}
