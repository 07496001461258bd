"""How far the closed form of queueing is from the simulation: `python -m bench.closed_form` prints the table of docs/simulation.md."""

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
STACKS = ("dev", "prod")
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


def _pairs(service: ServicePlan, traffic: Variability, requests: int) -> Iterator[tuple[Latency, Outcome]]:
    """The closed form and the simulation of one replica of `service` at all lengths and loads, where it fits a request."""
    shape, memory = replace(service.replica.shape, context=LONGEST), service.replica.memory
    for isl, osl in LENGTHS:
        lengths = Lengths(isl, osl, traffic.length_spread)
        costs = costs_of(service, lengths)
        saturated = server(shape, memory, isl, osl, traffic).saturated_rps
        for load in LOADS:
            made = generate(requests, load * saturated, lengths, 1, traffic.burstiness, LONGEST)
            yield sizing.latency_at(shape, memory, isl, osl, load * saturated, traffic), simulate(made, costs)


def _errors(pair: tuple[Latency, Outcome]) -> tuple[float, float, float, float]:
    closed, found = pair
    columns = (
        (closed.ttft_mean_ms, found.ttft.mean),
        (closed.ttft_p95_ms, found.ttft.p95),
        (closed.tpot_mean_ms, found.tpot.mean),
        (closed.tpot_p95_ms, found.tpot.p95),
    )
    first, second, third, fourth = (abs(expected / seen - 1) for expected, seen in columns)
    return first, second, third, fourth


if __name__ == "__main__":
    main()
