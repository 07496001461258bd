"""What kinds of models there are beside those that generate: one pass over the input, no decode, another path at the endpoint."""

from __future__ import annotations

from ..catalog.types import Model
from .types import GENERATES, Refusal

LLM, EMBEDDING, RERANK, REWARD = "llm", "embedding", "rerank", "reward"
"""`Model.kind`."""
POOLS = frozenset({EMBEDDING, RERANK, REWARD})
"""Kinds whose answer is pooled from one pass over the input."""
EMBEDS = GENERATES | {EMBEDDING}
EVERY = GENERATES | POOLS
ENCODERS = frozenset({"bert", "roberta", "xlm-roberta", "modernbert", "nomic_bert"})
"""Architectures whose tokens attend to the whole input: it is computed at once, never in chunks, and nothing of it is kept."""
NEAREST = "use vllm, which serves it"


def pools(model: Model) -> bool:
    """True for models that answer after one pass: embedding, rerank and reward."""
    return model.kind in POOLS


def refuse_kind(title: str, served: frozenset[str], model: Model) -> Refusal | None:
    """None where an engine that serves the kinds `served` serves `model`; otherwise why not."""
    if model.kind in served:
        return None
    verb = "serves no" if served == GENERATES else "is not known to serve"
    what = "text generation only" if served == GENERATES else " and ".join(sorted(served))
    return Refusal(f"does not run on {title}, which {verb} {model.kind} models here: {what}", NEAREST)
