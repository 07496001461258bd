"""The report of a preview: the plan, and the resources that carry it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType

from . import plan as plan_parts
from . import stack
from .costs import cost_section
from .resources import resource_section


def preview_report(document: Mapping[str, Any]) -> RenderableType:
    """The report of a preview document."""
    plan = document["plan"]
    return Group(
        *plan_parts.services(plan),
        *plan_parts.shared(plan),
        resource_section(document["resources"]),
        cost_section(document["costs"]),
        *stack.warnings(plan),
    )
