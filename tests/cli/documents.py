"""Documents to render: the plan of `data/plan.json` and variations of it, and lists of resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

DATA = Path(__file__).parent / "data"


def plan() -> dict[str, Any]:
    """A fresh copy of a stack of two services: one keeps its SLO, one misses it and runs on a machine without a price."""
    return json.loads((DATA / "plan.json").read_text())


def size() -> dict[str, Any]:
    """The first service of `plan`, and a what-if table of another model with rows of every verdict."""
    found = plan()
    service = found["services"][0]
    costs = {**found["costs"], "services": [cost for cost in found["costs"]["services"] if cost["service"] == service["name"]]}
    return {"plan": {**found, "services": [service], "costs": costs}, **json.loads((DATA / "size.json").read_text())}


def levers() -> dict[str, Any]:
    """Two services: one with two levers, whose placements are rows of `size`, one without a price."""
    becomes = [row for row in size()["table"] if row["keepsSlo"] and row["monthlyUsd"]]
    texts = (
        ("capacityType", "capacityType: spot", "machines can be taken away at short notice"),
        ("context", "context: 2048", "longer requests are refused"),
    )
    found = [
        {"name": name, "change": change, "caveat": caveat, "savesUsd": 1200.5 / (number + 1), "addsUsd": 0, "becomes": becomes[number]}
        for number, (name, change, caveat) in enumerate(texts)
    ]
    cost = {"min": 2000.0, "expected": 2500.0, "max": 4000.0}
    return {
        "services": [
            {"service": "chat", "server": None, "monthlyUsd": cost, "levers": found, "withoutGain": ["engine", "kv-cache"]},
            {"service": "own", "server": None, "monthlyUsd": None, "levers": [], "withoutGain": []},
            {"service": "small", "server": None, "monthlyUsd": cost, "levers": [], "withoutGain": ["engine"]},
        ]
    }


def resource(parent: dict[str, Any] | None, type_: str, name: str) -> dict[str, Any]:
    chain = type_ if parent is None else f"{parent['urn'].split('::')[2]}${type_}"
    urn = f"urn:pulumi:prod::inferstack::{chain}::{name}"
    return {
        "urn": urn,
        "type": type_,
        "name": name,
        "parent": parent and parent["urn"],
        "dependencies": [],
        "provider": "",
        "inputs": {},
        "outputs": {},
    }


def resources(services: int) -> list[dict[str, Any]]:
    """A stack with a small cluster and that many services of three objects each."""
    return list(_resources(services))


def _resources(services: int) -> Iterator[dict[str, Any]]:
    yield (stack := resource(None, "pulumi:pulumi:Stack", "inferstack-prod"))
    yield (cluster := resource(stack, "inferstack:index:EksCluster", "prod"))
    yield resource(cluster, "aws:ec2/vpc:Vpc", "prod-vpc")
    yield resource(cluster, "aws:eks/cluster:Cluster", "prod-cluster")
    yield resource(cluster, "pulumi:providers:kubernetes", "prod-kubernetes")
    for number in range(services):
        yield (service := resource(stack, "inferstack:index:InferenceService", f"chat-{number}"))
        yield resource(service, "kubernetes:core/v1:ServiceAccount", f"chat-{number}-account")
        yield resource(service, "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime", f"chat-{number}-runtime")
        yield resource(service, "kubernetes:serving.kserve.io/v1beta1:InferenceService", f"chat-{number}-service")


def text(renderable: RenderableType, width: int = 100) -> str:
    """What a pipe of that width gets, without the spaces that fill lines."""
    console = Console(file=StringIO(), width=width, color_system=None, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"
