"""One simulation in a fresh process: `python -m bench.simulation LOAD REPLICAS` prints the seconds that 100,000 requests take."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from inferstack import planning, stackfile
from inferstack.planning.rehearsal import costs_of
from inferstack.sizing.queueing import server
from inferstack.sizing.simulation import Lengths, generate, simulate

REQUESTS = 100_000


def main() -> None:
    load, replicas = float(sys.argv[1]), int(sys.argv[2])
    service = planning.plan(stackfile.load(Path(__file__).parents[1] / "Pulumi.prod.yaml")).services[0]
    costs = costs_of(service)
    lengths = Lengths(service.workload.isl, service.workload.osl)
    saturated = server(service.replica.shape, service.replica.memory, lengths.isl, lengths.osl).saturated_rps
    requests = generate(REQUESTS, load * replicas * saturated, lengths, seed=1)
    began = time.perf_counter()
    simulate(requests, costs, replicas)
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
