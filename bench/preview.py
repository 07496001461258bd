"""One offline preview in a fresh process: `python -m bench.preview STACK_FILE [RECORDED.json]`.

With a second path it keeps what was registered there, for the bare loop.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from inferstack import offline

from .processes import ROOT

SDKS = ("pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")
STACK = "pulumi:pulumi:Stack"


def main() -> None:
    shown = offline.preview(ROOT, Path(sys.argv[1]))
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(_recorded(shown)))
    print(len(shown.resources))


def _recorded(shown: offline.Preview) -> dict[str, object]:
    return {
        "imported": sorted(name for name in sys.modules if name.partition(".")[0] in SDKS),
        "resources": [_resource(item) for item in shown.resources if item.type != STACK],
        "outputs": shown.outputs,
    }


def _resource(item: offline.Resource) -> dict[str, object]:
    told = {"urn": item.urn, "parent": item.parent, "type": item.type, "name": item.name, "inputs": item.inputs, "custom": item.custom}
    return told if item.custom else {**told, "outputs": item.outputs}


if __name__ == "__main__":
    main()
