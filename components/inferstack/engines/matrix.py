"""Reading the matrix of quantization scheme by compute capability that the catalog keeps per engine."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the matrix says of one scheme on one accelerator."""

    mark: str
    """Y native, W weight-only, P needs a plugin, N no, ? not known."""
    column: str
    """The column that was read, such as sm89."""
    own: bool
    """False where the accelerator's own column is missing or unknown, and the nearest older one was read instead."""


def verdict(rows: Mapping[str, Mapping[str, str]], scheme: str, capability: tuple[int, int]) -> Verdict:
    """The mark of `scheme` at `capability`, read from the newest known column that is not newer than the silicon.

    Kernels are chosen by minimum compute capability, so what an older generation runs a newer one runs too, as long as the engine's
    image is built for it; `own` says that this was inferred and not read.
    """
    return _verdict(tuple(rows.get(scheme, {}).items()), capability)


@functools.cache
def _verdict(row: tuple[tuple[str, str], ...], capability: tuple[int, int]) -> Verdict:
    known = sorted((found, mark, column) for column, mark in row if (found := _capability(column)) and mark != UNKNOWN)
    older = [entry for entry in known if entry[0] <= capability]
    if not older:
        return Verdict(UNKNOWN if not known else "N", _column(capability), own=False)
    found, mark, column = older[-1]
    return Verdict(mark, column, own=found == capability)


def _column(capability: tuple[int, int]) -> str:
    return f"sm{capability[0]}{capability[1]}"


@functools.cache
def _capability(column: str) -> tuple[int, int] | None:
    digits = column.removeprefix("sm")
    return (int(digits[:-1]), int(digits[-1])) if column.startswith("sm") and digits.isdigit() else None
