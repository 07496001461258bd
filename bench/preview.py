"""One offline preview in a fresh process: `python -m bench.preview STACK_FILE [RECORDED.json]`.

With a second path it keeps what was registered there, for the bare loop.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from inferstack import offline

from .processes import ROOT


def main() -> None:
    shown = offline.preview(ROOT, Path(sys.argv[1]))
    if len(sys.argv) > 2:
        recorded = [
            {"urn": item.urn, "parent": item.parent, "type": item.type, "name": item.name, "inputs": item.inputs, "custom": item.custom}
            for item in shown.resources
            if item.type != "pulumi:pulumi:Stack"
        ]
        Path(sys.argv[2]).write_text(json.dumps(recorded))
    print(len(shown.resources))


if __name__ == "__main__":
    main()
