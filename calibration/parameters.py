"""The vector that is fitted: logarithms of shared constants and of factors per group, each with its prior.

A prior is a physical default and a spread (standard deviation of the logarithm). Shared constants have wide ones; factors start at 1 with
narrow ones, so that a group with few measurements stays near the shared physics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inferstack.sizing.efficiency import Base, Efficiency, Factors, combine
from inferstack.sizing.loads import LoadConstants

Floats = NDArray[np.float64]

SHARED: Mapping[str, tuple[float, float]] = {
    # Base: efficiencies as parts of a peak
    "weight_read": (0.75, 0.10), "kv_read": (0.6, 0.3), "expert_read": (0.8, 0.3),
    "prefill": (0.6, 0.2), "decode": (0.45, 0.3), "attention": (0.5, 0.3),
    "expert_prefill": (0.7, 0.3), "expert_decode": (0.7, 0.4), "expert_width": (2000, 0.7), "weight_only": (0.8, 0.3),
    # Base: seconds
    "layer_s": (25e-6, 0.5), "expert_layer_s": (20e-6, 0.6), "step_s": (1e-3, 0.5), "unfused_layer_s": (50e-6, 0.7),
    "prompt_layer_s": (50e-6, 0.7), "prompt_expert_layer_s": (100e-6, 0.7),
    "sequence_s": (15e-6, 0.7), "request_s": (1e-3, 0.7), "http_s": (15e-3, 0.7),
    # links
    "nvlink": (0.6, 0.3), "pcie": (0.5, 0.4), "pcie_host": (0.15, 0.5), "message_s": (8e-6, 0.5),
    # loads
    "wait_steps": (1.5, 0.3), "first_wave": (0.5, 0.2), "drain": (0.8, 0.3),
    "last_lengths": (3.0, 0.3), "short_answers": (2.5, 0.3),
}  # fmt: skip

GROUPS: Mapping[str, Mapping[str, float]] = {
    "engine": {"silicon": 0.25, "prefill": 0.2, "attention": 0.2, "host": 0.6, "sequence": 0.5, "http": 1.0},
    "quantization": {"kernel": 0.2, "unpack": 0.1},
    "generation": {"compute": 0.15, "memory": 0.1},
    "device": {"device": 0.1},
}
"""Factors per kind of group, each with the spread of its prior."""
LINKS: Mapping[str, str] = {"nvlink": "nvlink", "pcie": "pcie", "pcie-host": "pcie_host", "none": "pcie"}
"""Kind of link -> shared constant."""


@dataclass(frozen=True)
class Parameters:
    """Names, priors and the levels of each group; turns a vector into the library's own constants."""

    levels: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        grouped = [f"{kind} {level} {factor}" for kind, factors in GROUPS.items() for factor in factors for level in self.levels[kind]]
        return (*SHARED, *grouped)

    def touched(self, at: int) -> tuple[str, int] | None:
        """Kind and level that the parameter at `at` belongs to; None where it is shared by all rows."""
        at -= len(SHARED)
        if at < 0:
            return None
        for kind, factors in GROUPS.items():
            size = len(self.levels[kind])
            if at < size * len(factors):
                return kind, at % size
            at -= size * len(factors)
        raise IndexError(at)

    @property
    def start(self) -> Floats:
        shared = [np.log(value) for value, _ in SHARED.values()]
        return np.array(shared + [0.0] * (len(self.names) - len(shared)))

    @property
    def spread(self) -> Floats:
        grouped = [spread for kind, factors in GROUPS.items() for spread in factors.values() for _ in self.levels[kind]]
        return np.array([spread for _, spread in SHARED.values()] + grouped)

    def shared(self, vector: Floats) -> dict[str, float]:
        return dict(zip(SHARED, np.exp(vector[: len(SHARED)]), strict=True))

    def factors(self, vector: Floats) -> dict[str, dict[str, Floats]]:
        """kind -> factor -> one value per level."""
        found: dict[str, dict[str, Floats]] = {}
        at = len(SHARED)
        for kind, factors in GROUPS.items():
            size = len(self.levels[kind])
            for factor in factors:
                found.setdefault(kind, {})[factor] = np.exp(vector[at : at + size])
                at += size
        return found


@dataclass(frozen=True)
class Members:
    """For each row the index of its level in each kind of group, and what else its efficiency depends on."""

    index: Mapping[str, NDArray[np.intp]]
    link: NDArray[np.intp]
    """Index in `LINKS`."""
    expert_width: Floats
    weight_only: Floats


def efficiency(parameters: Parameters, vector: Floats, members: Members) -> Efficiency:
    """The library's `combine` over all rows at once."""
    shared = parameters.shared(vector)
    gathered: dict[str, Any] = {
        factor: values[members.index[kind]] for kind, own in parameters.factors(vector).items() for factor, values in own.items()
    }
    base = Base(**{field.name: shared[field.name] for field in fields(Base)})
    link: Any = np.array([shared[parameter] for parameter in LINKS.values()])[members.link]
    width, stored_only = _untyped(members.expert_width), _untyped(members.weight_only)
    return combine(base, Factors(**gathered), link, shared["message_s"], width, stored_only)


def _untyped(values: Any) -> Any:
    """Arrays where the library says float."""
    return values


def loads(shared: Mapping[str, float]) -> LoadConstants:
    return LoadConstants(**{field.name: shared[field.name] for field in fields(LoadConstants)})


def stacked(rows: Sequence[Any]) -> Any:
    """One dataclass of arrays from many of scalars; text fields are dropped to None."""
    kind = type(rows[0])
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)}
    return kind(**{name: None if isinstance(values[0], str) else np.array(values, dtype=float) for name, values in columns.items()})
