"""The few shapes that every report is made of: headings, facts, tables, marks and notes. What is too long folds; nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

LABEL = "dim"
TITLE = "bold cyan"
GOOD = "green"
BAD = "bold red"
CAUTION = "yellow"
STRONG = "bold"

PROVENANCE_STYLE = {"measured": GOOD, "fitted": "cyan", "believed": CAUTION}
GAP = (0, 2, 0, 0)
INDENT = 2
NARROWEST = 8
"""Columns that a column of folding text keeps."""


def heading(title: str, note: str = "", note_style: str = LABEL) -> RenderableType:
    """A line across the report with its title at the left."""
    text = Text(title, style=TITLE)
    if note:
        text.append(f"  {note}", style=note_style)
    return Group(Text(), Rule(text, align="left", style=LABEL))


def subheading(title: str) -> RenderableType:
    return Padding(Text(title, style=STRONG), (1, 0, 0, INDENT))


def indented(content: RenderableType) -> RenderableType:
    return Padding(content, (0, 0, 0, INDENT))


def facts(rows: Iterable[tuple[str, RenderableType]]) -> RenderableType:
    """Label and value, one pair a line."""
    table = Table.grid(padding=GAP)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, value)
    return indented(table)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[RenderableType]], right: Sequence[int] = (), fixed: Sequence[int] = ()
) -> RenderableType:
    """Rows under dim column names; `right` are aligned right, `fixed` (and those) never fold."""
    made = Table(box=None, padding=GAP, pad_edge=False, header_style=LABEL, show_edge=False)
    for index, name in enumerate(columns):
        aligned = index in right
        stiff = aligned or index in fixed
        made.add_column(
            name, justify="right" if aligned else "left", no_wrap=stiff, overflow="fold", min_width=None if stiff else NARROWEST
        )
    for row in rows:
        made.add_row(*row)
    return indented(made)


def hanging(guide: str, text: Text) -> RenderableType:
    """`text` behind the guide of a tree; where it folds, it goes on below itself."""
    if not guide:
        return text
    grid = Table.grid()
    grid.add_column(no_wrap=True, style=LABEL)
    grid.add_column(overflow="fold")
    grid.add_row(guide, text)
    return grid


def mark(kept: bool) -> Text:
    return Text("✓", style=GOOD) if kept else Text("✗", style=BAD)


def provenance(name: str) -> Text:
    return Text(name, style=PROVENANCE_STYLE.get(name, ""))


def notes(sentences: Iterable[str], style: str = CAUTION, sign: str = "!") -> RenderableType:
    """One sentence a line behind a sign, folded beside it."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for sentence in sentences:
        grid.add_row(Text(sign, style=style), Text(sentence))
    return indented(grid)
