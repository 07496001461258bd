"""Makes an EKS managed node group of a translated pool."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_aws as aws

from .eks import EksGroup, efa_interfaces, eks_group
from .reference import ClusterReference
from .spec import PoolSpec

DISCOVERY_TAG = "k8s.io/cluster-autoscaler"


def create_eks_group(name: str, spec: PoolSpec, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> aws.eks.NodeGroup:
    """The node group `<name>-nodes` with its launch template and, where it is scaled, the tags that the Cluster Autoscaler reads."""
    subnets, role = cluster.get("subnet_ids"), cluster.get("node_role_arn")
    assert subnets is not None, "checked by the rules of eks"
    assert role is not None, "checked by the rules of eks"
    group = eks_group(spec)
    joined = _fabric(name, spec, cluster, opts) if spec.fabric else {}
    template = aws.ec2.LaunchTemplate(f"{name}-template", **group.launch_template, **joined, opts=opts)
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


def _fabric(name: str, spec: PoolSpec, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> dict[str, Any]:
    """Arguments of the launch template that join nodes by EFA: interfaces, near one another, in a group that lets all of EFA through.

    EFA is no IP: only rules that name the group itself, both ways, let it pass.
    """
    vpc, shared = cluster.get("vpc_id"), cluster.get("security_group_id")
    assert vpc is not None, "checked by the rules of fabric"
    assert shared is not None, "checked by the rules of fabric"
    among = aws.ec2.SecurityGroup(
        f"{name}-efa",
        description=f"EFA between nodes of pool {spec.name}",
        vpc_id=vpc,
        ingress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "self": True}],
        egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "self": True}],
        tags={"Name": f"{spec.name}-efa"},
        opts=opts,
    )
    near = aws.ec2.PlacementGroup(f"{name}-near", strategy="cluster", tags={"Name": spec.name}, opts=opts)
    cards: int = spec.machine.facts["efa_interfaces"]
    return {"network_interfaces": efa_interfaces(cards, [shared, among.id]), "placement": {"group_name": near.name}}


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
