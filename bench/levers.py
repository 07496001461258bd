"""What levers add to a plan: `python -m bench.levers STACK_FILE` prints the milliseconds beyond planning alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from inferstack import planning, stackfile
from inferstack.stackfile.schema import StackFile

RUNS = 5


def main() -> None:
    stack = stackfile.load(Path(sys.argv[1]))
    alone, both = (median(_milliseconds(made, stack) for _ in range(RUNS)) for made in (planning.plan, planning.plan_with_levers))
    print(both - alone)


def _milliseconds(make: Callable[[StackFile], object], stack: StackFile) -> float:
    began = time.perf_counter()
    make(stack)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
