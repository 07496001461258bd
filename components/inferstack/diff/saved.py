"""Plans that were saved as JSON, checked before anything is read from them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import InputError, Problem
from ..stackfile.untyped import is_list, is_mapping

HOW = "save one with `inferstack plan --json`"
ESTIMATE = {"low": float, "expected": float, "high": float}
COLUMNS = {"min": float, "expected": float, "max": float}
LINE: dict[str, Any] = {"name": str, "unit": str, "quantity": (COLUMNS,), "unitPriceUsd": (float,), "monthlyUsd": COLUMNS}
LINE["children"] = [LINE]
PLAN: Mapping[str, Any] = {
    "stack": str,
    "cloud": str,
    "clusterName": str,
    "namespace": str,
    "pools": [{"name": str, "diskGib": float, "nodes": COLUMNS}],
    "services": [
        {
            "name": str,
            "server": (str,),
            "model": str,
            "gpu": str,
            "gpusPerReplica": float,
            "machineType": str,
            "capacityType": str,
            "context": float,
            "checkpoint": {"uri": str, "quantization": str},
            "engine": {"name": str, "version": str},
            "replicas": {"min": float, "max": float},
            "workload": {"meanRps": float, "peakRps": float, "isl": float, "osl": float},
            "slo": {"ttftP95Ms": (float,), "tpotP95Ms": (float,)},
            "performance": {"ttftP95Ms": ESTIMATE, "tpotP95Ms": ESTIMATE, "capacityRps": ESTIMATE},
            "container": {"image": str, "init": ([{"image": str}],)},
            "warnings": [str],
        }
    ],
    "costs": {
        "monthlyUsd": COLUMNS,
        "hourlyUsd": COLUMNS,
        "complete": bool,
        "unpriced": [str],
        "lines": LINE,
        "services": [{"service": str, "monthlyUsd": COLUMNS, "tokens": ({"blendedUsd": float, "tokensPerMonth": float},)}],
    },
    "systemPool": ({"machineType": str, "diskGib": float},),
    "overBudget": [str],
    "warnings": [str],
}
"""What a difference reads of a plan: keys, and the kinds of their values; a tuple of one may be null or missing."""


def saved_plan(path: Path, label: str) -> dict[str, Any]:
    """The plan in `path`, alone or inside what `inferstack preview --json` printed. Raises InputError for anything else."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError([Problem(label, f"is not JSON ({error.__class__.__name__})", nearest=HOW)]) from None
    if is_mapping(document) and is_mapping(document.get("plan")):
        document = document["plan"]
    wrong = next(_wrong(document, PLAN, ""), None)
    if wrong is not None:
        raise InputError([Problem(f"{label}: {wrong}" if wrong else label, "is not what a plan holds", nearest=HOW)])
    return cast(dict[str, Any], document)


def _wrong(value: Any, wanted: Any, path: str) -> Iterator[str]:
    """Key paths below `path` that are missing or of another kind."""
    if isinstance(wanted, tuple):
        if value is not None:
            yield from _wrong(value, cast(tuple[Any], wanted)[0], path)
    elif isinstance(wanted, Mapping):
        if not is_mapping(value):
            yield path
            return
        for key, inner in cast(Mapping[str, Any], wanted).items():
            yield from _wrong(value.get(key), inner, f"{path}.{key}" if path else key)
    elif isinstance(wanted, list):
        if not is_list(value):
            yield path
            return
        for index, item in enumerate(value):
            yield from _wrong(item, wanted[0], f"{path}[{index}]")
    elif wanted is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            yield path
    elif not isinstance(value, wanted):
        yield path
