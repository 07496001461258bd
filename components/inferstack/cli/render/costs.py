"""The cost tree: a walk over its lines, the sums as the document has them, and what a million tokens cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout
from .tree import guided

UNDATED = "undated"
"""What the document says in place of a date where no price has one."""
POINTS = ("min", "expected", "max")


def cost_section(costs: Mapping[str, Any], title: str = "Costs") -> RenderableType:
    """The whole estimate below `title`."""
    sources: list[str] = []
    rows = [_row(guide, line, sources) for guide, line in guided(costs["lines"]["children"], lambda line: line["children"])]
    parts: list[RenderableType] = [
        layout.heading(title, f"per month of {costs['hoursPerMonth']} hours, over the autoscaling range"),
        layout.table(("", *POINTS, ""), [*rows, *_totals(costs)], right=(1, 2, 3), fixed=(4,)),
        *_footnotes(costs, sources),
    ]
    if costs["services"]:
        parts += [layout.subheading("Per service, at the expected load: $ per month and per million tokens"), _services(costs["services"])]
    if any(cost["economics"] for cost in costs["services"]):
        title = "Machines as paid and as used, all costs per request and user, machines when full per million tokens"
        parts += [layout.subheading(title), _economics(costs["services"])]
    return Group(*parts)


def _row(guide: str, line: Mapping[str, Any], sources: list[str]) -> list[RenderableType]:
    if line["children"]:
        return [layout.hanging(guide, Text(line["name"], style=layout.STRONG)), *_amounts(line, layout.STRONG), ""]
    name = Text(line["name"]).append(f"  {', '.join(part for part in (line['note'], _measure(line)) if part)}", style=layout.LABEL)
    return [layout.hanging(guide, name), *_leaf_amounts(line), Text(_reference(line, sources), style=layout.LABEL)]


def _measure(line: Mapping[str, Any]) -> str:
    """`1,095 node-hour x $0.805`; what is billed by use shows its rate, what has no price its quantity."""
    price, quantity = _unit_price(line), line["quantity"]
    if quantity is None:
        return f"{price} per {line['unit']}" if price else ""
    if line["unitPriceUsd"] == 0 and line["unit"] == "month":
        return ""  # known to be free: the note says why, and there is nothing to multiply
    measured = f"{figures.count(quantity['expected'])} {line['unit']}"
    return f"{measured} x {price}" if price else measured


def _unit_price(line: Mapping[str, Any]) -> str:
    """The price of one unit, and the bottom of its range where it is a spot price; empty where none is known."""
    price, low = line["unitPriceUsd"], line["lowUnitPriceUsd"]
    if price is None:
        return ""
    text = figures.unit_price(price)
    return text if low is None or low == price else f"{text} (down to {figures.unit_price(low)})"


def _leaf_amounts(line: Mapping[str, Any]) -> list[RenderableType]:
    if line["unitPriceUsd"] is None:
        return ["", Text(figures.NOT_PRICED, style=layout.CAUTION), ""]
    return _amounts(line)


def _amounts(line: Mapping[str, Any], style: str = "") -> list[RenderableType]:
    if not _has_sum(line):
        return ["", "", ""]
    return [Text(figures.money(line["monthlyUsd"][point]), style=style) for point in POINTS]


def _has_sum(line: Mapping[str, Any]) -> bool:
    """False where nothing at or below the line adds to the total, so that no $0.00 stands for what is not known."""
    if line["children"]:
        return any(_has_sum(child) for child in line["children"])
    return line["unitPriceUsd"] is not None and line["quantity"] is not None


def _reference(line: Mapping[str, Any], sources: list[str]) -> str:
    """`[1]`, the number of the line's source below the table."""
    if line["children"] or not line["source"]:
        return ""
    text = ", ".join(part for part in (line["source"], line["asOf"], None if line["basis"] == "listed" else line["basis"]) if part)
    if text not in sources:
        sources.append(text)
    return f"[{sources.index(text) + 1}]"


