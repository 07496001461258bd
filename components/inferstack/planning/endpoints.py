"""Where a service answers. KServe names the Service of a predictor after its InferenceService."""

from __future__ import annotations

from ..clouds.addons import WAKER_PORT


def predictor_name(service: str) -> str:
    """Name of the Deployment and of the Service that KServe makes for `service`."""
    return f"{service}-predictor"


def waker_name(service: str) -> str:
    """Name of the Service at which a service that goes to zero is asked."""
    return f"{service}-waker"


def service_url(service: str, namespace: str, wakes: bool = False) -> str:
    """Base URL of the OpenAI-compatible API inside the cluster; `wakes`: by way of what starts a replica where none runs."""
    if wakes:
        return f"http://{waker_name(service)}.{namespace}.svc.cluster.local:{WAKER_PORT}/v1"
    return f"http://{predictor_name(service)}.{namespace}.svc.cluster.local/v1"
