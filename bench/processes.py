"""Fresh processes, with what they took: wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians over some runs of one command."""

    seconds: float
    peak_mib: float
    output: str
    """Standard output of the last run."""


def measure(command: Sequence[str], runs: int, exits: Sequence[int] = (0,)) -> Taken:
    """Run `command` that many times, each in a process of its own, after one run that fills caches and compiles bytecode."""
    taken = [_run(command, exits) for _ in range(runs + 1)][1:]
    return Taken(median(run.seconds for run in taken), median(run.peak_mib for run in taken), taken[-1].output)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this benchmark."""
    return [sys.executable, "-m", name, *arguments]


def _run(command: Sequence[str], exits: Sequence[int]) -> Taken:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "components")))}
    # A cold process is one whose bytecode is compiled: without this the first run could not leave any.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        output = running.stdout.read()
        # wait4 tells the peak of this child alone; getrusage would tell the largest of all children so far.
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if running.returncode not in exits:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    return Taken(seconds, usage.ru_maxrss / KIB_PER_MIB, output)
