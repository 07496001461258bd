"""What a deployment makes for volumes that services share, and in which order."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from inferstack import offline
from inferstack.offline import Preview, Resource
from tests.stacks.graphs import PROJECT

SERVICE = "{name: chat, model: Qwen/Qwen3-8B, gpu: l4, volume: weights, traffic: {requestsPerSecond: 1, isl: 500, osl: 200}}"
TARGETS = {
    "efs": "{cloud: eks, region: us-east-1, volumes: [{name: weights, kind: efs}]}",
    "fsx": "{cloud: eks, region: us-east-1, volumes: [{name: weights, kind: fsx}]}",
    "filestore": "{cloud: gke, region: us-central1, volumes: [{name: weights, kind: filestore}]}",
    "gcs-fuse": "{cloud: gke, region: us-central1, volumes: [{name: weights, kind: gcs-fuse}]}",
}
FILES = {
    "efs": "aws:efs/fileSystem:FileSystem",
    "fsx": "aws:fsx/lustreFileSystem:LustreFileSystem",
    "filestore": "gcp:filestore/instance:Instance",
    "gcs-fuse": "gcp:storage/bucket:Bucket",
}


def previewed(folder: Path, kind: str) -> Preview:
    path = folder / "Pulumi.test.yaml"
    path.write_text(f"config:\n  inferstack:target: {TARGETS[kind]}\n  inferstack:services: [{SERVICE}]\n")
    return offline.preview(PROJECT, path)


def behind(shown: Preview, resource: Resource) -> set[str]:
    """Types of everything that `resource` waits for."""
    by_urn = {other.urn: other for other in shown.resources}
    seen: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        for urn in by_urn[waiting.pop()].dependencies:
            if urn in by_urn and urn not in seen:
                seen.add(urn)
                waiting.append(urn)
    return {by_urn[urn].type for urn in seen}


@pytest.mark.parametrize("kind", TARGETS)
def test_servers_wait_for_the_job_and_the_job_for_the_volume(tmp_path: Path, kind: str) -> None:
    """File system, volume, claim, Job and server come in that order, so that they go in the other one."""
    shown = previewed(tmp_path, kind)
    chain = [
        FILES[kind],
        "kubernetes:core/v1:PersistentVolume",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:batch/v1:Job",
        "kubernetes:serving.kserve.io/v1beta1:InferenceService",
    ]
    for before, after in itertools.pairwise(chain):
        (resource,) = [found for found in shown.resources if found.type == after]
        assert before in behind(shown, resource), after


def test_efs_is_encrypted_and_open_to_nodes_alone(tmp_path: Path) -> None:
    """One mount target in each zone; NFS comes from the group of the nodes."""
    shown = previewed(tmp_path, "efs")
    (files,) = [found for found in shown.resources if found.type == FILES["efs"]]
    assert (files.inputs["encrypted"], files.inputs["throughputMode"]) == (True, "elastic")
    assert len([found for found in shown.resources if found.type == "aws:efs/mountTarget:MountTarget"]) == 3
    (rule,) = [found for found in shown.resources if found.name == "volume-weights-nfs-from-nodes"]
    assert "cidrIpv4" not in rule.inputs
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (2049, 2049)
    assert "cluster-aws-efs-csi-driver" in {found.name for found in shown.resources}
