"""The report of a preview: the plan where the program exports one, the resources, the costs, and what else it exports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType

from . import layout, stack
from . import plan as plan_parts
from .costs import cost_section
from .resources import resource_section

SHOWN_ABOVE = ("plan", "costs")


def preview_report(document: Mapping[str, Any]) -> RenderableType:
    """The report of a preview document. Programs that export no plan of a stack have resources and outputs."""
    outputs = {name: value for name, value in document["outputs"].items() if name not in SHOWN_ABOVE}
    plan = document["plan"]
    if not _is_stack_plan(plan):
        return Group(resource_section(document["resources"]), *_outputs(document["outputs"]))
    return Group(
        *plan_parts.services(plan),
        *plan_parts.shared(plan),
        resource_section(document["resources"]),
        *_outputs(outputs),
        cost_section(plan["costs"]),
        *stack.warnings(plan),
    )


def _is_stack_plan(plan: Any) -> bool:
    """True for the document of `planning.document`; other programs may export anything under that name."""
    return isinstance(plan, dict) and "services" in plan and "costs" in plan


def _outputs(outputs: Mapping[str, Any]) -> Iterator[RenderableType]:
    if outputs:
        yield layout.heading("Outputs")
        yield layout.facts((name, value if isinstance(value, str) else json.dumps(value)) for name, value in _flat(outputs))


def _flat(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The outputs by name; those that hold several by `name.key`."""
    for name, value in sorted(outputs.items()):
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in sorted(value.items()))
        else:
            yield name, value
