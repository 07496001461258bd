"""One service of the plan: what runs, how well, why, and what was turned down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout

CPU = "cpu"
GENERATE = "generate"
"""Task of a service that writes tokens; the others answer after one pass."""
SHOWN_ABOVE = ("modelUri",)
"""Decisions that the facts show with their reason."""
PLACES = {"hf": "the hub", "s3": "S3", "gs": "Cloud Storage", "pvc": "a shared volume", "oci": "an image"}
"""Places by what people call them; volumes of the stack by the kind that its file names."""
BAR_CELLS = 40
BAR_PARTS = (
    ("weights", "weightsGib", "█", "cyan"),
    ("beside them", "addedGib", "▒", "yellow"),
    ("activations and runtime", "", "▓", "magenta"),
    ("KV cache", "kvGib", "░", "green"),
)
SIGNALS = {
    "none": "fixed",
    "schedule": "as scheduled",
    "own": "scales itself on requests in flight",
    "cpu": "scales on CPU use ({cpuPercent} % of the request)",
    "requests": "none while nobody asks, then by requests in flight ({inFlightPerReplica} per replica)",
    "queue": "scales on waiting requests ({waitingPerReplica} per replica){kv}",
}
ROLLOUTS = {"surge": "a spare replica starts before one goes", "recreate": "one replica goes before its successor comes"}


def service_section(service: Mapping[str, Any]) -> RenderableType:
    """Everything that the plan says of one service."""
    parts: list[RenderableType] = [
        layout.heading(service["name"], *_verdict(service)),
        layout.facts(_facts(service)),
        layout.subheading(f"At {figures.rate(service['performance']['loadRps'])} per replica, the planned peak"),
        _performance(service),
        layout.subheading("Why"),
        _decisions(service["decisions"]),
    ]
    if service["alternatives"]:
        parts += [layout.subheading("Turned down"), _alternatives(service["alternatives"], service["task"] == GENERATE)]
    if service["warnings"]:
        parts += [Text(), layout.notes(service["warnings"])]
    return Group(*parts)


def _verdict(service: Mapping[str, Any]) -> tuple[str, str]:
    """What the heading says of the SLO, and its style."""
    if all(target is None for target in service["slo"].values()):
        return "no SLO stated", layout.LABEL
    return ("✓ keeps its SLO", layout.GOOD) if service["meetsSlo"] else ("✗ misses its SLO", layout.BAD)


def devices(service: Mapping[str, Any]) -> str:
    """`2 x h200`, or `CPU`."""
    return "CPU" if service["gpu"] == CPU else f"{service['gpusPerReplica']} x {service['gpu']}"


def _facts(service: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType]]:
    workload = service["workload"]
    yield "Serves", _headline(service)
    yield "Weights", _checkpoint(service["checkpoint"])
    if service["copy"] is not None:
        yield "Copied from", _copied(service["copy"])
    written = f"{workload['osl']:,} out, " if workload["osl"] else ""
    yield (
        "Traffic",
        f"{figures.rate(workload['meanRps'])} mean, {figures.count(workload['peakRps'])} at peak, {workload['isl']:,} tokens in, "
        f"{written}{figures.count(workload['activeHours'])} h a day",
    )
    yield "Replicas", _replicas(service["replicas"], service["scaling"])
    sequences = figures.plural(service["maxSequences"], "sequence")
    kept = f", KV cache in {service['kvDtype']}" if service["task"] == GENERATE else ""
    groups = f"in each of {service['dataParallel']} groups " if service["dataParallel"] > 1 else ""
    yield "Batch", f"{groups}up to {sequences} of up to {service['context']:,} tokens{kept}"
    yield "Memory", _memory(service["memory"])
    if service["networkTpotMs"]:
        yield "Network", _network(service)
    yield "Cold start", _cold_start(service)
    if others := [source for source in service["sources"] if not source["chosen"]]:
        yield "Or from", Text("; ".join(map(_source, others)), style=layout.LABEL)
    yield "Rollout", ROLLOUTS[service["rollout"]]
    if service["server"] is not None:
        yield "Server", f"{service['server']}, which other services share"
    yield "Endpoint", _endpoint(service)
    yield from _additions(service)


def _additions(service: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType]]:
    """What the service has beside its model."""
    added = service["additions"]
    if (adapters := added["adapters"]) is not None:
        names = ", ".join(service["endpoint"]["models"][1:])
        yield "Adapters", f"{names}: {adapters['slots']} of {adapters['count']} on the GPU at once, rank up to {adapters['rank']}"
    if (images := added["images"]) is not None:
        yield "Images", f"{figures.count(images['perRequest'])} in a request, at most {images['most']}, {images['tokens']:,} tokens each"
    if (draft := added["draft"]) is not None:
        gain = "no gain counted" if draft["acceptance"] is None else f"{figures.percent(draft['acceptance'])} of them accepted"
        yield "Speculation", f"{figures.plural(draft['tokens'], 'token')} proposed in each step by {draft['source']}, {gain}"


def _endpoint(service: Mapping[str, Any]) -> str:
    endpoint = service["endpoint"]
    asked = "" if service["task"] == GENERATE else f", {service['task']} at {' and '.join(endpoint['routes'])}"
    named = "" if endpoint["models"][0] == service["name"] else f", model {endpoint['models'][0]}"
    return f"{endpoint['url']} ({endpoint['kind']}){asked}{named}, timeout {figures.duration(service['timeoutSeconds'])}"


def _source(source: Mapping[str, Any]) -> str:
    """Another place of the weights: how soon a replica answers with it, and what keeping them there costs."""
    cost = "price unknown" if source["monthlyUsd"] is None else f"{figures.money(source['monthlyUsd'])} a month"
    kept = f", {cost}" if source["place"] != "hf" else ""
    named = f" {source['volume']}" if source["volume"] else ""
    place = PLACES.get(source["place"], source["place"])
    return f"{place}{named} ({source['way']}) {figures.duration(source['coldStartSeconds']['expected'])}{kept}"


def _cold_start(service: Mapping[str, Any]) -> Text:
    seconds = service["coldStartSeconds"]
    text = Text(f"{figures.duration(seconds['expected'])} ({figures.band(seconds, figures.duration)}), ")
    text.append_text(layout.provenance(seconds["provenance"]))
    parts = ", ".join(f"{part['name']} {figures.duration(part['seconds']['expected'])}" for part in service["coldStartParts"])
    return text.append(f": {parts}", style=layout.LABEL)


def _headline(service: Mapping[str, Any]) -> Text:
    engine = service["engine"]
    return Text.assemble(
        (service["model"], layout.STRONG),
        f" in {service['checkpoint']['quantization']} with {engine['name']} {engine['version']} on ",
        (f"{devices(service)}, {_machines(service)}", layout.STRONG),
        f", {service['capacityType']}",
    )


def _machines(service: Mapping[str, Any]) -> str:
    count = service["machinesPerReplica"]
    return service["machineType"] if count == 1 else f"{count} x {service['machineType']}"


def _network(service: Mapping[str, Any]) -> Text:
    """What joins the machines of a replica, and what it costs."""
    added = service["networkTpotMs"]
    joined = service["fabric"] if service["fabric"] else "not known here"
    text = Text(f"{joined}; adds {figures.milliseconds(added['expected'])} ({figures.band(added, figures.milliseconds)}) to TPOT, ")
    return text.append_text(layout.provenance(added["provenance"]))


def _checkpoint(checkpoint: Mapping[str, Any]) -> Text:
    text = Text(checkpoint["uri"])
    for key in ("file", "revision"):
        if checkpoint[key] is not None:
            text.append(f", {key} {checkpoint[key]}")
    text.append(", quantized while loading" if checkpoint["quantizedAtLoad"] else "")
    text.append(", streamed past the disk" if checkpoint["streamed"] else "")
    return text.append(f" ({checkpoint['source']})", style=layout.LABEL)


def _copied(copy: Mapping[str, Any]) -> Text:
    """What the Job copies, and how long that takes before the first replica starts."""
    seconds = copy["seconds"]
    text = Text(f"{copy['source']} by a Job, {copy['sizeGib']:,.0f} GiB, once: {figures.duration(seconds['expected'])} ")
    return text.append(f"({figures.band(seconds, figures.duration)}), ").append_text(layout.provenance(seconds["provenance"]))


def _replicas(replicas: Mapping[str, Any], scaling: Mapping[str, Any]) -> str:
    if replicas["min"] == replicas["max"]:
        return f"{replicas['max']}, fixed"
    kv = scaling["kvUsagePerReplica"]
    signal = SIGNALS[scaling["signal"]].format(**scaling, kv="" if kv is None else f" and KV cache use ({figures.percent(kv)})")
    window = scaling["window"]
    held = f"; at least {window['replicas']} from {window['start']} to {window['end']} {window['timezone']} (cron)" if window else ""
    return f"{replicas['min']} to {replicas['max']}, {figures.count(replicas['expected'])} expected; {signal}{held}"


def _memory(memory: Mapping[str, Any]) -> RenderableType:
    """A bar of one device's memory, and the same in figures."""
    visible = memory["visibleGib"]
    sizes = {**memory, "": memory["activationGib"] + memory["runtimeGib"]}
    bar, legend, drawn = Text(), Text(), 0
    for name, key, cell, colour in BAR_PARTS:
        if key == "addedGib" and not memory[key]:
            continue
        cells = max(0, min(BAR_CELLS - drawn, round(sizes[key] / visible * BAR_CELLS)))
        drawn += cells
        bar.append(cell * cells, style=colour)
        kept = name if key != "kvGib" or memory["kvTokens"] else "free"
        legend.append(f"{cell} ", style=colour).append(f"{kept} {sizes[key]:.1f}  ")
    bar.append("·" * (BAR_CELLS - drawn), style=layout.LABEL)
    bar.append(f" {visible:.1f} GiB per device")
    legend.right_crop(2)
    legend.append(" GiB")
    if not memory["kvTokens"]:
        return Group(bar, legend, Text("nothing is kept after a pass; ").append_text(layout.provenance(memory["provenance"])))
    room = Text(f"{memory['kvTokens']:,} tokens of KV cache: {figures.plural(memory['maxSequences'], 'request')} of full length; ")
    return Group(bar, legend, room.append_text(layout.provenance(memory["provenance"])))


