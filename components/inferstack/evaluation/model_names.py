"""Which model of the catalog a free text means: the name itself, a spelling of it, or the model that it was made from."""

from __future__ import annotations

import re

from .. import catalog
from ..catalog.types import Model
from ..errors import join_names
from .spellings import spellings
from .unresolvable import Unresolvable


class UnknownModel(Unresolvable):
    """A name that means no model whose dimensions are known."""


def resolve_model(name: str, config: object, row_id: int | str) -> Model:
    """The row's own config where it has one, else the model of the catalog that the name means."""
    if config is not None:
        try:
            return catalog.model_from_config(config, name, f"model_config of row {row_id}")  # type: ignore[arg-type]
        except catalog.BadConfig as bad:
            raise Unresolvable(f"model_config {bad}") from bad
    refused: catalog.UnknownName | None = None
    for spelling in (*model_spellings(name), *model_kin(name)):
        try:
            return catalog.model(spelling)
        except catalog.UnknownName as unknown:
            if (alike := _alike(unknown)) is not None:
                return alike
            refused = refused or unknown
    assert refused is not None, "a name has at least one spelling"
    nearest = f"; nearest are {join_names(refused.nearest)}" if refused.nearest else ""
    raise UnknownModel(f"model {name!r} {refused}{nearest}")


def is_kin(name: str, config: object) -> bool:
    """True where the row's model is taken for another that it is made from, so that vocabulary and towers may differ."""
    return config is None and not any(_known(spelling) for spelling in model_spellings(name))


def _known(spelling: str) -> bool:
    try:
        catalog.model(spelling)
    except catalog.UnknownName as unknown:
        return _alike(unknown) is not None
    return True


def _alike(unknown: catalog.UnknownName) -> Model | None:
    """The first of several models that a name fits, where all have the same dimensions, such as a base model and its chat model."""
    fits = [catalog.models().get(name) for name in unknown.nearest] if unknown.reason.startswith("could be") else []
    first = fits[0] if fits else None
    if first is None or any(other is None or (other.params_total, other.kv) != (first.params_total, first.kv) for other in fits):
        return None
    return first


def model_kin(name: str) -> tuple[str, ...]:
    """Names of the model that a fine-tuned one is made from: a release with the same layers, a name within the name, or it less one word.

    `Hermes-3-Llama-3.1-8B` is a Llama-3.1-8B, `Qwen2.5-Math-7B` a Qwen2.5-7B. Only what still says a size counts.
    """
    plain = re.sub(r"\(.*?\)", "", name).strip().rpartition("/")[2].casefold()
    for pattern, other in spellings()["same_layers"]["patterns"]:
        plain = re.sub(pattern, other, plain)
    tokens = [token for token in re.split(r"[-_ :]+", plain) if token]
    count = len(tokens)
    spans = [tokens[first : first + size] for size in range(count - 1, 1, -1) for first in range(count - size + 1)]
    dropped = [tokens[:index] + tokens[index + 1 :] for index, token in enumerate(tokens) if token.isalpha() and index]
    named = ["-".join(some) for some in (tokens, *dropped, *spans) if any(re.fullmatch(r"\d*x?\d+(\.\d+)?b", token) for token in some)]
    return tuple(dict.fromkeys(named))


def model_spellings(name: str) -> tuple[str, ...]:
    """Ways to read a free text: as it stands, without remarks, the first of alternatives, and without what follows the name."""
    plain = re.sub(r"\(.*?\)", "", name).strip()
    first = re.sub(r"(\d)/[\d.]+(?=-)", r"\1", plain)
    words = first.split()
    spellings = [name, plain, first, *(" ".join(words[:count]) for count in range(len(words) - 1, 0, -1))]
    bare = [spelling.rpartition("/")[2] for spelling in spellings]
    chatty = [f"{spelling}-chat-v1.0" for spelling in bare[:3]]
    return tuple(dict.fromkeys(spelling for spelling in (*spellings, *bare, *chatty) if spelling))


def resolve_params(name: str) -> float | None:
    """Parameters of a model that is known by name only, else as its name says them (`675B`, `8x7B`); None where neither tells."""
    for spelling in model_spellings(name):
        known = catalog.incomplete_models().get(spelling)
        if known is not None and known.params_total:
            return known.params_total
    size = re.search(r"(?<![\dA-Za-z.])(?:(\d+)x)?(\d+(?:\.\d+)?)B(?![A-Za-z])", name, re.IGNORECASE)
    return None if size is None else int(size.group(1) or 1) * float(size.group(2)) * 1e9
