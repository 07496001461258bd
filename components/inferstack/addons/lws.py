"""The controller of LeaderWorkerSets: groups of pods that make one replica on several machines."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings


def values(settings: Settings) -> dict[str, Any]:
    return {
        # The chart's own tag is the branch that it was packed from.
        "image": {"manager": settings.image()},
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": dict(settings.node_selector),
        "resources": {"requests": requests("lws-controller-manager")},
    }
