"""Bands: 80 % intervals of measured over predicted on groups that the fit has not seen, and how many measurements they then hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inferstack.evaluation.throughput import OVERLOAD

from .fitting import FOLDS, folds
from .model import QUANTITIES, Model
from .parameters import Floats

LOADS = ("offline", "batch-1", "closed-loop", "burst", "request-rate", OVERLOAD)
KINDS = ("dense", "mixture")
NARROWEST = 1.12
"""No band is narrower than this on either side."""
FEWEST = 20
"""Rows below which an interval has no quantiles of its own."""
INSIDE = 0.8
FAMILIES = FOLDS["family"]
WIDEST = 300
"""Hundredths of a logarithm that a band is widened by at most."""
LEAST_ADDED = 0.1
"""What an unknown level adds at least, on the logarithm."""
SOURCE = (
    "10 % and 90 % quantiles of measured over predicted on left-out model families, dense models and mixtures apart, widened until 80 % of"
    " a family are inside what the others give; where n is 0 there are fewer than 20 such rows and the band is the widest of those of the"
    " same load or the same kind of model. `unmeasured` widens in quadrature what is of an unknown device, engine or quantization until"
    " 80 % of the rows of those left out are inside; `inside` says how many are"
)
SILICON = ("device", "generation")
LEVELS: Mapping[str, str] = {"device": "gpu", "engine": "engine", "quantization": "quantization"}
"""Kind of group that is left out -> what widens its band."""
Mask = NDArray[np.bool_]
Band = tuple[float, float]
"""Logarithms of its two ends."""


def bands(model: Model, errors: Floats, loads: Mapping[str, Mask], rows: Mask) -> dict[str, Any]:
    """load -> quantity -> kind -> low, high and the rows behind it, from `rows` only."""
    own: dict[tuple[str, str, str], tuple[Band, int]] = {}
    for load, quantity, kind, known in _cells(model, errors, loads, rows):
        if known.sum() >= FEWEST:
            own[load, quantity, kind] = _honest(model, errors[:, QUANTITIES.index(quantity)], known), int(known.sum())
    return {load: {quantity: {kind: _written(own, load, quantity, kind) for kind in KINDS} for quantity in QUANTITIES} for load in LOADS}


def apart(model: Model, errors: Mapping[str, Floats]) -> dict[str, Floats]:
    """Without rows of engines that were measured on one device: where it is left out, the engine is too."""
    devices: dict[str, set[str]] = {}
    for row in model.rows:
        devices.setdefault(row.groups["engine"], set()).add(row.groups["device"])
    alone = np.array([len(devices[row.groups["engine"]]) == 1 for row in model.rows])
    return {kind: np.where(alone[:, None] & (kind in SILICON), np.nan, values) for kind, values in errors.items()}


def unmeasured(
    model: Model, errors: Mapping[str, Floats], table: Mapping[str, Any], loads: Mapping[str, Mask]
) -> dict[str, dict[str, dict[str, float]]]:
    """load -> quantity -> what an unknown level adds to its bands, as a factor: as much as it takes that the rows of those left out are
    inside. A load without enough rows has the most that another takes."""
    added = {kind: _added(model, errors[kind], table, loads) for kind in ("device", "generation", "engine", "quantization")}
    return {
        load: {quantity: _factors({kind: own[load, quantity] for kind, own in added.items()}) for quantity in QUANTITIES} for load in LOADS
    }


def _factors(added: Mapping[str, float]) -> dict[str, float]:
    beyond = math.sqrt(max(0.0, added["generation"] ** 2 - added["device"] ** 2))
    levels = {"engine": added["engine"], "quantization": added["quantization"], "silicon": beyond, "gpu": added["device"]}
    return {level: _short(math.exp(max(value, LEAST_ADDED))) for level, value in levels.items()} | {"cpu": _short(math.exp(0.5))}


def coverage(
    model: Model,
    errors: Mapping[str, Floats],
    table: Mapping[str, Any],
    added: Mapping[str, Mapping[str, Mapping[str, float]]],
    loads: Mapping[str, Mask],
) -> list[dict[str, Any]]:
    """Share of left-out measurements inside their band. For families the band, too, is from the other families alone."""
    inside = {
        kind: _inside(model, errors[kind], table, loads, lambda load, quantity, level=level: math.log(added[load][quantity][level]))
        for kind, level in LEVELS.items()
    }
    inside["family"] = np.full_like(model.measured, np.nan)
    for out in folds(model, "family", FAMILIES):
        within = _inside(model, errors["family"], bands(model, errors["family"], loads, ~out), loads, lambda *_: 0.0)
        inside["family"][out] = within[out]
    found: list[dict[str, Any]] = []
    for load, mask in loads.items():
        for at, quantity in enumerate(QUANTITIES):
            known = mask & np.isfinite(inside["family"][:, at])
            if known.sum() >= FEWEST:
                shares = {kind: _short(float(np.nanmean(values[known, at]))) for kind, values in inside.items()}
                found.append({"load": load, "quantity": quantity, "n": int(known.sum()), **shares})
    return found


def _cells(model: Model, errors: Floats, loads: Mapping[str, Mask], rows: Mask) -> Iterable[tuple[str, str, str, Mask]]:
    kinds = {kind: np.array([row.groups["kind"] == kind for row in model.rows]) for kind in KINDS}
    for load, mask in loads.items():
        for at, quantity in enumerate(QUANTITIES):
            for kind, of_kind in kinds.items():
                yield load, quantity, kind, mask & of_kind & rows & np.isfinite(errors[:, at])


def _interval(model: Model, errors: Floats, known: Mask) -> Band:
    weight = _balanced(model, known)
    low, high = (_quantile(errors[known], weight, part) for part in ((1 - INSIDE) / 2, (1 + INSIDE) / 2))
    return min(low, -math.log(NARROWEST)), max(high, math.log(NARROWEST))


def _honest(model: Model, errors: Floats, known: Mask) -> Band:
    """Quantiles of the rows, widened until 80 % of those of each family are inside what the other families alone give."""
    parts = [(out & known, _interval(model, errors, ~out & known)) for out in folds(model, "family", FAMILIES) if (~out & known).any()]
    weight = _balanced(model, np.ones(len(model.rows), dtype=bool))
    for hundredth in range(WIDEST):
        held = counted = 0.0
        for out, band in parts:
            low, high = _widened(band, hundredth / 100)
            held += float(weight[out] @ ((errors[out] >= low) & (errors[out] <= high)))
            counted += float(weight[out].sum())
        if held >= INSIDE * counted:
            return _widened(_interval(model, errors, known), hundredth / 100)
    raise ValueError("no band holds the left-out rows")


def _widened(band: Band, added: float) -> Band:
    """Each side in quadrature."""
    return -math.hypot(band[0], added), math.hypot(band[1], added)


def _written(own: Mapping[tuple[str, str, str], tuple[Band, int]], load: str, quantity: str, kind: str) -> dict[str, float]:
    if (load, quantity, kind) in own:
        (low, high), count = own[load, quantity, kind]
        return {"low": _short(math.exp(low)), "high": _short(math.exp(high)), "n": count}
    kin = [
        band
        for (other, measured, other_kind), (band, _) in own.items()
        if measured == quantity and (other == load or (other_kind == kind and other != OVERLOAD))
    ]
    return {"low": _short(math.exp(min(low for low, _ in kin))), "high": _short(math.exp(max(high for _, high in kin))), "n": 0}


def _added(model: Model, errors: Floats, table: Mapping[str, Any], loads: Mapping[str, Mask]) -> dict[tuple[str, str], float]:
    """The least widening that holds `INSIDE` of the rows of each load and quantity, on the logarithm."""
    found: dict[tuple[str, str], float] = {}
    for hundredth in range(WIDEST):
        inside = _inside(model, errors, table, loads, lambda *_, wider=hundredth / 100: wider)
        for load, mask in loads.items():
            for at, quantity in enumerate(QUANTITIES):
                own = inside[mask, at]
                if (load, quantity) not in found and np.isfinite(own).sum() >= FEWEST and np.nanmean(own) >= INSIDE:
                    found[load, quantity] = hundredth / 100
    most = {quantity: max(wider for (_, other), wider in found.items() if other == quantity) for quantity in QUANTITIES}
    return {(load, quantity): found.get((load, quantity), most[quantity]) for load in LOADS for quantity in QUANTITIES}


def _inside(
    model: Model, errors: Floats, table: Mapping[str, Any], loads: Mapping[str, Mask], wider: Callable[[str, str], float]
) -> Floats:
    """1 where a left-out row is inside its band, widened by `wider` of load and quantity, 0 where not, NaN where nothing was measured."""
    found = np.full_like(errors, np.nan)
    every = np.ones(len(model.rows), dtype=bool)
    for load, quantity, kind, known in _cells(model, errors, loads, every):
        at, band = QUANTITIES.index(quantity), table[load][quantity][kind]
        low, high = _widened((math.log(band["low"]), math.log(band["high"])), wider(load, quantity))
        found[known, at] = (errors[known, at] >= low) & (errors[known, at] <= high)
    return found


def _balanced(model: Model, rows: Mask) -> Floats:
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


def _short(value: float) -> float:
    return float(f"{value:.3g}")
