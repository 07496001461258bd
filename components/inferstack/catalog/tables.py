"""Reads the data files beside this code, each at most once and only when asked for."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")


@functools.cache
def table(name: str) -> dict[str, Any]:
    """The file `data/<name>.json`."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def money_table(name: str) -> dict[str, Any]:
    """The same for a file of prices: every number with a fraction is a Decimal, so that no cent is lost on the way.

    Not cached: its one reader keeps what it makes of it.
    """
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)