def _totals(costs: Mapping[str, Any]) -> Iterator[Sequence[RenderableType]]:
    bound = "" if costs["complete"] else ", at least"
    for label, key in ((f"Total per month{bound}", "monthlyUsd"), (f"Total per hour{bound}", "hourlyUsd")):
        amounts = [Text(_known(costs[key], point), style=layout.TITLE) for point in POINTS]
        yield [Text(label, style=layout.TITLE), *amounts, ""]


def _known(amounts: Mapping[str, float], point: str) -> str:
    """The amount; where nothing at all has a price, that, and not $0.00."""
    return figures.money(amounts[point] if amounts["max"] else None)


def _footnotes(costs: Mapping[str, Any], sources: Sequence[str]) -> Iterator[RenderableType]:
    yield Text()
    if not costs["complete"]:
        yield layout.notes([f"The total is a lower bound, without {', '.join(costs['unpriced'])}."])
    band = costs["band"]
    if band["low"] != band["high"] and costs["monthlyUsd"]["max"]:
        text = f"Expected {figures.money(band['expected'])}, between {figures.money(band['low'])} and {figures.money(band['high'])}"
        yield layout.indented(Text(f"{text} with spot prices and estimated quantities at the ends of their ranges."))
    if costs["pricesAsOf"] != UNDATED:
        yield layout.indented(Text(f"Prices as of {costs['pricesAsOf']} or later, before taxes and discounts."))
    for number, source in enumerate(sources, 1):
        yield layout.indented(Text(f"[{number}] {source}", style=layout.LABEL))


def _services(services: Sequence[Mapping[str, Any]]) -> RenderableType:
    rows = [
        [Text(cost["service"], style=layout.STRONG), _known(cost["monthlyUsd"], "expected"), *_tokens(cost["tokens"])] for cost in services
    ]
    columns = ("service", "$/month", "input", "output", "blended", "tokens/month", "out/in")
    return layout.table(columns, rows, right=tuple(range(1, len(columns))))


def _economics(services: Sequence[Mapping[str, Any]]) -> RenderableType:
    rows = [[Text(cost["service"], style=layout.STRONG), *_units(cost["economics"])] for cost in services]
    columns = ("service", "load", "paid", "used", "request", "user", "full", "tok/s per $/h")
    return layout.table(columns, rows, right=tuple(range(1, len(columns))))


def _units(units: Mapping[str, Any] | None) -> list[RenderableType]:
    if units is None:
        return ["-"] * 7
    full = units["saturated"]
    return [
        figures.percent(units["utilisation"]),
        figures.money(units["allocatedMonthlyUsd"]),
        figures.money(units["usedMonthlyUsd"]),
        figures.small_money(units["usdPerRequest"]),
        "-" if units["usdPerUserMonth"] is None else figures.small_money(units["usdPerUserMonth"]),
        figures.money(full["blendedUsd"]) if full else "-",
        "-" if units["outputTpsPerUsdHour"] is None else figures.count(round(units["outputTpsPerUsdHour"])),
    ]


def _tokens(tokens: Mapping[str, Any] | None) -> list[RenderableType]:
    if tokens is None:
        return ["-"] * 5
    bound = "" if tokens["complete"] else "≥ "
    blended, low = figures.money(tokens["blendedUsd"]), figures.money(tokens["lowBlendedUsd"])
    return [
        f"{bound}{figures.money(tokens['inputUsd'])}",
        "-" if tokens["outputUsd"] is None else f"{bound}{figures.money(tokens['outputUsd'])}",
        Text(f"{bound}{blended}" if low == blended else f"{bound}{low} – {blended}", style=layout.STRONG),
        figures.large(tokens["tokensPerMonth"]),
        "-" if tokens["outputToInputRatio"] is None else f"{tokens['outputToInputRatio']:.1f}",
    ]
