"""KServe's two objects: the runtime says what the server is, the InferenceService where, how large and how many.

KServe merges both into one Deployment. Of a runtime's pod it keeps containers, volumes, nodeSelector, affinity, tolerations,
imagePullSecrets and schedulerName; everything else about the pod therefore stands on the InferenceService (kserve v0.20.0,
pkg/controller/v1beta1/inferenceservice/utils, MergePodSpec).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engines.spec import EngineSpec
from ..engines.weights import MOUNT
from ..planning.types import Resources, ServicePlan
from .container import container, init_containers, mebibytes, volumes
from .copies import mount_annotations
from .names import labels, pod_labels
from .pods import pod_settings

CPU_BURST = 2
"""CPU limit over CPU request. A limit must be stated, or KServe's default of one CPU may stand in for it, below our request."""

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
"""A Deployment, no Knative. Stated on every service because the mode of an existing one cannot change."""
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"


SURGE = {
    "surge": {"maxSurge": 1, "maxUnavailable": 0},
    "recreate": {"maxSurge": 0, "maxUnavailable": 1},
}
"""`ServicePlan.rollout` -> rolling update."""


def serving_runtime(plan: ServicePlan) -> dict[str, Any]:
    """The service's own ServingRuntime: the engine's container and its volumes."""
    spec = plan.spec
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": labels(plan.name)},
        "spec": {
            "supportedModelFormats": [{"name": spec.model_format, "autoSelect": False}],
            "containers": [container(plan.name, spec)],
            "volumes": volumes(plan.name, spec),
        },
    }


def inference_service(plan: ServicePlan) -> dict[str, Any]:
    """The InferenceService: placement, size, number and lifetime of the pods.

    Its labels and annotations are copied into the pods, so that nothing volatile (costs, commits, dates) may stand there.
    """
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": labels(plan.name),
            # With `external` KServe leaves the number of replicas to the scaler that `scaling` makes.
            "annotations": {
                **STANDARD,
                AUTOSCALER_CLASS: "none" if plan.scaling.signal == "none" else "external",
                **mount_annotations(plan.copy.kind if plan.copy else None),
            },
        },
        "spec": {"predictor": _predictor(plan)},
    }


def _predictor(plan: ServicePlan) -> dict[str, Any]:
    return {
        # The scaler decides; 0 here would be a mode of KServe that needs Knative.
        "minReplicas": max(1, plan.replicas.min),
        "maxReplicas": plan.replicas.max,
        "timeout": plan.timeout_seconds,
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": dict(SURGE[plan.rollout])},
        **pod_settings(plan),
        **({"topologySpreadConstraints": spread(pod_labels(plan.name))} if plan.replicas.max > 1 else {}),
        **({"initContainers": init_containers(plan.name, plan.spec)} if plan.spec.init else {}),
        **({"storageUris": _storage_uris(plan.spec)} if plan.spec.mounts else {}),
        "model": _model(plan.name, plan.spec, plan.resources),
    }


def _model(runtime: str, spec: EngineSpec, resources: Resources) -> dict[str, Any]:
    model: dict[str, Any] = {"modelFormat": {"name": spec.model_format}, "runtime": runtime, "resources": requested(resources)}
    # KServe takes one URI here or a list beside the model, never both.
    return model if spec.storage_uri is None or spec.mounts else {**model, "storageUri": spec.storage_uri}


def _storage_uris(spec: EngineSpec) -> list[dict[str, str]]:
    own = () if spec.storage_uri is None else ((spec.storage_uri, MOUNT),)
    return [{"uri": uri, "mountPath": path} for uri, path in (*own, *spec.mounts)]


def requested(resources: Resources) -> dict[str, Any]:
    """Requests and limits of the serving container."""
    memory = mebibytes(resources.memory_bytes)
    gpus = {resources.gpu_resource: str(resources.gpus)} if resources.gpus else {}
    # No ephemeral-storage: an autoscaler does not know the disk of a node that does not exist yet and would never start one.
    return {
        "requests": {"cpu": f"{resources.cpu_millicores}m", "memory": memory, **gpus},
        "limits": {"cpu": f"{resources.cpu_millicores * CPU_BURST}m", "memory": memory, **gpus},
    }


def spread(selected: Mapping[str, str]) -> list[dict[str, Any]]:
    """Replicas apart over zones and nodes where there is a choice; never a reason to start a node."""
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": dict(selected)}}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
