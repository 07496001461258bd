"""AWS's EFA device plugin: offers `vpc.amazonaws.com/efa` to pods, on the nodes of pools whose machines are joined."""

from __future__ import annotations

from typing import Any

from ..planning.pools import FABRIC_LABEL
from .pods import requests
from .settings import Settings


def values(_: Settings) -> dict[str, Any]:
    return {
        "supportedInstanceLabels": {"keys": [FABRIC_LABEL], "values": ["true"]},
        "resources": {"requests": requests("aws-efa-k8s-device-plugin")},
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
    }
