"""A new cluster on GKE."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from inferstack import GkeCluster
from inferstack.planning import StackPlan
from inferstack.planning.addons import PLUGIN
from inferstack.stackfile import StackFile

from .settings import own_prices, system_pool, volume_kinds


def cluster(plan: StackPlan, stack: StackFile) -> tuple[GkeCluster, list[pulumi.ProviderResource]]:
    """The cluster, and the Google Cloud provider that it and its pools are made with: of the region that the plan is priced for."""
    # Without `gcp:project` the provider takes GOOGLE_CLOUD_PROJECT or gcloud's own project.
    provider = gcp.Provider("gcp", region=plan.region, project=stack.provider.get("gcp:project"))
    args: dict[str, Any] = {
        "cluster_name": plan.cluster_name,
        "region": plan.region,
        "zones": list(plan.zones),
        "kubernetes_version": plan.kubernetes_version,
        "network_cidr": stack.target.network.cidr,
        "api_access_cidrs": list(stack.target.network.api_access_cidrs),
        "system_pool": system_pool(plan),
        "deletion_protection": stack.target.deletion_protection,
        "accelerator_networks": plan.accelerator_networks,
        **volume_kinds(plan),
        **own_prices(stack),
    }
    args = {key: value for key, value in args.items() if value is not None}
    return GkeCluster("cluster", args, pulumi.ResourceOptions(providers=[provider])), [provider]  # pyright: ignore[reportArgumentType]


def pool_args(plan: StackPlan) -> dict[str, Any]:
    """GKE's own device plugin gives way to NVIDIA's where the stack asks for that: two would fight over the GPUs."""
    return {"own_device_plugin": any(addon.name == PLUGIN and addon.installed for addon in plan.addons)}
