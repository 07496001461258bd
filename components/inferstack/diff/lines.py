"""Two trees of cost lines beside each other: which lines moved, by how much, and whether by quantity or by price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Line = Mapping[str, Any]
CENT = 0.005
"""Changes below half a cent a month are none."""


def leaves(costs: Mapping[str, Any] | None) -> dict[tuple[str, ...], Line]:
    """The leaves of a cost document's tree by their names from the top; lines of one name in one branch are numbered."""
    found: dict[tuple[str, ...], Line] = {}
    for path, line in _walk(costs["lines"], ()) if costs is not None else ():
        key, number = path, 1
        while key in found:
            number += 1
            key = (*path[:-1], f"{path[-1]} ({number})")
        found[key] = line
    return found


def _walk(line: Line, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Line]]:
    for child in line["children"]:
        path = (*above, child["name"])
        if child["children"]:
            yield from _walk(child, path)
        else:
            yield path, child


def causes(base: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The lines that make the difference, largest first: their sums in USD a month at the expected load, and what moved."""
    before, after = leaves(base), leaves(head)
    found: list[dict[str, Any]] = []
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path), after.get(path)
        base_usd, head_usd = _usd(old), _usd(new)
        if abs(head_usd - base_usd) < CENT and _is_priced(old) == _is_priced(new):
            continue
        found.append(
            {
                "line": " / ".join(path),
                "baseUsd": None if old is None else base_usd,
                "headUsd": None if new is None else head_usd,
                "deltaUsd": round(head_usd - base_usd, 6),
                "unit": (new or old or {})["unit"],
                "quantity": {"base": _quantity(old), "head": _quantity(new)},
                "unitPriceUsd": {"base": _price(old), "head": _price(new)},
            }
        )
    found.sort(key=lambda cause: (-abs(cause["deltaUsd"]), cause["line"]))
    return found


def _usd(line: Line | None) -> float:
    """Expected sum; 0 for a line that is not there, and for one without a price, which totals lack."""
    return 0.0 if line is None else line["monthlyUsd"]["expected"]


def _is_priced(line: Line | None) -> bool:
    return line is None or line.get("unitPriceUsd") is not None


def _quantity(line: Line | None) -> float | None:
    return None if line is None or line.get("quantity") is None else line["quantity"]["expected"]


def _price(line: Line | None) -> float | None:
    return None if line is None else line.get("unitPriceUsd")
