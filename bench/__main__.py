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

from .differences import write_plans
from .processes import Taken, measure, module
from .stacks import write_stack

RUNS = 5
INFERSTACK = [sys.executable, "-c", "from inferstack.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `value` may be at most `target`, in `unit`; None is no target."""

    what: str
    detail: str
    value: float
    target: float | None
    unit: str

    @property
    def kept(self) -> bool:
        return self.target is None or self.value <= self.target

    def cells(self) -> tuple[str, str, str, str, str]:
        target = "" if self.target is None else f"≤ {self.target:g} {self.unit}"
        return self.what, self.detail, f"{self.value:.2f} {self.unit}", target, "" if self.target is None else "✓" if self.kept else "✗"


def previews(folder: Path) -> Iterator[Row]:
    """The offline preview against the bare loop over what it registered."""
    for target, services, runs in (("existing", 100, RUNS), ("existing", 1000, 3), ("eks", 100, RUNS)):
        stack, recorded = write_stack(folder, services, target), folder / f"{target}{services}.json"
        count = measure(module("bench.preview", str(stack), str(recorded)), 1).output.strip()
        ours = measure(module("bench.preview", str(stack)), runs)
        floor, whole = (measure(module("bench.floor", str(recorded), *extra), runs) for extra in ((), ("whole",)))
        what = f"offline preview, {services:,} services on {target}, {int(count):,} resources"
        yield from _ratios(what, ours, floor, (1.5, 1.3))
        yield from _ratios("  over the floor with its SDKs imported and its outputs", ours, whole, (None, None))


def _ratios(what: str, ours: Taken, floor: Taken, targets: tuple[float | None, float | None]) -> Iterator[Row]:
    for field, unit, target in (("seconds", "s", targets[0]), ("peak_mib", "MiB", targets[1])):
        own, least = getattr(ours, field), getattr(floor, field)
        yield Row(what, f"{own:.2f} {unit}, floor {least:.2f} {unit}", own / least, target, "x")


def plans(folder: Path) -> Iterator[Row]:
    """Planning alone: the first plan of a process, catalog read from disk included."""
    for services, target in ((100, 5), (1, 50)):
        command = module("bench.planning", str(write_stack(folder, services)))
        total = median(float(measure(command, 1).output) for _ in range(RUNS))
        yield Row(f"planning, per service in a stack of {services}", f"{total:.0f} ms in all", total / services, target, "ms")


def costing(folder: Path) -> Iterator[Row]:
    """The estimate of a plan that is made, as a document."""
    command = module("bench.costing", str(write_stack(folder, 100)))
    yield Row("costing 100 services", "", float(measure(command, 1).output) / 1000, 0.2, "s")
    command = module("bench.levers", str(write_stack(folder, 100)))
    yield Row("levers of 100 services", "beside their plan", float(measure(command, 1).output) / 1000, 0.5, "s")


def commands() -> Iterator[Row]:
    """The command line from nothing: a new process with bytecode compiled."""
    for arguments, target in ((("--help",), 0.3), (("plan", "-s", "dev"), 1)):
        taken = measure([*INFERSTACK, *arguments], RUNS)
        yield Row(f"inferstack {' '.join(arguments)}", f"{taken.peak_mib:.0f} MiB", taken.seconds, target, "s")


def simulations() -> Iterator[Row]:
    """Continuous batching, request by request: lightly loaded, near the knee, and over several replicas."""
    for load, replicas in ((0.2, 1), (0.7, 1), (0.7, 8)):
        seconds = median(float(measure(module("bench.simulation", str(load), str(replicas)), 1).output) for _ in range(RUNS))
        over = f"{replicas} replica{'s' if replicas > 1 else ''}"
        yield Row("simulation of 100,000 requests", f"{load:.0%} of saturation, {over}", seconds, 2, "s")


def differences(folder: Path) -> Iterator[Row]:
    """Two saved plans of a hundred services, read, compared and printed by a new process."""
    base, head = write_plans(folder, 100)
    taken = measure([*INFERSTACK, "diff", str(base), str(head)], RUNS)
    yield Row("inferstack diff, two plans of 100 services", f"{taken.peak_mib:.0f} MiB", taken.seconds, 1, "s")


def sizes() -> Iterator[Row]:
    """A plan without a stack file with its whole what-if table, and one estimate."""
    taken = [[float(line) for line in measure(module("bench.sizing"), 1).output.split()] for _ in range(RUNS)]
    whole, estimate = (median(column) for column in zip(*taken, strict=True))
    yield Row("size: every GPU, quantization and parallelism of a model", "two clouds, first in its process", whole, 0.5, "s")
    yield Row("one estimate", "memory and latencies of one replica", estimate, 50, "us")


def main() -> int:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("", "", "measured", "target", ""):
        table.add_column(name, justify="right" if name else "left")
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            *commands(),
            *plans(Path(folder)),
            *costing(Path(folder)),
            *differences(Path(folder)),
            *sizes(),
            *simulations(),
            *previews(Path(folder)),
        ]
    for row in rows:
        table.add_row(*row.cells())
    console = Console(width=140)
    console.print(f"Medians of fresh processes on {os.cpu_count()} cores, Python {platform.python_version()}", highlight=False)
    console.print(table, highlight=False)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
