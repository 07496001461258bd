"""Every term of a replica's memory with its formula, value and source, for people who check it."""

from __future__ import annotations

from .. import catalog
from ..catalog.types import KvKind
from .constants import GIB
from .layout import batched_tokens, constants_of, layout, pool_of, sequence_bytes_of
from .memory import activation_bytes, captured_batches, forward_bytes, gathered_bytes, graph_bytes, logits_bytes, runtime_bytes
from .pool import full_layer_bytes, kv_element_bytes, window_layer_bytes
from .types import Estimate, MemoryLayout, Provenance, Shape, Term
from .weights import allocator_bytes, loaded_bytes, rotary_bytes, weight_bytes_per_device


def explain_memory(shape: Shape) -> tuple[Term, ...]:
    """The terms that add up to the KV cache of one device, then what one token and one sequence take of it. Figures are per device."""
    found = layout(shape)
    return (*_budget(shape, found), *_weights(shape), *_activations(shape), *_runtime(shape, found), *_cache(shape, found))


def _budget(shape: Shape, found: MemoryLayout) -> tuple[Term, ...]:
    rules, device = constants_of(shape), shape.device
    stated = shape.settings.memory_share
    share = rules.utilisation
    return (
        Term("visible memory", device.id, found.visible_bytes / GIB, "GiB", device.provenance, device.source),
        Term(
            "share of it",
            "stated" if stated is not None else f"default of {rules.engine} {rules.versions}",
            share.expected if stated is None else stated,
            "",
            share.provenance if stated is None else Provenance.MEASURED,
            share.source if stated is None else "the input",
        ),
    )


def _weights(shape: Shape) -> tuple[Term, ...]:
    model, parallel = shape.model, shape.parallel
    quantization = catalog.quantization(shape.checkpoint.quantization)
    spread = " x ".join(f"{name} {degree}" for name, degree in (("TP", parallel.tensor), ("PP", parallel.pipeline)) if degree > 1)
    divided = f", over {spread}" if spread else ""
    wide = "" if quantization.whole_model or quantization.bits >= 16 else ", embeddings and what the format leaves out at 16"
    terms = [
        Term(
            "weights",
            f"{model.params_total:,} parameters at {quantization.bits:g} bits{wide}{divided}, with the two below",
            weight_bytes_per_device(shape) / GIB,
            "GiB",
            Provenance.FITTED,
            quantization.source,
        )
    ]
    if not quantization.whole_model:
        positions = f"{model.max_context or 0:,} positions x head width x 2 B"
        terms.append(
            Term("of which rotary table", positions, rotary_bytes(model) / GIB, "GiB", Provenance.FITTED, "vLLM and SGLang keep it once")
        )
        rounding = allocator_bytes(model, quantization, parallel) / GIB
        terms.append(Term("of which rounding", "matrices rounded up to 2 MiB", rounding, "GiB", Provenance.FITTED, "allocator of torch"))
    if (widened := loaded_bytes(model, shape.checkpoint)) != shape.checkpoint.weight_bytes and "mxfp4" in quantization.name:
        terms.append(
            Term("of which all devices", "expert width padded for the kernel", widened / GIB, "GiB", Provenance.FITTED, quantization.source)
        )
    return tuple(terms)


def _activations(shape: Shape) -> tuple[Term, ...]:
    rules, model, tokens = constants_of(shape), shape.model, batched_tokens(shape)
    logits = logits_bytes(rules, model, shape.max_sequences, tokens)
    forward = forward_bytes(rules, model, tokens, shape.parallel)
    rows = shape.max_sequences if rules.logit_rows == "sequences" else tokens
    entries = f"{rows:,} rows x {model.vocab_size:,} entries x {rules.logit_bytes.expected:g} B"
    beside = f"{tokens:,} tokens x {model.hidden_size:,} x {rules.hidden_bytes.expected:g} B"
    groups = f"{shape.parallel.data} groups x {tokens:,} tokens x {model.hidden_size:,} x 2 B, there and back"
    shared = (_term("gathered for shared experts", groups, gathered_bytes(model, tokens, shape.parallel)),) if shape.experts_span else ()
    return (
        *shared,
        _term("activations", "the larger of the two below", activation_bytes(rules, model, shape.max_sequences, tokens, shape.parallel)),
        _term("while sampling", f"{entries} + {beside}", logits),
        _term("in the forward pass", f"{tokens:,} tokens x (feed-forward buffers + hidden states) x 2 B", forward),
    )


