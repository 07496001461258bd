"""What all pods that serve a model have in common, whoever makes them: KServe, a LeaderWorkerSet or KubeRay."""

from __future__ import annotations

from typing import Any

from ..planning.types import Resources, ServicePlan
from .container import pod_security


def pod_settings(plan: ServicePlan) -> dict[str, Any]:
    """Fields of a pod's spec beside its containers and volumes: who it is, how long it may take to stop, and where it runs."""
    return {
        "serviceAccountName": plan.object_name,
        # The server never talks to the Kubernetes API, and variables of other Services collide with its own (VLLM_PORT).
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": plan.spec.drain.grace,
        "securityContext": pod_security(plan.spec),
        **({"nodeSelector": dict(plan.node_selector)} if plan.node_selector else {}),
        **({"tolerations": [_of_devices(plan.resources)]} if plan.resources.gpus else {}),
    }


def _of_devices(resources: Resources) -> dict[str, str]:
    """Toleration of the taint that keeps everything else off nodes with accelerators."""
    return {"key": resources.gpu_resource, "operator": "Exists", "effect": "NoSchedule"}
