"""The report of a comparison: a verdict, the offers, the curve over load, and what the comparison does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout
from .chart import chart

TITLES = {
    "same": "The same model",
    "comparable": "Open models of about its size",
    "closed": "Closed models",
}
MOST_ROWS = 7
"""Offers of a kind that a page shows; `--json` has all."""
WELL_KNOWN = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-6-luna",
    "gpt-6-sol",
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "gemini-2.5-pro",
    "gemini-3.8-flash",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "gemini-embedding-001",
    "voyage-4",
    "voyage-4-lite",
    "embed-v4.0",
    "mistral-embed",
    "amazon.titan-embed-text-v2:0",
    "rerank-3",
    "rerank-2.5",
)
"""Closed models that a page shows."""
CURVE_STEP = 4
"""Every fourth point of the curve is in the table: two per factor of ten."""


def comparison_report(document: Mapping[str, Any]) -> RenderableType:
    """All services of a comparison document."""
    assumed = document["assumptions"]
    shares = ((assumed["cachedShare"], "of the input from a prompt cache"), (assumed["batchShare"], "of the requests in batches"))
    given = ", ".join(f"{figures.percent(share)} {what}" for share, what in shares if share)
    title = Text.assemble(("inferstack", layout.STRONG), f"  stack {document['stack']}: self-host or API")
    parts: list[RenderableType] = [title]
    if given:
        parts.append(Text(f"APIs with {given}", style=layout.LABEL))
    return Group(*parts, *(part for service in document["services"] for part in _service(service)))


def _service(service: Mapping[str, Any]) -> Iterator[RenderableType]:
    request = service["request"]
    written = f" in and {request['osl']:,} out" if request["osl"] else ""
    yield layout.heading(service["service"], f"{service['model']}, {request['isl']:,} tokens{written} per request")
    yield layout.facts(_facts(service))
    yield layout.notes(service["verdict"], layout.TITLE, "→")
    yield from _offers(service["offers"])
    yield layout.subheading("Over load, replicas planned anew")
    yield _curve(service["curve"])
    yield Text()
    yield chart([point["dailyUsers"] for point in service["curve"]], service["series"])
    yield layout.subheading("What this does not know")
    yield layout.notes(service["limits"], layout.LABEL, "-")


def _facts(service: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType]]:
    own = service["own"]
    yield (
        "Load",
        f"{figures.large(own['tokensPerDay'])} tokens a day, {figures.large(own['requestsPerDay'])} requests, "
        f"{figures.large(own['dailyUsers'])} users of {figures.large(service['tokensPerUser'])} tokens",
    )
    yield "Self-hosted", _own(own)


def _own(own: Mapping[str, Any]) -> Text:
    if own["monthlyUsd"] is None:
        return Text(f"cost unknown: {own['problem']}", style=layout.CAUTION)
    return Text.assemble(
        (f"{figures.money(own['monthlyUsd'])} a month", layout.STRONG),
        f", {figures.money(own['usdPerMillionTokens'])} per million tokens, {_machines(own)}, {figures.percent(own['utilisation'])} busy",
    )


def _machines(load: Mapping[str, Any]) -> str:
    devices = "CPU" if not load["gpusPerReplica"] else f"{load['gpusPerReplica']} x {load['gpu']}"
    return f"{figures.plural(load['replicas'], 'replica')} of {devices} at most"


def _offers(offers: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    remarks: list[str] = []
    for kind, title in TITLES.items():
        of_kind = [offer for offer in offers if offer["kind"] == kind]
        shown = [offer for offer in of_kind if offer["model"] in WELL_KNOWN] if kind == "closed" else of_kind[:MOST_ROWS]
        if not of_kind:
            continue
        more = f"; {len(of_kind) - len(shown)} more with --json" if len(of_kind) > len(shown) else ""
        yield layout.subheading(f"{title}: $ per million tokens in and out, $ per month at this load{more}")
        columns = ("host, model", "in", "out", "$/month", "self-hosting", "from users", "as of")
        yield layout.table(columns, [_offer(offer, remarks) for offer in shown], right=(1, 2, 3, 4, 5), fixed=(6,))
    if remarks:
        yield Text()
        yield layout.facts((f"[{number}]", remark) for number, remark in enumerate(remarks, 1))


def _offer(offer: Mapping[str, Any], remarks: list[str]) -> list[RenderableType]:
    """The row of an offer; what is to be said of it is added to `remarks`, once."""
    remarks += [note for note in offer["notes"] if note not in remarks]
    references = "".join(f" [{remarks.index(note) + 1}]" for note in offer["notes"])
    ratio, first = offer["ownOverApi"], offer["paysFrom"]
    return [
        Text(f"{offer['host']} ", style=layout.STRONG).append(offer["name"].rsplit("/", 1)[-1], style="not bold"),
        figures.unit_price(offer["inputUsd"]),
        figures.unit_price(offer["outputUsd"]) if offer["outputUsd"] else "–",
        Text(figures.money(offer["monthlyUsd"]), style=layout.STRONG),
        figures.UNKNOWN
        if ratio is None
        else Text(f"{ratio:,.2g}x" if ratio < 100 else f"{ratio:,.0f}x", layout.GOOD if ratio <= 1 else ""),
        figures.UNKNOWN if ratio is None else "never" if first is None else figures.about(first["dailyUsers"]),
        Text(offer["asOf"]).append(references, style=layout.LABEL),
    ]


def _curve(points: Sequence[Mapping[str, Any]]) -> RenderableType:
    rows = [
        [
            figures.about(point["dailyUsers"]),
            f"{figures.about(point['tokensPerDay'])} tok",
            _cost(point),
            *_plan(point),
        ]
        for point in points[::CURVE_STEP]
    ]
    made = layout.table(("daily users", "a day", "$/month", "replicas", "busy", "on"), rows, right=(0, 1, 2, 3, 4))
    unplanned = next((point for point in points if point["replicas"] is None), None)
    if unplanned is None:
        return made
    return Group(made, layout.notes([f"from {figures.about(unplanned['dailyUsers'])} daily users: {unplanned['problem']}"]))


def _cost(point: Mapping[str, Any]) -> str:
    if point["monthlyUsd"] is not None:
        return figures.money(point["monthlyUsd"])
    return "no plan" if point["replicas"] is None else figures.UNKNOWN


def _plan(point: Mapping[str, Any]) -> tuple[str, str, str]:
    if point["replicas"] is None:
        return "", "", ""
    devices = "" if not point["gpusPerReplica"] else f"{point['gpusPerReplica']} x {point['gpu']}, "
    return f"{point['replicas']:,}", figures.percent(point["utilisation"]), f"{devices}{point['machineType']}"
