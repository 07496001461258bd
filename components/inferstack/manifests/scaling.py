"""How the number of replicas follows the load, what is scraped for it, and what disruptions must leave."""

from __future__ import annotations

import math
from typing import Any

from ..clouds.addons import PROMETHEUS_URL, WAKER_HOST, WAKER_SCALER
from ..planning.endpoints import predictor_name, waker_name
from ..planning.types import ServicePlan
from .names import SECRET_KEYS, SERVICE_METRIC_LABEL, group_labels, labels, secret_name, server_labels

SCRAPE_SECONDS = 15
STABLE_UP_SECONDS = 30
"""A burst must last this long before replicas are started for it: each costs a cold start."""
UP_POLICY = {"type": "Pods", "value": 2, "periodSeconds": 60}
DOWN_POLICY = {"type": "Pods", "value": 1, "periodSeconds": 300}
LONGEST_STABILIZATION = 3600
"""Upper bound of the Kubernetes API (autoscaling/v2)."""
FAILED_POLLS = 3
"""Polls without an answer after which the fallback holds."""


def scaler(plan: ServicePlan) -> dict[str, Any] | None:
    """The object that scales the service: a ScaledObject on queues or requests, a HorizontalPodAutoscaler on CPU, or None where the number
    is fixed or the engine's own affair."""
    makers = {
        "none": None,
        "own": None,
        "cpu": horizontal_pod_autoscaler,
        "queue": scaled_object,
        "schedule": scaled_object,
        "requests": scaled_object,
    }
    if plan.scaling.window is not None:
        return scaled_object(plan)
    maker = makers[plan.scaling.signal]
    return maker(plan) if maker else None


def scaled_object(plan: ServicePlan) -> dict[str, Any]:
    """KEDA's ScaledObject on waiting requests and KV use, both summed over the service's pods, or on requests in flight.

    With AverageValue the wanted number is the sum over the threshold, rounded up; the larger of both signals counts. While a signal is
    missing (a first replica that still loads, a Prometheus that is down) replicas neither come nor go.
    """
    triggers = _triggers(plan)
    if not triggers:
        raise ValueError(f"{plan.name} is to scale on queues, but {plan.spec.engine} has no metric for them")
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "scaleTargetRef": _target(plan),
            "minReplicaCount": plan.replicas.min,
            "maxReplicaCount": plan.replicas.max,
            "pollingInterval": plan.scaling.polling_seconds,
            **_fallback(plan),
            **_cooldown(plan),
            "advanced": {"restoreToOriginalReplicaCount": False, "horizontalPodAutoscalerConfig": {"behavior": _behavior(plan)}},
            "triggers": triggers,
        },
    }


def horizontal_pod_autoscaler(plan: ServicePlan) -> dict[str, Any]:
    """A plain autoscaler on CPU use, which needs neither KEDA nor Prometheus.

    It is ours and not KServe's, which would take Kubernetes' own pace for scaling down and not the plan's; and it is not named like
    KServe's, which would be taken for its own and overwritten.
    """
    target = {"type": "Utilization", "averageUtilization": plan.scaling.cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "scaleTargetRef": _target(plan),
            "minReplicas": plan.replicas.min,
            "maxReplicas": plan.replicas.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": _behavior(plan),
        },
    }


def pod_disruption_budget(plan: ServicePlan) -> dict[str, Any] | None:
    """One pod at a time may be drained away; None where a single replica may run, which a budget would pin to its node.

    With a pod its whole group goes, whose first one is not ready until all are back: the budget then holds every other group.
    """
    if plan.replicas.min < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": plan.object_name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "maxUnavailable": 1,
            # A replica that is not ready serves nobody, and must not keep its node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": group_labels(plan.name) if plan.machines > 1 else server_labels(plan)},
        },
    }


def interceptor_route(plan: ServicePlan) -> dict[str, Any] | None:
    """Which requests KEDA's interceptors hold for the service, and how many of them a replica takes; None where one always runs.

    Held for as long as a cold start may take; answers may take as long as elsewhere, streams as long as they like.
    """
    if not plan.scaling.wakes:
        return None
    name = f"{waker_name(plan.name)}.{plan.namespace}"
    return {
        "apiVersion": "http.keda.sh/v1beta1",
        "kind": "InterceptorRoute",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "target": {"service": predictor_name(plan.name), "port": 80},
            "rules": [{"hosts": [name, f"{name}.svc", f"{name}.svc.cluster.local"]}],
            "scalingMetric": {"concurrency": {"targetValue": plan.scaling.in_flight_per_replica}},
            "timeouts": {
                "readiness": f"{math.ceil(plan.cold_start_seconds.high)}s",
                "responseHeader": f"{plan.timeout_seconds}s",
                "request": "0s",
            },
        },
    }


