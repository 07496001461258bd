"""From what people call a model to the one in the catalog that they mean.

A name is taken apart into tokens: organisation, family, versions, sizes, and words that do not change the architecture (Instruct, it, FP8,
GGUF, ...). Two names with the same remaining tokens are one model. Weights of another organisation under the same name may be another
model: they only count where that organisation is known to publish other people's weights in other formats. The words are data, too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from ..errors import join_names
from . import names
from .tables import table

ALIKE = 0.6
"""Similarity (0..1) from which a name of another family is still worth a suggestion."""


def resolve(name: str, known: tuple[str, ...], suggest: tuple[str, ...]) -> str:
    """The id among `known` that `name` means. Raises `UnknownName` (kind model) with all that it fits, else the nearest of `suggest`."""
    found = _by_case(known).get(name.strip().casefold())
    if found is None:
        owner, plain = _split(name)
        found = _aliases().get(f"{owner}/{plain}" if owner else plain)
    if found is not None:
        return found
    matches = _matches(name, known)
    plain = _split(name)[1]
    exact = tuple(match for match in matches if _split(match)[1] == plain)
    if len(matches) == 1 or len(exact) == 1:
        return (exact or matches)[0]
    if matches:
        raise names.UnknownName("model", name, matches, f"could be {join_names(matches)}")
    raise names.UnknownName("model", name, nearest(name, suggest))


def nearest(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Up to three ids, best first: of the same family and size, without other words such as Coder, of the closest version."""
    owner, plain = _split(name)
    wanted = _tokens(plain)
    key = names.folded(plain)

    def score(candidate: str) -> tuple[float, ...] | None:
        other_owner, other = _split(candidate)
        tokens = _tokens(other)
        family = _family(wanted) == _family(tokens)
        size = bool(_sizes(wanted) & _sizes(tokens))
        likeness = names.similarity(key, names.folded(other))
        if not family and likeness < ALIKE:
            return None
        version = _version(tokens)
        apart = round(abs(version - _version(wanted)), 3) if _version(wanted) else 0.0
        other_words = len(_words(wanted) ^ _words(tokens))
        return (family and size, family, -other_words, -apart, version, likeness, owner == other_owner)

    return names.best((candidate for candidate in known if candidate != name), score)


def _matches(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    owner, plain = _split(name)
    found = _by_tokens(known).get(_key(plain), ())
    if not owner or owner in _words_of("republishers", "organisations"):
        return found
    return tuple(candidate for candidate in found if _split(candidate)[0] == owner)


@functools.cache
def _words_of(kind: str, column: str = "words") -> frozenset[str]:
    return frozenset(table("model_names")[kind][column])


@functools.cache
def _aliases() -> Mapping[str, str]:
    return {alias.casefold(): model for alias, model in table("model_names")["aliases"].items()}


@functools.cache
def _by_case(known: tuple[str, ...]) -> Mapping[str, str]:
    return {name.casefold(): name for name in known}


@functools.cache
def _by_tokens(known: tuple[str, ...]) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in known:
        key = _key(_split(name)[1])
        found[key] = (*found.get(key, ()), name)
    return found


def _split(name: str) -> tuple[str, str]:
    """Organisation and plain name, without remarks in parentheses."""
    owner, _, plain = re.sub(r"\(.*?\)", "", name).strip().casefold().rpartition("/")
    return owner, plain


@functools.cache
def _tokens(plain: str) -> tuple[str, ...]:
    """`llama-3.1-8b-instruct` -> llama, 3.1, 8b, instruct; a version that sticks to the family is told apart, as in `qwen2.5`."""
    text = re.sub(r"^([a-z]{3,})(?=\d)", r"\1-", plain)
    return tuple(token for token in re.split(r"[-_ :]+", text) if token)


def _key(plain: str) -> tuple[str, ...]:
    """The tokens that tell architectures apart, in order."""
    tokens = _tokens(plain.removesuffix(".gguf"))
    tuning, packing = _words_of("tuning"), _words_of("packing")
    kept: list[str] = []
    packed = False
    for token in tokens:
        if token in packing and (packed or len(token) > 1):
            packed = True
        elif token not in tuning:
            kept.append(token)
    return tuple(kept)


def _family(tokens: tuple[str, ...]) -> str:
    return next((token for token in tokens if token not in _words_of("tuning") and token[0].isalpha()), "")


def _words(tokens: tuple[str, ...]) -> set[str]:
    """Words that may change the architecture or what the weights are for."""
    return {token for token in tokens if token.isalpha()} - _words_of("tuning") - _words_of("packing")


def _sizes(tokens: tuple[str, ...]) -> set[str]:
    return {token for token in tokens if re.fullmatch(r"(\d+x)?\d+(\.\d+)?[bm]", token)}


def _version(tokens: tuple[str, ...]) -> float:
    """The first plain number, as the newer of two equals is the better guess."""
    found = next((token for token in tokens if re.fullmatch(r"v?\d+(\.\d+)?", token)), "0")
    return float(found.lstrip("v"))
