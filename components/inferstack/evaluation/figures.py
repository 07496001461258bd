"""Predicted figures with their 80 % intervals, in GiB."""

from __future__ import annotations

from typing import NamedTuple

from ..sizing.constants import GIB
from ..sizing.types import Estimate
from .types import Value

CHECKPOINT_SIZE = "checkpoint-size"
"""In place of an engine: the row asks for the bytes of all weights as they are stored."""


class Figure(NamedTuple):
    """One predicted figure with its 80 % interval."""

    expected: Value
    low: Value
    high: Value


Figures = dict[str, Figure]


def of(estimate: Estimate) -> Figure:
    """An estimate in bytes."""
    return Figure(estimate.expected / GIB, estimate.low / GIB, estimate.high / GIB)


def near(value: float, error: float) -> Figure:
    """Bytes with an error relative to them."""
    return Figure(value / GIB, value * (1 - error) / GIB, value * (1 + error) / GIB)
