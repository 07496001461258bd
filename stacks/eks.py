"""A new cluster on EKS."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from inferstack import EksCluster
from inferstack.planning import StackPlan
from inferstack.stackfile import StackFile

from .settings import own_prices, system_pool, volume_kinds


def cluster(plan: StackPlan, stack: StackFile) -> tuple[EksCluster, list[pulumi.ProviderResource]]:
    """The cluster, and the AWS provider that it and its pools are made with: of the region that the plan is priced for."""
    profile = stack.provider.get("aws:profile")
    provider = aws.Provider("aws", region=plan.region, profile=profile)
    network = stack.target.network
    args: dict[str, Any] = {
        "cluster_name": plan.cluster_name,
        "region": plan.region,
        "zones": list(plan.zones),
        "kubernetes_version": plan.kubernetes_version,
        "network_cidr": network.cidr,
        "nat_gateways": network.nat_gateways,
        "api_access_cidrs": list(network.api_access_cidrs),
        "system_pool": system_pool(plan),
        "deletion_protection": stack.target.deletion_protection,
        **volume_kinds(plan),
        **own_prices(stack),
    }
    if profile is not None:
        args["aws_profile"] = profile
    return EksCluster("cluster", args, pulumi.ResourceOptions(providers=[provider])), [provider]  # pyright: ignore[reportArgumentType]


def pool_args(plan: StackPlan) -> dict[str, Any]:
    """Arguments that only pools on EKS take: none."""
    return {}
