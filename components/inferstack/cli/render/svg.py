"""The curve of a comparison as one self-contained SVG file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 100, 40, 44, 96
COLOURS = ("#0b6e99", "#d9730d", "#ad1a72", "#0f7b6c", "#6940a5")


def curve_svg(service: Mapping[str, Any]) -> str:
    """$ per month over daily users, both axes logarithmic; self-hosting as steps, APIs as lines."""
    users = [point["dailyUsers"] for point in service["curve"]]
    series: Sequence[Mapping[str, Any]] = service["series"]
    values = [usd for line in series for usd in line["monthlyUsd"] if usd]
    bounds = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))) if values else (0, 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(service["service"])}: {escape(service["model"])}, $ per month</text>',
        *_grid(users, bounds),
        *(_line(number, line, users, bounds) for number, line in reversed(list(enumerate(series)))),
        *(_legend(number, line["label"]) for number, line in enumerate(series)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(count: float, users: Sequence[float]) -> float:
    return LEFT + math.log10(count / users[0]) / math.log10(users[-1] / users[0]) * (WIDTH - LEFT - RIGHT)


def _y(usd: float, bounds: tuple[int, int]) -> float:
    return TOP + (bounds[1] - math.log10(usd)) / (bounds[1] - bounds[0]) * (HEIGHT - TOP - BOTTOM)


def _grid(users: Sequence[float], bounds: tuple[int, int]) -> Iterator[str]:
    for power in range(bounds[0], bounds[1] + 1):
        y = _y(10**power, bounds)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">${10**power:,}</text>'
    for power in range(math.ceil(math.log10(users[0]) - 1e-9), math.floor(math.log10(users[-1]) + 1e-9) + 1):
        x = _x(10**power, users)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 36}" text-anchor="end">daily users</text>'


def _line(number: int, line: Mapping[str, Any], users: Sequence[float], bounds: tuple[int, int]) -> str:
    points = [(_x(count, users), _y(usd, bounds)) for count, usd in zip(users, line["monthlyUsd"], strict=True) if usd]
    steps = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"] if points else []
    for x, y in points[1:]:
        steps.append(f"H{x:.1f}V{y:.1f}" if number == 0 else f"L{x:.1f},{y:.1f}")
    return f'<path d="{"".join(steps)}" fill="none" stroke="{COLOURS[number]}" stroke-width="{3 if number == 0 else 2}"/>'


def _legend(number: int, label: str) -> str:
    x, y = LEFT + number % 2 * 380, HEIGHT - 40 + number // 2 * 18
    swatch = f'<rect x="{x}" y="{y - 9}" width="14" height="4" fill="{COLOURS[number]}"/>'
    return f'{swatch}<text x="{x + 20}" y="{y}">{escape(label)}</text>'