def _runtime(shape: Shape, found: MemoryLayout) -> tuple[Term, ...]:
    rules = constants_of(shape)
    graphs = graph_bytes(rules, shape.model, shape.max_sequences, shape.parallel.pipeline)
    counted = "within the share" if found.graph_bytes else "on top of the share"
    captured = f"{captured_batches(shape.max_sequences)} batch sizes x {shape.model.num_layers} layers, {counted}"
    return (
        _term("context and communication", f"over {shape.device.link}", runtime_bytes(rules, shape.parallel, shape.device.link)),
        _term("captured graphs", captured, graphs),
    )


def _cache(shape: Shape, found: MemoryLayout) -> tuple[Term, ...]:
    rules, model = constants_of(shape), shape.model
    how = {
        "profiled": "share x visible - weights - activations - runtime",
        "static": "share x (visible - runtime) - weights",
        "free": "share x (visible - weights - activations - runtime)",
        "allotted": "share x visible - weights - activations - runtime",
    }[rules.budget if shape.settings.memory_share is not None else "profiled"]
    low, high = (found.kv_bytes - found.kv_less_bytes) / GIB, (found.kv_bytes + found.kv_more_bytes) / GIB
    band = f"{how}; 80 % within {low:.2f} to {high:.2f}"
    provenance, source = found.provenance, found.source
    terms = [
        Term("KV cache", band, found.kv_bytes / GIB, "GiB", provenance, source),
        Term("per token", _per_token(shape), _token_bytes(shape), "B", Provenance.FITTED, model.source),
    ]
    if (blocks := pool_of(shape)) is not None and blocks.groups > 1:
        kinds = ((blocks.full_groups, blocks.full_block_tokens, "full"), (blocks.window_groups, blocks.window_block_tokens, "window"))
        listed = [f"{count} {kind} of {tokens} tokens" for count, tokens, kind in kinds if count]
        listed += [f"{blocks.state_groups} of states"] if blocks.state_groups else []
        terms.append(Term("per block", f"groups of layers: {', '.join(listed)}", blocks.block_bytes, "B", Provenance.FITTED, source))
    length = f"{shape.context:,} tokens in whole blocks"
    terms.append(Term("per sequence", length, sequence_bytes_of(shape) / GIB, "GiB", Provenance.FITTED, model.source))
    terms.append(Term("sequences of full length", "KV cache / per sequence", found.max_sequences, "", provenance, source))
    return tuple(terms)


def _per_token(shape: Shape) -> str:
    """The formula of bytes per token, with the model's numbers."""
    kv, element = shape.model.kv, kv_element_bytes(shape.kv_dtype)
    parts: list[str] = []
    if kv.full_layers:
        each = kv.elements_full // kv.full_layers
        whole = "whole on each device" if kv.kind is KvKind.LATENT else f"/ min(TP {shape.parallel.tensor}, KV heads)"
        parts.append(f"{kv.full_layers} layers x {each:,} elements x {element:g} B {whole}")
    if kv.window_layers:
        each = kv.elements_window // kv.window_layers
        parts.append(f"{kv.window_layers} layers x {each:,} x {element:g} B, up to {kv.window_tokens:,} tokens and those in flight")
    if kv.state_layers:
        parts.append(f"{kv.state_layers} layers keep a constant state")
    return "; ".join(parts)


def _token_bytes(shape: Shape) -> float:
    kv, heads, tensor = shape.model.kv, shape.model.num_kv_heads, shape.parallel.tensor
    full = full_layer_bytes(kv, heads, shape.kv_dtype, tensor) * kv.full_layers
    return (full + window_layer_bytes(kv, heads, shape.kv_dtype, tensor) * kv.window_layers) / shape.parallel.pipeline


def _term(name: str, formula: str, value: Estimate) -> Term:
    return Term(name, formula, value.expected / GIB, "GiB", value.provenance, value.source)
