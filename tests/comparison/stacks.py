"""Stacks to compare, and their comparisons."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from inferstack import catalog, comparison, stackfile
from inferstack.comparison.types import Assumptions, ServiceComparison
from inferstack.stackfile.schema import StackFile

ROOT = Path(__file__).parents[2]


@functools.cache
def shipped(stack: str) -> comparison.StackComparison:
    """A stack of the repository beside the shipped prices."""
    read = stackfile.load(ROOT / f"Pulumi.{stack}.yaml")
    return comparison.compare(read, Assumptions(), catalog.api_prices())


def stack(model: str = "Qwen/Qwen2.5-7B-Instruct", requests_per_second: float = 1.0, **settings: Any) -> StackFile:
    """One service on one L4 kind of machine in GKE; further settings by their key in our namespace."""
    service = {
        "name": "chat",
        "model": model,
        "gpu": "l4",
        "traffic": {"requestsPerSecond": requests_per_second, "isl": 600, "osl": 200},
        "slo": {"tpotP95Ms": 120},
    }
    config = {"inferstack:target": {"cloud": "gke", "region": "us-central1"}, "inferstack:services": [service]}
    config |= {f"inferstack:{key}": value for key, value in settings.items()}
    return stackfile.read(config, stack="test", source="Pulumi.test.yaml")


def compared(made: StackFile, **assumptions: Any) -> ServiceComparison:
    """The one service of `made`, beside the shipped prices."""
    return comparison.compare(made, Assumptions(**assumptions), catalog.api_prices()).services[0]
