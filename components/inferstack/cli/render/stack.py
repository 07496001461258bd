"""What services share: the cluster, its pools, add-ons, quota and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ...planning.types import NO_WAY_BELOW
from . import figures, layout
from .service import CPU, devices

SUMMARY_FROM = 2
"""Services from which a table of all of them comes first."""


def title(plan: Mapping[str, Any]) -> RenderableType:
    place = " ".join(part for part in (plan["cloud"], plan["region"]) if part)
    zones = f", zones {', '.join(plan['zones'])}" if plan["zones"] else ""
    version = f"Kubernetes {plan['kubernetesVersion']}, " if plan["kubernetesVersion"] else ""
    return Group(
        Text.assemble(("inferstack", layout.STRONG), f"  stack {plan['stack']} on {place}{zones}"),
        Text(f"{figures.plural(len(plan['services']), 'service')}, ").append_text(cost(plan["costs"])),
        Text(f"{version}cluster {plan['clusterName']}, namespace {plan['namespace']}", style=layout.LABEL),
    )


def cost(costs: Mapping[str, Any]) -> Text:
    """The one figure that everybody asks for first; never a $0.00 that only means that no price is known."""
    monthly, hourly = costs["monthlyUsd"], costs["hourlyUsd"]
    if not costs["complete"] and monthly["max"] == 0:
        return Text("cost not known")
    bound = "" if costs["complete"] else "at least "
    return Text.assemble(
        (f"{bound}{figures.money(monthly['expected'])} a month", layout.STRONG),
        f" ({figures.money(hourly['expected'])} an hour) expected, up to {figures.money(monthly['max'])}",
    )


def summary(plan: Mapping[str, Any]) -> RenderableType | None:
    """One line per service, where there are several."""
    if len(plan["services"]) < SUMMARY_FROM:
        return None
    monthly = {cost["service"]: cost["monthlyUsd"]["expected"] for cost in plan["costs"]["services"]}
    rows = [
        [
            layout.mark(service["meetsSlo"]),
            Text(service["name"], style=layout.STRONG),
            service["model"],
            f"{devices(service)}, {service['machineType']}",
            figures.span(service["replicas"]["min"], service["replicas"]["max"]),
            figures.money(monthly.get(service["name"])),
        ]
        for service in plan["services"]
    ]
    return Group(
        layout.heading("Services"),
        layout.table(["", "service", "model", "replica", "replicas", "$/month"], rows, right=(4, 5), fixed=(0, 1)),
    )


def pools(plan: Mapping[str, Any]) -> RenderableType:
    rows = [_pool_row(pool) for pool in plan["pools"]]
    system = plan["systemPool"]
    if system:
        rows.append(
            [_kind("system", system["machineType"]), "-", str(system["nodes"]), f"{system['diskGib']} GiB", "controllers, DNS and metrics"]
        )
    return Group(layout.heading("Node pools"), layout.table(["pool", "GPUs", "nodes", "disk", "carries"], rows, right=(2, 3), fixed=(1,)))


def _pool_row(pool: Mapping[str, Any]) -> list[RenderableType]:
    return [
        _kind(pool["name"], *(part for part in (pool["machineType"], pool["capacityType"], pool["reservationId"]) if part)),
        "-" if pool["gpu"] == CPU else f"{pool['gpusPerNode']} x {pool['gpu']}",
        figures.span(pool["nodes"]["min"], pool["nodes"]["max"]),
        f"{pool['diskGib']} GiB" if pool["managed"] else "its own",
        _carries(pool),
    ]


def _kind(name: str, *kind: str) -> Text:
    return Text.assemble((name, layout.STRONG), (f"\n{', '.join(kind)}", layout.LABEL))


def _carries(pool: Mapping[str, Any]) -> Text:
    text = Text(", ".join(pool["services"]))
    if pool["idleShare"] > 0:
        text.append(f"; {figures.percent(pool['idleShare'])} idle at most nodes", style=layout.CAUTION)
    return text if pool["managed"] else text.append("; existing nodes", style=layout.LABEL)


def volumes(plan: Mapping[str, Any]) -> RenderableType | None:
    """What the stack shares beside nodes; None where it has no volume."""
    if not plan["volumes"]:
        return None
    rows = [
        [_kind(volume["name"], *_bought(volume)), _room(volume), f"{volume['storedGib']:,.0f} GiB", _users(volume)]
        for volume in plan["volumes"]
    ]
    return Group(layout.heading("Volumes"), layout.table(["volume", "size", "weights", "services"], rows, right=(1, 2), fixed=(0,)))


def _bought(volume: Mapping[str, Any]) -> Iterator[str]:
    yield volume["kind"] if volume["storageClass"] is None else f"storage class {volume['storageClass']}"
    if volume["throughput"] is not None:
        yield f"{volume['throughput']:,} MB/s per TiB"
    if volume["zone"] is not None:
        yield volume["zone"]


def _room(volume: Mapping[str, Any]) -> str:
    return "grows" if volume["sizeGib"] is None else f"{volume['sizeGib']:,} GiB"


def _users(volume: Mapping[str, Any]) -> Text:
    return Text(", ".join(volume["services"])) if volume["services"] else Text("none", style=layout.CAUTION)


def addons(plan: Mapping[str, Any]) -> RenderableType:
    rows = [
        [layout.mark(True) if addon["installed"] else Text("-", style=layout.LABEL), addon["name"], addon["version"], addon["reason"]]
        for addon in plan["addons"]
    ]
    parts: list[RenderableType] = [layout.heading("Add-ons"), layout.table(["", "add-on", "version", "reason"], rows, fixed=(0, 1, 2))]
    if plan["driverNote"]:
        parts.append(layout.indented(Text(plan["driverNote"])))
    return Group(*parts)


def quota(plan: Mapping[str, Any]) -> RenderableType | None:
    if not plan["quota"]:
        return None
    rows = [[need["name"], _needed(need), need["where"], need["note"] or ""] for need in plan["quota"]]
    return Group(layout.heading("Quota that the cloud must grant"), layout.table(["quota", "needed", "where", "note"], rows, right=(1,)))


def _needed(need: Mapping[str, Any]) -> str:
    return f"{figures.count(need['amount'])} {need['unit'].removesuffix('s') if need['amount'] == 1 else need['unit']}"


def warnings(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The stack's own warnings, and what the budget says; last, where they are seen."""
    if plan["warnings"]:
        yield layout.heading("Warnings")
        yield layout.notes(plan["warnings"])
    if plan["overBudget"]:
        yield layout.heading("Budget", "exceeded", layout.BAD)
        yield layout.notes(plan["overBudget"], layout.BAD, "✗")
        yield layout.notes(_ways(plan["waysBelow"]), layout.LABEL, "→")


def _ways(ways: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The cheapest plans below the budget."""
    for way in ways:
        slo = "" if way["keepsSlo"] else ", and misses an SLO"
        yield f"{way['change']}: {figures.money(way['monthlyUsd'])} a month, {figures.money(way['savesMonthlyUsd'])} less{slo}"
    if not ways:
        yield NO_WAY_BELOW
