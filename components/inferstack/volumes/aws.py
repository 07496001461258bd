"""File systems on AWS: EFS and FSx for Lustre, reached from the nodes of one cluster alone."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from ..manifests.volumes import WRITER
from ..nodepools.reference import ClusterReference
from ..planning.types import VolumePlan

NFS_PORT = 2049
Made = tuple[dict[str, pulumi.Output[Any]], list[pulumi.Resource]]


def efs(name: str, plan: VolumePlan, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> Made:
    """A regional file system with elastic throughput, a mount target in each zone, and an access point by which everybody is one user."""
    tags = {"Name": _name(plan, cluster)}
    group, let_in = _for_nodes(name, cluster, opts)
    files = aws.efs.FileSystem(name, encrypted=True, throughput_mode="elastic", tags=tags, opts=opts)
    user = {"uid": WRITER, "gid": WRITER}
    folder = {"path": "/weights", "creation_info": {"owner_uid": WRITER, "owner_gid": WRITER, "permissions": "755"}}
    point = aws.efs.AccessPoint(name, file_system_id=files.id, posix_user=user, root_directory=folder, tags=tags, opts=opts)  # pyright: ignore[reportArgumentType]
    targets = [
        aws.efs.MountTarget(f"{name}-{zone}", file_system_id=files.id, subnet_id=subnet, security_groups=[group.id], opts=opts)
        for zone, subnet in sorted(cluster.get("subnet_ids", {}).items())
    ]
    return {"file_system": files.id, "access_point": point.id}, [point, let_in, *targets]


def fsx(name: str, plan: VolumePlan, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> Made:
    """A persistent file system in one zone. What it holds are copies: no backup is kept."""
    assert plan.zone is not None, "a zone is asked for before"
    files = aws.fsx.LustreFileSystem(
        name,
        deployment_type="PERSISTENT_2",
        storage_type="SSD",
        storage_capacity=plan.size_gib,
        per_unit_storage_throughput=plan.throughput,
        file_system_type_version="2.15",
        subnet_ids=cluster.get("subnet_ids", {})[plan.zone],
        # Lustre's servers and clients call each other on many ports: the group that nodes share lets its members do that, and nobody else.
        security_group_ids=[cluster.get("security_group_id", "")],
        automatic_backup_retention_days=0,
        skip_final_backup=True,
        tags={"Name": _name(plan, cluster)},
        opts=opts,
    )
    return {"file_system": files.id, "dns_name": files.dns_name, "mount_name": files.mount_name}, [files]


def _for_nodes(
    name: str, cluster: ClusterReference, opts: pulumi.ResourceOptions
) -> tuple[aws.ec2.SecurityGroup, aws.vpc.SecurityGroupIngressRule]:
    """Lets NFS in from the group that all nodes share, and nothing else."""
    group = aws.ec2.SecurityGroup(
        f"{name}-nfs",
        description="NFS from the nodes of the cluster",
        vpc_id=cluster.get("vpc_id"),
        tags={"Name": f"{name}-nfs"},
        opts=opts,
    )
    let_in = aws.vpc.SecurityGroupIngressRule(
        f"{name}-nfs-from-nodes",
        security_group_id=group.id,
        referenced_security_group_id=cluster.get("security_group_id"),
        description="NFS",
        ip_protocol="tcp",
        from_port=NFS_PORT,
        to_port=NFS_PORT,
        opts=opts,
    )
    return group, let_in


def _name(plan: VolumePlan, cluster: ClusterReference) -> pulumi.Output[str]:
    return pulumi.Output.concat(cluster["name"], "-", plan.name)
