"""Makes an EKS managed node group of a translated pool."""

from __future__ import annotations

import re

import pulumi
import pulumi_aws as aws

from .eks import EksGroup, eks_group
from .reference import ClusterReference
from .spec import PoolSpec

DISCOVERY_TAG = "k8s.io/cluster-autoscaler"


def create_eks_group(name: str, spec: PoolSpec, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> aws.eks.NodeGroup:
    """The node group `<name>-nodes` with its launch template and, where it is scaled, the tags that the Cluster Autoscaler reads."""
    subnets, role = cluster.get("subnet_ids"), cluster.get("node_role_arn")
    assert subnets is not None, "checked by the rules of eks"
    assert role is not None, "checked by the rules of eks"
    group = eks_group(spec)
    template = aws.ec2.LaunchTemplate(f"{name}-template", **group.launch_template, opts=opts)
    nodes = aws.eks.NodeGroup(
        f"{name}-nodes",
        **group.node_group,
        cluster_name=cluster["name"],
        node_role_arn=role,
        subnet_ids=[subnets[zone] for zone in spec.zones],
        # A number, because $Latest would be read back as one and differ for ever.
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=list(group.ignore_changes))),
    )
    _tag_scaling_group(name, group, cluster, nodes, opts)
    return nodes


def _tag_scaling_group(
    name: str, group: EksGroup, cluster: ClusterReference, nodes: aws.eks.NodeGroup, opts: pulumi.ResourceOptions
) -> None:
    """Tags of a node group stay on the group; the Cluster Autoscaler reads those of the Auto Scaling group below it."""
    if not group.autoscaler_tags:
        return
    scaling_group = nodes.resources[0].autoscaling_groups[0].name
    owned = pulumi.Output.concat(DISCOVERY_TAG, "/", cluster["name"])
    tags: list[tuple[str, pulumi.Input[str], str]] = [
        ("enabled", f"{DISCOVERY_TAG}/enabled", "true"),
        ("owned", owned, "owned"),
        *((_slug(key), key, value) for key, value in group.autoscaler_tags),
    ]
    for slug, key, value in tags:
        aws.autoscaling.Tag(
            f"{name}-tag-{slug}",
            autoscaling_group_name=scaling_group,
            # The kubelet labels and taints the nodes itself; on instances these tags would only be noise.
            tag={"key": key, "value": value, "propagate_at_launch": False},
            opts=opts,
        )


def _slug(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", key.removeprefix(f"{DISCOVERY_TAG}/node-template/"))
