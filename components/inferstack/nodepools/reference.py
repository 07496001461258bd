"""What a node pool has to know of its cluster. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from typing import NotRequired, TypedDict

import pulumi


class AcceleratorNetwork(TypedDict):
    """A VPC that one card of each node is in."""

    network: pulumi.Input[str]
    """Its name."""
    subnetwork: pulumi.Input[str]
    """Name of its subnet."""


class ClusterReference(TypedDict):
    """A cluster as others see it. `EksCluster` and `GkeCluster` have one as `.reference`; for a cluster of your own, write it down."""

    cloud: str
    """eks, gke or existing."""
    name: pulumi.Input[str]
    """Physical name of the cluster."""
    region: NotRequired[str]
    """Region of the cluster; eks and gke need it."""
    zones: NotRequired[list[str]]
    """Zones that nodes may use. On eks they are the keys of `subnet_ids`; left out on gke: the cluster's own zones."""
    kubernetes_version: NotRequired[str]
    """Minor version that new nodes of eks run, such as 1.35; left out: that of the control plane. gke keeps nodes up to date itself."""
    subnet_ids: NotRequired[dict[str, pulumi.Input[str]]]
    """eks: the private subnet for nodes in each zone."""
    node_role_arn: NotRequired[pulumi.Input[str]]
    """eks: IAM role of the nodes."""
    oidc_provider_arn: NotRequired[pulumi.Input[str]]
    """eks: IAM OIDC provider of the cluster, for IAM roles for service accounts."""
    security_group_id: NotRequired[pulumi.Input[str]]
    """eks: security group that control plane and nodes share."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """eks: VPC of the cluster."""
    project: NotRequired[pulumi.Input[str]]
    """gke: project of the cluster; left out: that of the provider."""
    network: NotRequired[pulumi.Input[str]]
    """gke: name of the cluster's network."""
    accelerator_networks: NotRequired[list[AcceleratorNetwork]]
    """gke: networks that join the GPUs of A3 High (the first 4) and A3 Mega machines (8); pools of those with `fabric` need them."""
    node_service_account: NotRequired[pulumi.Input[str]]
    """gke: email of the service account that nodes run as."""
