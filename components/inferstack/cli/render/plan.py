"""The report of a plan: title, services, what they share, costs, warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType

from . import stack
from .costs import cost_section
from .levers import brief
from .service import service_section


def plan_report(plan: Mapping[str, Any], levers: Mapping[str, Any] | None = None) -> RenderableType:
    """The report of a plan document, with the largest of its levers."""
    return Group(*services(plan), *shared(plan), cost_section(plan["costs"]), *brief(levers), *stack.warnings(plan))


def services(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The title and every service."""
    yield stack.title(plan)
    summary = stack.summary(plan)
    if summary is not None:
        yield summary
    yield from (service_section(service) for service in plan["services"])


def shared(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What the services stand on."""
    yield stack.pools(plan)
    volumes = stack.volumes(plan)
    if volumes is not None:
        yield volumes
    yield stack.addons(plan)
    quota = stack.quota(plan)
    if quota is not None:
        yield quota
