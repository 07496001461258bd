"""Which weights a row means: a known checkpoint, or one in the quantization that the row or the name of the checkpoint says."""

from __future__ import annotations

import re

from .. import catalog
from ..catalog.names import folded
from ..catalog.types import Checkpoint, Model
from ..errors import join_names
from .spellings import spellings
from .unresolvable import Unresolvable


def resolve_checkpoint(model: Model, quantization: str | None, name: str, engine: str) -> Checkpoint:
    """The known checkpoint of that name; else one in the stated quantization, in the one that the name says, or the model's own weights."""
    known = catalog.checkpoints(model.id)
    wanted = resolve_quantization(quantization, model, engine)
    named = next((checkpoint for checkpoint in known if folded(checkpoint.uri.removeprefix("hf://")) == folded(name)), None)
    if named is not None and wanted in (None, named.quantization):
        return named
    wanted = wanted or named_quantization(name) or spellings()["named_quantizations"]["unstated"].get(engine)
    if wanted is None:
        own = model.native_quantization or ("fp16" if model.native_dtype == "float16" else "bf16")
        return known[0] if known else Checkpoint(model.id, own, f"hf://{model.id}", "the model's own repository")
    return Checkpoint(model.id, wanted, f"hf://{name}", "named by the row")


def named_quantization(name: str) -> str | None:
    """Our name of the quantization that the name of a checkpoint says; None where it says none."""
    words = " ".join(re.findall(r"[a-z0-9]+", name.casefold()))
    for pattern, meaning in spellings()["named_quantizations"]["patterns"]:
        found = re.search(pattern, words)
        if found is None:
            continue
        if meaning != "gguf-":
            return meaning
        try:
            return catalog.quantization(meaning + found.group(1).replace(" ", "_")).name
        except catalog.UnknownName:
            return spellings()["quantizations"]["meanings"].get(f"gguf q{found.group(1).lstrip('iq')[0]}-class", "gguf-q4_k_m")
    return None


def resolve_quantization(text: str | None, model: Model | None, engine: str) -> str | None:
    """Our name of a quantization in free text; None where the row states none."""
    if text is None:
        return None
    table = spellings()["quantizations"]
    if text.casefold() in table["native"]:
        return None if model is None else model.native_quantization
    for spelling in (text, re.sub(r"\(.*?\)", "", text).strip(), text.split("/")[0].strip()):
        key = table["meanings"].get(spelling.casefold(), spelling)
        try:
            found = catalog.quantization(key).name
        except catalog.UnknownName:
            continue
        if found == "bf16" and model is not None and model.native_quantization and folded(text) in ("none", "unquantized"):
            return model.native_quantization
        return found
    raise Unresolvable(f"quantization {text!r} is not known; known are {join_names(tuple(catalog.quantizations()))}")
