"""Several replicas behind a balancer, and the run from the first request to the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .arrivals import Requests
from .outcome import Outcome
from .replica import Log, SimulatedReplica
from .steps import StepCosts

Pick = Callable[[int, float, Sequence[SimulatedReplica]], int]


def _round_robin(number: int, _: float, replicas: Sequence[SimulatedReplica]) -> int:
    return number % len(replicas)


def _least_outstanding(number: int, at_s: float, replicas: Sequence[SimulatedReplica]) -> int:
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


POLICIES: dict[str, Pick] = {"least-outstanding": _least_outstanding, "round-robin": _round_robin}


def simulate(requests: Requests, costs: StepCosts, replicas: int = 1, policy: str = "least-outstanding") -> Outcome:
    """Serve `requests` by `replicas` alike; every one of them is answered. `policy` is one of `POLICIES`."""
    log = Log([0.0] * len(requests), [0.0] * len(requests))
    pool = [SimulatedReplica(costs, requests, log) for _ in range(replicas)]
    pick = POLICIES[policy] if replicas > 1 else _round_robin
    for number, at_s in enumerate(requests.arrival_s):
        pool[pick(number, at_s, pool)].enqueue(number, at_s)
    for replica in pool:
        replica.advance(math.inf)
    return Outcome(requests, log.first_s, log.last_s, costs.overhead_s, log.preemptions)
