"""What would make services cheaper: whole, and the first three below a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout
from .service import devices

BRIEF = 3
COLUMNS = ("saves $/month", "change, and what it takes away", "becomes", "TTFT p95", "TPOT p95")
OF_ONE_PASS = (*COLUMNS[:-2], "latency p95")
"""Without decode the first token is the answer."""


def levers_report(document: Mapping[str, Any]) -> RenderableType:
    """Every lever of every service."""
    note = Text(
        "a month at the expected load: machines, less what starting them more often costs; each change by itself, planned anew",
        style=layout.LABEL,
    )
    return Group(Text("inferstack  levers", style=layout.STRONG), note, *(_service(each) for each in document["services"]))


def _service(service: Mapping[str, Any]) -> RenderableType:
    cost = service["monthlyUsd"]
    whose = f", all services of {service['server']}" if service["server"] else ""
    planned = f"{figures.money(cost['expected'])} a month as planned{whose}" if cost else figures.NOT_PRICED
    heading = layout.heading(service["service"], planned)
    if cost is None:
        return Group(heading, layout.indented(Text("without prices nothing can be ranked", style=layout.LABEL)))
    idle = layout.indented(Text(f"Saves nothing here, as far as prices are known: {', '.join(service['withoutGain'])}", style=layout.LABEL))
    if not service["levers"]:
        return Group(heading, idle)
    rows = [_row(lever) for lever in service["levers"]]
    if any(lever["becomes"]["performance"]["tpotP95Ms"]["expected"] for lever in service["levers"]):
        return Group(heading, layout.table(COLUMNS, rows, right=(0, 3, 4)), idle)
    return Group(heading, layout.table(OF_ONE_PASS, [row[:-1] for row in rows], right=(0, 3)), idle)


def _row(lever: Mapping[str, Any]) -> list[RenderableType]:
    performance = lever["becomes"]["performance"]
    return [
        Text(figures.money(lever["savesUsd"]), style=layout.GOOD),
        Text.assemble((lever["change"], layout.STRONG), (f"\n{lever['caveat']}", layout.LABEL)),
        _becomes(lever["becomes"]),
        figures.milliseconds(performance["ttftP95Ms"]["expected"]),
        figures.milliseconds(performance["tpotP95Ms"]["expected"]),
    ]


def _becomes(row: Mapping[str, Any]) -> str:
    return f"{row['replicas']} of {row['engine']} {row['quantization']} on {devices(row)}, {row['machineType']}"


def brief(document: Mapping[str, Any] | None) -> Iterator[RenderableType]:
    """The first three levers of each service, or of several that share a server, where there are any."""
    services: dict[str, Mapping[str, Any]] = {}
    for service in document["services"] if document else ():
        services.setdefault(service["server"] or service["service"], service)
    rows = [
        [
            Text(name, style=layout.STRONG),
            Text(figures.money(lever["savesUsd"]), style=layout.GOOD),
            lever["change"],
            lever["caveat"],
        ]
        for name, service in services.items()
        for lever in service["levers"][:BRIEF]
    ]
    if rows:
        yield layout.heading("Levers", "the largest savings, each by itself; all of them: inferstack levers")
        yield layout.table(("service", "saves $/month", "change", "what it takes away"), rows, right=(1,), fixed=(0,))
