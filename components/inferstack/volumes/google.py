"""File systems on Google Cloud: Filestore in the network of one cluster, and a bucket that Cloud Storage FUSE shows as one."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from ..nodepools.reference import ClusterReference
from ..planning.types import VolumePlan

SHARE = "weights"
Made = tuple[dict[str, pulumi.Output[Any]], list[pulumi.Resource]]


def filestore(name: str, plan: VolumePlan, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> Made:
    """A zonal instance. Pods of other zones reach it too."""
    project = cluster.get("project")
    enabled = gcp.projects.Service(f"{name}-api", service="file.googleapis.com", project=project, disable_on_destroy=False, opts=opts)
    assert plan.zone is not None, "a zone is asked for before"
    made = gcp.filestore.Instance(
        name,
        location=plan.zone,
        tier="ZONAL",
        project=project,
        file_shares={"name": SHARE, "capacity_gb": plan.size_gib},  # pyright: ignore[reportArgumentType]
        networks=[{"network": cluster.get("network"), "modes": ["MODE_IPV4"]}],  # pyright: ignore[reportArgumentType]
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[enabled])),
    )
    address = made.networks.apply(lambda networks: (networks[0].ip_addresses or ["<address>"])[0])
    facts = {"location": made.location, "instance": made.name, "share": pulumi.Output.from_input(SHARE), "address": address}
    return facts, [made]


def bucket(name: str, plan: VolumePlan, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> Made:
    """A bucket with folders that can be renamed as a whole, which every pod of the namespace may write to, and nobody outside."""
    made = gcp.storage.Bucket(
        name,
        location=cluster.get("region", ""),
        project=cluster.get("project"),
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        hierarchical_namespace={"enabled": True},
        # What it holds are copies: it goes with them, and nothing deleted is kept and billed.
        force_destroy=True,
        soft_delete_policy={"retention_duration_seconds": 0},
        opts=opts,
    )
    pods = pulumi.Output.all(made.project_number, made.project).apply(lambda known: _pods(known[0], known[1], plan.namespace))
    granted = gcp.storage.BucketIAMMember(f"{name}-pods", bucket=made.name, role="roles/storage.objectUser", member=pods, opts=opts)
    return {"bucket": made.name}, [made, granted]


def _pods(number: int, project: str, namespace: str) -> str:
    """All pods of a namespace, by workload identity."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{project}.svc.id.goog"
    return f"principalSet://iam.googleapis.com/{pool}/namespace/{namespace}"
