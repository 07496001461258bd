"""From a pool to the arguments of an EKS managed node group and its launch template: data, no resources."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import clouds
from ..catalog.types import CapacityType
from .spec import PoolSpec

ROOT_DEVICE = "/dev/xvda"
"""Root device of the AL2023 images."""

NAME_PREFIX_LENGTH = 36
"""Names of node groups have at most 63 characters, of which the generated end and its dash take 27."""

METADATA_HOP_LIMIT = 2
"""Containers are one hop further from the instance metadata service than their node."""

EPHEMERAL_SHARE = 0.85
"""Part of a disk that the scheduler may hand out: the kubelet keeps 10 % free, file system and system images take the rest (believed)."""

# Raids the machine's own NVMe disks and puts containerd's images and the pods' ephemeral volumes on them (awslabs/amazon-eks-ami, nodeadm).
LOCAL_STORAGE_USER_DATA = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="BOUNDARY"

--BOUNDARY
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  instance:
    localStorage:
      strategy: RAID0

--BOUNDARY--
"""

CAPACITY_TYPES: Mapping[CapacityType, str] = {
    CapacityType.ON_DEMAND: "ON_DEMAND",
    CapacityType.SPOT: "SPOT",
    # A capacity reservation is filled by on-demand instances that ask for it; a Capacity Block has a type of its own.
    CapacityType.RESERVED: "ON_DEMAND",
}

TEMPLATE_TAG = "k8s.io/cluster-autoscaler/node-template"
"""Tags below tell the Cluster Autoscaler what a node of an empty group would be like."""

ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""By this label alone the Cluster Autoscaler knows that a node will have GPUs. Without it a new node counts as finished before the device
plugin has offered them, and a second one is started (kubernetes/autoscaler cluster-autoscaler-1.36.1, cloudprovider/aws, GPULabel)."""


@dataclass(frozen=True, slots=True)
class EksGroup:
    """A node group as data; what only its cluster knows (name, role, subnets) is put in by whoever makes it."""

    launch_template: dict[str, Any]
    node_group: dict[str, Any]
    autoscaler_tags: tuple[tuple[str, str], ...]
    """Tags of the Auto Scaling group, () where nothing scales it."""
    ignore_changes: tuple[str, ...]


def eks_group(spec: PoolSpec) -> EksGroup:
    """The arguments of `aws.ec2.LaunchTemplate`, `aws.eks.NodeGroup` and the tags of its Auto Scaling group."""
    return EksGroup(
        launch_template=_launch_template(spec),
        node_group=_node_group(spec),
        autoscaler_tags=tuple(_autoscaler_tags(spec)) if spec.autoscaled else (),
        # The autoscaler owns the number of nodes; a deployment must not put it back.
        ignore_changes=("scalingConfig.desiredSize",) if spec.autoscaled else (),
    )


def efa_interfaces(cards: int, security_groups: Sequence[Any]) -> list[dict[str, Any]]:
    """One EFA interface on each network card; the first carries the node's IP traffic too, the others nothing but EFA."""
    return [
        {
            "network_card_index": card,
            "device_index": 0 if card == 0 else 1,
            "interface_type": "efa" if card == 0 else "efa-only",
            "delete_on_termination": "true",
            "associate_public_ip_address": "false",
            "security_groups": list(security_groups),
        }
        for card in range(cards)
    ]


def _launch_template(spec: PoolSpec) -> dict[str, Any]:
    disk = {"volume_size": spec.disk_gib, "volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"}
    template: dict[str, Any] = {
        "description": f"Nodes of pool {spec.name}",
        "update_default_version": True,
        "block_device_mappings": [{"device_name": ROOT_DEVICE, "ebs": disk}],
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": METADATA_HOP_LIMIT,
        },
        "tag_specifications": [{"resource_type": kind, "tags": {"Name": spec.name}} for kind in ("instance", "volume")],
    }
    if spec.machine.local_nvme_gib:
        template["user_data"] = base64.b64encode(LOCAL_STORAGE_USER_DATA.encode()).decode()
    if spec.reservation_id is not None:
        target = {"capacity_reservation_id": spec.reservation_id}
        template["capacity_reservation_specification"] = {"capacity_reservation_target": target}
    if spec.capacity_block:
        # EKS refuses instance types on the group itself for Capacity Blocks.
        template["instance_type"] = spec.machine.name
        template["instance_market_options"] = {"market_type": "capacity-block"}
    return template


def _node_group(spec: PoolSpec) -> dict[str, Any]:
    group: dict[str, Any] = {
        "node_group_name_prefix": f"{spec.name[:NAME_PREFIX_LENGTH].rstrip('-')}-",
        "ami_type": spec.machine.facts["ami_types"][0],
        "capacity_type": "CAPACITY_BLOCK" if spec.capacity_block else CAPACITY_TYPES[spec.capacity_type],
        "scaling_config": {"min_size": spec.min_nodes, "max_size": spec.max_nodes, "desired_size": spec.min_nodes},
        "update_config": _update_config(spec),
        "node_repair_config": {"enabled": True},
        "labels": _labels(spec),
        "tags": {"Name": spec.name},
    }
    if not spec.capacity_block:
        group["instance_types"] = [spec.machine.name]
    if spec.has_gpus:
        key, value = spec.gpu_taint
        group["taints"] = [{"key": key, "value": value, "effect": "NO_SCHEDULE"}]
    if spec.kubernetes_version is not None:
        group["version"] = spec.kubernetes_version
    return group


def fabric_resources(spec: PoolSpec) -> tuple[tuple[str, str], ...]:
    """What nodes offer beside GPUs once their accelerators are joined."""
    found = clouds.cloud("eks").fabric(spec.machine) if spec.fabric else None
    return found.resources if found else ()


def _labels(spec: PoolSpec) -> dict[str, str]:
    accelerator = spec.machine.accelerator
    # Of other makers' devices the autoscaler would wait for NVIDIA's for ever.
    return dict(spec.node_labels) if accelerator is None or not spec.has_nvidia else {ACCELERATOR_LABEL: accelerator, **spec.node_labels}


def _update_config(spec: PoolSpec) -> dict[str, Any]:
    """GPU nodes are updated by replacing them one at a time, old before new: there is rarely quota or capacity for a spare."""
    return {"max_unavailable": 1, "update_strategy": "MINIMAL" if spec.has_gpus else "DEFAULT"}


def _autoscaler_tags(spec: PoolSpec) -> Iterator[tuple[str, str]]:
    for key, value in _labels(spec).items():
        yield f"{TEMPLATE_TAG}/label/{key}", value
    disk_gib = spec.machine.local_nvme_gib or spec.disk_gib
    yield f"{TEMPLATE_TAG}/resources/ephemeral-storage", f"{int(disk_gib * EPHEMERAL_SHARE)}Gi"
    if spec.has_gpus:
        key, value = spec.gpu_taint
        yield f"{TEMPLATE_TAG}/resources/{spec.gpu_resource}", str(spec.machine.accelerator_count)
        for resource, amount in fabric_resources(spec):
            yield f"{TEMPLATE_TAG}/resources/{resource}", amount
        yield f"{TEMPLATE_TAG}/taint/{key}", f"{value}:NoSchedule"
