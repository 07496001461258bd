"""Where results and diagnostics go: one writer for text, one for JSON, one for the guards."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import GuardError, InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

PIPED_WIDTH = 100
"""Columns of text that does not go to a terminal: the same on every machine."""
WIDEST = 120
"""Lines longer than this are hard to follow, however wide the terminal is."""


def console(piped_width: int = PIPED_WIDTH) -> Console:
    """A console on standard output: as wide as a terminal up to `WIDEST`, of fixed width and without colour in a pipe."""
    from rich.console import Console

    shown = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not shown.is_terminal:
        return Console(highlight=False, markup=False, emoji=False, width=piped_width, color_system=None, legacy_windows=False)
    shown.width = min(shown.width, WIDEST)
    return shown


def print_report(report: RenderableType) -> None:
    """Print `report` for people, as wide as standard output allows."""
    shown = console()
    if shown.is_terminal:
        shown.print(report)
        return
    with shown.capture() as captured:
        shown.print(report)
    # Tables fill their last column; in a file those spaces are noise.
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_json(document: Mapping[str, Any]) -> None:
    """Print `document` with sorted keys, so that two runs can be compared line by line."""
    json.dump(document, sys.stdout, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    print()


def write_text(path: Path, text: str, option: str) -> None:
    """Write `text` to `path`, which `option` named. Raises InputError where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(option, f"cannot be written: {error.strerror}", path)]) from error


def say(sentence: object) -> None:
    """Print one diagnostic, on standard error."""
    sys.stdout.flush()
    print(sentence, file=sys.stderr)


def say_if(sentence: str | None) -> None:
    """Print a diagnostic where there is one."""
    if sentence:
        say(sentence)


def guard(over_budget: Sequence[str]) -> None:
    """Refuse a plan that exceeds its budget; it has been printed by now.

    Raises:
        GuardError: with one sentence per budget that is exceeded.
    """
    if over_budget:
        sys.stdout.flush()
        raise GuardError("\n".join(over_budget))
