"""Where a service answers. KServe names the Service of a predictor after its InferenceService."""

from __future__ import annotations


def predictor_name(service: str) -> str:
    """Name of the Deployment and of the Service that KServe makes for `service`."""
    return f"{service}-predictor"


def service_url(service: str, namespace: str) -> str:
    """Base URL of the OpenAI-compatible API inside the cluster."""
    return f"http://{predictor_name(service)}.{namespace}.svc.cluster.local/v1"
