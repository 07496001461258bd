"""Measured against predicted, as SVG: both axes logarithmic, the diagonal, and the factor of two around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import altair
import vl_convert

from .errors import Pair

SIZE = 360
FONT = "sans-serif"


def scatter(groups: Mapping[str, Sequence[Pair]], unit: str, path: Path) -> None:
    """Write one point per pair, coloured by group, to `path`."""
    points = [{"measured": pair.measured, "predicted": pair.predicted, "group": name} for name, pairs in groups.items() for pair in pairs]
    if not points:
        path.unlink(missing_ok=True)
        return
    values = [point[axis] for point in points for axis in ("measured", "predicted")]
    ends = [min(values) / 1.2, max(values) * 1.2]
    scale = altair.Scale(type="log", domain=ends)
    dots = (
        altair.Chart(altair.Data(values=points))
        .mark_circle(size=22, opacity=0.55)
        .encode(
            x=altair.X("measured:Q", scale=scale, title=f"measured, {unit}"),
            y=altair.Y("predicted:Q", scale=scale, title=f"predicted, {unit}"),
            color=altair.Color("group:N", title=None, sort=list(groups)),
        )
    )
    lines = [_line(ends, factor, dash) for factor, dash in ((1.0, [1, 0]), (0.5, [4, 4]), (2.0, [4, 4]))]
    chart = altair.layer(*lines, dots).properties(width=SIZE, height=SIZE).configure(font=FONT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")


def _line(ends: Sequence[float], factor: float, dash: Sequence[int]) -> altair.Chart:
    values = [{"measured": end, "predicted": end * factor} for end in ends]
    return (
        altair.Chart(altair.Data(values=values))
        .mark_line(color="#999", strokeWidth=1, strokeDash=list(dash), clip=True)
        .encode(x="measured:Q", y="predicted:Q")
    )
