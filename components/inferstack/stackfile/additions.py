"""What a service may have beside one model: LoRA adapters, and tokens that are proposed ahead of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .section import Broken, Section
from .untyped import is_list, is_mapping
from .values import Name, Share, Text, WeightsUri

MODEL_METHODS = ("draft", "eagle3")
"""Methods of speculation that have a model of their own."""


class Adapter(Section):
    """A LoRA adapter on the service's model, with a model name of its own at the endpoint."""

    name: Name = Field(examples=["legal"])
    """Model name at the endpoint."""
    uri: WeightsUri = Field(examples=["hf://acme/qwen3-8b-legal-lora"])
    """Where it is: hf://owner/repository, s3://..., gs://... or pvc://claim/path."""
    rank: Annotated[int, Field(ge=1, le=4096)] = Field(examples=[16])
    """`r` of its `adapter_config.json`."""


class Speculation(Section):
    """Speculative decoding: tokens are proposed cheaply, and the model verifies several in one step. Off unless it is asked for."""

    method: Literal["draft", "eagle3", "ngram", "mtp"] = Field(examples=["eagle3"])
    """draft: a small model of the same family. eagle3: a head that was trained for this model. ngram: the prompt itself. mtp: layers that
    the checkpoint carries."""
    model: Text | None = None
    """draft: a model of the catalog. eagle3: the head's repository on Hugging Face."""
    tokens: Annotated[int, Field(ge=1, le=32)] = 3
    """Proposed in each step."""
    acceptance: Share | None = None
    """Chance that a proposed token is accepted, as you measured it. Left out: no gain is counted."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        method, model = given.get("method"), given.get("model")
        if method in MODEL_METHODS and model is None:
            example = "a small model of the same family" if method == "draft" else "the head's repository on Hugging Face"
            yield Broken(f"is needed with method {method}", example, at=("model",))
        if method in ("ngram", "mtp") and model is not None:
            yield Broken(f"stands beside method {method}, which has no model of its own", "remove it", at=("model",))


def rules_of_adapters(given: Mapping[str, Any]) -> Iterator[Broken]:
    """Names at one endpoint differ."""
    adapters = given.get("adapters")
    named = [adapter.get("name") for adapter in adapters if is_mapping(adapter)] if is_list(adapters) else []
    places = [adapter.get("uri") for adapter in adapters if is_mapping(adapter)] if is_list(adapters) else []
    for index, place in enumerate(places):
        if isinstance(place, str) and place.startswith("oci://"):
            yield Broken("is an image, and adapters are files", "use hf://, s3://, gs:// or pvc://", at=("adapters", index, "uri"))
    for index, name in enumerate(named):
        taken = "the service" if name == given.get("name") else f"adapters[{named.index(name)}]" if name in named[:index] else None
        if taken is not None and isinstance(name, str):
            yield Broken(f"is also the name of {taken}", f"use {name}-{index + 2}", at=("adapters", index, "name"))
    slots = given.get("adapterSlots")
    if slots is not None and not named:
        yield Broken("goes with `adapters`", "list them, or remove it", at=("adapterSlots",))
    elif isinstance(slots, int) and slots > len(named):
        yield Broken(f"is more than the {len(named)} adapters", f"use at most {len(named)}", at=("adapterSlots",))
