"""KubeRay's operator: makes Ray clusters and the Serve applications in them out of RayServices."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings


def values(settings: Settings) -> dict[str, Any]:
    return {
        # The chart's own tag is that of its release.
        "image": settings.image(),
        "nodeSelector": dict(settings.node_selector),
        "resources": {"requests": requests("kuberay-operator"), "limits": {"cpu": "500m", "memory": "512Mi"}},
    }
