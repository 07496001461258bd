"""The report of a calibration: one line per setup that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout


def calibration_report(document: Mapping[str, Any], written: str | None) -> RenderableType:
    """What each setup was measured to be, over what was predicted, and where the rows were written."""
    rows = [
        [
            f"{setup['model']} {setup['quantization']}",
            f"{setup['tensor'] * setup['pipeline']} x {setup['gpu']}",
            setup["engine"],
            figures.count(len(setup["rows"])),
            _correction(setup["correction"]["decode"], setup["correction"]["tpotSpread"]),
            _correction(setup["correction"]["prefill"], setup["correction"]["ttftSpread"]),
        ]
        for setup in document["setups"]
    ]
    table = layout.table(["model", "GPU", "engine", "rows", "TPOT", "TTFT"], rows, right=(3,), fixed=(1, 2))
    note = "measured over predicted time, and the band that holds 80 % of further measurements"
    where = f"written to {written}: name it as `calibration` of a service" if written else "not written: add -o FILE"
    return Group(layout.heading("Calibration"), table, Text(), layout.notes([note, where], style=layout.LABEL, sign="·"))


def _correction(factor: float, spread: float | None) -> str:
    return "not measured" if spread is None else f"x {factor:.2f} ({factor / spread:.2f} – {factor * spread:.2f})"