def _performance(service: Mapping[str, Any]) -> RenderableType:
    performance, slo = service["performance"], service["slo"]
    limit = Text(f"limited by {performance['limitedBy']}", style=layout.LABEL)
    generates = service["task"] == GENERATE
    latencies = (("TTFT p95", "ttftP95Ms"), ("TPOT p95", "tpotP95Ms")) if generates else (("Latency p95", "latencyP95Ms"),)
    name, tokens = ("Output per replica", "outputTps") if generates else ("Input per replica", "inputTps")
    rows = [
        *(_row(name, performance[key], figures.milliseconds, _target(performance[key], slo[key])) for name, key in latencies),
        _row("Capacity per replica", performance["capacityRps"], figures.rate, limit),
        _row(name, performance[tokens], figures.token_rate, Text("at capacity", style=layout.LABEL)),
    ]
    estimates = (performance[key] for key in (*(key for _, key in latencies), "capacityRps", tokens))
    sources = dict.fromkeys(f"{estimate['provenance']}: {estimate['source']}" for estimate in estimates)
    made = layout.table(["", "expected", "low – high", "SLO", ""], rows, right=(1, 2), fixed=(0, 3, 4))
    return Group(made, *(layout.indented(Text(source, style=layout.LABEL)) for source in sources))


def _target(estimate: Mapping[str, Any], target: float | None) -> Text:
    if target is None:
        return Text("no target", style=layout.LABEL)
    return Text.assemble(layout.mark(estimate["expected"] <= target), f" ≤ {figures.milliseconds(target)}")


