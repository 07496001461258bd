"""Who a service is, what it is given to know, and who reaches it.

An engine that asks nobody for a key is reached from its own namespace only. Others have no NetworkPolicy: a `cluster` endpoint is for every
namespace, and the paths that an API key leaves open share its port with those that it guards, which a policy cannot tell apart. Pods of a
replica on several machines trust what they tell one another, so that nobody else reaches the ports where they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clouds.addons import ADDONS, PROMETHEUS_NAMESPACE
from ..planning.types import ServicePlan
from .container import file_texts, files_name
from .names import SECRET_KEYS, group_labels, internal_service_name, labels, ray_labels, secret_name, server_labels
from .pod_security import BASELINE, PRIVILEGED


def namespace(name: str, meets: str = BASELINE) -> dict[str, Any]:
    """The namespace of the services; pods in it get no privileges, whoever puts them there, unless services need some themselves.

    `meets` is the Pod Security Standard of the services. A stricter one than baseline is only warned of: others may use the namespace.
    """
    enforced = meets if meets == PRIVILEGED else BASELINE
    watched = {} if meets == enforced else {f"pod-security.kubernetes.io/{mode}": meets for mode in ("warn", "audit")}
    labels = {"app.kubernetes.io/managed-by": "inferstack", "pod-security.kubernetes.io/enforce": enforced, **watched}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def service_account(plan: ServicePlan) -> dict[str, Any]:
    """The identity of a service, without a token: clouds grant storage to it by name."""
    return _account(plan.object_name, plan.namespace, plan.name)


def server_account(plan: ServicePlan) -> dict[str, Any] | None:
    """The identity of a server that several services share; None where a service has its own."""
    return None if plan.server is None else _account(plan.server, plan.namespace, plan.server)


def _account(name: str, namespace: str, owner: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(owner)},
        "automountServiceAccountToken": False,
    }


def secrets_needed(plan: ServicePlan) -> tuple[str, ...]:
    """Which secrets the pods of a service refer to: hugging-face-token, api-key."""
    spec = plan.spec
    entries = (*spec.secret_env, *(entry for init in spec.init for entry in init.secret_env))
    copied = ("hugging-face-token",) if plan.copy is not None and plan.copy.uses_token else ()
    return tuple(dict.fromkeys((*(entry.secret for entry in entries), *copied)))


def secret(plan: ServicePlan, kind: str, value: Any) -> dict[str, Any]:
    """One of `secrets_needed`; `value` may be whatever the caller's tool takes for text that is only known later."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(plan.object_name, kind), "namespace": plan.namespace, "labels": labels(plan.name)},
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


def network_policy(plan: ServicePlan) -> dict[str, Any] | None:
    """Keeps callers of other namespaces off a server without a key, and everyone off what the pods of a group say to one another.

    None where neither is to be kept. Clusters of ours enforce it.
    """
    if not plan.spec.open_api and plan.machines == 1:
        return None
    if plan.spec.served is not None:
        return _ray_network_policy(plan)
    ports = [{"protocol": "TCP", "port": port.number} for port in plan.spec.ports]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "podSelector": {"matchLabels": server_labels(plan) if plan.machines == 1 else group_labels(plan.name)},
            "policyTypes": ["Ingress"],
            "ingress": [*_group(plan), *_callers(plan, ports)],
        },
    }


def _group(plan: ServicePlan) -> list[dict[str, Any]]:
    """Pods of the groups of a service talk on any port."""
    return [{"from": [{"podSelector": {"matchLabels": group_labels(plan.name)}}]}] if plan.machines > 1 else []


def _callers(plan: ServicePlan, ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of its own namespace and Prometheus where the server asks nobody for a key, otherwise everybody."""
    if not plan.spec.open_api:
        return [{"ports": ports}]
    return [{"from": [{"podSelector": {}}], "ports": ports}, *_monitoring(plan, ports)]


def _ray_network_policy(plan: ServicePlan) -> dict[str, Any]:
    """The pods of one Ray cluster talk on any port, KubeRay asks its dashboard, and others of the namespace reach the server alone."""
    server, metrics = ([{"protocol": "TCP", "port": port.number}] for port in plan.spec.ports)
    cluster = {"podSelector": {"matchLabels": ray_labels(plan)}}
    operator = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ADDONS["kuberay"].namespace}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": plan.server_name, "namespace": plan.namespace, "labels": labels(plan.server_name)},
        "spec": {
            "podSelector": {"matchLabels": ray_labels(plan)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [cluster, operator]},
                {"from": [{"podSelector": {}}], "ports": server},
                *_monitoring(plan, metrics),
            ],
        },
    }


def _monitoring(plan: ServicePlan, ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prometheus scrapes from its own namespace."""
    if plan.spec.metrics.path is None:
        return []
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PROMETHEUS_NAMESPACE}}}
    return [{"from": [namespace], "ports": ports}]


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
            "selector": server_labels(plan),
            "ports": [{"name": port.name, "port": 80, "targetPort": port.number, "protocol": "TCP"}],
        },
    }
