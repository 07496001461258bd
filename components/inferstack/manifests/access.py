"""Who a service is, what it is given to know, and who reaches it.

There is no NetworkPolicy: a `cluster` endpoint is for every namespace, and the paths that an API key leaves open share its port with
those that it guards, which a policy cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..planning.types import ServicePlan
from .container import file_texts, files_name
from .names import SECRET_KEYS, internal_service_name, labels, pod_labels, secret_name


def namespace(name: str) -> dict[str, Any]:
    """The namespace of the services; pods in it get no privileges, whoever puts them there."""
    metadata = {
        "name": name,
        "labels": {
            "app.kubernetes.io/managed-by": "inferstack",
            "pod-security.kubernetes.io/enforce": "baseline",
        },
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def service_account(plan: ServicePlan) -> dict[str, Any]:
    """The identity of a service, without a token: clouds grant storage to it by name."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "automountServiceAccountToken": False,
    }


def secrets_needed(plan: ServicePlan) -> tuple[str, ...]:
    """Which secrets the container of a service refers to: hugging-face-token, api-key."""
    return tuple(dict.fromkeys(entry.secret for entry in plan.spec.secret_env))


def secret(plan: ServicePlan, kind: str, value: Any) -> dict[str, Any]:
    """One of `secrets_needed`; `value` may be whatever the caller's tool takes for text that is only known later."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(plan.name, kind), "namespace": plan.namespace, "labels": labels(plan.name)},
        "type": "Opaque",
        "stringData": {SECRET_KEYS[kind]: value},
    }


def files(plan: ServicePlan) -> dict[str, Any] | None:
    """The ConfigMap of the engine's files; None where it has none."""
    if not plan.spec.files:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": files_name(plan.name, plan.spec), "namespace": plan.namespace, "labels": labels(plan.name)},
        "immutable": True,
        "data": file_texts(plan.spec),
    }


def internal_load_balancer(plan: ServicePlan) -> dict[str, Any] | None:
    """A load balancer inside the network, on port 80 as the Service that KServe makes; None for an endpoint inside the cluster."""
    if plan.endpoint != "internal":
        return None
    annotations: Mapping[str, str] = dict(plan.endpoint_annotations)
    if not annotations:
        raise ValueError(f"{plan.name} is internal, but nothing says how its load balancer is kept off the internet")
    port = plan.spec.ports[0]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": internal_service_name(plan.name),
            "namespace": plan.namespace,
            "labels": labels(plan.name),
            "annotations": annotations,
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": pod_labels(plan.name),
            "ports": [{"name": port.name, "port": 80, "targetPort": port.number, "protocol": "TCP"}],
        },
    }
