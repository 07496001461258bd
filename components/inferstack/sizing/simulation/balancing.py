"""Several replicas behind a balancer, and the run from the first request to the last."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from .arrivals import Requests
from .outcome import Outcome
from .replica import Log, SimulatedReplica
from .steps import StepCosts

Pick = Callable[[int, float, Sequence[SimulatedReplica]], int]
SEED = 1
"""Of balancers that draw: the same requests go the same ways in each run."""


def _random() -> Pick:
    """A Service of Kubernetes: kube-proxy and Cilium draw one of its pods for each connection, however busy it is."""
    draw = random.Random(SEED)
    return lambda number, at_s, replicas: draw.randrange(len(replicas))


def _two_choices() -> Pick:
    """The one of two drawn replicas with fewer requests in it."""
    draw = random.Random(SEED)

    def pick(number: int, at_s: float, replicas: Sequence[SimulatedReplica]) -> int:
        one, other = draw.sample(range(len(replicas)), 2)
        for index in (one, other):
            replicas[index].advance(at_s)
        return one if replicas[one].outstanding <= replicas[other].outstanding else other

    return pick


def _round_robin() -> Pick:
    return lambda number, at_s, replicas: number % len(replicas)


def _least_outstanding() -> Pick:
    return _emptiest


def _emptiest(number: int, at_s: float, replicas: Sequence[SimulatedReplica]) -> int:
    """The replica with the fewest requests in it; among equals the next in turn, so that an idle service uses all of them."""
    count = len(replicas)
    best, least = 0, math.inf
    for turn in range(count):
        index = (number + turn) % count
        replica = replicas[index]
        replica.advance(at_s)
        if replica.outstanding < least:
            best, least = index, replica.outstanding
    return best


POLICIES: dict[str, Callable[[], Pick]] = {
    "random": _random,
    "two-choices": _two_choices,
    "round-robin": _round_robin,
    "least-outstanding": _least_outstanding,
}


def simulate(requests: Requests, costs: StepCosts, replicas: int = 1, policy: str = "random") -> Outcome:
    """Serve `requests` by `replicas` alike; every one of them is answered. `policy` is one of `POLICIES`."""
    log = Log([0.0] * len(requests), [0.0] * len(requests))
    pool = [SimulatedReplica(costs, requests, log) for _ in range(replicas)]
    pick = POLICIES[policy if replicas > 1 else "round-robin"]()
    for number, at_s in enumerate(requests.arrival_s):
        pool[pick(number, at_s, pool)].enqueue(number, at_s)
    for replica in pool:
        replica.advance(math.inf)
    return Outcome(requests, log.first_s, log.last_s, costs.overhead_s, log.preemptions)
