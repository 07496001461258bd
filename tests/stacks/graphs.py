"""The offline graphs of this repository's stacks, each previewed once per test run."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from inferstack import offline
from inferstack.offline import Preview, Resource

PROJECT = Path(__file__).resolve().parents[2]
STACKS = ("dev", "staging", "prod", "local")


@functools.cache
def graph(stack: str) -> Preview:
    """What `pulumi up` of that stack would be asked for."""
    return offline.preview(PROJECT, PROJECT / f"Pulumi.{stack}.yaml")


def plan(stack: str) -> dict[str, Any]:
    return graph(stack).document()["plan"]


def objects(stack: str, kind: str | None = None) -> list[Resource]:
    """The Kubernetes objects of a stack (Helm releases are not objects), or those of one kind."""
    found = [resource for resource in graph(stack).resources if "apiVersion" in resource.inputs]
    return [resource for resource in found if kind in (None, resource.inputs["kind"])]


def pools(stack: str) -> list[Resource]:
    """Node pools of either cloud, the system pool too."""
    return [r for r in graph(stack).resources if r.type in ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")]


def labels(pool: Resource) -> Mapping[str, str]:
    return _node(pool)["labels"]


def taints(pool: Resource) -> list[Mapping[str, str]]:
    return _node(pool).get("taints", [])


def _node(pool: Resource) -> Mapping[str, Any]:
    return pool.inputs.get("nodeConfig", pool.inputs)


def values(value: Any) -> Iterator[Any]:
    """Every leaf of nested data."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from values(item)
    else:
        yield value
