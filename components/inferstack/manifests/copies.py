"""The Job that copies a service's weights onto a volume, once: KServe's storage initializer, and a folder that appears when it is whole.

What is being copied lies under a name of its own, so that a try that was cut off goes on where it was, and nobody takes a part for the
whole. Of what the service was served from before, the last copy stays for pods that still start from it; older ones go.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..catalog.volumes import volume_kinds
from ..planning.types import ServicePlan, WeightCopy
from .names import SECRET_KEYS, labels, secret_name

ROOM, MOUNT = "weights", "/volume"
USER = 1000
"""Who the image runs as, and to whom volumes of the stack belong."""
RETRIES = 6
"""What Kubernetes allows a Job by default; the deadline ends it earlier where each try is long."""
RESOURCES = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
"""Believed: a few files at a time, in pieces; what is written waits in memory that counts against the limit and can be given back."""
WHOLE = ".inferstack-whole"
SCRIPT = f"""set -eu
cd {MOUNT}
if [ -e "$FOLDER/{WHOLE}" ]; then echo "$FOLDER is whole"; exit 0; fi
before=$(ls -1dt "$SERVICE".*/{WHOLE} 2>/dev/null | head -n 1 | cut -d/ -f1)
for old in "$SERVICE".* .partial."$SERVICE".*; do
  case "$old" in "$FOLDER" | ".partial.$FOLDER" | "$before") ;; *) rm -rf "$old" ;; esac
done
/storage-initializer/scripts/initializer-entrypoint "$SOURCE" "{MOUNT}/.partial.$FOLDER"
rm -rf ".partial.$FOLDER/.cache"
touch ".partial.$FOLDER/{WHOLE}"
chmod -R a+rX ".partial.$FOLDER"
rmdir "$FOLDER" 2>/dev/null || true
mv -T ".partial.$FOLDER" "$FOLDER"
"""
"""An empty folder of the final name is what a kubelet leaves that was asked to mount it too early."""
REPLACE_UNREADY = {"pulumi.com/replaceUnready": "true"}
"""A Job that has failed is made anew by the next deployment."""


def copy_job(plan: ServicePlan) -> dict[str, Any] | None:
    """The Job, named by all that it does: one that does something else is another. None where weights are read from where they are."""
    copy = plan.copy
    if copy is None:
        return None
    spec = {
        "backoffLimit": RETRIES,
        "activeDeadlineSeconds": copy.deadline_seconds,
        "template": {"metadata": {"labels": labels(plan.name), **_annotations(copy)}, "spec": _pod(plan, copy)},
    }
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{plan.name}-weights-{digest}",
            "namespace": plan.namespace,
            "labels": labels(plan.name),
            "annotations": dict(REPLACE_UNREADY),
        },
        "spec": spec,
    }


def mount_annotations(kind: str | None) -> dict[str, str]:
    """What a pod says that mounts a volume of that kind."""
    sidecar = None if kind is None else volume_kinds()[kind].sidecar
    if sidecar is None:
        return {}
    millicores, mib = sidecar
    limits = {f"gke-gcsfuse/{what}-limit": "0" for what in ("cpu", "memory", "ephemeral-storage")}
    return {
        "gke-gcsfuse/volumes": "true",
        "gke-gcsfuse/cpu-request": f"{millicores}m",
        "gke-gcsfuse/memory-request": f"{mib}Mi",
        "gke-gcsfuse/ephemeral-storage-request": "1Gi",
        **limits,
    }


def _annotations(copy: WeightCopy) -> dict[str, Any]:
    found = mount_annotations(copy.kind)
    return {"annotations": found} if found else {}


def _pod(plan: ServicePlan, copy: WeightCopy) -> dict[str, Any]:
    return {
        # Clouds let the service's own account read its bucket.
        "serviceAccountName": plan.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "OnFailure",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"nodeSelector": dict(copy.node_selector)} if copy.node_selector else {}),
        **({"initContainers": [_owner(copy)]} if volume_kinds()[copy.kind].root_owned else {}),
        "containers": [_copier(plan, copy)],
        "volumes": [
            {"name": ROOM, "persistentVolumeClaim": {"claimName": copy.volume}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
        ],
    }


def _copier(plan: ServicePlan, copy: WeightCopy) -> dict[str, Any]:
    env: list[dict[str, Any]] = [
        {"name": "SERVICE", "value": plan.name},
        {"name": "FOLDER", "value": copy.folder},
        {"name": "SOURCE", "value": copy.source},
        {"name": "HOME", "value": "/tmp"},
        {"name": "HF_HOME", "value": "/tmp/huggingface"},
        {"name": "HF_HUB_DISABLE_TELEMETRY", "value": "1"},
        # Nothing is read twice, and a cache of pieces would fill /tmp.
        {"name": "HF_XET_CHUNK_CACHE_SIZE_BYTES", "value": "0"},
        *(
            {"name": f"STORAGE_{key}_PATTERNS", "value": json.dumps(said)}
            for key, said in (("ALLOW", copy.allow), ("IGNORE", copy.ignore))
            if said
        ),
    ]
    if copy.uses_token:
        key = {"name": secret_name(plan.name, "hugging-face-token"), "key": SECRET_KEYS["hugging-face-token"], "optional": True}
        env.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": key}})
    return {
        "name": "copy",
        "image": copy.image,
        "command": ["/bin/sh", "-c", SCRIPT],
        "env": env,
        "resources": {key: dict(amounts) for key, amounts in RESOURCES.items()},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": ROOM, "mountPath": MOUNT}, {"name": "tmp", "mountPath": "/tmp"}],
    }


def _owner(copy: WeightCopy) -> dict[str, Any]:
    """Gives the root folder of the volume to who copies; nothing else of it runs as root, and this with one right only."""
    return {
        "name": "own",
        "image": copy.image,
        "command": ["chown", f"{USER}:{USER}", MOUNT],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        "securityContext": {
            "runAsNonRoot": False,
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": ROOM, "mountPath": MOUNT}],
    }
