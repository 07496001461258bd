"""What kinds of models there are beside those that generate: one pass over the input, no decode, another path at the endpoint."""

from __future__ import annotations

from .. import catalog
from ..catalog.types import EMBEDDING, LLM, RERANK, REWARD, KvKind, Model
from .types import GENERATES, Refusal

POOLS = frozenset({EMBEDDING, RERANK, REWARD})
"""Kinds whose answer is pooled from one pass over the input."""
EMBEDS = GENERATES | {EMBEDDING}
EVERY = GENERATES | POOLS
SERVING = ("vllm", "sglang", "llama.cpp", "ollama")
"""Engines that may be named in place of one that does not serve a model, the most capable first."""

__all__ = ["EMBEDDING", "EMBEDS", "EVERY", "LLM", "POOLS", "RERANK", "REWARD", "encodes", "nearest", "pools", "refuse_kind", "serves"]


def pools(model: Model) -> bool:
    """True for models that answer after one pass: embedding, rerank and reward."""
    return model.kind in POOLS


def encodes(model: Model) -> bool:
    """True where tokens attend to the whole input: it is computed at once, never in chunks, and nothing of it is kept."""
    return model.kv.kind is KvKind.NONE


def serves(engine: str, model: Model) -> bool:
    """Whether the pinned release of an engine has `model`'s class for what the model does. A language model that is made to answer after
    one pass names no class: what an engine generates with, it pools.
    """
    return model.checkpoint_class is None or model.checkpoint_class in catalog.pooled_classes(engine).get(model.kind, frozenset())


def nearest(model: Model) -> str:
    """In place of an engine that does not serve `model`: another that does, else the model of its kind nearest in size that one serves."""
    found = next((engine for engine in SERVING if serves(engine, model)), None)
    if found is not None:
        return f"use {found}, which serves it"
    alike = [other for other in catalog.models().values() if other.kind == model.kind and serves(SERVING[0], other)]
    return f"use {min(alike, key=lambda other: abs(other.params_total - model.params_total)).id} with {SERVING[0]}"


def refuse_kind(title: str, engine: str, served: frozenset[str], model: Model) -> Refusal | None:
    """None where an engine that serves the kinds `served` serves `model`; otherwise why not."""
    if model.kind not in served:
        verb = "serves no" if served == GENERATES else "is not known to serve"
        what = "text generation only" if served == GENERATES else " and ".join(sorted(served))
        return Refusal(f"does not run on {title}, which {verb} {model.kind} models here: {what}", nearest(model))
    if pools(model) and not serves(engine, model):
        reason = f"does not run on {title} {catalog.engine_release(engine).version}, which is not known to serve {model.checkpoint_class}"
        return Refusal(f"{reason} for {model.kind}", nearest(model))
    return None
