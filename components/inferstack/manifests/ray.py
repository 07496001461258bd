"""KubeRay's RayService: one Ray cluster for each service, and the Serve application in it.

The head leads and serves nothing; each worker is one replica. Within the bounds of the plan Ray itself asks for workers, so that neither
KServe nor KEDA has a part in it. A changed model or number of replicas is applied in place; a changed pod means a new cluster.
"""

from __future__ import annotations

import math
from typing import Any

from ..engines.types import EngineSpec, HeadPod, ServedModel
from ..planning.types import ServicePlan
from .container import container, mebibytes, pod_security, volumes
from .inference import requested, spread
from .names import RAY_HEAD, RAY_WORKER, labels, ray_labels
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

UPGRADES = {"surge": "NewCluster", "recreate": "None"}
"""`ServicePlan.rollout` -> what KubeRay does where the pods change: a second cluster first, or nothing. In the latter case the RayService
is deleted and made anew."""


def ray_service(plan: ServicePlan) -> dict[str, Any]:
    served = _served(plan)
    scales = plan.replicas.scales
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "serveConfigV2": serve_config(plan),
            "upgradeStrategy": {"type": UPGRADES[plan.rollout]},
            # Traffic has moved on by then; what it still answers may be as long as the longest planned response.
            "rayClusterDeletionDelaySeconds": DELETION_MARGIN + plan.spec.drain.pre_stop,
            "excludeHeadPodFromServeSvc": True,
            "rayClusterConfig": {
                "rayVersion": served.ray_version,
                "enableInTreeAutoscaling": scales,
                **({"autoscalerOptions": _autoscaler()} if scales else {}),
                "headGroupSpec": _head(plan, served.head),
                "workerGroupSpecs": [_workers(plan)],
            },
        },
    }


def serve_config(plan: ServicePlan) -> str:
    """The Serve application as YAML text: an OpenAI-compatible API over the model."""
    import yaml  # only where a RayService is rendered

    served = _served(plan)
    application = {
        "name": plan.name,
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {"llm_configs": [served.llm_config], "ingress_deployment_config": served.ingress},
    }
    options = {"host": "0.0.0.0", "port": plan.spec.ports[0].number, "request_timeout_s": plan.timeout_seconds}
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


def _head(plan: ServicePlan, head: HeadPod) -> dict[str, Any]:
    """The head: no task runs on it, so that losing a model never takes the cluster's own state with it."""
    scales = plan.replicas.scales
    cpu = head.cpu_millicores - (AUTOSCALER_CPU if scales else 0)
    memory = mebibytes(head.memory_bytes - (AUTOSCALER_BYTES if scales else 0))
    amounts = {"cpu": f"{cpu}m", "memory": memory}
    spec = plan.spec
    return {
        "rayStartParams": {"dashboard-host": "0.0.0.0", "num-cpus": "0", "object-store-memory": str(HEAD_STORE_BYTES)},
        "template": {
            "metadata": {"labels": ray_labels(plan.name, RAY_HEAD)},
            "spec": {
                # The autoscaler asks Kubernetes for pods, by an account that KubeRay makes for it.
                **({} if scales else {"serviceAccountName": plan.name, "automountServiceAccountToken": False}),
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
            "metadata": {"labels": ray_labels(plan.name, RAY_WORKER)},
            "spec": {
                **pod_settings(plan),
                **({"topologySpreadConstraints": spread(ray_labels(plan.name, RAY_WORKER))} if plan.replicas.max > 1 else {}),
                "containers": [_worker(plan, spec)],
                "volumes": volumes(plan.name, spec),
            },
        },
    }


def _worker(plan: ServicePlan, spec: EngineSpec) -> dict[str, Any]:
    made = container(plan.name, spec, "ray-worker", templated=False)
    del made["args"]
    return {**made, "resources": requested(plan.resources)}
