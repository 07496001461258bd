"""Names and labels that several objects of one service must agree on, each decided here once."""

from __future__ import annotations

from ..planning.endpoints import predictor_name
from ..planning.types import ServicePlan

CONTAINER = "kserve-container"
"""KServe takes the container of this name for the server."""

SECRET_KEYS = {"hugging-face-token": "HF_TOKEN", "api-key": "API_KEY"}
"""Key of each kind of secret that an engine may ask for (`SecretEnv.secret`)."""

OPTIONAL_SECRETS = frozenset({"hugging-face-token"})
"""Secrets that a pod starts without: weights whose licence nobody asks for load without a token, and others say so in their own words."""

INFERENCE_SERVICE_LABEL = "serving.kserve.io/inferenceservice"
SERVICE_LABEL, ROLE_LABEL = "inferstack.dev/service", "inferstack.dev/role"
SERVER_LABEL = "inferstack.dev/server"
"""On the pods of a server that several services share."""
RAY_HEAD, RAY_WORKER = "head", "worker"
LEADER = "leader"
SERVICE_METRIC_LABEL = "inference_service"
"""Label that scraped metrics carry, so that a query means the pods of one service and no other's."""


def labels(service: str) -> dict[str, str]:
    """Labels of every object of a service.

    KServe copies those of the InferenceService into its pods: whatever changes here restarts every replica. KServe's own labels
    (`pod_labels`) never stand on an object of ours: v0.20 deletes Deployments and Services that carry them and are not its own.
    """
    return {"app.kubernetes.io/name": service, "app.kubernetes.io/managed-by": "inferstack"}


def pod_labels(service: str) -> dict[str, str]:
    """Labels that KServe puts on the pods of a service; what selects pods selects by these."""
    return {"app": f"isvc.{predictor_name(service)}", INFERENCE_SERVICE_LABEL: service, "component": "predictor"}


def ray_labels(plan: ServicePlan) -> dict[str, str]:
    """Labels that all pods of a Ray cluster have, which select them. KubeRay keeps what it does not know."""
    return {SERVICE_LABEL: plan.name} if plan.server is None else {SERVER_LABEL: plan.server}


def ray_head_labels(plan: ServicePlan) -> dict[str, str]:
    """Labels of the head of a Ray cluster."""
    return {**ray_labels(plan), ROLE_LABEL: RAY_HEAD}


def ray_worker_labels(plan: ServicePlan) -> dict[str, str]:
    """Labels of the workers of one service in a Ray cluster."""
    return {**ray_labels(plan), SERVICE_LABEL: plan.name, ROLE_LABEL: RAY_WORKER}


def group_labels(service: str, role: str | None = None) -> dict[str, str]:
    """Labels of the pods of a replica on several machines: of the one that answers, the leader, or those that all of them have."""
    return {SERVICE_LABEL: service, **({ROLE_LABEL: role} if role is not None else {})}


def server_labels(plan: ServicePlan) -> dict[str, str]:
    """Labels that select the pods which answer, whoever makes them."""
    if plan.machines > 1:
        return group_labels(plan.name, LEADER)
    return ray_worker_labels(plan) if plan.spec.served is not None else pod_labels(plan.name)


def secret_name(service: str, secret: str) -> str:
    """Name of a service's own copy of a secret, so that services come, go and rotate keys without each other."""
    return f"{service}-{secret}"


def internal_service_name(service: str) -> str:
    """Name of the Service that the internal load balancer belongs to."""
    return f"{service}-internal"
