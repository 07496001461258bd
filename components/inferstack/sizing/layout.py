"""How engines divide the memory of one device: weights, activations, the runtime, and what is left for the KV cache."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

from ..catalog.types import Checkpoint, Model
from .additions import added_bytes, draft_sequence_bytes
from .constants import MIB, MemoryConstants, memory_constants
from .kv import sequence_bytes
from .memory import activation_bytes, gathered_bytes, graph_bytes, runtime_bytes
from .pool import Pool, full_layer_bytes, pool, window_layer_bytes
from .types import NO_ADDITIONS, Device, Estimate, MemoryLayout, Parallelism, Provenance, Shape, worst
from .weights import bytes_per_device, splits_head, weight_error

VISIBLE_ERROR = 0.003
"""The same of visible memory that nobody stated for the very device: drivers and ECC differ."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine chooses where it is not told."""

    sequences: int
    batched_tokens: int


def layout(shape: Shape, runtime: Estimate | None = None) -> MemoryLayout:
    """The memory of one device of `shape`, from the constants of its engine and version.

    A plan divides what the engine may take: kv = share x visible - weights - activations - runtime. With a `memory_share` the engine's own
    rule holds: vLLM's is that one; SGLang: share x (visible - runtime) - weights; TensorRT-LLM: share x (visible - all else).
    `runtime` stands in for context, communication buffers and captured graphs where the device has none of these.
    """
    rules, tokens = constants_of(shape), batched_tokens(shape)
    parts = (shape.model, shape.checkpoint, shape.parallel)
    spent = _spent(rules, *parts, shape.device.link, shape.max_sequences, tokens, splits_head(shape.engine))
    added = added_bytes(shape, tokens) if shape.additions is not NO_ADDITIONS else 0
    if shape.host_weight_bytes:
        spent = replace(spent, weights=max(0, spent.weights - shape.host_weight_bytes))
    if shape.experts_span:
        spent = replace(spent, activation=spent.activation.plus(gathered_bytes(shape.model, tokens, shape.parallel)))
    if runtime is not None:
        spent = replace(spent, context=runtime, graphs=NOTHING)
    graphs = _counted_graphs(shape, rules, spent.graphs)
    usable, kv = _budget(shape, rules, spent, graphs, added)
    sequence = sequence_bytes_of(shape)
    less, more = _errors(shape, rules, spent, graphs)
    return MemoryLayout(
        visible_bytes=shape.device.memory_bytes,
        usable_bytes=usable,
        weight_bytes=spent.weights,
        activation_bytes=round(spent.activation.expected),
        runtime_bytes=usable - spent.weights - added - round(spent.activation.expected) - kv,
        kv_bytes=kv,
        kv_bytes_per_token=sequence / shape.context,
        kv_tokens=reported_tokens(shape, _own_part(shape, kv, sequence)),
        max_sequences=_sequences(shape, kv, sequence),
        provenance=worst(spent.provenance, shape.device.provenance),
        source=rules.source,
        graph_bytes=round(graphs.expected),
        kv_less_bytes=less,
        kv_more_bytes=more,
        added_bytes=added,
    )


@dataclass(frozen=True, slots=True)
class _Spent:
    """What one device holds besides the KV cache, whatever its memory."""

    weights: int
    weights_error: float
    activation: Estimate
    context: Estimate
    graphs: Estimate
    provenance: Provenance


@functools.lru_cache(4096)
def _spent(
    rules: MemoryConstants,
    model: Model,
    checkpoint: Checkpoint,
    parallel: Parallelism,
    link: str,
    max_sequences: int,
    tokens: int,
    head_split: bool,
) -> _Spent:
    weights = bytes_per_device(model, checkpoint, parallel, head_split)
    return _Spent(
        weights=weights,
        weights_error=weights * weight_error(model, checkpoint),
        activation=activation_bytes(rules, model, max_sequences, tokens, parallel),
        context=runtime_bytes(rules, parallel, link),
        graphs=graph_bytes(rules, model, max_sequences, parallel.pipeline),
        provenance=rules.provenance,
    )


