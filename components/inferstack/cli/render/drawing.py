"""A simulation as a drawing: SVG, alone or in a page that loads nothing. Load against latency, and the share of requests within it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from . import figures
from .simulation import NAMES, names_of

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 88, 20, 44, 46
LINES = (("p50", "#6aaed6"), ("p95", "#2171b5"), ("p99", "#08306b"))
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:14px}.axis,.grid{stroke:#ddd}"
    ".target{stroke:#c0392b;stroke-dasharray:5 4}.planned{stroke:#888;stroke-dasharray:2 3}"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body{{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1000px;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse}}td,th{{padding:.2rem .9rem .2rem 0;text-align:right}}td:first-child,th:first-child{{text-align:left}}
svg{{max-width:100%;height:auto}}
</style></head><body><h1>{title}</h1>
{body}</body></html>
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where one chart stands, and how its values become positions."""

    x: float
    y: float
    most_x: float
    place: Callable[[float], float]
    """Share of the height, from the bottom, of a value."""

    def across(self, value: float) -> float:
        return self.x + LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, value / self.most_x)

    def up(self, value: float) -> float:
        return self.y + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, self.place(value)))


def drawing(document: Mapping[str, Any], page: bool) -> str:
    """The charts of every service of a simulation document, as one SVG or as a page with its figures."""
    if not page:
        return _svg(document["services"])
    parts: list[str] = []
    for service in document["services"]:
        verdict = "the plan holds" if service["holds"] else "the plan does not hold"
        parts.append(f"<h2>{escape(service['service'])}: {verdict}</h2>\n<p>{escape(_summary(service))}</p>\n{_table(service)}\n")
        parts.append(_svg([service]))
    return PAGE.format(title=f"Simulation of stack {escape(document['stack'])}", body="".join(parts))


def _summary(service: Mapping[str, Any]) -> str:
    replicas = figures.plural(service["replicas"], "replica")
    written = f" and {service['osl']:,} out" if service["osl"] else ""
    return (
        f"{service['requests']:,} requests at {figures.rate(service['rps'])} over {replicas}: {service['traffic']}, "
        f"{service['isl']:,} tokens in{written} on average."
    )


def _table(service: Mapping[str, Any]) -> str:
    targets = {promise["metric"]: promise["targetMs"] for promise in service["promises"]}
    columns = ("p50", "p90", "p95", "p99")
    names = names_of(service)
    shown = [(name, f"{metric}Ms", targets[metric]) for metric, name in names.items()]
    if names is NAMES:
        shown.append(("E2E", "e2eMs", None))
    head = "".join(f"<th>{name}</th>" for name in ("", *columns, "SLO p95"))
    rows = "".join(
        f"<tr><td>{name}</td>{''.join(f'<td>{figures.milliseconds(service[key][column])}</td>' for column in columns)}"
        f"<td>{'' if target is None else figures.milliseconds(target)}</td></tr>"
        for name, key, target in shown
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _svg(services: Sequence[Mapping[str, Any]]) -> str:
    rows = [service for service in services if service["knee"]]
    height = 2 * HEIGHT * max(1, len(rows))
    body = "".join("".join(_charts(service, 2 * HEIGHT * index)) for index, service in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {height}" width="{2 * WIDTH}" height="{height}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n'
    )


def _charts(service: Mapping[str, Any], y: float) -> Iterator[str]:
    for column, metric in enumerate(names_of(service)):
        target = next(promise["targetMs"] for promise in service["promises"] if promise["metric"] == metric)
        yield from _knee(service, metric, target, WIDTH * column, y)
        yield from _share(service, metric, target, WIDTH * column, y + HEIGHT)


def _knee(service: Mapping[str, Any], metric: str, target: float | None, x: float, y: float) -> Iterator[str]:
    """Latency, on a logarithmic scale, over requests per second: three percentiles, the target, and the planned load."""
    points = service["knee"]
    values = [point[f"{metric}Ms"][name] for point in points for name, _ in LINES if point[f"{metric}Ms"][name] > 0]
    values += [target] if target else []
    least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    span = max(1, most - least)
    frame = Frame(x, y, points[-1]["rps"], lambda value: (math.log10(value) - least) / span)
    yield _title(frame, f"{service['service']}: {names_of(service)[metric]} by load", "requests per second")
    for power in range(least, least + span + 1):
        yield _level(frame, 10.0**power, figures.milliseconds(10.0**power))
    yield from _ticks(frame, [points[-1]["rps"] * part / 4 for part in range(5)], lambda value: f"{value:.3g}")
    if target is not None:
        yield _line(frame, [(0, target), (frame.most_x, target)], "target")
    planned = frame.across(service["rps"])
    yield f'<line class="planned" x1="{planned:.1f}" x2="{planned:.1f}" y1="{frame.y + TOP}" y2="{frame.y + HEIGHT - BOTTOM}"/>'
    for index, (name, colour) in enumerate(LINES):
        path = " ".join(
            f"{frame.across(p['rps']):.1f},{frame.up(p[f'{metric}Ms'][name]):.1f}" for p in points if p[f"{metric}Ms"][name] > 0
        )
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield f'<text x="{x + LEFT + 8 + 44 * index}" y="{y + TOP + 12}" style="fill:{colour}">{name}</text>'


def _share(service: Mapping[str, Any], metric: str, target: float | None, x: float, y: float) -> Iterator[str]:
    """Share of requests over latency, at the planned load."""
    edges, counts = service[f"{metric}Histogram"]["edgesMs"], service[f"{metric}Histogram"]["counts"]
    total = sum(counts) or 1
    most = edges[-1] if target is None else max(edges[-1], min(target, 2 * edges[-1]))
    frame = Frame(x, y, most, lambda value: value)
    yield _title(frame, f"{service['service']}: requests within a {names_of(service)[metric]}", "milliseconds")
    for part in range(0, 101, 25):
        yield _level(frame, part / 100, f"{part} %")
    yield from _ticks(frame, [most * part / 4 for part in range(5)], lambda value: figures.count(round(value)))
    reached, path = 0, [(edges[0], 0.0)]
    for edge, count in zip(edges[1:], counts, strict=True):
        reached += count
        path.append((edge, reached / total))
    corners = " ".join(f"{frame.across(at):.1f},{frame.up(part):.1f}" for at, part in path)
    yield f'<polyline points="{corners}" fill="none" stroke="{LINES[1][1]}" stroke-width="2"/>'
    if target is not None and target <= most:
        yield _line(frame, [(target, 0), (target, 1)], "target")


def _title(frame: Frame, title: str, axis: str) -> str:
    middle = frame.x + LEFT + (WIDTH - LEFT - RIGHT) / 2
    return (
        f'<text class="title" x="{frame.x + LEFT}" y="{frame.y + 26}">{escape(title)}</text>'
        f'<text x="{middle:.1f}" y="{frame.y + HEIGHT - 10}" text-anchor="middle">{axis}</text>'
    )


def _level(frame: Frame, value: float, label: str) -> str:
    at = frame.up(value)
    return (
        f'<line class="grid" x1="{frame.x + LEFT}" x2="{frame.x + WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{frame.x + LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _ticks(frame: Frame, values: Sequence[float], spell: Callable[[float], str]) -> Iterator[str]:
    for value in values:
        yield f'<text x="{frame.across(value):.1f}" y="{frame.y + HEIGHT - BOTTOM + 16}" text-anchor="middle">{spell(value)}</text>'


def _line(frame: Frame, ends: Sequence[tuple[float, float]], kind: str) -> str:
    (x1, y1), (x2, y2) = ((frame.across(at), frame.up(value)) for at, value in ends)
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'
