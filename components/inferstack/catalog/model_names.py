"""What people call models, and which model of the catalog they mean.

A name is taken apart into tokens: organisation, family, versions, sizes, and words that do not change the architecture (Instruct, it, FP8, GGUF,
...). Two names with the same remaining tokens are one model. Weights of another organisation under the same name may be another model, so they
only count where that organisation is known for re-publishing quantized weights.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from . import names

TUNING = frozenset({"instruct", "it", "hf", "chat", "meta", "base"})
"""Words that say how weights were trained or packed; the architecture is the same."""
PACKING = frozenset(
    "fp8 fp4 nvfp4 mxfp4 int4 int8 awq gptq gguf ggml bnb bf16 fp16 f16 dynamic block quantized compressed marlin autoround w4a16 w8a8 w8a16 "
    "4bit 8bit kv ptq unsloth q8 q6 q5 q4 q3 q2 k m s l xs 0 iq4".split()
)
"""Words that say how weights are stored. Single letters and digits only count behind one of the others."""
REPACKERS = frozenset(
    "redhatai neuralmagic nvidia unsloth bartowski thebloke hugging-quants ggml-org lmstudio-community casperhansen qwen amd intel techxgenus "
    "modelcloud cyankiwi nm-testing second-state mradermacher maziyarpanahi".split()
)
"""Organisations that re-publish other people's weights in other formats under the same name."""


ALIKE = 0.6
"""Similarity (0..1) from which a name of another family is still worth a suggestion."""


def resolve(name: str, known: tuple[str, ...], aliases: Mapping[str, str], suggest: tuple[str, ...]) -> str:
    """The id among `known` that `name` means. Raises `UnknownName` (kind model) with the nearest ids among `suggest`."""
    by_case = _by_case(known)
    found = by_case.get(name.strip().casefold())
    if found is None:
        alias = {alias.casefold(): owner for alias, owner in aliases.items()}
        owner, plain = _split(name)
        found = alias.get(f"{owner}/{plain}" if owner else plain) or _only(_matches(name, known))
    if found is None:
        raise names.UnknownName("model", name, nearest(name, suggest))
    return found


def nearest(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Up to three ids, best first: same family and size, then no other words such as Coder, then the closest version, the newer one first."""
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
    if owner in ("", *REPACKERS):
        return found
    return tuple(candidate for candidate in found if _split(candidate)[0] == owner)


def _only(found: tuple[str, ...]) -> str | None:
    return found[0] if len(found) == 1 else None


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
    tokens = _tokens(re.sub(r"\.gguf$", "", plain))
    kept: list[str] = []
    packed = False
    for token in tokens:
        short = len(token) == 1
        if token in PACKING and (packed or not short):
            packed = True
        elif token not in TUNING:
            kept.append(token)
    return tuple(kept)


def _family(tokens: tuple[str, ...]) -> str:
    return next((token for token in tokens if token not in TUNING and token[0].isalpha()), "")


def _words(tokens: tuple[str, ...]) -> set[str]:
    """Words that may change the architecture or what the weights are for."""
    return {token for token in tokens if token.isalpha() and token not in TUNING and token not in PACKING}


def _sizes(tokens: tuple[str, ...]) -> set[str]:
    return {token for token in tokens if re.fullmatch(r"(\d+x)?\d+(\.\d+)?[bm]", token)}


def _version(tokens: tuple[str, ...]) -> float:
    """The first plain number, as the newer of two equals is the better guess."""
    found = next((token for token in tokens if re.fullmatch(r"v?\d+(\.\d+)?", token)), "0")
    return float(found.lstrip("v"))
