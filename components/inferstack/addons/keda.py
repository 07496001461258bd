"""KEDA: scales services on the queues that Prometheus sees."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings


def values(settings: Settings) -> dict[str, Any]:
    return {
        "crds": {"install": True},
        "image": {"pullPolicy": "IfNotPresent"},
        "nodeSelector": dict(settings.node_selector),
        "resources": {
            "operator": {"requests": requests("keda-operator")},
            "metricServer": {"requests": requests("keda-operator-metrics-apiserver")},
            "webhooks": {"requests": requests("keda-admission-webhooks")},
        },
    }
