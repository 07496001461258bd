"""Least squares on logarithms with a robust loss and priors, and the same with whole groups left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from .model import Model
from .parameters import Floats

SCALE = 0.2
"""Error of the logarithm beyond which a row pulls less and less (soft L1)."""
QUANTITY_WEIGHT = np.array([1.0, 0.35, 0.8])
"""Of output_tps, ttft and tpot: TTFT is half queueing and half how a client counts."""
STEP = 1e-6
"""Of forward differences, on logarithms."""
PRIOR_WEIGHT = 1.0
"""Pull of a prior, in rows of weight one."""
FOLDS = {"family": 8, "device": 6, "generation": 5, "engine": 6, "quantization": 5}
"""Kind of group that is left out whole -> most folds."""
Mask = NDArray[np.bool_]


def misfit(model: Model, vector: Floats) -> Floats:
    """One weighted, robust number per row and quantity; NaN where nothing was measured counts as nothing."""
    error = (np.log(model.predict(vector)) - np.log(model.measured)) / SCALE
    robust = np.sign(error) * 2 * np.sqrt(np.sqrt(1 + error * error / 2) - 1)
    weighted = robust * np.sqrt(model.weight)[:, None] * QUANTITY_WEIGHT
    return np.where(np.isfinite(weighted), weighted, 0.0)


class Problem:
    """The rows of a fit, and for each level of each group the rows that its factors move, so that a Jacobian costs a quarter."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.start, self.spread = model.parameters.start, model.parameters.spread
        self.parts: dict[tuple[str, int], tuple[NDArray[np.intp], Model]] = {}
        for kind, index in model.members.index.items():
            for level in range(len(model.parameters.levels[kind])):
                rows = np.flatnonzero(index == level)
                if len(rows):
                    self.parts[kind, level] = (rows, model.part(rows))

    def residuals(self, vector: Floats) -> Floats:
        return np.concatenate([misfit(self.model, vector).ravel(), (vector - self.start) / self.spread * PRIOR_WEIGHT])

    def jacobian(self, vector: Floats) -> Floats:
        """Forward differences, each over the rows that its parameter moves."""
        size = len(self.model.rows) * len(QUANTITY_WEIGHT)
        matrix = np.zeros((size + len(vector), len(vector)))
        whole = misfit(self.model, vector)
        for at in range(len(vector)):
            moved = vector.copy()
            moved[at] += STEP
            matrix[size + at, at] = PRIOR_WEIGHT / self.spread[at]
            touched = self.model.parameters.touched(at)
            column = np.zeros_like(whole)
            if touched is None:
                column = (misfit(self.model, moved) - whole) / STEP
            elif touched in self.parts:
                rows, part = self.parts[touched]
                column[rows] = (misfit(part, moved) - whole[rows]) / STEP
            matrix[:size, at] = column.ravel()
        return matrix


def fit(model: Model, rows: Mask, steps: int = 20) -> Floats:
    """The vector that fits `rows` best, from the physical defaults."""
    problem = Problem(model.part(np.flatnonzero(rows)))
    return least_squares(problem.residuals, problem.start, jac=problem.jacobian, x_scale=problem.spread, max_nfev=steps).x


def folds(model: Model, kind: str, most: int) -> Iterator[Mask]:
    """Masks of whole groups, gathered into at most `most` folds of about equal weight."""
    names = [row.groups[kind] for row in model.rows]
    sizes = {name: sum(float(model.weight[at]) for at, other in enumerate(names) if other == name) for name in sorted(set(names))}
    gathered: list[list[str]] = [[] for _ in range(min(most, len(sizes)))]
    for name in sorted(sizes, key=lambda one: -sizes[one]):
        min(gathered, key=lambda fold: sum(sizes[other] for other in fold)).append(name)
    for fold in gathered:
        yield np.array([name in fold for name in names])


def left_out(model: Model, kind: str, most: int, steps: int, progress: Callable[[str], None]) -> Floats:
    """log(measured / predicted) of every row by a fit that has not seen its group."""
    errors = np.full_like(model.measured, np.nan)
    for number, out in enumerate(folds(model, kind, most), 1):
        vector = fit(model, ~out, steps)
        errors[out] = (np.log(model.measured) - np.log(model.predict(vector)))[out]
        progress(f"without {kind} fold {number}")
    return errors
