"""The report of a simulation: latencies against targets, their distribution, and load against latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout

BAR_CELLS = 30
EIGHTHS = " ▏▎▍▌▋▊▉"
NAMES = {"ttft": "TTFT", "tpot": "TPOT"}
OF_ONE_PASS = {"ttft": "latency"}
"""Without decode the first token is the answer."""
OF_ONE_TOKEN = {"ttft": "TTFT"}
"""Answers of a single token have no time per token after the first."""

BALANCED = {
    "random": "each request to any of them, as a Service does",
    "two-choices": "each request to the emptier of two",
    "round-robin": "in turn",
    "least-outstanding": "each request to the emptiest",
}


def names_of(service: Mapping[str, Any]) -> Mapping[str, str]:
    """The latencies that a service has, and what they are called."""
    if service["task"] != "generate":
        return OF_ONE_PASS
    return NAMES if service["tpotMs"]["p99"] else OF_ONE_TOKEN


def simulation_report(document: Mapping[str, Any]) -> RenderableType:
    """All services of a simulation document."""
    return Group(*(part for service in document["services"] for part in _service(service)))


def _service(service: Mapping[str, Any]) -> Iterator[RenderableType]:
    verdict = ("✓ the plan holds", layout.GOOD) if service["holds"] else ("✗ the plan does not hold", layout.BAD)
    stated = any(promise["targetMs"] is not None for promise in service["promises"])
    yield layout.heading(service["service"], *(verdict if stated else ("no SLO stated", layout.LABEL)))
    yield layout.facts(_facts(service))
    yield layout.subheading("Latency of requests, after a warm-up")
    yield _latencies(service)
    for metric, name in names_of(service).items():
        yield layout.subheading(f"Requests by {name}")
        yield _histogram(service[f"{metric}Histogram"])
    if service["knee"]:
        yield layout.subheading("Load against latency, p95 drawn")
        yield _knee(service)
        yield Text()
        yield layout.notes(_conclusion(service), style=layout.LABEL, sign="·")


def _facts(service: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType]]:
    yield "Traffic", f"{service['requests']:,} requests at {figures.rate(service['rps'])}, {service['traffic']}{_seed(service)}"
    generates = service["task"] == "generate"
    written = f", {service['osl']:,} out" if generates else ""
    yield "Lengths", f"{service['isl']:,} tokens in{written} on average"
    balancer = f", {BALANCED[service['policy']]}" if service["replicas"] > 1 else ""
    yield "Replicas", f"{service['replicas']}{balancer}"
    name, rate = ("Output", "outputTps") if generates else ("Input", "inputTps")
    yield name, f"{figures.token_rate(service[rate])}, {figures.plural(service['preemptions'], 'preemption')}"
    if service["refused"]:
        yield "Refused", f"{figures.plural(service['refused'], 'request')} longer than the planned context, left out"


def _seed(service: Mapping[str, Any]) -> str:
    return "" if service["seed"] is None else f", seed {service['seed']}"


def _latencies(service: Mapping[str, Any]) -> RenderableType:
    promises = {promise["metric"]: promise for promise in service["promises"]}
    names = names_of(service)
    rows = [[name, *_percentiles(service[f"{metric}Ms"]), *_promised(promises[metric])] for metric, name in names.items()]
    if names is NAMES:
        rows.append(["E2E", *_percentiles(service["e2eMs"]), "", "", ""])
    columns = ["", "p50", "p90", "p95", "p99", "closed form p95", "low – high", "SLO p95"]
    return layout.table(columns, rows, right=(1, 2, 3, 4, 5, 6), fixed=(0,))


def _percentiles(found: Mapping[str, float]) -> list[RenderableType]:
    return [figures.milliseconds(found[name]) for name in ("p50", "p90", "p95", "p99")]


def _promised(promise: Mapping[str, Any]) -> list[RenderableType]:
    closed, target = promise["closedForm"], promise["targetMs"]
    kept = target is None or promise["simulatedMs"] <= target
    verdict = Text("none") if target is None else Text.assemble(layout.mark(kept), f" ≤ {figures.milliseconds(target)}")
    return [figures.milliseconds(closed["expected"]), figures.band(closed, figures.milliseconds), verdict]


def _histogram(histogram: Mapping[str, Any]) -> RenderableType:
    """One bar for each range of latency; the last range is open."""
    edges, counts = histogram["edgesMs"], histogram["counts"]
    total, most = sum(counts) or 1, max(counts) or 1
    rows = [
        [
            f"{figures.milliseconds(edges[index])} and more" if index == len(counts) - 1 else f"from {figures.milliseconds(edges[index])}",
            bar(count / most),
            f"{count / total * 100:.1f} %",
        ]
        for index, count in enumerate(counts)
    ]
    return layout.table(["", "", "requests"], rows, right=(0, 2), fixed=(1,))


def bar(share: float) -> Text:
    """A bar of at most `BAR_CELLS` cells, drawn to an eighth of a cell."""
    whole, eighth = divmod(round(max(0.0, min(1.0, share)) * BAR_CELLS * 8), 8)
    return Text(("█" * whole + (EIGHTHS[eighth] if eighth else "")).ljust(BAR_CELLS), style="cyan")


def _knee(service: Mapping[str, Any]) -> RenderableType:
    points: Sequence[Mapping[str, Any]] = service["knee"]
    names = names_of(service)
    top = {metric: _scale(service, metric) for metric in names}
    columns = ["req/s", "load"]
    rows: list[list[RenderableType]] = [[figures.count(round(point["rps"], 2)), figures.percent(point["share"])] for point in points]
    for metric, name in names.items():
        shown = ("p50", "p95", "p99") if metric == "ttft" else ("p50", "p95")
        columns += [f"{name} p50", *shown[1:], ""]
        for row, point in zip(rows, points, strict=True):
            found = point[f"{metric}Ms"]
            row += [*(figures.milliseconds(found[each]) for each in shown), _short_bar(found["p95"] / top[metric])]
    for row, point in zip(rows, points, strict=True):
        row.append(layout.mark(point["holds"]))
    columns.append("")
    bars = tuple(index for index, title in enumerate(columns) if not title)
    return layout.table(columns, rows, right=tuple(index for index in range(len(columns)) if index not in bars), fixed=bars)


def _scale(service: Mapping[str, Any], metric: str) -> float:
    """What a full bar stands for: the target, or eight times the lightest load's p95 where there is none."""
    target = next(promise["targetMs"] for promise in service["promises"] if promise["metric"] == metric)
    return target if target is not None else 8 * service["knee"][0][f"{metric}Ms"]["p95"]


def _short_bar(share: float) -> Text:
    """Eight cells, full at 1; what is beyond is marked."""
    cells = min(8, round(share * 8))
    return Text("█" * cells + " " * (8 - cells) + ("›" if share > 1 else " "), style="cyan" if share <= 1 else layout.BAD)


def _conclusion(service: Mapping[str, Any]) -> Iterator[str]:
    stated = any(promise["targetMs"] is not None for promise in service["promises"])
    held, planned = service["holdsUpToRps"], service["rps"]
    if not stated:
        yield f"every slot is taken at {figures.rate(round(service['saturatedRps'], 2))}; bars end at eight times the first p95"
    elif held is None:
        yield "the targets do not hold at the lightest of these loads"
    else:
        yield (
            f"the targets hold up to {figures.rate(round(held, 2))}, {held / planned:.1f} times this traffic; "
            f"every slot is taken at {figures.rate(round(service['saturatedRps'], 2))}; a full bar is the target"
        )
