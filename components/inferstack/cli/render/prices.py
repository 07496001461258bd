"""The price book as a table, and the findings of its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout

UNKNOWN = "unknown"


def price_table(document: Mapping[str, Any]) -> RenderableType:
    """Every row of the book, then the fees, each with the number of its source."""
    sources: list[str] = []
    rows = [_row(row, sources) for row in document["prices"]]
    where = " ".join(part for part in (document["cloud"], document["region"]) if part)
    columns = ("machine", "region", "bought", "$/hour", "")
    parts: list[RenderableType] = [layout.heading("Prices", f"{where}, USD per machine and hour"), layout.table(columns, rows, right=(3,))]
    if document["fees"]:
        fees = [
            [fee["name"], fee["unit"], figures.unit_price(fee["usd"]) if fee["usd"] is not None else UNKNOWN, _reference(fee, sources)]
            for fee in document["fees"]
        ]
        parts += [layout.subheading("Beside machines"), layout.table(("fee", "per", "$", ""), fees, right=(2,))]
    parts.append(Text())
    parts += [layout.indented(Text(f"[{number}] {source}", style=layout.LABEL)) for number, source in enumerate(sources, 1)]
    return Group(*parts)


def _row(row: Mapping[str, Any], sources: list[str]) -> list[RenderableType]:
    bought = row["capacityType"] if row["term"] is None else f"{row['capacityType']} {row['term']}"
    return [Text(row["machineType"], style=layout.STRONG), row["region"], bought, _price(row), _reference(row, sources)]


def _price(row: Mapping[str, Any]) -> RenderableType:
    usd, low = row["usdPerHour"], row["lowUsdPerHour"]
    if usd is None:
        return Text(UNKNOWN, style=layout.CAUTION)
    return figures.unit_price(usd) if low is None or low == usd else f"{figures.unit_price(low)} – {figures.unit_price(usd)}"


def _reference(row: Mapping[str, Any], sources: list[str]) -> RenderableType:
    text = ", ".join(part for part in (row["source"], row["asOf"], None if row["basis"] == "listed" else row["basis"]) if part)
    if text not in sources:
        sources.append(text)
    return Text(f"[{sources.index(text) + 1}]", style=layout.LABEL)


def check_report(document: Mapping[str, Any]) -> RenderableType:
    """Problems, then notes, then how many prices were checked."""
    problems = _of(document, "problem")
    verdict = f"{figures.plural(len(problems), 'problem')} in {document['rows']:,} prices of {document['cloud']}"
    return Group(
        layout.heading("Price check", verdict, layout.BAD if problems else layout.GOOD),
        layout.notes(problems, layout.BAD, "✗"),
        layout.notes(_of(document, "note")),
    )


def _of(document: Mapping[str, Any], severity: str) -> Sequence[str]:
    return [f"{found['subject']} {found['text']}" for found in document["findings"] if found["severity"] == severity]


def refresh_report(document: Mapping[str, Any]) -> RenderableType:
    """The rows whose prices are others by now, before and after."""
    changes = document["changes"]
    heading = layout.heading("API prices", f"{figures.plural(len(changes), 'row')} changed by {document['on']}, $ per million tokens")
    if not changes:
        return heading
    rows = [
        [Text(change["after"]["host"], style=layout.STRONG), change["after"]["model"], *map(_moved, *_sides(change))] for change in changes
    ]
    return Group(heading, layout.table(("host", "model", "input", "output", "cached input"), rows, right=(2, 3, 4)))


def _sides(change: Mapping[str, Any]) -> tuple[list[float | None], list[float | None]]:
    keys = ("inputUsd", "outputUsd", "cachedInputUsd")
    before, after = ([change[side]["rates"][key] for key in keys] for side in ("before", "after"))
    return before, after


def _moved(before: float | None, after: float | None) -> str:
    old, new = ("-" if usd is None else figures.unit_price(usd) for usd in (before, after))
    return new if old == new else f"{old} → {new}"
