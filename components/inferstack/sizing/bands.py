"""How far a measurement may lie from its prediction: 80 % intervals per load, quantity and kind of model, wider where the fit has not been.

The intervals are quantiles of measured over predicted on groups that the fit had not seen (`make fit`). What an engine, a quantization or a
device without measurements adds is the spread between known ones, in quadrature on the logarithm; what adapters, speculation and images add
is their error on pairs of runs that their fit had not seen.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from .additions import additions_spread
from .constants import constants
from .efficiency import efficiency_of
from .host_weights import host_spread
from .network import spread_factor
from .types import Shape


@dataclass(frozen=True, slots=True)
class Spread:
    """Measured over predicted at the two ends of the band."""

    low: float
    high: float


def spread_of(shape: Shape, load: str, quantity: str) -> Spread:
    """The band of `quantity` (output_tps, ttft, tpot) at `load` (offline, batch-1, closed-loop, burst, request-rate, overload)."""
    fitted = efficiency_of(shape)
    kind = "mixture" if shape.model.is_moe else "dense"
    unmeasured = tuple(label.split(" ", 1)[0] for label in fitted.unmeasured)
    beside = additions_spread(shape, quantity)
    return _spread(load, quantity, kind, unmeasured, spread_factor(shape), host_spread(shape), beside)


@functools.cache
def _spread(load: str, quantity: str, kind: str, unmeasured: tuple[str, ...], *unknown: float) -> Spread:
    data = constants("performance")["bands"]
    own = data["loads"][load][quantity][kind]
    wider = sum(math.log(data["unmeasured"][load][quantity][level]) ** 2 for level in unmeasured)
    wider += sum(math.log(factor) ** 2 for factor in unknown)
    low, high = (math.sqrt(math.log(own[end]) ** 2 + wider) for end in ("low", "high"))
    return Spread(low=math.exp(-low), high=math.exp(high))
