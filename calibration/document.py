"""The data file that a fit writes: constants and factors with how many rows stand behind each, errors, and bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from inferstack.sizing.efficiency import Base
from inferstack.sizing.loads import LoadConstants

from .model import QUANTITIES, Model
from .parameters import GROUPS, Floats
from .ranges import GENERATION_KIN, KIN, RANGES

FEWEST = 4
"""Rows below which a factor is believed rather than fitted."""
NARROWEST = 1.12
"""No band is narrower than this on either side."""
STAND_IN = "closed-loop"
BANDS = (
    "10 % and 90 % quantiles of measured over predicted on left-out model families; `unmeasured` widens them in quadrature by what"
    " leaving out whole devices, engines and quantizations adds; where `n` is 0 the band is that of closed loop, not measured at this load"
)
LOADS = ("offline", "batch-1", "closed-loop", "burst", "request-rate")


def document(model: Model, vector: Floats, errors: Mapping[str, Floats], before: Mapping[str, Any]) -> dict[str, Any]:
    """The whole file; what a fit does not touch is kept from `before`."""
    shared = model.parameters.shared(vector)
    own = np.log(model.measured) - np.log(model.predict(vector))
    start = np.log(model.measured) - np.log(model.predict(model.parameters.start))
    gpu = {"provenance": "fitted", "base": {field.name: _short(shared[field.name]) for field in fields(Base)}, **_tables(model, vector)}
    data = dict(before)
    data["source"] = _source(model, own, errors)
    data["loads"] = {field.name: _short(shared[field.name]) for field in fields(LoadConstants)}
    data["kin"], data["generation_kin"] = dict(KIN), dict(GENERATION_KIN)
    data["regimes"] = {"gpu": gpu, "cpu": before["regimes"]["cpu"]}
    data["links"] = _links(before["links"], shared)
    if errors:
        data["errors"] = _errors(model, start, own, errors)
        data["bands"] = {"source": BANDS, "loads": _bands(model, errors["family"]), "unmeasured": _unmeasured(model, errors)}
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
    part = {"nvlink": shared["nvlink"], "pcie": shared["pcie"], "none": shared["pcie"]}
    return {kind: {**row, "efficiency": _short(part[kind]), "latency_s": latency} for kind, row in before.items()}


def _errors(model: Model, start: Floats, own: Floats, errors: Mapping[str, Floats]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "note": "medians of |predicted / measured - 1|: with physical defaults, as fitted, and where the row's model family, device or"
        " engine was left out of the fit; within_2 as fitted, left_out_within_2 without the family"
    }
    for load in LOADS:
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


def _bands(model: Model, errors: Floats) -> dict[str, Any]:
    """Per load and quantity; a quantity without enough rows takes that of a closed loop. TTFT counts where nobody waits for a slot."""
    bands: dict[str, Any] = {load: {} for load in LOADS}
    queued = np.array([row.case.run.queued > 0 for row in model.rows])
    for load in LOADS:
        rows = np.array([row.case.load == load for row in model.rows])
        for at, quantity in enumerate(QUANTITIES):
            known = rows & np.isfinite(errors[:, at]) & (~queued if quantity == "ttft" else True)
            if known.sum() >= 20:
                weight = _balanced(model, known)
                low, high = (float(np.exp(_quantile(errors[known, at], weight, part))) for part in (0.1, 0.9))
                bands[load][quantity] = {
                    "low": _short(min(low, 1 / NARROWEST)),
                    "high": _short(max(high, NARROWEST)),
                    "n": int(known.sum()),
                }
    for quantity in QUANTITIES:
        stand_in = {**bands[STAND_IN][quantity], "n": 0}
        for load in LOADS:
            bands[load].setdefault(quantity, stand_in)
    return bands


def _unmeasured(model: Model, errors: Mapping[str, Floats]) -> dict[str, float]:
    """What an unknown level adds: the left-out spread of its kind beyond that of families, as a factor."""
    base = _spread(model, errors["family"])
    added = {kind: max(0.0, _spread(model, errors[kind]) ** 2 - base**2) ** 0.5 for kind in ("device", "engine", "quantization")}
    return {
        "engine": _short(np.exp(max(added["engine"], 0.2))),
        "quantization": _short(np.exp(max(added["quantization"], 0.15))),
        "silicon": _short(np.exp(max(added["device"], 0.15))),
        "gpu": _short(np.exp(max(added["device"] / 2, 0.1))),
        "cpu": _short(np.exp(0.5)),
    }


def _spread(model: Model, errors: Floats) -> float:
    """Half the width of the 80 % interval of throughput and TPOT, on the logarithm."""
    widths: list[float] = []
    for at in (0, 2):
        known = np.isfinite(errors[:, at])
        weight = _balanced(model, known)
        widths.append((_quantile(errors[known, at], weight, 0.9) - _quantile(errors[known, at], weight, 0.1)) / 2)
    return float(np.mean(widths))


def _balanced(model: Model, rows: Any) -> Floats:
    """Weights with which reconstructed rows, which are many, count as much as published ones."""
    second = np.array([row.groups["source"] == "aiconfigurator" for row in model.rows])[rows]
    weight = np.ones(int(rows.sum()))
    if 0 < second.sum() < len(second):
        weight[second] = (~second).sum() / second.sum()
    return weight


def _quantile(values: Floats, weight: Floats, part: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(reached, part)), len(values) - 1)])


def _rows(model: Model, load: str, kind: str) -> Any:
    return np.array([row.case.load == load and row.groups["kind"] == kind for row in model.rows])


def _median(logs: Floats) -> float:
    known = logs[np.isfinite(logs)]
    return float(np.median(np.abs(np.expm1(-known))))


def _short(value: float) -> float:
    return float(f"{value:.3g}")
