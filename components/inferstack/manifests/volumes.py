"""Claims of the volumes that a stack shares, and what each claim is bound to: a file system that is there, or a class of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..planning.types import VolumePlan

ELASTIC_GIB = 1024
"""What a claim says of a volume that has no size: Kubernetes asks for one, and nobody reads it."""
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Some classes make a volume only once a pod asks for it, which comes later."""
WRITER = 1000
"""Who owns what Cloud Storage FUSE shows; everybody may read it."""
FACTS: Mapping[str, tuple[str, ...]] = {
    "efs": ("file_system", "access_point"),
    "fsx": ("file_system", "dns_name", "mount_name"),
    "filestore": ("location", "instance", "share", "address"),
    "gcs-fuse": ("bucket",),
    "claim": (),
}
"""Kind of volume -> what is known of it only once the cloud has made it."""


def placeholders(volume: VolumePlan) -> dict[str, str]:
    """What stands for that in manifests of a plan."""
    return {fact: f"<{volume.name}-{fact.replace('_', '-')}>" for fact in FACTS[volume.kind]}


def persistent_volume(volume: VolumePlan, facts: Mapping[str, Any], handle: Any = None) -> dict[str, Any] | None:
    """The volume as Kubernetes sees it, kept for its one claim; None where a class makes it. `facts` may hold whatever the caller's tool
    takes for text that is only known later; `handle` is then its text of the driver's handle."""
    if volume.storage_class is not None:
        return None
    source, options = _csi(volume.kind, facts)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _volume_name(volume), "labels": _labels(volume)},
        "spec": {
            "capacity": {"storage": _size(volume)},
            "accessModes": ["ReadWriteMany"],
            # The file system is deleted by who has made it, and not by its driver.
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "volumeMode": "Filesystem",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": volume.namespace, "name": volume.name},
            **({"mountOptions": list(options)} if options else {}),
            "csi": source if handle is None else {**source, "volumeHandle": handle},
        },
    }


def claim(volume: VolumePlan) -> dict[str, Any]:
    """What pods mount, by the name of the volume."""
    bound = {"storageClassName": "", "volumeName": _volume_name(volume)}
    by_class = {"storageClassName": volume.storage_class}
    annotations = {} if volume.storage_class is None else {"annotations": dict(SKIP_AWAIT)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume.name, "namespace": volume.namespace, "labels": _labels(volume), **annotations},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": _size(volume)}},
            **(bound if volume.storage_class is None else by_class),
        },
    }


def handle_of(kind: str, facts: Mapping[str, str]) -> str:
    """How the driver of that kind names a volume."""
    match kind:
        case "efs":
            return f"{facts['file_system']}::{facts['access_point']}"
        case "fsx":
            return facts["file_system"]
        case "filestore":
            return f"modeInstance/{facts['location']}/{facts['instance']}/{facts['share']}"
        case _:
            return facts["bucket"]


def _csi(kind: str, facts: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The driver's own part, and its mount options. Handles and attributes: examples of the drivers aws-efs-csi-driver,
    aws-fsx-csi-driver, gcp-filestore-csi-driver and gcs-fuse-csi-driver."""
    handle = {} if any(not isinstance(fact, str) for fact in facts.values()) else {"volumeHandle": handle_of(kind, facts)}
    match kind:
        case "efs":
            return {"driver": "efs.csi.aws.com", **handle}, ("tls",)
        case "fsx":
            attributes = {"dnsname": facts["dns_name"], "mountname": facts["mount_name"]}
            return {"driver": "fsx.csi.aws.com", **handle, "volumeAttributes": attributes}, ("flock",)
        case "filestore":
            attributes = {"ip": facts["address"], "volume": facts["share"]}
            return {"driver": "filestore.csi.storage.gke.io", **handle, "volumeAttributes": attributes}, ()
        case _:
            owner = (f"uid={WRITER}", f"gid={WRITER}", "file-mode=644", "dir-mode=755")
            return {"driver": "gcsfuse.csi.storage.gke.io", **handle}, ("implicit-dirs", *owner)


def _volume_name(volume: VolumePlan) -> str:
    """Volumes have no namespace: theirs stands before their name."""
    return f"{volume.namespace}-{volume.name}"


def _size(volume: VolumePlan) -> str:
    return f"{ELASTIC_GIB if volume.size_gib is None else volume.size_gib}Gi"


def _labels(volume: VolumePlan) -> dict[str, str]:
    return {"app.kubernetes.io/name": volume.name, "app.kubernetes.io/managed-by": "inferstack"}
