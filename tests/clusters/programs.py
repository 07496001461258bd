"""Small Pulumi programs, previewed offline."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferstack import offline
from inferstack.offline import Preview, Resource

EKS = """
from inferstack.clusters import EksCluster
from inferstack.nodepools import GpuNodePool

cluster = EksCluster("serving", {
    "cluster_name": "serving",
    "region": "us-east-1",
    "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
    "kubernetes_version": "1.35",
    "nat_gateways": "per-zone",
    "api_access_cidrs": ["203.0.113.0/24", "192.168.0.0/16"],
    "admin_role_arns": ["arn:aws:iam::123456789012:role/team/admin"],
    "deletion_protection": True,
})
GpuNodePool("gpus", {
    "cluster": cluster.reference,
    "machine_type": "g6e.12xlarge",
    "max_nodes": 3,
    "labels": {"team": "search"},
})
GpuNodePool("block", {
    "cluster": cluster.reference,
    "machine_type": "p5.48xlarge",
    "capacity_type": "reserved",
    "reservation_id": "cr-0123456789abcdef0",
    "capacity_block": True,
    "zones": ["us-east-1a"],
    "max_nodes": 2,
    "autoscaled": False,
})
GpuNodePool("workers", {"cluster": cluster.reference, "machine_type": "c7i.4xlarge", "capacity_type": "spot", "max_nodes": 4})
"""

GKE = """
from inferstack.clusters import GkeCluster
from inferstack.nodepools import GpuNodePool

cluster = GkeCluster("serving", {
    "cluster_name": "serving",
    "region": "us-central1",
    "zones": ["us-central1-a", "us-central1-b", "us-central1-c"],
    "kubernetes_version": "1.35",
})
GpuNodePool("gpus", {
    "cluster": cluster.reference,
    "machine_type": "g2-standard-24",
    "capacity_type": "spot",
    "max_nodes": 3,
})
GpuNodePool("hopper", {
    "cluster": cluster.reference,
    "machine_type": "a3-highgpu-8g",
    "capacity_type": "reserved",
    "reservation_id": "my-reservation",
    "zones": ["us-central1-a"],
    "max_nodes": 2,
    "autoscaled": False,
    "own_device_plugin": True,
})
GpuNodePool("workers", {"cluster": cluster.reference, "machine_type": "c3-standard-22", "max_nodes": 4})
"""


def previewed(folder: Path, program: str) -> Preview:
    """What the program asks for, in an empty project of its own."""
    (folder / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(textwrap.dedent(program))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_ERROR_OUTPUT_STRING", "true")  # an Output that is formatted into a text is an error
        return offline.preview(folder, folder / "Pulumi.test.yaml")


def of_type(preview: Preview, type_: str) -> list[Resource]:
    return [resource for resource in preview.resources if resource.type == type_]


def named(preview: Preview, name: str) -> Resource:
    (found,) = [resource for resource in preview.resources if resource.name == name]
    return found


def waits_for(preview: Preview, later: Resource) -> set[str]:
    """Names of everything that `later` comes after, directly or by way of others: dependencies, provider, parents."""
    by_urn = {resource.urn: resource for resource in preview.resources}
    seen: set[str] = set()
    open_urns = list(_before(later))
    while open_urns:
        urn = open_urns.pop()
        if urn not in seen:
            seen.add(urn)
            open_urns.extend(_before(by_urn[urn]))
    return {by_urn[urn].name for urn in seen}


def _before(resource: Resource) -> Iterator[str]:
    yield from resource.dependencies
    if resource.provider is not None:
        yield resource.provider
    if resource.parent is not None:
        yield resource.parent