def waker(plan: ServicePlan) -> dict[str, Any] | None:
    """A name of the service's own for the interceptors, which tell services apart by the host that is asked; None where one always runs."""
    if not plan.scaling.wakes:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": waker_name(plan.name), "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {"type": "ExternalName", "externalName": WAKER_HOST},
    }


def pod_monitor(plan: ServicePlan) -> dict[str, Any] | None:
    """What Prometheus scrapes; None where nobody would read it. Scaling on queues needs it."""
    if not plan.monitored and plan.scaling.signal != "queue":
        return None
    metrics = plan.spec.metrics
    if metrics.path is None:
        return None
    endpoint: dict[str, Any] = {
        "port": metrics.port,
        "path": metrics.path,
        "interval": f"{SCRAPE_SECONDS}s",
        "relabelings": [{"sourceLabels": [_discovered(_service_label(plan))], "targetLabel": SERVICE_METRIC_LABEL}],
    }
    if metrics.needs_api_key and any(entry.secret == "api-key" for entry in plan.spec.secret_env):
        credentials = {"name": secret_name(plan.object_name, "api-key"), "key": SECRET_KEYS["api-key"]}
        endpoint["authorization"] = {"type": "Bearer", "credentials": credentials}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": plan.object_name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {"selector": {"matchLabels": server_labels(plan)}, "podMetricsEndpoints": [endpoint]},
    }


def _service_label(plan: ServicePlan) -> str:
    """The label of a pod whose value is its service."""
    return next(label for label, value in server_labels(plan).items() if value == plan.name)


def _target(plan: ServicePlan) -> dict[str, str]:
    if plan.machines > 1:
        return {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": plan.name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": predictor_name(plan.name)}


def _fallback(plan: ServicePlan) -> dict[str, Any]:
    """What holds while Prometheus does not answer; a schedule asks nobody, and CPU triggers have none."""
    if plan.scaling.signal != "queue":
        return {}
    held = plan.replicas.min if plan.scaling.window is None else plan.scaling.window.replicas
    return {"fallback": {"failureThreshold": FAILED_POLLS, "replicas": held, "behavior": "currentReplicasIfHigher"}}


def _cooldown(plan: ServicePlan) -> dict[str, Any]:
    """How long the last replica stays without requests. The first one of all is not taken away while it loads."""
    if not plan.scaling.wakes:
        return {}
    stays = plan.scaling.scale_down_seconds
    return {"cooldownPeriod": stays, "initialCooldownPeriod": stays + math.ceil(plan.cold_start_seconds.high)}


def _triggers(plan: ServicePlan) -> list[dict[str, Any]]:
    found = _load_triggers(plan)
    window = plan.scaling.window
    if window is not None:
        metadata = {"timezone": window.timezone, "start": window.start, "end": window.end, "desiredReplicas": str(window.replicas)}
        found.insert(0, {"type": "cron", "name": "window", "metadata": metadata})
    return found


def _load_triggers(plan: ServicePlan) -> list[dict[str, Any]]:
    metrics, scaling = plan.spec.metrics, plan.scaling
    if scaling.wakes:
        return [{"type": "external-push", "name": "requests", "metadata": {"scalerAddress": WAKER_SCALER, "interceptorRoute": plan.name}}]
    if scaling.signal == "cpu":
        return [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(scaling.cpu_percent)}}]
    signals = (
        ("waiting", metrics.requests_waiting, scaling.waiting_per_replica),
        ("kv-use", metrics.kv_usage, scaling.kv_usage_per_replica),
    )
    return [_trigger(plan, name, metric, threshold) for name, metric, threshold in signals if metric is not None and threshold is not None]


def _trigger(plan: ServicePlan, name: str, metric: str, threshold: float) -> dict[str, Any]:
    selector = f'namespace="{plan.namespace}",{SERVICE_METRIC_LABEL}="{plan.name}"'
    return {
        "type": "prometheus",
        "name": name,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": PROMETHEUS_URL,
            "query": f"sum({metric}{{{selector}}})",
            "threshold": f"{threshold:g}",
            # No series is a failure, which holds the number, and not a zero, which would scale down. Where a schedule takes all replicas
            # away, no series is what there is, and must not keep the last of them.
            "ignoreNullValues": "true" if plan.replicas.min == 0 else "false",
        },
    }


def _behavior(plan: ServicePlan) -> dict[str, Any]:
    down = min(plan.scaling.scale_down_seconds, LONGEST_STABILIZATION)
    return {
        "scaleUp": {"stabilizationWindowSeconds": STABLE_UP_SECONDS, "policies": [dict(UP_POLICY)]},
        "scaleDown": {"stabilizationWindowSeconds": down, "policies": [dict(DOWN_POLICY)]},
    }


def _discovered(label: str) -> str:
    """Prometheus' name of a pod label before relabeling."""
    return "__meta_kubernetes_pod_label_" + "".join(letter if letter.isalnum() else "_" for letter in label)
