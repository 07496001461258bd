"""What an evaluation answers for one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = float | int | bool


@dataclass(frozen=True, slots=True)
class Band:
    """An 80 % interval, in the unit of the key that it belongs to."""

    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Prediction:
    """The figures predicted for one row. Where `skipped` gives a reason, all of them are None."""

    id: int | str
    predicted: Mapping[str, Value | None]
    """Every key of its kind; None where it cannot be predicted."""
    band: Mapping[str, Band] = field(default_factory=dict[str, Band])
    """For each key that is predicted."""
    skipped: str | None = None

    def document(self) -> dict[str, object]:
        """As JSON data."""
        bands = {key: {"low": band.low, "high": band.high} for key, band in self.band.items()}
        return {"id": self.id, "predicted": dict(self.predicted), "band": bands, "skipped": self.skipped}


def skipped(row_id: int | str, keys: tuple[str, ...], reason: str) -> Prediction:
    """A row of which nothing is predicted."""
    return Prediction(row_id, dict.fromkeys(keys), skipped=reason)
