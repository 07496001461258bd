"""Where a service answers: KServe names the Service of a predictor after its InferenceService, KubeRay after its RayService."""

from __future__ import annotations

from ..clouds.addons import WAKER_PORT
from .types import ServicePlan


def predictor_name(service: str) -> str:
    """Name of the Deployment and of the Service that KServe makes for `service`."""
    return f"{service}-predictor"


def serve_name(service: str) -> str:
    """Name of the Service that KubeRay makes for the workers of a RayService."""
    return f"{service}-serve-svc"


def waker_name(service: str) -> str:
    """Name of the Service at which a service that goes to zero is asked."""
    return f"{service}-waker"


def service_url(plan: ServicePlan) -> str:
    """Base URL of the OpenAI-compatible API inside the cluster: of the waker where no replica may run, of what KubeRay made, or KServe."""
    if plan.scaling.wakes:
        return f"http://{waker_name(plan.name)}.{plan.namespace}.svc.cluster.local:{WAKER_PORT}/v1"
    if plan.spec.served is not None:
        return f"http://{serve_name(plan.server_name)}.{plan.namespace}.svc.cluster.local:{plan.spec.ports[0].number}/v1"
    return f"http://{predictor_name(plan.server_name)}.{plan.namespace}.svc.cluster.local/v1"
