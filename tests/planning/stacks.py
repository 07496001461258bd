"""Stacks in a line or two."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.errors import InputError
from inferstack.planning.types import ServicePlan, StackPlan
from inferstack.stackfile.schema import StackFile

EKS = {"cloud": "eks", "region": "us-east-1"}
GKE = {"cloud": "gke", "region": "us-central1"}


def service(**changes: Any) -> dict[str, Any]:
    """A small ungated chat service; `changes` are keys of the stack file, None removes one."""
    made = {
        "name": "chat",
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "traffic": {"requestsPerSecond": 1.0, "isl": 500, "osl": 200},
        "slo": {"ttftP95Ms": 3000, "tpotP95Ms": 100},
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def stack(*services: dict[str, Any], target: dict[str, Any] = EKS, budget: dict[str, Any] | None = None) -> StackFile:
    config = {"inferstack:target": target, "inferstack:services": list(services)}
    if budget is not None:
        config["inferstack:budget"] = budget
    return stackfile.read(config, stack="test", source="Pulumi.test.yaml")


def plan(*services: dict[str, Any], target: dict[str, Any] = EKS, budget: dict[str, Any] | None = None) -> StackPlan:
    return planning.plan(stack(*services, target=target, budget=budget))


def plan_one(target: dict[str, Any] = EKS, **changes: Any) -> ServicePlan:
    """The plan of `service(**changes)` alone."""
    return plan(service(**changes), target=target).services[0]


def embedder(**changes: Any) -> dict[str, Any]:
    """A service that embeds, named search."""
    usual = {"model": "BAAI/bge-m3", "traffic": {"requestsPerSecond": 20, "isl": 400}, "slo": {"latencyP95Ms": 1000}}
    return service(**{"name": "search", **usual, **changes})


def problems(*services: dict[str, Any], target: dict[str, Any] = EKS) -> list[str]:
    """What is wrong with a stack that has no plan."""
    with pytest.raises(InputError) as refused:
        plan(*services, target=target)
    return [str(problem) for problem in refused.value.problems]


def refused(**changes: Any) -> list[str]:
    """The same of `service(**changes)` alone."""
    return problems(service(**changes))
