"""KubeRay's RayService: one Ray cluster for each server, and the Serve application in it, with a model for each service.

The head leads and serves nothing; each worker is one replica of one service. Within the bounds of the plan Ray itself asks for workers, so
that neither KServe nor KEDA has a part in it. A changed model or number of replicas is applied in place; a changed pod means a new cluster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..engines.spec import EngineSpec, HeadPod, ServedModel
from ..planning.types import ServicePlan
from .container import container, mebibytes, pod_security, volumes
from .inference import requested, spread
from .names import labels, ray_head_labels, ray_worker_labels
from .pods import pod_settings

GIB = 2**30
DELETION_MARGIN = 60
"""Seconds that KubeRay waits by default before the cluster before the last one goes."""
IDLE_SECONDS = 60
"""After Serve has stopped a replica its worker has nothing to do; the wait for a lower load is Serve's."""
AUTOSCALER = {"cpu": "500m", "memory": "512Mi"}
"""KubeRay's own default for the sidecar of the head; part of what the head is planned with."""
AUTOSCALER_CPU, AUTOSCALER_BYTES = 500, GIB // 2
HEAD_STORE_BYTES = GIB // 4
WORKER_STORE_BYTES = GIB

INGRESS_TIMEOUT, INGRESS_SECONDS = "RAY_SERVE_LLM_ROUTER_HTTP_TIMEOUT", 600
"""Variable with the seconds after which the ingress gives a request up, and its default (ray 2.60: llm/_internal/serve/constants.py)."""

UPGRADES = {"surge": "NewCluster", "recreate": "None"}
"""`ServicePlan.rollout` -> what KubeRay does where the pods change: a second cluster first, or nothing. In the latter case the RayService
is deleted and made anew."""


def ray_service(plans: Sequence[ServicePlan]) -> dict[str, Any]:
    """The RayService of the services of one server, which have its name, its rollout and its way to stop in common."""
    first = plans[0]
    scales = any(plan.replicas.scales for plan in plans)
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": first.server_name, "namespace": first.namespace, "labels": labels(first.server_name)},
        "spec": {
            "serveConfigV2": serve_config(plans),
            "upgradeStrategy": {"type": UPGRADES[first.rollout]},
            # Traffic has moved on by then; what it still answers may be as long as the longest planned response.
            "rayClusterDeletionDelaySeconds": DELETION_MARGIN + first.spec.drain.pre_stop,
            "excludeHeadPodFromServeSvc": True,
            "rayClusterConfig": {
                "rayVersion": _served(first).ray_version,
                "enableInTreeAutoscaling": scales,
                **({"autoscalerOptions": _autoscaler()} if scales else {}),
                "headGroupSpec": _head(first, _served(first).head, scales),
                "workerGroupSpecs": [_workers(plan) for plan in plans],
            },
        },
    }


def serve_config(plans: Sequence[ServicePlan]) -> str:
    """The Serve application as YAML text: an OpenAI-compatible API over the models, which requests name."""
    import yaml  # only where a RayService is rendered

    first = plans[0]
    application = {
        "name": first.server_name,
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {"llm_configs": [_served(plan).llm_config for plan in plans], "ingress_deployment_config": _served(first).ingress},
    }
    options = {"host": "0.0.0.0", "port": first.spec.ports[0].number, "request_timeout_s": first.timeout_seconds}
    return yaml.safe_dump({"http_options": options, "applications": [application]}, sort_keys=False)


def _served(plan: ServicePlan) -> ServedModel:
    assert plan.spec.served is not None, f"{plan.name} is no model of a Ray cluster"
    return plan.spec.served


def _autoscaler() -> dict[str, Any]:
    return {
        "idleTimeoutSeconds": IDLE_SECONDS,
        "resources": {"requests": dict(AUTOSCALER), "limits": dict(AUTOSCALER)},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _head(plan: ServicePlan, head: HeadPod, scales: bool) -> dict[str, Any]:
    """The head: no task runs on it, so that losing a model never takes the cluster's own state with it."""
    cpu = head.cpu_millicores - (AUTOSCALER_CPU if scales else 0)
    memory = mebibytes(head.memory_bytes - (AUTOSCALER_BYTES if scales else 0))
    amounts = {"cpu": f"{cpu}m", "memory": memory}
    spec = plan.spec
    return {
        "rayStartParams": {"dashboard-host": "0.0.0.0", "num-cpus": "0", "object-store-memory": str(HEAD_STORE_BYTES)},
        "template": {
            "metadata": {"labels": ray_head_labels(plan)},
            "spec": {
                # The autoscaler asks Kubernetes for pods, by an account that KubeRay makes for it.
                **({} if scales else {"serviceAccountName": plan.server_name, "automountServiceAccountToken": False}),
                "enableServiceLinks": False,
                "securityContext": pod_security(spec),
                "containers": [
                    {
                        "name": "ray-head",
                        "image": spec.image,
                        "env": [],
                        "ports": [
                            {"name": "gcs-server", "containerPort": 6379, "protocol": "TCP"},
                            {"name": "dashboard", "containerPort": 8265, "protocol": "TCP"},
                            {"name": "metrics", "containerPort": 8080, "protocol": "TCP"},
                        ],
                        "resources": {"requests": dict(amounts), "limits": dict(amounts)},
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                        "volumeMounts": [{"name": "session", "mountPath": "/tmp/ray"}, {"name": "shm", "mountPath": "/dev/shm"}],
                    }
                ],
                "volumes": [
                    {"name": "session", "emptyDir": {"sizeLimit": "4Gi"}},
                    {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}},
                ],
            },
        },
    }


def _workers(plan: ServicePlan) -> dict[str, Any]:
    spec, gpus = plan.spec, plan.resources.gpus
    cores = max(1, math.floor(plan.resources.cpu_millicores / 1000))
    return {
        "groupName": plan.name,
        "replicas": plan.replicas.min,
        "minReplicas": plan.replicas.min,
        "maxReplicas": plan.replicas.max,
        "rayStartParams": {"object-store-memory": str(WORKER_STORE_BYTES)},
        # What Ray counts on a worker. The resource of the service's own name is what its replicas ask for.
        "resources": {"CPU": str(cores), "GPU": str(gpus), plan.name: "1"},
        "template": {
            "metadata": {"labels": ray_worker_labels(plan)},
            "spec": {
                **pod_settings(plan),
                **({"topologySpreadConstraints": spread(ray_worker_labels(plan))} if plan.replicas.max > 1 else {}),
                "containers": [_worker(plan, spec)],
                "volumes": volumes(plan.object_name, spec),
            },
        },
    }


def _worker(plan: ServicePlan, spec: EngineSpec) -> dict[str, Any]:
    made = container(plan.object_name, spec, "ray-worker", templated=False)
    del made["args"]
    ports = [*made["ports"], {"name": "agent", "containerPort": spec.probes.liveness.port, "protocol": "TCP"}]
    return {**made, "env": [*made["env"], *_patience(plan)], "ports": ports, "resources": requested(plan.resources)}


def _patience(plan: ServicePlan) -> list[dict[str, Any]]:
    """The ingress, which runs on workers, has a limit of its own beside that of the proxy."""
    return [{"name": INGRESS_TIMEOUT, "value": str(plan.timeout_seconds)}] if plan.timeout_seconds > INGRESS_SECONDS else []
