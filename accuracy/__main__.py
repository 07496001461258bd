"""Write docs/accuracy.md and its plots. `make accuracy` runs this."""

from __future__ import annotations

from pathlib import Path

from .plots import scatter
from .report import page, plots

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    for name, (groups, unit) in plots().items():
        scatter(groups, unit, DOCS / "accuracy" / name)
    (DOCS / "accuracy.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
