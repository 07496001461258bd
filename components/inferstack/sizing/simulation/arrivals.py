"""Requests as columns: drawn from a random process by seed, or taken from a trace."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requests:
    """Arrival times in seconds, never falling, with input and output tokens of each."""

    arrival_s: list[float]
    isl: list[int]
    osl: list[int]

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def rps(self) -> float:
        """Mean requests per second from the first to the last; 0.0 where they all come at once."""
        span = self.arrival_s[-1] - self.arrival_s[0]
        return (len(self) - 1) / span if span > 0 else 0.0

    @property
    def lengths(self) -> Lengths:
        """Mean lengths, and the spread of the inputs around theirs."""
        isl, osl = (max(1, round(sum(column) / len(self))) for column in (self.isl, self.osl))
        variance = sum((each - isl) ** 2 for each in self.isl) / len(self)
        return Lengths(isl, osl, math.sqrt(variance) / isl)

    def first(self, count: int) -> Requests:
        return Requests(self.arrival_s[:count], self.isl[:count], self.osl[:count])

    def within(self, longest: int) -> Requests:
        """Those of at most `longest` tokens in all, which is what an engine accepts."""
        kept = [n for n in range(len(self)) if self.isl[n] + self.osl[n] <= longest]
        return Requests([self.arrival_s[n] for n in kept], [self.isl[n] for n in kept], [self.osl[n] for n in kept])

    def answered_at_once(self) -> Requests:
        """The same requests to a model that decodes nothing: the whole answer is the first token."""
        return Requests(self.arrival_s, self.isl, [1] * len(self))

    def at_rate(self, rps: float) -> Requests:
        """The same requests, closer together or further apart, so that `rps` come in a second."""
        stretch = self.rps / rps
        return Requests([stretch * at for at in self.arrival_s], self.isl, self.osl)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of a request: means, and the coefficient of variation around them (log-normal; 0 is always the mean)."""

    isl: int
    osl: int
    spread: float = 0.0


def generate(count: int, rps: float, lengths: Lengths, seed: int, burstiness: float = 1.0, longest: int | None = None) -> Requests:
    """`count` requests at a mean of `rps` a second.

    `burstiness` is the coefficient of variation of the times between arrivals, which are gamma distributed: 1 is Poisson, 0 a metronome.
    No request has more than `longest` tokens in all.
    """
    draw = random.Random(seed)
    gap = _gaps(draw, rps, burstiness)
    arrivals, now = list[float](), 0.0
    for _ in range(count):
        now += gap()
        arrivals.append(now)
    inputs, outputs = (_lengths(draw, mean, lengths.spread) for mean in (lengths.isl, lengths.osl))
    isl, osl = [inputs() for _ in range(count)], [outputs() for _ in range(count)]
    if longest is not None:
        osl = [min(output, max(1, longest - each)) for each, output in zip(isl, osl, strict=True)]
        isl = [min(each, longest - output) for each, output in zip(isl, osl, strict=True)]
    return Requests(arrivals, isl, osl)


def _gaps(draw: random.Random, rps: float, burstiness: float) -> Callable[[], float]:
    if burstiness <= 0:
        return lambda: 1 / rps
    if burstiness == 1:
        return lambda: draw.expovariate(rps)
    shape = burstiness**-2
    return lambda: draw.gammavariate(shape, 1 / (rps * shape))


def _lengths(draw: random.Random, mean: int, spread: float) -> Callable[[], int]:
    if spread <= 0:
        return lambda: mean
    sigma = math.sqrt(math.log1p(spread * spread))
    mu = math.log(mean) - sigma * sigma / 2
    return lambda: max(1, round(draw.lognormvariate(mu, sigma)))
