"""Sizing in a fresh process: `python -m bench.sizing` prints the seconds of a first whole `size`, and the microseconds of one estimate."""

from __future__ import annotations

import time
from dataclasses import replace

from inferstack import engines, planning, sizing
from inferstack.sizing.types import Shape

ASKED = {
    "model": "Qwen/Qwen2.5-72B-Instruct",
    "traffic": {"requestsPerSecond": 1, "isl": 1000, "osl": 300},
    "slo": {"ttftP95Ms": 3000, "tpotP95Ms": 60},
}
ESTIMATES = 2000


def main() -> None:
    began = time.perf_counter()
    found = planning.size(ASKED)
    print(time.perf_counter() - began)
    print(estimate_us(found.plan.services[0].replica.shape))


def estimate_us(shape: Shape) -> float:
    """Microseconds of one estimate, best of ten runs: memory of a replica, and its latencies at a load, of shapes that differ."""
    engine = engines.engine(shape.engine)
    shapes = [replace(shape, context=4096 + number) for number in range(ESTIMATES // 10)]
    best = float("inf")
    for _ in range(10):
        began = time.perf_counter()
        for each in shapes:
            sizing.latency_at(each, engine.memory(each), 1000, 300, 0.5)
        best = min(best, time.perf_counter() - began)
    return best / len(shapes) * 1e6


if __name__ == "__main__":
    main()
