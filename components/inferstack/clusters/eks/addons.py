"""EKS's own add-ons: what a cluster needs before it can have nodes, and what needs nodes to run on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .iam import EBS_CSI_POLICIES, EFS_CSI_POLICIES, POD_IDENTITY_TRUST, role_with_policies

BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""DaemonSets without which a node does not become ready."""
AFTER_NODES = ("coredns", "metrics-server")
"""Deployments; their add-on becomes active only once their pods run. The metrics server is what CPU autoscaling reads."""

VALUES = {"vpc-cni": {"enableNetworkPolicy": "true"}}
"""Without it the network of EKS ignores NetworkPolicies (AWS documentation, Amazon VPC CNI)."""


@dataclass(frozen=True, slots=True)
class Driver:
    """An add-on by which pods mount volumes."""

    addon: str
    role: str = ""
    service_account: str = ""
    policies: tuple[str, ...] = ()
    """Managed policies of its controller; () where it needs no rights."""
    values: Mapping[str, Any] | None = None


# Since 1.30 EKS comes without a default storage class; this is gp3.
EBS = Driver("aws-ebs-csi-driver", "ebs-csi-role", "ebs-csi-controller-sa", EBS_CSI_POLICIES, {"defaultStorageClass": {"enabled": True}})
VOLUME_DRIVERS = {
    "efs": Driver("aws-efs-csi-driver", "efs-csi-role", "efs-csi-controller-sa", EFS_CSI_POLICIES),
    # Its controller would make file systems; those that are there are mounted without any right.
    "fsx": Driver("aws-fsx-csi-driver"),
}
"""Kind of shared volume -> its driver."""


def addons_before_nodes(name: str, cluster: pulumi.Input[str], opts: pulumi.ResourceOptions) -> list[aws.eks.Addon]:
    return [_addon(name, addon, cluster, opts, VALUES.get(addon)) for addon in BEFORE_NODES]


def addons_after_nodes(
    name: str, cluster: pulumi.Input[str], nodes: Sequence[pulumi.Resource], volume_kinds: Sequence[str], opts: pulumi.ResourceOptions
) -> list[aws.eks.Addon]:
    """On destroy they go before the nodes they run on."""
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(nodes)))
    drivers = [EBS, *(VOLUME_DRIVERS[kind] for kind in sorted(set(volume_kinds)))]
    return [
        *(_addon(name, addon, cluster, after, VALUES.get(addon)) for addon in AFTER_NODES),
        *(_driver(name, driver, cluster, nodes, opts) for driver in drivers),
    ]


def _driver(
    name: str, driver: Driver, cluster: pulumi.Input[str], nodes: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
) -> aws.eks.Addon:
    roles: list[dict[str, Any]] = []
    after = [*nodes]
    if driver.policies:
        role, attachments = role_with_policies(f"{name}-{driver.role}", POD_IDENTITY_TRUST, driver.policies, opts)
        roles = [{"role_arn": role.arn, "service_account": driver.service_account}]
        after += attachments
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=after))
    return _addon(name, driver.addon, cluster, opts, driver.values, roles)


def _addon(
    name: str,
    addon: str,
    cluster: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    values: Mapping[str, Any] | None = None,
    roles: Sequence[Mapping[str, Any]] = (),
) -> aws.eks.Addon:
    """At the version that EKS recommends for the cluster's Kubernetes version, chosen when the add-on is made."""
    return aws.eks.Addon(
        f"{name}-{addon}",
        cluster_name=cluster,
        addon_name=addon,
        configuration_values=json.dumps(values) if values else None,
        pod_identity_associations=list(roles) if roles else None,  # pyright: ignore[reportArgumentType]
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="PRESERVE",
        opts=opts,
    )
