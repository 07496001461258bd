"""The tree of resources that `pulumi up` would create, with long runs of one type drawn together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout
from .tree import guided

MOST_OF_A_TYPE = 8
"""Siblings of one type that are all drawn."""
DRAWN_OF_MANY = 3
"""How many of them are drawn where there are more."""
COMPONENT = "inferstack:"
"""How the types of our own components begin."""


@dataclass(slots=True)
class Node:
    """One line of the tree."""

    type: str
    name: str
    children: list[Node] = field(default_factory=list["Node"])

    @property
    def below(self) -> int:
        return sum(1 + child.below for child in self.children)


def resource_section(resources: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Heading with counts, and the tree."""
    roots = _aligned(build(resources))
    lines = [_line(guide, node, width) for guide, (node, width) in guided(roots, lambda pair: _aligned(list(_drawn(pair[0].children))))]
    return Group(layout.heading("Resources", _counts(resources)), *(layout.indented(line) for line in lines))


def _aligned(siblings: Sequence[Node]) -> list[tuple[Node, int]]:
    """Siblings with the columns of the longest type among them, so that their names stand in one column."""
    width = max((len(short_type(node.type)) for node in siblings), default=0)
    return [(node, width) for node in siblings]


def _line(guide: str, node: Node, width: int) -> Text:
    shown = short_type(node.type).ljust(width)
    style = layout.TITLE if node.type.startswith(COMPONENT) else ""
    return Text.assemble((guide, layout.LABEL), (shown, style), "  ", (node.name, layout.STRONG))


def build(resources: Sequence[Mapping[str, Any]]) -> list[Node]:
    """The roots of the tree, in order of registration; what has no parent in the list is a root."""
    nodes = {item["urn"]: Node(item["type"], item["name"]) for item in resources}
    roots: list[Node] = []
    for item in resources:
        parent = nodes.get(item["parent"]) if item["parent"] else None
        (parent.children if parent else roots).append(nodes[item["urn"]])
    return roots


def short_type(token: str) -> str:
    """A type as Pulumi's own display shortens it: `aws:ec2/vpc:Vpc` is `aws:ec2:Vpc`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    head, slash, tail = module.partition("/")
    return f"{package}:{head}:{name}" if slash and tail.lower() == name.lower() else token


def _drawn(siblings: Sequence[Node]) -> Iterator[Node]:
    """The siblings, with all but a few of a numerous type as one line."""
    counts = Counter(node.type for node in siblings)
    seen: Counter[str] = Counter()
    for node in siblings:
        seen[node.type] += 1
        if counts[node.type] <= MOST_OF_A_TYPE or seen[node.type] <= DRAWN_OF_MANY:
            yield node
        elif seen[node.type] == counts[node.type]:
            yield _rest([other for other in siblings if other.type == node.type][DRAWN_OF_MANY:])


def _rest(nodes: Sequence[Node]) -> Node:
    below = sum(node.below for node in nodes)
    return Node(nodes[0].type, f"and {len(nodes):,} more" + (f", with {figures.plural(below, 'resource')} below them" if below else ""))


def _counts(resources: Sequence[Mapping[str, Any]]) -> str:
    packages = Counter(item["type"].split(":", 1)[0] for item in resources)
    packages.pop("pulumi", None)
    shown = ", ".join(f"{number:,} {name}" for name, number in packages.most_common())
    return f"{len(resources):,} in all: {shown}"
