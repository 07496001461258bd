"""KEDA's HTTP add-on: takes the requests of services that go to zero, holds them while a replica starts, and counts them for KEDA."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings

INTERCEPTORS = 2
"""One may be lost without losing requests that others hold."""


def values(settings: Settings) -> dict[str, Any]:
    placed = {"nodeSelector": dict(settings.node_selector), "pullPolicy": "IfNotPresent"}
    return {
        "crds": {"install": True},
        # Beside the chart's own groups; its containers are denied everything else.
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        # The operator serves HTTPScaledObjects, which nothing here makes.
        "operator": {"replicas": 0},
        "scaler": {**placed, "replicas": 1, "resources": _resources("keda-http-scaler")},
        "interceptor": {**placed, "replicas": {"min": INTERCEPTORS, "max": INTERCEPTORS}, "resources": _resources("keda-http-interceptor")},
    }


def _resources(pod: str) -> dict[str, Any]:
    return {"requests": requests(pod), "limits": {"cpu": "1", "memory": "256Mi"}}
