"""What an image is to a model: tokens of its language model, and the tower that makes them. Unknown for most."""

from __future__ import annotations

from dataclasses import dataclass

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
    tokens: int | None
    """Of any image; None where they follow from its size."""
    side: int | None
    """Pixels on each side that one token stands for."""

    def tokens_of(self, width: int | None, height: int | None) -> int | None:
        """Tokens of an image of that size in pixels; None where the size is needed and not given."""
        if self.tokens is not None:
            return self.tokens
        if self.side is None or width is None or height is None:
            return None
        # The image is resized to whole tokens.
        return max(1, round(width / self.side)) * max(1, round(height / self.side))


def encoder(model: Model) -> Encoder | None:
    """The image encoder of `model`; None where nothing is known of it."""
    rows = table("image_tokens")["rows"]
    row = rows.get(model.id, rows.get(model.architecture)) if model.params_vision else None
    if row is None:
        return None
    return Encoder(row["source"], row["patches_per_token"], row["hidden"], row["intermediate"], row.get("tokens"), row.get("side"))
