"""All measurements as one table, with their targets; ends with 1 where a target is missed."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from .processes import Taken, measure, module
from .stacks import write_stack

RUNS = 5
INFERSTACK = [sys.executable, "-c", "from inferstack.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure with its target: `value` may be at most `target`, in `unit`."""

    what: str
    detail: str
    value: float
    target: float
    unit: str

    @property
    def kept(self) -> bool:
        return self.value <= self.target


def previews(folder: Path) -> Iterator[Row]:
    """The offline preview against the bare loop over what it registered."""
    for services, runs in ((100, RUNS), (1000, 3)):
        stack, recorded = write_stack(folder, services), folder / f"{services}.json"
        count = measure(module("bench.preview", str(stack), str(recorded)), 1).output.strip()
        ours, floor = measure(module("bench.preview", str(stack)), runs), measure(module("bench.floor", str(recorded)), runs)
        what = f"offline preview of {services:,} services, {int(count):,} resources"
        yield Row(f"{what}: time", _both(ours, floor, "seconds", "s"), ours.seconds / floor.seconds, 1.5, "x")
        yield Row(f"{what}: peak memory", _both(ours, floor, "peak_mib", "MiB"), ours.peak_mib / floor.peak_mib, 1.3, "x")


def _both(ours: Taken, floor: Taken, field: str, unit: str) -> str:
    return f"{getattr(ours, field):.2f} {unit}, the SDK's floor {getattr(floor, field):.2f} {unit}"


def plans(folder: Path) -> Iterator[Row]:
    """Planning alone: the first plan of a process, catalog read from disk included."""
    for services, target in ((100, 5), (1, 50)):
        command = module("bench.planning", str(write_stack(folder, services)))
        total = median(float(measure(command, 1).output) for _ in range(RUNS))
        yield Row(f"planning, per service in a stack of {services}", f"{total:.0f} ms in all", total / services, target, "ms")


def commands() -> Iterator[Row]:
    """The command line from nothing: a new process with bytecode compiled."""
    for arguments, target in ((("--help",), 0.3), (("plan", "-s", "dev"), 1)):
        taken = measure([*INFERSTACK, *arguments], RUNS)
        yield Row(f"inferstack {' '.join(arguments)}", f"{taken.peak_mib:.0f} MiB", taken.seconds, target, "s")


def main() -> int:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("", "", "measured", "target", ""):
        table.add_column(name, justify="right" if name else "left")
    with tempfile.TemporaryDirectory() as folder:
        rows = [*commands(), *plans(Path(folder)), *previews(Path(folder))]
    for row in rows:
        table.add_row(row.what, row.detail, f"{row.value:.2f} {row.unit}", f"≤ {row.target:g} {row.unit}", "✓" if row.kept else "✗")
    console = Console(width=140)
    console.print(f"Medians of fresh processes on {os.cpu_count()} cores, Python {platform.python_version()}", highlight=False)
    console.print(table, highlight=False)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
