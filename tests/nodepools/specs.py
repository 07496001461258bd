"""Pools and clusters to test with."""

from __future__ import annotations

from typing import Any

from inferstack import boundary
from inferstack.errors import InputError
from inferstack.nodepools.args import GpuNodePoolArgs
from inferstack.nodepools.rules import pool_spec
from inferstack.nodepools.spec import PoolSpec

EKS: dict[str, Any] = {
    "cloud": "eks",
    "name": "serving",
    "region": "us-east-1",
    "kubernetes_version": "1.35",
    "subnet_ids": {"us-east-1a": "subnet-a", "us-east-1b": "subnet-b", "us-east-1c": "subnet-c"},
    "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
}
GKE: dict[str, Any] = {
    "cloud": "gke",
    "name": "serving",
    "region": "us-central1",
    "zones": ["us-central1-a", "us-central1-b", "us-central1-c"],
    "node_service_account": "nodes@project.iam.gserviceaccount.com",
}


def eks_spec(machine_type: str = "g6.xlarge", *, pool: str = "gpus", cluster_extra: dict[str, Any] | None = None, **args: Any) -> PoolSpec:
    cluster = {**EKS, **(cluster_extra or {})}
    return pool_spec(pool, boundary.read({"cluster": cluster, "machine_type": machine_type, "max_nodes": 3, **args}, GpuNodePoolArgs))


def gke_spec(machine_type: str = "g2-standard-8", *, pool: str = "gpus", **args: Any) -> PoolSpec:
    return pool_spec(pool, boundary.read({"cluster": GKE, "machine_type": machine_type, "max_nodes": 3, **args}, GpuNodePoolArgs))


def said_eks(*args: Any, **kwargs: Any) -> list[str]:
    """What is refused, one line for each problem."""
    return _said(lambda: eks_spec(*args, **kwargs))


def said_gke(*args: Any, **kwargs: Any) -> list[str]:
    """What is refused, one line for each problem."""
    return _said(lambda: gke_spec(*args, **kwargs))


def _said(build: Any) -> list[str]:
    try:
        build()
    except InputError as error:
        return str(error).splitlines()
    return []
