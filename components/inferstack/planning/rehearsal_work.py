"""How much work a simulation is, before it starts: what would take hours is refused with what takes minutes."""

from __future__ import annotations

from collections.abc import Sequence

from ..engines.memory import batched_tokens
from ..errors import InputError, Problem
from .types import ServicePlan

KNEE_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1)
"""Loads at which the knee is drawn, as parts of the rate at which every slot is taken."""
KNEE_REQUESTS = 5000
EDGE_STEPS = 5
"""Halvings between two of those loads to find where the targets break."""
FEWEST = 100
"""Requests below which percentiles say nothing."""
MOST_WORK = 1_000_000_000
"""Looks at a replica: two minutes in one process."""
STEP_WORK = 100
"""Looks that a step of a replica costs: about 10 microseconds for 0.1, from a few timed runs on one machine."""
RUNS = 1 + len(KNEE_SHARES) + EDGE_STEPS
"""Runs of a simulation, each with replicas of its own, which cost a step each."""
LOOKS_AT_ALL = "least-outstanding"
"""The balancer of which each request looks at every replica; others look at one or two."""
STEPS_BESIDE_PROMPT = 3
"""Steps of a request beside those of its prompt: as it arrives, with its first token and with its last; those between are taken at once."""


def requests_played(requests: int) -> int:
    """Requests of the whole run: those of the planned peak, and the first of them at every load of the knee."""
    return requests + (len(KNEE_SHARES) + EDGE_STEPS) * min(requests, KNEE_REQUESTS)


def check_work(services: Sequence[ServicePlan], requests: int, isl: int | None, option: str, balancer: str | None = None) -> None:
    """Passes what is played in minutes. `isl` is the mean input of a trace, `option` where the number of requests comes from, `balancer`
    what sends them to replicas in place of what is deployed.

    Raises `InputError` with the largest number that is.
    """
    each = [_work_of_a_request(service, isl, balancer) for service in services]
    left = MOST_WORK - RUNS * STEP_WORK * sum(map(_replicas, services))
    if requests_played(requests) * sum(each) <= left:
        return
    heaviest = services[each.index(max(each))]
    reason = f"are too much to play: {heaviest.name} takes {_replicas(heaviest):,} replicas"
    if _looks(heaviest, balancer) > 2:
        reason += ", and each request looks at all of them"
    if _prompt_steps(heaviest, isl) * STEP_WORK > _looks(heaviest, balancer) and left > 0:
        reason = f"are too much to play: a prompt of {heaviest.name} takes {_prompt_steps(heaviest, isl):,.0f} steps"
    most = _most(sum(each), left)
    part = f"plan for a part of the traffic of {heaviest.name}, whose replicas do as those of the whole"
    raise InputError([Problem(option, reason, f"{requests:,} requests", part if most is None else f"use at most {most}, or {part}")])


def _most(work: float, left: float) -> int | None:
    """The most requests that do no more than what is `left`, rounded down to two digits; None where the fewest do more."""
    if requests_played(FEWEST) * work > left:
        return None
    low, high = FEWEST, 2 * KNEE_REQUESTS + int(left / work)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if requests_played(middle) * work <= left else (low, middle - 1)
    digit = 10 ** max(0, len(str(low)) - 2)
    return max(FEWEST, low // digit * digit)


def _looks(service: ServicePlan, balancer: str | None) -> int:
    return _replicas(service) if (balancer or service.spec.balancing) == LOOKS_AT_ALL else min(2, _replicas(service))


def _work_of_a_request(service: ServicePlan, isl: int | None, balancer: str | None) -> float:
    return _looks(service, balancer) + STEP_WORK * (STEPS_BESIDE_PROMPT + _prompt_steps(service, isl))


def _prompt_steps(service: ServicePlan, isl: int | None) -> float:
    return (service.workload.isl if isl is None else isl) / batched_tokens(service.replica.shape)


def _replicas(service: ServicePlan) -> int:
    return max(1, service.replicas.max - service.spare_replicas)