def constants_of(shape: Shape) -> MemoryConstants:
    """The memory constants of the shape's engine and version, with the block size that it is told."""
    rules = memory_constants(shape.engine, shape.engine_version)
    block = shape.settings.block_tokens
    return rules if block is None else _with_blocks(rules, block)


@functools.lru_cache(256)
def _with_blocks(rules: MemoryConstants, block: int) -> MemoryConstants:
    return replace(rules, kv=replace(rules.kv, block_tokens=block))


def batched_tokens(shape: Shape) -> int:
    """Token budget of one batch: what the engine is told, else what plans ask for, and never less than a token for each sequence."""
    stated = shape.settings.batched_tokens
    return max(constants_of(shape).batched_tokens, shape.max_sequences) if stated is None else stated


def sequence_bytes_of(shape: Shape) -> int:
    """Bytes that one sequence of the longest admitted length holds, per device."""
    parallel = shape.parallel
    drafted = draft_sequence_bytes(shape.additions, shape.context, shape.kv_dtype, parallel)
    return round(drafted) + sequence_bytes(
        shape.model,
        math.ceil(shape.context / parallel.context),
        shape.kv_dtype,
        parallel.tensor,
        parallel.pipeline,
        batched_tokens(shape),
        rules=constants_of(shape).kv,
    )


def limits(engine: str, version: str, device: Device, context: int = 0) -> Limits:
    """The engine's own limits on that device; a batch holds a whole sequence of `context` tokens where prompts are not cut."""
    gib, rules = device.memory_bytes / 2**30, memory_constants(engine, version)
    whole = context if context <= rules.whole_prompts_up_to else 0
    for tier in rules.tiers:
        if gib >= tier["from_gib"] and not any(device.id.startswith(prefix) for prefix in tier.get("except", ())):
            return Limits(tier["sequences"], max(tier["batched_tokens"], whole))
    raise ValueError(f"the tiers of {engine} {version} have no last one")


def default_share(engine: str, version: str, device: Device, parallel: Parallelism, chunk: int) -> Estimate:
    """The engine's own share of memory: a constant, or what its reserve for activations and graphs leaves on that device."""
    rules = memory_constants(engine, version)
    if rules.reserve is None:
        return rules.utilisation
    table, mib = rules.reserve, device.memory_bytes / MIB
    rank = parallel.tensor * parallel.data
    _, narrow, wide = next(row for row in table["graph_sequences"] if mib >= row[0] * 1024)
    graphs = table["largest"] if mib >= table["largest_from_gib"] * 1024 else (narrow if rank < 4 else wide)
    reserved = table["base_mib"] + max(chunk, 2048) * table["mib_per_chunk_token"] + graphs * table["mib_per_graph_sequence"]
    reserved += rank * parallel.pipeline * table["mib_per_device"]
    if parallel.data > 1:
        each = table["data_parallel_mib"] + (table["data_parallel_wide_mib"] if graphs > table["wide"] else 0)
        reserved += graphs * parallel.data * each
    if mib > table["least_from_gib"] * 1024:
        reserved = max(reserved, table["least_mib"])
    share = 1 - reserved / mib
    return Estimate(share - 0.03, share, share + 0.03, Provenance.BELIEVED, table["source"])


