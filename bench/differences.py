"""Two saved plans of one stack whose services ask for other rates: what `inferstack diff` is measured on."""

from __future__ import annotations

import json
from pathlib import Path

from inferstack import planning, stackfile

from .stacks import write_stack


def write_plans(folder: Path, services: int) -> tuple[Path, Path]:
    """The plan as it is, and with half as much traffic again in every service."""
    stack = stackfile.load(write_stack(folder, services))
    more = [
        service.model_copy(
            update={"traffic": service.traffic.model_copy(update={"requests_per_second": 1.5 * (service.traffic.requests_per_second or 1)})}
        )
        for service in stack.services
    ]
    paths = folder / "base.json", folder / "head.json"
    for path, made in zip(paths, (stack, stack.model_copy(update={"services": tuple(more)})), strict=True):
        path.write_text(json.dumps(planning.document(planning.plan(made))))
    return paths