def _row(name: str, estimate: Mapping[str, Any], spell: Callable[[float], str], remark: Text) -> list[RenderableType]:
    return [
        name,
        Text(spell(estimate["expected"]), style=layout.STRONG),
        figures.band(estimate, spell),
        remark,
        layout.provenance(estimate["provenance"]),
    ]


def _decisions(decisions: list[Mapping[str, Any]]) -> RenderableType:
    rows = [
        [
            decision["key"],
            Text(decision["value"], style=layout.STRONG),
            Text("pinned", style="magenta") if decision["pinned"] else Text("planned", style=layout.LABEL),
            "" if decision["pinned"] else decision["reason"],
        ]
        for decision in decisions
        if decision["key"] not in SHOWN_ABOVE
    ]
    return layout.table(["key", "value", "", "reason"], rows, fixed=(0, 2))


def _alternatives(alternatives: list[Mapping[str, Any]], generates: bool) -> RenderableType:
    rows = [
        [
            f"{item['engine']} {item['quantization']} on {devices(item)}, {item['machineType']}",
            str(item["replicas"]) if item["replicas"] else "-",
            figures.money(item["monthlyUsd"]["expected"] if item["monthlyUsd"] else None),
            *(_or_dash(item[key]) for key in (("ttftP95Ms", "tpotP95Ms") if generates else ("ttftP95Ms",))),
            item["reason"],
        ]
        for item in alternatives
    ]
    latencies = ["TTFT p95", "TPOT p95"] if generates else ["latency p95"]
    return layout.table(["placement", "replicas", "$/month", *latencies, "why not"], rows, right=(1, 2, 3, 4)[: 2 + len(latencies)])


def _or_dash(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else figures.milliseconds(milliseconds)
