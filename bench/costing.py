"""The estimate alone: `python -m bench.costing STACK_FILE` prints the milliseconds of costing a plan that is made."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

from inferstack import planning, stackfile
from inferstack.planning.stack import bill, settle, share

RUNS = 5


def main() -> None:
    stack = stackfile.load(Path(sys.argv[1]))
    site, settled = settle(stack)
    tenants, pools = share(stack, site, settled)
    taken: list[float] = []
    for _ in range(RUNS):
        began = time.perf_counter()
        planning.cost_document(bill(site, tenants, pools, stack.usage))
        taken.append((time.perf_counter() - began) * 1000)
    print(median(taken))


if __name__ == "__main__":
    main()
