"""The report of a preview: the plan, the resources, the costs, and what else the program exports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.text import Text

from . import layout, stack
from . import plan as plan_parts
from .costs import cost_section
from .levers import brief
from .resources import COMPONENT, resource_section
from .service import service_section

STACK_PLAN = {"services", "pools", "costs"}
SERVICE_PLAN = {"model", "decisions", "performance"}
COSTS = {"lines", "monthlyUsd", "pricesAsOf"}
"""Keys by which a document of ours is known among what a program exports."""


def preview_report(document: Mapping[str, Any], levers: Mapping[str, Any] | None = None) -> RenderableType:
    """The report of a preview document, with the largest levers. Where the program exports no plan of a stack, components say theirs."""
    plan = document["plan"]
    if _is(plan, STACK_PLAN):
        return Group(
            *plan_parts.services(plan),
            *plan_parts.shared(plan),
            resource_section(document["resources"]),
            *_outputs(document["outputs"]),
            cost_section(plan["costs"]),
            *brief(levers),
            *stack.warnings(plan),
        )
    carried = list(_carried(document["resources"]))
    return Group(
        Text.assemble(("inferstack", layout.STRONG), f"  {document['resources'][0]['name']}"),
        *(service_section(value) for _, value in carried if _is(value, SERVICE_PLAN)),
        resource_section(document["resources"]),
        *_outputs(document["outputs"]),
        *(cost_section(value, f"Costs of {name}") for name, value in carried if _is(value, COSTS)),
    )


def _carried(resources: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What components registered as their outputs, with the components' names; of several documents each."""
    for item in resources:
        if item["type"].startswith(COMPONENT):
            for value in item["outputs"].values():
                yield from ((item["name"], each) for each in (cast("list[Any]", value) if isinstance(value, list) else [value]))


def _is(value: Any, keys: set[str]) -> bool:
    return isinstance(value, dict) and keys <= cast("dict[str, Any]", value).keys()


def _outputs(outputs: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What the program exports, without the documents that are reports of their own."""
    documents = (STACK_PLAN, SERVICE_PLAN, COSTS)
    plain = {name: value for name, value in outputs.items() if not any(_is(value, keys) for keys in documents)}
    if plain:
        yield layout.heading("Outputs")
        yield layout.facts((name, value if isinstance(value, str) else json.dumps(value)) for name, value in _flat(plain))


def _flat(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The outputs by name; those that hold several by `name.key`."""
    for name, value in sorted(outputs.items()):
        if isinstance(value, dict):
            nested = cast("dict[str, Any]", value)
            yield from ((f"{name}.{key}", nested[key]) for key in sorted(nested))
        else:
            yield name, value
