"""Before and after as text, the same in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import figures

CPU = "CPU"
ARROW = " → "
NONE = "–"


def both(base: str, head: str) -> str:
    """`a → b`, or the one where both are the same."""
    return head if base == head else f"{base}{ARROW}{head}"


def money(sides: Mapping[str, float | None]) -> str:
    return both(_money(sides["base"]), _money(sides["head"]))


def _money(usd: float | None) -> str:
    return NONE if usd is None else figures.money(usd)


def change(sides: Mapping[str, float | None]) -> str:
    """`+$125.45`, `-$3.00`; `no change` where both sides are shown alike; unknown where one is."""
    delta = sides["delta"]
    if delta is None:
        return figures.UNKNOWN
    return signed(delta) if moves(sides) else "no change"


def signed(delta: float) -> str:
    """`+$125.45`, `-$3.00`."""
    return f"{'+' if delta > 0 else ''}{figures.money(delta)}"


def moves(sides: Mapping[str, float | None]) -> bool:
    """True where a reader sees two amounts and not one: small ones are shown with more digits."""
    return bool(sides["delta"]) and _money(sides["base"]) != _money(sides["head"])


def share(sides: Mapping[str, float | None]) -> str:
    """How much that is of the base: `+21 %`; empty where there is none."""
    base, delta = sides["base"], sides["delta"]
    if not base or delta is None or not moves(sides):
        return ""
    percent = abs(delta) / base * 100
    return f"{'+' if delta > 0 else '-'}{percent:.0f} %" if percent >= 0.5 else "below 1 %"


def hardware(sides: Mapping[str, Mapping[str, Any] | None]) -> str:
    """`l4 ×1 → l4 ×4`."""
    return both(_hardware(sides["base"]), _hardware(sides["head"]))


def _hardware(side: Mapping[str, Any] | None) -> str:
    if side is None:
        return NONE
    return f"{CPU if not side['gpusPerReplica'] else side['gpu']} ×{side['count']}"


def latencies(services: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """What is said of all of them: its key, and its name. What generates nothing has the latency of its answer, in place of TTFT."""
    generating = [any(service["tpotP95Ms"].values()) for service in services]
    if not any(generating):
        return {"ttftP95Ms": "latency p95"}
    return {"ttftP95Ms": "TTFT p95" if all(generating) else "TTFT or latency p95", "tpotP95Ms": "TPOT p95"}


def latency(sides: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Expected values, and whether the newer one keeps its target: `375 ms → 366 ms ✓ ≤ 3,000 ms`."""
    head = sides["head"]
    text = both(*(NONE if side is None else figures.milliseconds(side["expected"]) for side in (sides["base"], head)))
    if head is None or head["target"] is None:
        return text
    return f"{text} {'✓ ≤' if head['kept'] else '✗ >'} {figures.milliseconds(head['target'])}"


def bands(sides: Mapping[str, Mapping[str, Any] | None]) -> str:
    """From low to high, and how well that is known."""
    shown = [sides["base"], sides["head"]]
    text = both(*(NONE if side is None else figures.band(side, figures.milliseconds) for side in shown))
    known = [side["provenance"] for side in shown if side is not None and side["provenance"]]
    return f"{text}, {known[-1]}" if known else text


def headroom(sides: Mapping[str, float | None]) -> str:
    """What is left above the planned peak."""
    return both(*(NONE if sides[side] is None else figures.percent(sides[side] or 0.0) for side in ("base", "head")))


def why(cause: Mapping[str, Any]) -> str:
    """What moved a line: its quantity, its price, or both; new and gone lines say so."""
    quantity, price, unit = cause["quantity"], cause["unitPriceUsd"], cause["unit"]
    if cause["baseUsd"] is None or cause["headUsd"] is None:
        side = "head" if cause["baseUsd"] is None else "base"
        measured = f"{_count(quantity[side])} {unit} × {figures.unit_price(price[side])}"
        return f"{'new' if side == 'head' else 'gone'}: {measured}"
    parts: list[str] = []
    if quantity["base"] != quantity["head"]:
        parts.append(f"{_count(quantity['base'])}{ARROW}{_count(quantity['head'])} {unit}")
    if price["base"] != price["head"]:
        parts.append(f"{figures.unit_price(price['base'])}{ARROW}{figures.unit_price(price['head'])} per {unit}")
    return ", ".join(parts)


def _count(quantity: float | None) -> str:
    return "by use" if quantity is None else figures.count(quantity)


def headline(document: Mapping[str, Any]) -> str:
    """`+$125.45 a month (+21 %), to $711.19`."""
    expected = document["monthlyUsd"]["expected"]
    if not document["head"]["exists"]:
        return f"is removed: {change(expected)} a month"
    part = share(expected)
    bound = "" if document["complete"]["head"] else "at least "
    total = f"{bound}{figures.money(expected['head'])}"
    if not document["base"]["exists"]:
        return f"is new: {total} a month"
    if not moves(expected):
        most = document["monthlyUsd"]["max"]
        ceiling = f", at most {change(most)}, to {figures.money(most['head'])}" if moves(most) else ""
        return f"costs the same: {total} a month{ceiling}"
    return f"{change(expected)} a month{f' ({part})' if part else ''}, to {total}"


def direction(document: Mapping[str, Any]) -> float:
    """Above 0 where the stack costs more, below where less: as expected, and where that is the same at most."""
    points = (document["monthlyUsd"][point] for point in ("expected", "max"))
    return next((point["delta"] for point in points if moves(point)), 0.0)


def stack_name(document: Mapping[str, Any]) -> str:
    return document["head"]["stack"] or document["base"]["stack"] or "?"


def sides(document: Mapping[str, Any]) -> str:
    """What was compared, and how far it can be."""
    saved = any(document[side]["saved"] for side in ("base", "head"))
    how = "a saved plan keeps the release and the prices of its day" if saved else "both planned with this release and its prices"
    return f"{document['base']['label']}{ARROW}{document['head']['label']}; {how}"
