"""Arguments of the cluster components. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi


class NatGateways(StrEnum):
    """How the private subnets of an EKS cluster reach the internet."""

    SINGLE = "single"
    """One NAT gateway for all zones: cheaper."""
    PER_ZONE = "per-zone"
    """One in each zone: a lost zone takes no other with it."""


class SystemPoolArgs(TypedDict):
    """The nodes that carry DNS, controllers and metrics; nothing of it lands on GPUs."""

    machine_type: NotRequired[str]
    """Machine type without GPUs. Left out: the smallest of which one node holds all controllers."""
    nodes: NotRequired[int]
    """In all zones together. Left out: 2, so that one may be lost."""
    disk_gib: NotRequired[int]
    """Root disk of each node. Left out: 50."""
    zones: NotRequired[list[str]]
    """Left out: as many of the cluster's zones as there are nodes."""


class EksClusterArgs(TypedDict):
    """An EKS cluster in a network of its own."""

    cluster_name: str
    """Physical name. Changing it replaces the cluster."""
    region: str
    """AWS region; the AWS provider has to be of the same."""
    zones: NotRequired[list[str]]
    """Availability zones, two at least. Left out: up to three of the region."""
    kubernetes_version: NotRequired[str]
    """Minor version, such as 1.35."""
    network_cidr: NotRequired[str]
    """Address range of the VPC, /16 to /22. Left out: 10.0.0.0/16."""
    nat_gateways: NotRequired[NatGateways]
    """single (default) or per-zone."""
    api_access_cidrs: NotRequired[list[str]]
    """Who reaches the Kubernetes API from outside its network: public ranges open the public endpoint to them, private ranges (a VPN, a
    peering) the private one. Empty is refused when it comes to deploying, because then the deployment itself could not reach it."""
    system_pool: NotRequired[SystemPoolArgs]
    """The system nodes."""
    prices: NotRequired[dict[str, Any]]
    """Your own prices, with the keys of a price file; the output `cost` is at these. Left out: listed ones."""
    admin_role_arns: NotRequired[list[str]]
    """IAM roles that administer the cluster, beside the identity that makes it."""
    aws_profile: NotRequired[str]
    """AWS profile that the kubeconfig uses. Left out: whatever credentials are at hand."""
    volume_kinds: NotRequired[list[str]]
    """Kinds of shared volumes that services mount, efs and fsx: the cluster gets their drivers. Left out: none."""
    log_retention_days: NotRequired[int]
    """Days for which logs of the control plane are kept. Left out: 30."""
    deletion_protection: NotRequired[bool]
    """True: the cluster cannot be deleted until this is false again."""


class GkeClusterArgs(TypedDict):
    """A regional GKE cluster in a network of its own."""

    cluster_name: str
    """Physical name. Changing it replaces the cluster."""
    region: str
    """Google Cloud region."""
    project: NotRequired[str]
    """Left out: the project of the Google Cloud provider."""
    zones: NotRequired[list[str]]
    """Zones for nodes. Left out: those that GKE chooses."""
    kubernetes_version: NotRequired[str]
    """Lowest minor version of the control plane, such as 1.35; the regular channel keeps it up to date."""
    network_cidr: NotRequired[str]
    """Address range of the node subnet, /8 to /26. Left out: 10.0.0.0/16."""
    api_access_cidrs: NotRequired[list[str]]
    """Who reaches the Kubernetes API. Empty: everybody whom IAM lets through, by the cluster's DNS endpoint. Otherwise these ranges only,
    by its IP endpoint."""
    system_pool: NotRequired[SystemPoolArgs]
    """The system nodes."""
    prices: NotRequired[dict[str, Any]]
    """Your own prices, with the keys of a price file; the output `cost` is at these. Left out: listed ones."""
    volume_kinds: NotRequired[list[str]]
    """Kinds of shared volumes that services mount, filestore and gcs-fuse: the cluster gets their drivers; that of the latter it always
    has. Left out: none."""
    accelerator_networks: NotRequired[int]
    """Networks beside the nodes' own that join GPUs by GPUDirect-TCPX (4, of A3 High) and -TCPXO (8, of A3 Mega); 0: none yet. Left out:
    the cluster cannot have any. From or to that replaces the cluster; other changes do not."""
    deletion_protection: NotRequired[bool]
    """True: the cluster cannot be deleted until this is false again."""


class ExistingClusterArgs(TypedDict):
    """A cluster that is there already. Nothing is made but the Kubernetes provider."""

    kubeconfig: NotRequired[pulumi.Input[str]]
    """Text of a kubeconfig; it is kept as a secret. Left out: the one that kubectl would use."""
    context: NotRequired[str]
    """Context of the kubeconfig. Left out: its current one."""
    cluster_name: NotRequired[str]
    """Name that stands for the cluster's identity. A new name is a new cluster: everything on it is made again there. Left out: the
    context, or else the name of this component."""
