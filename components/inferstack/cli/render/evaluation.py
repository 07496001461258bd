"""Errors of predictions as a table, and the rows that were skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType


def evaluation_report(document: Mapping[str, Any]) -> RenderableType:
    """The summary of `evaluate`: errors over all rows and per engine, then each skipped row with its reason."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    summary = document["summary"]
    table = Table(box=None, pad_edge=False)
    for column in ("engine", "figure", "rows", "median error", "95 % within", "in band"):
        table.add_column(column, justify="left" if column in ("engine", "figure") else "right")
    for engine, errors in {"all": summary["errors"], **summary["engines"]}.items():
        for key, found in errors.items():
            shares = (f"{found[name]:.1%}" for name in ("median_error", "p95_error", "within_band"))
            table.add_row(engine, key, str(found["n"]), *shares)
    lines = [f"row {row['id']}: {row['skipped']}" for row in document["rows"] if row["skipped"] is not None]
    heading = Text(f"{summary['rows']} rows, {summary['skipped']} skipped")
    return Group(heading, table, *(Text(line) for line in lines))
