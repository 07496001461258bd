"""IAM of an EKS cluster: who may assume a role, and what it may do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    # On the nodes rather than by Pod Identity: the network add-on has to work before there is a node for the Pod Identity agent.
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
)
EBS_CSI_POLICIES = ("service-role/AmazonEBSCSIDriverPolicy",)
EFS_CSI_POLICIES = ("service-role/AmazonEFSCSIDriverPolicy",)

KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey")
"""What the control plane does with the key that Kubernetes secrets are encrypted with."""


def trust(service: str, actions: Sequence[str] = ("sts:AssumeRole",)) -> str:
    """An assume-role policy for an AWS service."""
    return policy([{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}])


def policy(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


POD_IDENTITY_TRUST = trust("pods.eks.amazonaws.com", ("sts:AssumeRole", "sts:TagSession"))
"""For roles that pods take over by EKS Pod Identity."""


def role_with_policies(
    name: str, trusted: str, policies: Sequence[str], opts: pulumi.ResourceOptions
) -> tuple[aws.iam.Role, list[aws.iam.RolePolicyAttachment]]:
    """The role `name` and one attachment for each AWS managed policy; whoever uses the role has to wait for its attachments."""
    role = aws.iam.Role(name, assume_role_policy=trusted, opts=opts)
    attachments = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{managed.rpartition('/')[2]}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{managed}", opts=opts
        )
        for managed in policies
    ]
    return role, attachments
