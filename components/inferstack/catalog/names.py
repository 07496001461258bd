"""From a name as somebody wrote it to the row that is meant, or to the nearest rows that exist: one row or a refusal, never a guess."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping

from ..errors import InferstackError, join_names

NEAREST = 3
"""How many near names a refusal carries."""
CLOSE = 0.5
"""Similarity (0..1) below which a known name is no help."""


class UnknownName(InferstackError):
    """A name that the catalog does not have. As text: a clause that follows the name."""

    exit_code = 2

    def __init__(self, kind: str, name: str, nearest: Iterable[str] = (), reason: str | None = None) -> None:
        self.kind = kind
        """What was looked for: model, GPU, machine type, region, quantization, engine, CPU."""
        self.name = name
        self.nearest = tuple(nearest)
        """Names that exist, best first; may be empty."""
        self.reason = reason if reason is not None else f"is not a known {kind}"
        super().__init__(self.reason)


def folded(name: str) -> str:
    """Letters and digits only, lower case: `NVIDIA H100-80GB` and `nvidia_h100_80gb` are one name."""
    return re.sub(r"[^a-z0-9]+", "", name.casefold())


def index(ids: Iterable[str], aliases: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Folded spelling -> id, for every id and each of its aliases."""
    found = {folded(alias): owner for owner, names in aliases.items() for alias in names}
    found.update((folded(name), name) for name in ids)
    return found


def resolve(kind: str, name: str, spellings: Mapping[str, str], ambiguous: Mapping[str, Iterable[str]] | None = None) -> str:
    """The id that `name` spells. Raises `UnknownName`: with all candidates where it fits several, else with the nearest ids."""
    key = folded(name)
    found = spellings.get(key)
    if found is not None:
        return found
    candidates = next((tuple(ids) for alias, ids in (ambiguous or {}).items() if folded(alias) == key), None)
    if candidates:
        raise UnknownName(kind, name, candidates, f"could be {join_names(candidates)}")
    raise UnknownName(kind, name, nearest(key, spellings))


def nearest(key: str, spellings: Mapping[str, str]) -> tuple[str, ...]:
    """Up to three ids with the most similar spellings, best first; those that continue `key` come first."""
    scores: dict[str, tuple[float, ...]] = {}
    for spelling, name in spellings.items():
        score = (bool(key) and spelling.startswith(key), similarity(key, spelling), spelling == folded(name))
        if score[0] or score[1] >= CLOSE:
            scores[name] = max(score, scores.get(name, score))
    return best(scores, scores.get)


def best(names: Iterable[str], score: Callable[[str], tuple[float, ...] | None]) -> tuple[str, ...]:
    """Up to three names with the highest scores, best first; None leaves a name out."""
    scored = [(found, name) for name in names if (found := score(name)) is not None]
    scored.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(name for _, name in scored[:NEAREST])


def similarity(one: str, other: str) -> float:
    """How alike two folded names are, 0..1."""
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def listed(words: Iterable[str]) -> str:
    """`hidden size, layers and vocabulary` from field names."""
    return join_names([word.replace("_", " ") for word in words], "and")
