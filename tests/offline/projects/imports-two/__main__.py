"""Imports what lies beside it: modules of the same names lie beside other programs."""

import sys
from pathlib import Path

import pulumi
import settings
import shared


def later(_: int) -> bool:
    from shared.later import LATER

    return LATER


pulumi.export("settings", settings.WHERE)
pulumi.export("shared", shared.NAME)
pulumi.export("file", Path(shared.__file__).parent.parent.name)
pulumi.export("cwd", Path.cwd().name)
pulumi.export("arguments", [Path(argument).name for argument in sys.argv])
pulumi.export("name", __name__)
pulumi.export("root", Path(pulumi.get_root_directory()).name)
pulumi.export("later", pulumi.Output.from_input(1).apply(later))
settings.WHERE = "changed"
