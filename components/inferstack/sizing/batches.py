"""How long prompts wait that are computed whole, in batches, and answered when their batch ends: what one pass takes beside its own.

A step takes up to `most` prompts and lasts `step_s` + `prompt_s` x prompts; whoever comes meanwhile is in the next. An arrival that meets
a step waits for the rest of it, which is longer than a mean one by variance over mean, and is computed in one batch with those that came in
the same step. Where more wait than a batch holds there is a queue, with the tail of as many servers as a batch has prompts (Sakasegawa,
Annals of the Institute of Statistical Mathematics 29, 1977; that of M/G/1 for a batch of one). How far it is from a simulation:
docs/simulation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from .types import Variability

Z95 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""
TAIL = 0.05
ROOT_STEPS = 40
CLOSE = 1e-9
FULL = 1 - 1e-9
"""Where a replica counts as never idle."""
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Batches:
    """What a step costs, and how many prompts it takes at most."""

    step_s: float
    """Whatever is in it."""
    prompt_s: float
    """Added by each prompt."""
    most: float

    @property
    def each_s(self) -> float:
        """Time of a prompt in a full batch."""
        return self.prompt_s + self.step_s / self.most


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds beyond those of a prompt that finds the replica idle."""

    mean_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps at a load, between which the replica is idle or not."""

    mean_s: float
    prompts: float
    """Mean number of prompts in one."""
    spread: float
    """Variance of that number."""


def wait(batches: Batches, rps: float, variability: Variability) -> Wait:
    """Mean and 95th percentile at `rps`, which must be below the rate of full batches."""
    arrivals, lengths = variability.burstiness**2, variability.length_spread**2
    steps = _steps(batches, rps, arrivals, lengths)
    variance = batches.prompt_s**2 * (steps.spread + steps.prompts * lengths)
    # Mean length of the step that an arrival meets: long ones are met more often.
    met_s = steps.mean_s + variance / steps.mean_s
    came = max(0.0, rps * met_s + arrivals - 1)
    others = batches.most - 1
    beside = min(others, came)
    room = others / max(others, came, CLOSE)
    busy = _busy(rps * (batches.prompt_s + batches.step_s / steps.prompts), arrivals, lengths)
    queues, queue_s = _queue(batches, rps, arrivals, lengths)
    typical = met_s / 2 + batches.prompt_s * beside + queues * queue_s
    mean = busy * typical + (1 - busy) * queues * queue_s
    own = Z95 * variability.length_spread * batches.prompt_s
    if busy <= TAIL:
        return Wait(mean, own)
    # Of those that wait, the part that is as long as the 95th percentile of all; what makes them differ is independent, so squares add.
    part = 1 - TAIL / busy
    varied = (0.5 + room * rps * batches.prompt_s) ** 2 * variance + room * batches.prompt_s**2 * arrivals * rps * met_s
    squares = math.copysign(((part - 0.5) * met_s) ** 2 + NORMAL.inv_cdf(part) ** 2 * varied, part - 0.5)
    longer = max(0.0, math.log(queues / TAIL) - queues) * queue_s if queues > 0 else 0.0
    squares += longer**2 + own**2
    return Wait(mean, max(own, typical + math.copysign(math.sqrt(abs(squares)), squares)))


def _steps(batches: Batches, rps: float, arrivals: float, lengths: float) -> Steps:
    """A step takes those that came in the one before it, or the next that comes: N = max(1, Poisson(rate x step)), up to a full batch.

    The mean is the root of N = rate x step + exp(-rate x step), from below, where the function is concave and Newton does not overshoot.
    """
    dense, prompts = rps * batches.prompt_s, 1.0
    for _ in range(ROOT_STEPS):
        none = math.exp(-rps * batches.step_s - dense * prompts)
        move = (rps * batches.step_s + none - (1 - dense) * prompts) / (1 - dense + dense * none)
        prompts += move
        if move <= CLOSE * prompts:
            break
    prompts = min(batches.most, prompts)
    mean_s = batches.step_s + batches.prompt_s * prompts
    came = rps * mean_s
    none = math.exp(-came)
    # Var max(1, N) where N varies by its arrivals and by the step before; no more than that of evenly spread batches.
    varied = arrivals * came + dense**2 * prompts * lengths
    spread = max(0.0, (varied + none * (1 - 2 * came - none)) / (1 - dense**2))
    return Steps(mean_s, prompts, min(spread, (batches.most - 1) ** 2 / 12))


def _busy(busy: float, arrivals: float, lengths: float) -> float:
    """Chance that an arrival meets a step, by the part of the time that there is one: of a burst all but the first do.

    Poisson bursts of (1 + arrivals) / 2 requests have that coefficient of variation.
    """
    busy = min(FULL, busy)
    return chance_to_wait(busy, arrivals, lengths) if arrivals < 1 else 1 - (1 - busy) * 2 / (1 + arrivals)


def chance_to_wait(busy: float, arrivals: float, services: float) -> float:
    """Chance that an arrival waits in GI/G/1, by the squared coefficients of variation of arrivals and services.

    Source: Kraemer and Langenbach-Belz, 8th International Teletraffic Congress, 1976; `busy` itself for Poisson arrivals.
    """
    if not busy:
        return 0.0
    if arrivals > 1:
        factor = 4 * busy / (arrivals + busy * busy * (4 * arrivals + services))
    else:
        factor = (1 + arrivals + busy * services) / (1 + busy * (services - 1) + busy * busy * (4 * arrivals + services))
    return max(0.0, min(1.0, busy + (arrivals - 1) * busy * (1 - busy) * factor))


def _queue(batches: Batches, rps: float, arrivals: float, lengths: float) -> tuple[float, float]:
    """Chance that more wait than a batch holds, and the mean of the exponential wait that they then have, in seconds."""
    load = rps * batches.each_s
    # Chance that a burst is no longer than a batch.
    within = 1 - (1 - 2 / (1 + max(1.0, arrivals))) ** batches.most
    queues = 1 - (1 - load ** math.sqrt(2 * (batches.most + 1))) * within
    return queues, batches.each_s * (arrivals + lengths) / 2 / (1 - load)
