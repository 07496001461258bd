"""Makes a GKE node pool of a translated pool."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from .gke import card_networks, gke_pool
from .reference import ClusterReference
from .spec import PoolSpec


def create_gke_pool(name: str, spec: PoolSpec, cluster: ClusterReference, opts: pulumi.ResourceOptions) -> gcp.container.NodePool:
    """The node pool `<name>-nodes`."""
    pool = gke_pool(spec)
    node_config: dict[str, Any] = dict(pool.node_pool["node_config"])
    if "node_service_account" in cluster:
        node_config["service_account"] = cluster["node_service_account"]
    arguments: dict[str, Any] = {**pool.node_pool, "node_config": node_config}
    cards = cluster.get("accelerator_networks", [])[: card_networks(spec)]
    if cards:
        arguments["network_config"] = {**pool.node_pool["network_config"], "additional_node_network_configs": list(cards)}
    return gcp.container.NodePool(
        f"{name}-nodes",
        **arguments,
        # Name and place rather than an id: they are known before the cluster exists, so a preview can show them.
        cluster=cluster["name"],
        location=cluster.get("region"),
        project=cluster.get("project"),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=list(pool.ignore_changes))),
    )
