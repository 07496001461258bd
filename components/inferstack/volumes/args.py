"""Arguments of a SharedVolume. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from typing import NotRequired, TypedDict

from ..nodepools.reference import ClusterReference


class SharedVolumeArgs(TypedDict):
    """A volume that several nodes mount, and its claim."""

    cluster: ClusterReference
    """The cluster; on eks and gke the volume is made in its network."""
    claim: str
    """Name of the claim that pods mount."""
    namespace: str
    """Namespace of the claim, which must be there: name it in `depends_on`."""
    kind: NotRequired[str]
    """efs or fsx on eks, filestore or gcs-fuse on gke. The cluster needs its driver: `volume_kinds` of the cluster components."""
    size_gib: NotRequired[int]
    """fsx, filestore and classes of an existing cluster: its size. It may grow."""
    throughput: NotRequired[int]
    """fsx: MB/s per TiB, 125, 250, 500 or 1000. Left out: 500."""
    storage_class: NotRequired[str]
    """existing: the class that makes it, in place of `kind`."""
    zone: NotRequired[str]
    """fsx and filestore: where it lies. Left out: the first zone of the cluster."""
