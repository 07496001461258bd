"""Predictions of all rows at once, by the library's own formulas on arrays; request rates row by row, because queueing iterates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inferstack.evaluation.throughput import Case, band_load, served_of
from inferstack.sizing.performance import times_of
from inferstack.sizing.times import StepTimes

from .parameters import GROUPS, LINKS, Floats, Members, Parameters, efficiency, loads, stacked

QUANTITIES = ("output_tps", "ttft", "tpot")


@dataclass(frozen=True)
class Measurement:
    """One measured run."""

    id: str
    case: Case
    groups: dict[str, str]
    """engine, quantization, generation, device, family, kind and source."""
    output_tps: float
    """NaN where not measured; so are the two below, in seconds."""
    ttft: float
    tpot: float
    weight: float


class Model:
    """All measurements as arrays, in the order of their loads."""

    def __init__(self, rows: Sequence[Measurement], parameters: Parameters | None = None) -> None:
        self.rows = sorted(rows, key=lambda row: row.case.load)
        kinds = tuple(GROUPS)
        own = {kind: tuple(sorted({row.groups[kind] for row in self.rows})) for kind in kinds}
        self.parameters = Parameters(own) if parameters is None else parameters
        levels = self.parameters.levels
        self.members = Members(
            index={kind: np.array([levels[kind].index(row.groups[kind]) for row in self.rows]) for kind in kinds},
            link=np.array([list(LINKS).index(row.case.work.link) for row in self.rows]),
            expert_width=np.array([row.case.work.expert_width for row in self.rows]),
            weight_only=np.array([float(row.case.work.weight_only) for row in self.rows]),
        )
        self.work: Any = stacked([row.case.work for row in self.rows])
        self.run: Any = stacked([row.case.run for row in self.rows])
        self.load = np.array([row.case.load for row in self.rows])
        self.slices = {load: np.flatnonzero(self.load == load) for load in sorted(set(self.load))}
        self.measured = np.array([[getattr(row, quantity) for quantity in QUANTITIES] for row in self.rows])
        self.weight = np.array([row.weight for row in self.rows])

    def part(self, rows: NDArray[np.intp]) -> Model:
        """The same parameters over some of the rows."""
        return Model([self.rows[at] for at in rows], self.parameters)

    def loads(self, vector: Floats) -> dict[str, NDArray[np.bool_]]:
        """The rows of each load that has a band of its own."""
        times = times_of(self.work, efficiency(self.parameters, vector, self.members))
        found = np.array([band_load(row.case, one) for row, one in zip(self.rows, _each(times), strict=True)])
        return {load: found == load for load in sorted(set(found.tolist()))}

    def predict(self, vector: Floats) -> Floats:
        """Rows x (output_tps, ttft, tpot); seconds."""
        times = times_of(self.work, efficiency(self.parameters, vector, self.members))
        constants = loads(self.parameters.shared(vector))
        out = np.empty_like(self.measured)
        for load, at in self.slices.items():
            part, run = _taken(times, at), _taken(self.run, at)
            if load == "request-rate":
                served = [served_of(self.rows[row].case, one, constants) for row, one in zip(at, _each(part), strict=True)]
                out[at] = [(one.output_tps, one.ttft_s, one.tpot_s) for one in served]
                continue
            together = served_of(replace(self.rows[at[0]].case, run=run), part, constants)
            out[at] = np.column_stack([together.output_tps, together.ttft_s, together.tpot_s])
        return out


def _each(times: Any) -> list[StepTimes]:
    """One `StepTimes` of plain floats per row."""
    return [StepTimes(*row) for row in zip(*(getattr(times, field.name).tolist() for field in fields(times)), strict=True)]


def _taken(columns: Any, at: Any) -> Any:
    values = {field.name: getattr(columns, field.name) for field in fields(columns)}
    return type(columns)(**{name: value[at] if isinstance(value, np.ndarray) else value for name, value in values.items()})
