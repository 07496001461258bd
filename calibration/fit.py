"""`make fit`: fits the constants of performance to all measurements and writes them with their errors and bands.

Takes some minutes on one core. The same data give the same file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .document import document
from .fitting import FOLDS, fit, left_out
from .measurements import measurements
from .model import Model

TARGET = Path(__file__).parent.parent / "components/inferstack/sizing/performance.json"


def main(quick: bool) -> None:
    model = Model(measurements())
    began = time.perf_counter()

    def progress(text: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    progress(f"{len(model.rows)} measured runs, {len(model.parameters.names)} parameters")
    every = np.ones(len(model.rows), dtype=bool)
    vector = fit(model, every)
    progress("fitted")
    kinds = {} if quick else FOLDS
    errors = {kind: left_out(model, kind, most, steps=8, progress=progress) for kind, most in kinds.items()}
    before = json.loads(TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(_text(document(model, vector, errors, before)), encoding="utf-8")
    progress(f"wrote {TARGET.name}")


def _text(data: dict[str, Any]) -> str:
    """JSON with one row of the tables per line."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main("--quick" in sys.argv)
