"""KServe in Standard mode: Deployments instead of Knative, no ingress of its own, and no defaults that would change what a plan says."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings

NO_DEFAULT = {"cpu": "", "memory": ""}


def crd_values(_: Settings) -> dict[str, Any]:
    """The chart of the definitions takes none. They are templates of it: uninstalling it deletes every InferenceService."""
    return {}


def values(settings: Settings) -> dict[str, Any]:
    return {
        "kserve": {
            "version": settings.version,
            "controller": {
                "deploymentMode": "Standard",
                "imagePullPolicy": "IfNotPresent",
                # The chart's 100m and 300Mi are limits too, which throttle it from a few services on.
                "resources": {"requests": requests("kserve-controller-manager"), "limits": {"cpu": "1", "memory": "1Gi"}},
                "rbacProxy": {"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}}},
                "nodeSelector": dict(settings.node_selector),
                "gateway": {"disableIstioVirtualHost": True, "disableIngressCreation": True},
            },
            # Weights are fetched by the engines; what is mounted instead is fetched by this container, whose default of 1Gi is too little.
            "storage": {"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "8Gi"}}},
            "service": {"serviceClusterIPNone": False},
            "security": {"autoMountServiceAccountToken": False},
            "inferenceservice": {"resources": {"requests": dict(NO_DEFAULT), "limits": dict(NO_DEFAULT)}},
        }
    }
