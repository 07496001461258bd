"""NVIDIA's device plugin: offers `nvidia.com/gpu` to pods. Its DaemonSet goes where the label `nvidia.com/gpu.present=true` says."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings

CRITICAL = "system-node-critical"


def values(_: Settings) -> dict[str, Any]:
    # Affinity to labelled nodes and the toleration of the GPU taint are the chart's own.
    return {"gfd": {"enabled": False}, "resources": {"requests": requests("nvidia-device-plugin")}}


def critical_quota(namespace: str) -> dict[str, Any]:
    """GKE admits critical pods outside kube-system only into a namespace whose quota names their class; elsewhere it limits nothing."""
    selector = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": [CRITICAL]}]}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "critical-pods", "namespace": namespace},
        "spec": {"hard": {"pods": "1G"}, "scopeSelector": selector},
    }
