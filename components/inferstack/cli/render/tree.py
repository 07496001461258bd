"""Trees as guided lines: `├─`, `└─`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Node = TypeVar("Node")


def guided(nodes: Sequence[Node], children: Callable[[Node], Sequence[Node]], trunk: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below `nodes` with the guide that is drawn before it, parents first; the first level has no guide of its own."""
    for node in nodes:
        yield trunk, node
        yield from _below(children(node), children, trunk)


def _below(nodes: Sequence[Node], children: Callable[[Node], Sequence[Node]], trunk: str) -> Iterator[tuple[str, Node]]:
    for index, node in enumerate(nodes):
        is_last = index == len(nodes) - 1
        yield trunk + ("└─ " if is_last else "├─ "), node
        yield from _below(children(node), children, trunk + ("   " if is_last else "│  "))
