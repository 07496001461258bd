"""The Cluster Autoscaler on EKS: starts nodes for pods that wait, ends nodes that stand empty. Its rights come by EKS Pod Identity."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from .pods import requests
from .settings import Settings

SERVICE_ACCOUNT = "cluster-autoscaler"
NAMESPACE = "kube-system"
NOBODY = 65534
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]},
    ],
}
READ_ACTIONS = [
    *(f"autoscaling:Describe{what}" for what in ("AutoScalingGroups", "AutoScalingInstances", "LaunchConfigurations", "ScalingActivities")),
    *(f"ec2:{action}" for action in ("DescribeImages", "DescribeInstanceTypes", "DescribeLaunchTemplateVersions")),
    "ec2:GetInstanceTypesFromInstanceRequirements",
    "eks:DescribeNodegroup",
]
"""kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/README.md, full features policy."""
WRITE_ACTIONS = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]


def values(settings: Settings) -> dict[str, Any]:
    return {
        "cloudProvider": "aws",
        "awsRegion": settings.region,
        "autoDiscovery": {"clusterName": settings.cluster_name},
        "rbac": {"serviceAccount": {"create": True, "name": SERVICE_ACCOUNT}},
        "nodeSelector": dict(settings.node_selector),
        "resources": {"requests": requests("cluster-autoscaler")},
        # As the chart's own comments have it; nothing is set unless it is asked for.
        "securityContext": {"runAsNonRoot": True, "runAsUser": NOBODY, "fsGroup": NOBODY, "seccompProfile": {"type": "RuntimeDefault"}},
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "extraArgs": {
            "expander": "least-waste",
            "balance-similar-node-groups": True,
            "ignore-daemonsets-utilization": True,
            # A replica with its volumes on the node is never moved to save a node, which would cost a cold start and its requests.
            "skip-nodes-with-local-storage": True,
            "scale-down-unneeded-time": "10m",
        },
    }


def policy(cluster_name: str) -> dict[str, Any]:
    """What it may do: read everything that it sizes nodes by, and change only the groups of this cluster."""
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": READ_ACTIONS, "Resource": "*"},
            {"Effect": "Allow", "Action": WRITE_ACTIONS, "Resource": "*", "Condition": owned},
        ],
    }


def identity(name: str, cluster_name: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The role of the autoscaler and its association with the service account, which must stand before its pods start."""
    import pulumi_aws as aws

    role = aws.iam.Role(f"{name}-role", assume_role_policy=json.dumps(TRUST), opts=opts)
    rights = pulumi.Output.from_input(cluster_name).apply(lambda known: json.dumps(policy(known)))
    granted = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=rights, opts=opts)
    return aws.eks.PodIdentityAssociation(
        f"{name}-identity",
        cluster_name=cluster_name,
        namespace=NAMESPACE,
        service_account=SERVICE_ACCOUNT,
        role_arn=role.arn,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[granted])),
    )
