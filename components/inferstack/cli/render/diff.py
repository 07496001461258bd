"""The report of a difference for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import changes, figures, layout

POINTS = (("min", "at least"), ("expected", "expected"), ("max", "at most"))
SHOWN_CHANGES = ("new", "gone", "changed")


def diff_report(document: Mapping[str, Any]) -> RenderableType:
    """Totals, services, causes, what is replaced, new warnings and the budget, in this order."""
    return Group(*_parts(document))


def _parts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text.assemble(
        ("inferstack", layout.STRONG), f"  stack {changes.stack_name(document)} ", (changes.headline(document), layout.STRONG)
    )
    yield Text(changes.sides(document), style=layout.LABEL)
    yield layout.heading("Totals", "per month of 730 hours")
    yield _totals(document)
    shown = [service for service in document["services"] if service["change"] in SHOWN_CHANGES]
    yield layout.heading("Services", "" if shown else "all as they were")
    if shown:
        yield _services(shown)
        yield from _decisions(shown)
    if document["causes"]:
        yield layout.heading("Causes", "lines of the estimate that moved, at the expected load")
        yield _causes(document["causes"])
    if document["replaced"]:
        yield layout.heading("Replaced")
        yield layout.table(
            ["what", "name", "happens", "why"],
            [[item["kind"], item["name"], item["happens"], item["why"]] for item in document["replaced"]],
            fixed=(0,),
        )
    if document["warnings"]:
        yield layout.heading("New warnings")
        yield layout.notes(document["warnings"])
    if document["overBudget"]:
        yield layout.heading("Budget", "exceeded", layout.BAD)
        yield layout.notes(document["overBudget"], layout.BAD, "✗")


def _totals(document: Mapping[str, Any]) -> RenderableType:
    rows: list[list[RenderableType]] = []
    for point, name in POINTS:
        sides = document["monthlyUsd"][point]
        rows.append(
            [
                f"$ per month, {name}",
                figures.money(sides["base"]),
                figures.money(sides["head"]),
                _delta(sides),
                changes.share(sides),
            ]
        )
    tokens = document["usdPerMillionTokens"]
    if tokens["base"] is not None or tokens["head"] is not None:
        cells = (figures.UNKNOWN if tokens[side] is None else figures.money(tokens[side]) for side in ("base", "head"))
        rows.append(["$ per million tokens", *cells, _delta(tokens), changes.share(tokens)])
    notes = [f"a lower bound: no price is known for {', '.join(document['unpriced'])}"] if document["unpriced"] else []
    made = layout.table(["", "base", "head", "change", ""], rows, right=(1, 2, 3, 4))
    return Group(made, layout.notes(notes)) if notes else made


def _delta(sides: Mapping[str, float | None]) -> Text:
    return Text(changes.change(sides), style=_style(sides["delta"] or 0.0) if changes.moves(sides) else "")


def _style(delta: float) -> str:
    return layout.BAD if delta > 0 else layout.GOOD


def _services(services: list[Mapping[str, Any]]) -> RenderableType:
    rows = [
        [
            Text(service["name"], style=layout.STRONG),
            "" if service["change"] == "changed" else service["change"],
            changes.hardware(service["hardware"]),
            changes.money(service["monthlyUsd"]),
            changes.money(service["usdPerMillionTokens"]),
            changes.headroom(service["headroom"]),
        ]
        for service in services
    ]
    latencies = [
        [service["name"], name, changes.latency(service[key]), Text(changes.bands(service[key]), style=layout.LABEL)]
        for service in services
        for key, name in changes.latencies([service]).items()
    ]
    return Group(
        layout.table(["service", "", "GPUs", "$ per month", "$ per million tokens", "headroom"], rows, fixed=(0, 1)),
        Text(),
        layout.table(["service", "", "expected, target", "band"], latencies, fixed=(0, 1)),
    )


def _decisions(services: list[Mapping[str, Any]]) -> Iterator[RenderableType]:
    rows = [[service["name"], item["key"], item["base"], item["head"]] for service in services for item in service["decisions"]]
    if rows:
        yield Text()
        yield layout.table(["service", "key", "base", "head"], rows, fixed=(0, 1))


def _causes(causes: list[Mapping[str, Any]]) -> RenderableType:
    moved = ((cause["deltaUsd"], cause) for cause in causes)
    rows = [[Text(changes.signed(usd), style=_style(usd)), Text(cause["line"]), changes.why(cause)] for usd, cause in moved]
    return layout.table(["change", "line", "what moved"], rows, right=(0,))
