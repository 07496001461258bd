"""Pairs of runs of one setup, with and without a technique: what the technique costs without the error of the base."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inferstack import catalog

DATA = Path(__file__).with_name("data")
FILES = ("pairs.json", "specforge.csv")
ALONE = "alone.json"
SPECFORGE = (
    "https://github.com/sgl-project/SpecForge/blob/d9952d16004c94d0c01f71e13e11f1e5ad12b21d/docs/spec_bundle/public/raw_data/data.json"
)
DEGREE = "how many GPUs served is not published, and how many experts a step verifies with depends on it"
SOURCE_POWER = -0.5
"""Pairs of one group are not independent: n of them weigh n^0.5."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One setup measured twice. Fields that a row does not state are None."""

    id: str
    technique: str
    """lora, speculation, one-pass or vision."""
    engine: str
    version: str
    model: str
    gpu: str | None
    tp: int | None
    quantization: str | None
    batch: int | None
    """Sequences at once."""
    quantity: str
    """What the two figures are: a time (`_ms`, `_s`), or a rate (`_tps`, speed)."""
    without: float
    with_: float
    fitted: bool
    why: str
    """Why it is not fitted; empty where it is."""
    source: str
    facts: dict[str, Any]
    """The whole row."""
    checked: bool = False
    """True where a row that is not fitted can be predicted all the same."""
    weight: float = 1.0

    @property
    def origin(self) -> str:
        """Repository and pull request, or repository: rows of one origin are one publication."""
        found = re.search(r"github\.com/([^/]+/[^/]+(?:/(?:pull|issues)/\d+)?)", self.source)
        return found.group(1) if found else self.source

    @property
    def is_rate(self) -> bool:
        return self.quantity.endswith("_tps") or self.quantity == "speed"

    @property
    def slowdown(self) -> float:
        """Time with the technique over time without it."""
        return self.without / self.with_ if self.is_rate else self.with_ / self.without


@dataclass(frozen=True, slots=True)
class Alone:
    """One measurement of a technique whose other half is not published."""

    id: str
    technique: str
    engine: str
    version: str | None
    model: str
    gpu: str | None
    isl: float | None
    quantity: str
    """input_tps, images_ps."""
    value: float
    source: str
    notes: str
    facts: dict[str, Any]
    """The whole row."""


@functools.cache
def alone() -> tuple[Alone, ...]:
    """All rows without a pair, in order; nothing is fitted to them."""
    stated = ("id", "technique", "engine", "version", "model", "gpu", "isl", "quantity", "value", "source", "notes")
    rows = json.loads((DATA / ALONE).read_text(encoding="utf-8"))
    return tuple(Alone(**{name: row[name] for name in stated}, facts=row) for row in rows)


@functools.cache
def pairs() -> tuple[Pair, ...]:
    """All rows of both files, in order."""
    return tuple(_pair(row) for row in [*json.loads((DATA / FILES[0]).read_text(encoding="utf-8")), *_specforge()])


def digests() -> dict[str, str]:
    """SHA-256 of each file: which pairs the constants are from."""
    return {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in FILES}


def weighted(rows: Sequence[Pair], groups: Sequence[str]) -> list[Pair]:
    """`rows` so that a long table does not outweigh the rest: n rows of a group weigh n^0.5."""
    sizes = Counter(groups)
    return [replace(row, weight=sizes[group] ** SOURCE_POWER) for row, group in zip(rows, groups, strict=True)]


def _specforge() -> list[dict[str, Any]]:
    with (DATA / FILES[1]).open(encoding="utf-8", newline="") as lines:
        return [
            {
                "id": line["id"], "technique": "speculation", "engine": line["engine"], "version": line["version"], "model": line["model"],
                "gpu": line["gpu"], "tp": int(line["tp"]), "quantization": line["quantization"], "batch": int(line["batch"]),
                "draft": {"method": "eagle3", "tokens": int(line["drafts"]), "accept_length": float(line["accept_length"])},
                "quantity": "output_tps", "without": float(line["without_tps"]), "with": float(line["with_tps"]), "source": SPECFORGE,
                **({"fitted": False, "checked": True, "why": DEGREE} if catalog.model(line["model"]).is_moe else {"fitted": True}),
            }
            for line in csv.DictReader(lines)
        ]  # fmt: skip


def _pair(row: dict[str, Any]) -> Pair:
    stated = (
        "id", "technique", "engine", "version", "model", "gpu", "tp", "quantization", "batch", "quantity", "without", "fitted", "source",
    )  # fmt: skip
    found = {name: row.get(name) for name in stated}
    return Pair(**found, with_=row["with"], why=row.get("why", ""), checked=row.get("checked", False), facts=row)
