"""The data file that a fit writes: constants and factors with how many rows stand behind each, errors, and bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from inferstack.sizing.efficiency import Base
from inferstack.sizing.loads import LoadConstants

from .bands import LOADS, SOURCE, apart, bands, coverage, unmeasured
from .measurements import FILES, digest
from .model import QUANTITIES, Model
from .parameters import GROUPS, LINKS, Floats
from .ranges import GENERATION_KIN, KIN, QUANTIZATION_KIN, RANGES

FEWEST = 4
"""Rows below which a factor is believed rather than fitted."""


def document(model: Model, vector: Floats, errors: Mapping[str, Floats], before: Mapping[str, Any]) -> dict[str, Any]:
    """The whole file; what a fit does not touch is kept from `before`."""
    shared = model.parameters.shared(vector)
    own = np.log(model.measured) - np.log(model.predict(vector))
    start = np.log(model.measured) - np.log(model.predict(model.parameters.start))
    gpu = {"provenance": "fitted", "base": {field.name: _short(shared[field.name]) for field in fields(Base)}, **_tables(model, vector)}
    data = dict(before)
    data["source"] = _source(model, own, errors)
    data["fitted_to"] = {name: digest(name) for name in FILES}
    data["loads"] = {field.name: _short(shared[field.name]) for field in fields(LoadConstants)}
    data["kin"], data["generation_kin"], data["quantization_kin"] = dict(KIN), dict(GENERATION_KIN), dict(QUANTIZATION_KIN)
    data["regimes"] = {"gpu": gpu, "cpu": before["regimes"]["cpu"]}
    data["links"] = _links(before["links"], shared)
    if errors:
        data["errors"] = _errors(model, start, own, errors)
        data["bands"] = _bands(model, vector, errors)
    return data


def _source(model: Model, own: Floats, errors: Mapping[str, Floats]) -> str:
    tps = np.array([row.groups["source"] != "aiconfigurator" for row in model.rows])
    text = f"fit of {len(model.rows)} published runs, 2026-11: median error of throughput {_median(own[tps, 0]):.0%}"
    return text + (f", {_median(errors['family'][tps, 0]):.0%} on model families that the fit has not seen" if errors else "")


def _tables(model: Model, vector: Floats) -> dict[str, Any]:
    """engines, quantizations, generations and devices: one row per level."""
    factors = model.parameters.factors(vector)
    tables: dict[str, Any] = {}
    for kind in GROUPS:
        rows: dict[str, Any] = {}
        for at, level in enumerate(model.parameters.levels[kind]):
            count = sum(row.groups[kind] == level for row in model.rows)
            provenance = "fitted" if count >= FEWEST else "believed"
            values = {factor: _short(float(found[at])) for factor, found in factors[kind].items()}
            rows[level] = values | {"provenance": provenance, "source": f"{count} measured runs"}
        tables[f"{kind}s"] = _by_range(rows) if kind == "engine" else rows
    return tables


def _by_range(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {
        engine: [{"from": first, "label": label, **rows[f"{engine} {first}"]} for first, label in ranges if f"{engine} {first}" in rows]
        for engine, ranges in RANGES.items()
    }


def _links(before: Mapping[str, Any], shared: Mapping[str, float]) -> dict[str, Any]:
    latency = _short(shared["message_s"])
    return {kind: {**row, "efficiency": _short(shared[LINKS[kind]]), "latency_s": latency} for kind, row in before.items()}


def _errors(model: Model, start: Floats, own: Floats, errors: Mapping[str, Floats]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "note": "medians of |predicted / measured - 1|: with physical defaults, as fitted, and where the row's model family, device or"
        " engine was left out of the fit; within_2 as fitted, left_out_within_2 without the family"
    }
    for load in LOADS[:-1]:
        for kind in ("dense", "mixture"):
            for at, quantity in enumerate(QUANTITIES):
                rows = _rows(model, load, kind) & np.isfinite(own[:, at])
                if rows.sum() >= 8:
                    found[f"{load}, {kind}, {quantity}"] = {
                        "n": int(rows.sum()),
                        "default": _short(_median(start[rows, at])),
                        "fitted": _short(_median(own[rows, at])),
                        **{f"without_{group}": _short(_median(errors[group][rows, at])) for group in ("family", "device", "engine")},
                        "within_2": _short(float(np.mean(np.abs(own[rows, at]) <= np.log(2)))),
                        "left_out_within_2": _short(float(np.mean(np.abs(errors["family"][rows, at]) <= np.log(2)))),
                    }
    return found


def _bands(model: Model, vector: Floats, errors: Mapping[str, Floats]) -> dict[str, Any]:
    loads = model.loads(vector)
    table = bands(model, errors["family"], loads, np.ones(len(model.rows), dtype=bool))
    known = apart(model, errors)
    added = unmeasured(model, known, table, loads)
    inside = coverage(model, known, table, added, loads)
    return {"source": SOURCE, "loads": table, "unmeasured": added, "inside": inside}


def _rows(model: Model, load: str, kind: str) -> Any:
    return np.array([row.case.load == load and row.groups["kind"] == kind for row in model.rows])


def _median(logs: Floats) -> float:
    known = logs[np.isfinite(logs)]
    return float(np.median(np.abs(np.expm1(-known))))


def _short(value: float) -> float:
    return float(f"{value:.3g}")
