"""What quantizations are known to cost in quality: published evaluations, few and of few models, each with its source."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .tables import table


@dataclass(frozen=True, slots=True)
class QualityLoss:
    """Accuracy that one scheme of quantization loses against 16 bit, in percent of it."""

    scheme: str
    """As `Quantization.scheme`."""
    low_percent: float | None
    """None where what is published has no figure."""
    high_percent: float | None
    note: str
    of: str
    """Which models and tasks it was seen on."""
    source: str


@functools.cache
def quality_losses() -> Mapping[str, QualityLoss]:
    """By scheme; what is not there has not been looked up, and its loss is not known."""
    return MappingProxyType({row["scheme"]: QualityLoss(**row) for row in table("quality")["losses"]})
