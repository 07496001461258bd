"""One plan in a fresh process: `python -m bench.planning STACK_FILE` prints its milliseconds, imports and reading of the file left out."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from inferstack import planning, stackfile


def main() -> None:
    stack = stackfile.load(Path(sys.argv[1]))
    began = time.perf_counter()
    planning.plan(stack)
    print((time.perf_counter() - began) * 1000)


if __name__ == "__main__":
    main()
