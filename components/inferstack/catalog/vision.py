"""What an image is to a model: tokens of its language model, and the tower that makes them. Unknown for some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .image_rules import RULES, constant
from .tables import table
from .types import Model


@dataclass(frozen=True, slots=True)
class Encoder:
    """How one model takes images."""

    source: str
    patches_per_token: float
    """Patches of the tower behind one token."""
    hidden: int
    intermediate: int
    row: Mapping[str, Any]
    """The rule by which an image becomes tokens, and its numbers."""

    def tokens_of(self, width: int | None, height: int | None) -> int | None:
        """Tokens of an image of that size in pixels; None where the size is needed and not given."""
        rule = RULES[self.row["rule"]]
        if width is None or height is None:
            return rule(self.row, 0, 0) if rule is constant else None
        return rule(self.row, width, height)


def encoder(model: Model) -> Encoder | None:
    """The image encoder of `model`; None where nothing is known of it."""
    data = table("image_tokens")
    rows, same = data["rows"], data["same"]
    names = (model.id, model.multimodal, model.architecture) if model.params_vision else ()
    row = next((found for name in names if (found := rows.get(same.get(name, name))) is not None), None)
    return None if row is None else Encoder(row["source"], row["patches_per_token"], row["hidden"], row["intermediate"], row)