def concurrency(shape: Shape, kv: int) -> float:
    """Sequences of full length that `kv` bytes hold, as a fraction, over all ranks that share one cache."""
    found, sequence = pool_of(shape), sequence_bytes_of(shape)
    if not sequence:
        return float(shape.max_sequences)
    if found is None:
        return max(0, kv) / sequence
    return max(0, int(kv // found.block_bytes)) / found.blocks(math.ceil(shape.context / shape.parallel.context), batched_tokens(shape))


def reported_tokens(shape: Shape, kv: int) -> int:
    """Tokens that `kv` bytes hold, in the meaning that the engine's log has for it."""
    model, parallel, rules = shape.model, shape.parallel, constants_of(shape).kv
    if (found := pool_of(shape)) is not None:
        blocks = max(0, int(kv // found.block_bytes)) if found.block_bytes else 0
        context = math.ceil(shape.context / parallel.context)
        return found.reported_tokens(blocks, context, batched_tokens(shape)) * parallel.context
    if rules.window_share is not None:
        cache, heads = model.kv, model.num_kv_heads
        full = full_layer_bytes(cache, heads, shape.kv_dtype, parallel.tensor, rules) * -(-cache.full_layers // parallel.pipeline)
        windows = window_layer_bytes(cache, heads, shape.kv_dtype, parallel.tensor) * -(-cache.window_layers // parallel.pipeline)
        # Without layers that keep every token the engine sees no reason to drop any.
        each = full + (rules.window_share if cache.full_layers else 1.0) * windows
        return int(max(0, kv) / each) if each else 0
    sequence = sequence_bytes_of(shape)
    return int(max(0, kv) / sequence * shape.context) if sequence else 0


def pool_of(shape: Shape) -> Pool | None:
    """The shape's blocks; None for engines whose kinds of layers do not share a pool."""
    rules = constants_of(shape).kv
    if not rules.padded_groups:
        return None
    return pool(shape.model, shape.kv_dtype, shape.parallel.tensor, shape.parallel.pipeline, rules)


def _budget(shape: Shape, rules: MemoryConstants, spent: _Spent, graphs: Estimate, added: int) -> tuple[int, int]:
    """What the engine may take, and what of it goes to the KV cache."""
    visible, share = shape.device.memory_bytes, shape.settings.memory_share
    weights, runtime = spent.weights + added, spent.context.expected + graphs.expected
    beside = round(spent.activation.expected) + round(runtime)
    if share is None or rules.budget in ("profiled", "allotted"):
        usable = int((rules.utilisation.expected if share is None else share) * visible)
        return usable, usable - weights - beside
    if rules.budget == "static":
        kv = round((visible - runtime) * share) - weights
        if shape.model.kv.state_layers and rules.kv.state_share is not None:
            kv = round(kv / (1 + rules.kv.state_share))
        return visible, kv
    return visible, round((visible - weights - beside) * share)


def _counted_graphs(shape: Shape, rules: MemoryConstants, graphs: Estimate) -> Estimate:
    """Graphs within the engine's share; those that come on top of it are only counted where they overflow the rest."""
    if rules.graphs_inside:
        return graphs
    share = shape.settings.memory_share
    outside = shape.device.memory_bytes * (1 - (rules.utilisation.expected if share is None else share))
    return graphs.scaled(max(0.0, graphs.expected - outside) / graphs.expected) if graphs.expected else NOTHING


def _errors(shape: Shape, rules: MemoryConstants, spent: _Spent, graphs: Estimate) -> tuple[int, int]:
    """How far the ends of the 80 % interval of KV bytes are below and above: independent errors of its terms, as a root of squares."""
    visible = shape.device.memory_bytes
    stated = 0.0 if shape.device.provenance is Provenance.MEASURED else visible * VISIBLE_ERROR
    parts = (spent.activation, spent.context, graphs)
    if rules.budget == "static" and shape.settings.memory_share is not None:
        # Activations and graphs have what is beside the share, however much they take of it.
        parts = (spent.context.scaled(shape.settings.memory_share),)
    share = rules.utilisation if shape.settings.memory_share is None else NOTHING
    less = ((share.expected - share.low) * visible, *(part.high - part.expected for part in parts))
    more = ((share.high - share.expected) * visible, *(part.expected - part.low for part in parts))
    return round(math.hypot(spent.weights_error, stated, *less)), round(math.hypot(spent.weights_error, stated, *more))


def _own_part(shape: Shape, kv: int, sequence: int) -> int:
    """What of the cache is the model's own, where what proposes tokens keeps its part in the same blocks."""
    drafted = draft_sequence_bytes(shape.additions, shape.context, shape.kv_dtype, shape.parallel)
    return round(kv * (1 - drafted / sequence)) if drafted else kv


def _sequences(shape: Shape, kv: int, sequence: int) -> int:
    if kv < 0:
        return 0
    return kv // sequence if sequence else shape.max_sequences


NOTHING = Estimate(0.0, 0.0, 0.0, Provenance.MEASURED, "none")
