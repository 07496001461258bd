"""How far the closed form of queueing is from the simulation: `python -m bench.closed_form` prints the tables of docs/simulation.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from inferstack import planning, sizing, stackfile
from inferstack.planning.rehearsal import costs_of
from inferstack.planning.types import ServicePlan
from inferstack.sizing.queueing import Latency, server
from inferstack.sizing.simulation import Lengths, Outcome, generate, simulate
from inferstack.sizing.types import Variability

ROOT = Path(__file__).parents[1]
SHAPES = ROOT / "examples" / "shapes"
STACKS = ("dev", "prod")
OF_ONE_PASS = ("embedding", "rerank", "reward")
PROMPTS = (100, 400, 1000, 3000)
LENGTHS = ((200, 200), (1000, 300), (4000, 100), (500, 1000), (8000, 500))
LOADS = (0.1, 0.3, 0.5, 0.7, 0.85)
"""Of the rate at which every slot is taken."""
TRAFFIC = (Variability(), Variability(1, 0.5), Variability(1, 1), Variability(2, 0), Variability(2, 1), Variability(4, 0))
LONGEST = 1 << 16


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    services = [service for name in STACKS for service in planning.plan(stackfile.load(ROOT / f"Pulumi.{name}.yaml")).services]
    print("| arrivals | lengths | TTFT mean | TTFT p95 | TPOT mean | TPOT p95 |\n|---|---|---|---|---|---|")
    for traffic in TRAFFIC:
        pairs = [pair for service in services for pair in _pairs(service, traffic, requests)]
        cells = " | ".join(f"{median(errors):.0%}".replace("%", " %") for errors in zip(*map(_errors, pairs), strict=True))
        print(f"| burstiness {traffic.burstiness:g} | spread {traffic.length_spread:g} | {cells} |")
    services = [_unbounded(service) for name in OF_ONE_PASS for service in planning.plan(stackfile.load(SHAPES / f"{name}.yaml")).services]
    print("\n| arrivals | lengths | latency mean | latency p95 |\n|---|---|---|---|")
    for traffic in TRAFFIC:
        pairs = [pair for service in services for pair in _pairs(service, traffic, requests, tuple((isl, 0) for isl in PROMPTS))]
        cells = " | ".join(f"{median(errors):.0%}".replace("%", " %") for errors in zip(*map(_first_errors, pairs), strict=True))
        print(f"| burstiness {traffic.burstiness:g} | spread {traffic.length_spread:g} | {cells} |")


def _pairs(
    service: ServicePlan, traffic: Variability, requests: int, at: tuple[tuple[int, int], ...] = LENGTHS
) -> Iterator[tuple[Latency, Outcome]]:
    """The closed form and the simulation of one replica of `service` at all lengths and loads, where it fits a request."""
    shape, memory = replace(service.replica.shape, context=LONGEST), service.replica.memory
    for isl, osl in at:
        lengths = Lengths(isl, max(1, osl), traffic.length_spread)
        costs = costs_of(service, Lengths(isl, osl, traffic.length_spread))
        saturated = server(shape, memory, isl, osl, traffic).saturated_rps
        for load in LOADS:
            made = generate(requests, load * saturated, lengths, 1, traffic.burstiness, LONGEST)
            made = made if osl else made.answered_at_once()
            yield sizing.latency_at(shape, memory, isl, osl, load * saturated, traffic), simulate(made, costs)


def _unbounded(service: ServicePlan) -> ServicePlan:
    """The service without the limit of its context, so that lengths may vary: a pass keeps nothing that would take room for long."""
    return replace(service, replica=replace(service.replica, shape=replace(service.replica.shape, context=LONGEST)))


def _errors(pair: tuple[Latency, Outcome]) -> tuple[float, float, float, float]:
    closed, found = pair
    return (*_first_errors(pair), abs(closed.tpot_mean_ms / found.tpot.mean - 1), abs(closed.tpot_p95_ms / found.tpot.p95 - 1))


def _first_errors(pair: tuple[Latency, Outcome]) -> tuple[float, float]:
    closed, found = pair
    return abs(closed.ttft_mean_ms / found.ttft.mean - 1), abs(closed.ttft_p95_ms / found.ttft.p95 - 1)


if __name__ == "__main__":
    main()
