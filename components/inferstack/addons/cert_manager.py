"""cert-manager: issues the certificates of KServe's webhooks."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings


def values(settings: Settings) -> dict[str, Any]:
    placed = {"nodeSelector": {"kubernetes.io/os": "linux", **settings.node_selector}}
    return {
        # Kept when the release goes: somebody else's certificates would go with their definitions.
        "crds": {"enabled": True, "keep": True},
        # Its own namespace and not kube-system, where some clusters refuse it.
        "global": {"leaderElection": {"namespace": "cert-manager"}},
        **placed,
        "resources": {"requests": requests("cert-manager")},
        "webhook": {**placed, "resources": {"requests": requests("cert-manager-webhook")}},
        "cainjector": {**placed, "resources": {"requests": requests("cert-manager-cainjector")}},
        "startupapicheck": placed,
    }
