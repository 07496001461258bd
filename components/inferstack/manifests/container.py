"""The serving container as KServe's runtime carries it: what it runs, how it is probed, what it may write and what it is denied."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

from ..engines.spec import Drain, EngineSpec, HttpProbe, SecretEnv, Volume
from .names import CONTAINER, OPTIONAL_SECRETS, SECRET_KEYS, secret_name

MIB = 2**20
Said = Callable[[str], str]
"""How text is written for the one who reads the container."""
FILES_VOLUME = "files"
INIT_RESOURCES = {"cpu": "500m", "memory": "256Mi"}
"""A download keeps little in memory; believed."""


def container(service: str, spec: EngineSpec, name: str = CONTAINER, *, templated: bool = True) -> dict[str, Any]:
    """The container of one service, without its resources. `templated`: KServe reads it, as a template."""
    said = literal if templated else str
    return {
        "name": name,
        "image": spec.image,
        **({"command": [said(word) for word in spec.command]} if spec.command else {}),
        "args": [said(word) for word in spec.args],
        "env": _environment(service, spec, said),
        # KServe makes the first port port 80 of the service.
        "ports": [{"name": port.name, "containerPort": port.number, "protocol": "TCP"} for port in spec.ports],
        "startupProbe": _probe(spec.probes.startup),
        "readinessProbe": _probe(spec.probes.readiness),
        "livenessProbe": _probe(spec.probes.liveness),
        "lifecycle": {**_post_start(spec, said), "preStop": pre_stop(spec.drain, said)},
        "securityContext": _security(spec),
        "volumeMounts": _mounts(spec),
    }


def init_containers(service: str, spec: EngineSpec) -> list[dict[str, Any]]:
    """What runs before the server: with its volumes and files, and with few means of its own."""
    return [
        {
            "name": init.name,
            "image": init.image,
            "command": list(init.command),
            "args": list(init.args),
            "env": _secret_variables(service, init.secret_env),
            "resources": {"requests": dict(INIT_RESOURCES), "limits": dict(INIT_RESOURCES)},
            "securityContext": _security(spec),
            "volumeMounts": _mounts(spec),
        }
        for init in spec.init
    ]


def _post_start(spec: EngineSpec, said: Said) -> dict[str, Any]:
    return {"postStart": {"exec": {"command": [said(word) for word in spec.post_start]}}} if spec.post_start else {}


def pre_stop(drain: Drain, said: Said = str) -> dict[str, Any]:
    """What runs before SIGTERM: the engine's own command, or else the kubelet's sleep, which needs no shell in the image."""
    if drain.command:
        return {"exec": {"command": [said(word) for word in drain.command]}}
    return {"sleep": {"seconds": drain.pre_stop}}


def volumes(service: str, spec: EngineSpec) -> list[dict[str, Any]]:
    """The volumes that `container` mounts, each with a limit."""
    found: list[dict[str, Any]] = [{"name": volume.name, "emptyDir": _empty_dir(volume)} for volume in spec.volumes]
    found += [{"name": folder.name, "persistentVolumeClaim": {"claimName": folder.claim}} for folder in spec.folders]
    if spec.files:
        items = [{"key": _file_key(path), "path": _file_key(path)} for path, _ in spec.files]
        found.append({"name": FILES_VOLUME, "configMap": {"name": files_name(service, spec), "items": items}})
    return found


def pod(service: str, spec: EngineSpec) -> dict[str, Any]:
    """What a pod of the server alone is told of security: its containers and volumes."""
    return {
        "securityContext": pod_security(spec),
        "initContainers": init_containers(service, spec),
        "containers": [container(service, spec, templated=False)],
        "volumes": volumes(service, spec),
    }


def pod_security(spec: EngineSpec) -> dict[str, Any]:
    """Security context of the pod: not root where the image allows it, and volumes that its group may write."""
    context: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    confined = spec.confinement
    if confined.user is not None:
        context |= {"runAsNonRoot": not confined.is_root, "runAsUser": confined.user}
    if confined.group is not None:
        context |= {"runAsGroup": confined.group, "fsGroup": confined.group}
    return context


def files_name(service: str, spec: EngineSpec) -> str:
    """Name of the ConfigMap of `spec.files`; it ends in a digest of them, so that changed files reach running pods by a rollout."""
    digest = hashlib.sha256(json.dumps(spec.files).encode()).hexdigest()[:8]
    return f"{service}-files-{digest}"


def file_texts(spec: EngineSpec) -> dict[str, str]:
    """Data of that ConfigMap."""
    return {_file_key(path): text for path, text in spec.files}


def literal(text: str) -> str:
    """`text` as it survives KServe, which reads the whole container as one Go template: opening braces become a quoted constant."""
    return text.replace("{{", "{{`{{`}}")


def mebibytes(count: int) -> str:
    """A Kubernetes quantity of at most `count` bytes."""
    return f"{count // MIB}Mi"


def _environment(service: str, spec: EngineSpec, said: Said) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = [{"name": name, "value": said(value)} for name, value in spec.env]
    return plain + _secret_variables(service, spec.secret_env)


def _secret_variables(service: str, entries: tuple[SecretEnv, ...]) -> list[dict[str, Any]]:
    return [{"name": entry.name, "valueFrom": {"secretKeyRef": _secret_key(service, entry.secret)}} for entry in entries]


def _secret_key(service: str, secret: str) -> dict[str, Any]:
    key = {"name": secret_name(service, secret), "key": SECRET_KEYS[secret]}
    return {**key, "optional": True} if secret in OPTIONAL_SECRETS else key


def _probe(probe: HttpProbe) -> dict[str, Any]:
    return {
        "httpGet": {"path": probe.path, "port": probe.port},
        "periodSeconds": probe.period,
        "failureThreshold": probe.failures,
        "timeoutSeconds": probe.timeout,
    }


def _security(spec: EngineSpec) -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": spec.confinement.read_only_root,
    }


def _mounts(spec: EngineSpec) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [{"name": volume.name, "mountPath": volume.path} for volume in spec.volumes]
    mounts += [{"name": folder.name, "mountPath": folder.path, "subPath": folder.folder} for folder in spec.folders]
    return mounts + [{"name": FILES_VOLUME, "mountPath": path, "subPath": _file_key(path), "readOnly": True} for path, _ in spec.files]


def _empty_dir(volume: Volume) -> dict[str, Any]:
    size = {"sizeLimit": f"{math.ceil(volume.size_gib * 1024)}Mi"}
    return {"medium": "Memory", **size} if volume.memory else size


def _file_key(path: str) -> str:
    return path.strip("/").replace("/", ".")
