"""A replica on several machines: a LeaderWorkerSet, one pod for each machine, and a Service on the first pod of each group.

KServe is passed by: its own groups take no autoscaler and weights from few places, and v0.20 deletes their workers (kserve issue 6113).
A group lives and dies together: when one of its pods restarts, all are made anew, because stages that lost a neighbour never answer again.
"""

from __future__ import annotations

from typing import Any

from ..engines.spec import EngineSpec, Workers
from ..engines.weights import MOUNT
from ..planning.endpoints import predictor_name
from ..planning.types import ServicePlan
from . import gpudirect
from .container import container, init_containers, mebibytes, pre_stop, volumes
from .copies import mount_annotations
from .inference import CPU_BURST
from .names import LEADER, group_labels, labels, server_labels
from .pods import pod_settings

SERVER = "server"
CLAIM = "fabric"
WEIGHTS_VOLUME = "weights"
NO_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Pulumi would wait for endpoints, which a group has after its cold start."""


def leader_worker_set(plan: ServicePlan) -> dict[str, Any]:
    """The groups: leader and workers run the same image with arguments of their own."""
    workers = plan.spec.workers
    assert workers is not None, "a replica on several machines has workers"
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            # Left to the scaler where there is one.
            **({"replicas": plan.replicas.max} if plan.scaling.signal == "none" else {}),
            "startupPolicy": "LeaderCreated",
            # There are no spare machines for a whole group: one goes before its successor comes.
            "rolloutStrategy": {"type": "RollingUpdate", "rollingUpdateConfiguration": {"maxUnavailable": 1, "maxSurge": 0}},
            "leaderWorkerTemplate": {
                "size": workers.count + 1,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": _template(plan, group_labels(plan.name, LEADER), _leader(plan)),
                "workerTemplate": _template(plan, group_labels(plan.name), _worker(plan, workers)),
            },
        },
    }


def leader_service(plan: ServicePlan) -> dict[str, Any] | None:
    """The one Service, on the first pod of each group, named as KServe would name it; None where KServe makes it."""
    if plan.machines == 1:
        return None
    port = plan.spec.ports[0]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": predictor_name(plan.name),
            "namespace": plan.namespace,
            "labels": labels(plan.name),
            "annotations": dict(NO_AWAIT),
        },
        "spec": {
            "type": "ClusterIP",
            "selector": server_labels(plan),
            "ports": [{"name": port.name, "port": 80, "targetPort": port.number, "protocol": "TCP"}],
        },
    }


def fabric_claim(plan: ServicePlan) -> dict[str, Any] | None:
    """What each pod claims of its node's network between accelerators; None where resources are all it asks for."""
    if plan.fabric is None or plan.fabric.device_class is None:
        return None
    request = {"name": CLAIM, "exactly": {"deviceClassName": plan.fabric.device_class, "allocationMode": "All"}}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": f"{plan.name}-{CLAIM}", "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }


def _template(plan: ServicePlan, pod_labels: dict[str, str], server: dict[str, Any]) -> dict[str, Any]:
    spec = plan.spec
    direct = plan.gpudirect
    annotated = {
        **mount_annotations(plan.copy.kind if plan.copy else None),
        **(gpudirect.pod_annotations(direct) if direct else {}),
    }
    before = [*([gpudirect.daemon(direct)] if direct else []), *init_containers(plan.name, spec)]
    claims = [{"name": CLAIM, "resourceClaimTemplateName": f"{plan.name}-{CLAIM}"}] if fabric_claim(plan) else []
    return {
        "metadata": {"labels": pod_labels, **({"annotations": annotated} if annotated else {})},
        "spec": {
            **pod_settings(plan),
            **({"resourceClaims": claims} if claims else {}),
            **({"initContainers": before} if before else {}),
            "containers": [server],
            "volumes": [*volumes(plan.name, spec), *_weights(spec), *(gpudirect.pod_volumes(direct) if direct else [])],
        },
    }


def _leader(plan: ServicePlan) -> dict[str, Any]:
    """The first pod answers: it alone has probes, and its readiness is that of the group."""
    made = container(plan.name, plan.spec, SERVER, templated=False)
    direct = plan.gpudirect
    if direct is not None:
        made = {
            **made,
            "securityContext": gpudirect.server_security(direct, made["securityContext"]),
            "volumeMounts": [*made["volumeMounts"], *gpudirect.server_mounts(direct)],
        }
    return {**made, "resources": _resources(plan), "volumeMounts": [*made["volumeMounts"], *_weight_mounts(plan.spec)]}


def _worker(plan: ServicePlan, workers: Workers) -> dict[str, Any]:
    made = _leader(plan)
    without = {key: value for key, value in made.items() if not key.endswith("Probe") and key != "ports"}
    own = {"command": list(workers.command)} if workers.command else {}
    return {**without, **own, "args": list(workers.args), "lifecycle": {"preStop": pre_stop(workers.drain)}}


def _resources(plan: ServicePlan) -> dict[str, Any]:
    """Of each pod: its machine's accelerators, and what joins them to those of others."""
    memory, cpu = mebibytes(plan.resources.memory_bytes), plan.resources.cpu_millicores
    extended = {plan.resources.gpu_resource: str(plan.resources.gpus), **(dict(plan.fabric.resources) if plan.fabric else {})}
    claims = {"claims": [{"name": CLAIM}]} if fabric_claim(plan) else {}
    return {
        "requests": {"cpu": f"{cpu}m", "memory": memory, **extended},
        "limits": {"cpu": f"{cpu * CPU_BURST}m", "memory": memory, **extended},
        **claims,
    }


def _claim(spec: EngineSpec) -> tuple[str, str] | None:
    """Claim and folder of `pvc://claim/folder`; None where the engine fetches its weights itself."""
    if spec.storage_uri is None:
        return None
    name, _, folder = spec.storage_uri.removeprefix("pvc://").partition("/")
    return name, folder


def _weights(spec: EngineSpec) -> list[dict[str, Any]]:
    found = _claim(spec)
    return [{"name": WEIGHTS_VOLUME, "persistentVolumeClaim": {"claimName": found[0], "readOnly": True}}] if found else []


def _weight_mounts(spec: EngineSpec) -> list[dict[str, Any]]:
    found = _claim(spec)
    if found is None:
        return []
    return [{"name": WEIGHTS_VOLUME, "mountPath": MOUNT, "readOnly": True, **({"subPath": found[1]} if found[1] else {})}]
