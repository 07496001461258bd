"""How many tokens an image becomes, by the rule of its model's processor. Sizes are pixels; the rules are those of transformers 5.23.

A rule is a row's `rule` with the numbers that it needs; the models that follow it are rows of `data/image_tokens.json`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Rule = Callable[[Mapping[str, Any], int, int], int]
"""From a row, width and height to tokens."""


def constant(row: Mapping[str, Any], width: int, height: int) -> int:
    """Any image is resized to one square (SigLIP at a fixed size, CLIP)."""
    return row["tokens"]


def grid(row: Mapping[str, Any], width: int, height: int) -> int:
    """Resized to whole tokens of `side` pixels, within `least_pixels` and `most_pixels` (Qwen-VL, GLM-4V: smart_resize)."""
    side, least, most = row["side"], row["least_pixels"], row["most_pixels"]
    columns, rows = round(width / side), round(height / side)
    area = columns * rows * side * side
    if area > most:
        shrink = math.sqrt(width * height / most)
        columns, rows = (max(1, math.floor(pixels / shrink / side)) for pixels in (width, height))
    elif area < least:
        grow = math.sqrt(least / (width * height))
        columns, rows = (math.ceil(pixels * grow / side) for pixels in (width, height))
    return columns * rows


def rows_with_breaks(row: Mapping[str, Any], width: int, height: int) -> int:
    """Shrunk to `longest` pixels, cut into tokens of `side`, with one more token at the end of each row (Pixtral, Mistral 3)."""
    ratio = max(1.0, width / row["longest"], height / row["longest"])
    columns, rows = (math.ceil(math.floor(pixels / ratio) / row["side"]) for pixels in (width, height))
    return (columns + 1) * rows


def budget(row: Mapping[str, Any], width: int, height: int) -> int:
    """The largest size of the same shape with at most `most` tokens of `side` pixels; small images grow as well (Gemma 4)."""
    side, most = row["side"], row["most"]
    factor = math.sqrt(most * side * side / (width * height))
    columns, rows = (math.floor(pixels * factor / side) for pixels in (width, height))
    if columns and rows:
        return columns * rows
    # A strip of one token's width, as long as its shape says.
    return min(most, max(1, math.floor(max(width, height) / min(width, height))))


def tiles(row: Mapping[str, Any], width: int, height: int) -> int:
    """Tiles of `tile` pixels in the grid whose shape is nearest, a thumbnail beside several, and `around` tokens (InternVL)."""
    side, most = row["tile"], row["most_tiles"]
    best, least = 1, math.inf
    for columns, rows in _grids(most):
        apart = abs(width / height - columns / rows)
        larger = apart == least and width * height > 0.5 * side * side * columns * rows
        if apart < least or larger:
            best, least = columns * rows, apart
    return row["tile_tokens"] * (best + (best > 1)) + row["around"]


def chunks(row: Mapping[str, Any], width: int, height: int) -> int:
    """Tiles of the canvas that needs the least scaling, each followed by a separator, then the whole image (Llama 4)."""
    side, each = row["tile"], row["tile_tokens"]
    fits = {(columns, rows): min(columns * side / width, rows * side / height) for columns, rows in _grids(row["most_tiles"])}
    growing = [scale for scale in fits.values() if scale >= 1]
    chosen = min(growing) if growing else max(fits.values())
    columns, rows = min((shape for shape, scale in fits.items() if scale == chosen), key=lambda shape: shape[0] * shape[1])
    parts = columns * rows * (each + 1) if columns * rows > 1 else 0
    return parts + each + row["around"]


def _grids(most: int) -> Iterator[tuple[int, int]]:
    """Columns and rows of at most so many tiles, the fewest tiles first."""
    shapes = ((columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1))
    yield from sorted(shapes, key=lambda shape: shape[0] * shape[1])


RULES: Mapping[str, Rule] = {
    "constant": constant,
    "grid": grid,
    "rows": rows_with_breaks,
    "budget": budget,
    "tiles": tiles,
    "chunks": chunks,
}
