"""What people write in rows of measurements and what they mean by it, read from `spellings.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


@functools.cache
def spellings() -> Mapping[str, Any]:
    """The data file: engines, loads, quantizations, KV cache dtypes and dated releases."""
    return json.loads(Path(__file__).with_name("spellings.json").read_text(encoding="utf-8"))
