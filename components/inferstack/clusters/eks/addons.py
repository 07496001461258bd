"""EKS's own add-ons: what a cluster needs before it can have nodes, and what needs nodes to run on."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .iam import EBS_CSI_POLICIES, POD_IDENTITY_TRUST, role_with_policies

BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""DaemonSets without which a node does not become ready."""
AFTER_NODES = ("coredns", "metrics-server")
"""Deployments; their add-on becomes active only once their pods run. The metrics server is what CPU autoscaling reads."""

VALUES = {"vpc-cni": {"enableNetworkPolicy": "true"}}
"""Without it the network of EKS ignores NetworkPolicies (AWS documentation, Amazon VPC CNI)."""

EBS_CSI = "aws-ebs-csi-driver"
EBS_CSI_SERVICE_ACCOUNT = "ebs-csi-controller-sa"
EBS_CSI_VALUES = {"defaultStorageClass": {"enabled": True}}
"""Since 1.30 EKS comes without a default storage class; this is gp3."""


def addons_before_nodes(name: str, cluster: pulumi.Input[str], opts: pulumi.ResourceOptions) -> list[aws.eks.Addon]:
    return [_addon(name, addon, cluster, opts) for addon in BEFORE_NODES]


def addons_after_nodes(
    name: str, cluster: pulumi.Input[str], nodes: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
) -> list[aws.eks.Addon]:
    """On destroy they go before the nodes they run on."""
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(nodes)))
    return [*(_addon(name, addon, cluster, after) for addon in AFTER_NODES), _ebs_csi(name, cluster, nodes, opts)]


def _ebs_csi(name: str, cluster: pulumi.Input[str], nodes: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions) -> aws.eks.Addon:
    role, attachments = role_with_policies(f"{name}-ebs-csi-role", POD_IDENTITY_TRUST, EBS_CSI_POLICIES, opts)
    return aws.eks.Addon(
        f"{name}-{EBS_CSI}",
        cluster_name=cluster,
        addon_name=EBS_CSI,
        configuration_values=json.dumps(EBS_CSI_VALUES),
        pod_identity_associations=[{"role_arn": role.arn, "service_account": EBS_CSI_SERVICE_ACCOUNT}],
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="PRESERVE",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*nodes, *attachments])),
    )


def _addon(name: str, addon: str, cluster: pulumi.Input[str], opts: pulumi.ResourceOptions) -> aws.eks.Addon:
    """At the version that EKS recommends for the cluster's Kubernetes version, chosen when the add-on is made."""
    return aws.eks.Addon(
        f"{name}-{addon}",
        cluster_name=cluster,
        addon_name=addon,
        configuration_values=json.dumps(VALUES[addon]) if addon in VALUES else None,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="PRESERVE",
        opts=opts,
    )
