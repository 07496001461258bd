"""A cluster that is there already."""

from __future__ import annotations

from typing import Any

import pulumi

from inferstack import ExistingCluster
from inferstack.planning import StackPlan
from inferstack.stackfile import StackFile


def cluster(plan: StackPlan, stack: StackFile) -> tuple[ExistingCluster, list[pulumi.ProviderResource]]:
    """The cluster of the kubeconfig, and no cloud's provider."""
    args: dict[str, Any] = {"cluster_name": plan.cluster_name}
    if stack.target.kubeconfig_context is not None:
        args["context"] = stack.target.kubeconfig_context
    return ExistingCluster("cluster", args), []  # pyright: ignore[reportArgumentType]


def pool_args(plan: StackPlan) -> dict[str, Any]:
    """Arguments of pools: none are made."""
    return {}
