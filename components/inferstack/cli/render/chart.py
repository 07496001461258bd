"""A chart of costs over load in text: both axes logarithmic, one mark per line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout

MARKS = "●abcd"
STYLES = ("bold cyan", "yellow", "magenta", "green", "blue")
WIDTH = 66
HEIGHT = 14


def chart(users: Sequence[float], series: Sequence[Mapping[str, Any]]) -> RenderableType:
    """`series` (label, monthlyUsd per point or None) over `users`; the first line is drawn last, on top."""
    values = [usd for line in series for usd in line["monthlyUsd"] if usd]
    if not values:
        return Text()
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    cells: dict[tuple[int, int], int] = {}
    for number in range(len(series) - 1, -1, -1):
        for column in range(WIDTH):
            usd = series[number]["monthlyUsd"][column * (len(users) - 1) // (WIDTH - 1)]
            if usd:
                cells[_row(usd, low, high), column] = number
    rows = [_line(row, cells, low, high) for row in range(HEIGHT)]
    return Group(*(layout.indented(row) for row in (*rows, _axis(), _ticks(users), *_legend(series))))


def _row(usd: float, low: int, high: int) -> int:
    return round((high - math.log10(usd)) / (high - low) * (HEIGHT - 1))


def _line(row: int, cells: Mapping[tuple[int, int], int], low: int, high: int) -> Text:
    names = {_row(10**power, low, high): f"${_short(10**power)}" for power in range(low, high + 1)}
    text = Text(f"{names.get(row, ''):>7} ", style=layout.LABEL).append("┤" if row in names else "│", style=layout.LABEL)
    for column in range(WIDTH):
        number = cells.get((row, column))
        text.append(" " if number is None else MARKS[number], style="" if number is None else STYLES[number])
    return text


def _axis() -> Text:
    return Text(f"{'':>8}└{'─' * WIDTH}", style=layout.LABEL)


def _ticks(users: Sequence[float]) -> Text:
    first, last = math.log10(users[0]), math.log10(users[-1])
    line = list(f"{'users':>7}{'':{WIDTH + 5}}")
    for power in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1):
        name = _short(10**power)
        at = round((power - first) / (last - first) * (WIDTH - 1))
        line[9 + at : 9 + at + len(name)] = name
    return Text("".join(line).rstrip(), style=layout.LABEL)


def _short(value: float) -> str:
    """`1k`, `10M`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{figures.count(value / size)}{letter}"
    return figures.count(value)


def _legend(series: Sequence[Mapping[str, Any]]) -> list[Text]:
    return [
        Text(f"{'':>8} ").append(MARKS[number], style=STYLES[number]).append(f" {line['label']}", style=layout.LABEL)
        for number, line in enumerate(series)
    ]
