"""From a pool to an EKS node group, as data."""

from __future__ import annotations

import base64
import email
from typing import Any

import pytest
import yaml

from inferstack import catalog
from inferstack.nodepools.eks import EPHEMERAL_SHARE, efa_interfaces, eks_group
from tests.nodepools.specs import eks_spec, said_eks

RESERVED = {"capacity_type": "reserved", "reservation_id": "cr-0123456789abcdef0"}


@pytest.mark.parametrize(
    ("machine", "image"),
    [("g6.xlarge", "AL2023_x86_64_NVIDIA"), ("c7i.4xlarge", "AL2023_x86_64_STANDARD"), ("m8g.xlarge", "AL2023_ARM_64_STANDARD")],
)
def test_image_follows_the_machine(machine: str, image: str) -> None:
    """The node image has the GPU driver where there are GPUs and the processor's architecture everywhere."""
    assert eks_group(eks_spec(machine)).node_group["ami_type"] == image


def test_gpu_nodes_are_tainted_in_the_spelling_of_eks() -> None:
    """GPU nodes keep everything without a toleration away; EKS spells the effect in capitals. CPU nodes have no taint."""
    assert eks_group(eks_spec()).node_group["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert "taints" not in eks_group(eks_spec("c7i.4xlarge")).node_group


def test_an_empty_group_can_be_scaled() -> None:
    """The Cluster Autoscaler learns labels, taint, GPUs and disk of a node that does not exist yet from tags."""
    tags = dict(eks_group(eks_spec("g6.12xlarge", labels={"team": "search"})).autoscaler_tags)
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert tags[f"{prefix}/label/inferstack.dev/pool"] == "gpus"
    assert tags[f"{prefix}/label/nvidia.com/gpu.present"] == "true"
    assert tags[f"{prefix}/label/team"] == "search"
    assert tags[f"{prefix}/taint/nvidia.com/gpu"] == "present:NoSchedule"
    assert tags[f"{prefix}/resources/nvidia.com/gpu"] == "4"


def test_every_label_has_its_tag() -> None:
    """What the kubelet will say of a node is what the autoscaler is told beforehand."""
    group = eks_group(eks_spec(labels={"a": "1", "b.example/c": "2"}))
    told = {key.partition("/label/")[2]: value for key, value in group.autoscaler_tags if "/label/" in key}
    assert told == group.node_group["labels"]


def test_the_autoscaler_waits_for_gpus() -> None:
    """GPU nodes say by a label and by its tag that they will have GPUs, so that a node whose device plugin still starts is waited for."""
    group = eks_group(eks_spec("g6.12xlarge"))
    assert group.node_group["labels"]["k8s.amazonaws.com/accelerator"] == "l4"
    assert ("k8s.io/cluster-autoscaler/node-template/label/k8s.amazonaws.com/accelerator", "l4") in group.autoscaler_tags
    assert "k8s.amazonaws.com/accelerator" not in eks_group(eks_spec("c7i.4xlarge")).node_group["labels"]


@pytest.mark.parametrize(("machine", "disk_gib"), [("c7i.4xlarge", 120), ("g6.xlarge", 200)])
def test_ephemeral_storage_is_what_pods_can_have(machine: str, disk_gib: int) -> None:
    """The autoscaler is told less than the disk has: local NVMe where there is one, else the root disk."""
    spec = eks_spec(machine, disk_gib=disk_gib)
    tags = dict(eks_group(spec).autoscaler_tags)
    room = spec.machine.local_nvme_gib or disk_gib
    told = int(tags["k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"].removesuffix("Gi"))
    assert told <= room * EPHEMERAL_SHARE < told + 1


def test_the_autoscaler_owns_the_number_of_nodes() -> None:
    """A deployment never resets the number of an autoscaled group; a fixed group has no tags and is kept to its number."""
    scaled, fixed = eks_group(eks_spec()), eks_group(eks_spec(autoscaled=False))
    assert scaled.ignore_changes == ("scalingConfig.desiredSize",)
    assert scaled.node_group["scaling_config"] == {"min_size": 0, "max_size": 3, "desired_size": 0}
    assert (fixed.ignore_changes, fixed.autoscaler_tags) == ((), ())
    assert fixed.node_group["scaling_config"] == {"min_size": 3, "max_size": 3, "desired_size": 3}


def test_root_disk_is_sized_encrypted_and_goes_with_the_node() -> None:
    """The launch template holds the disk, because a node group with a template of its own may not name one."""
    group = eks_group(eks_spec(disk_gib=350))
    (device,) = group.launch_template["block_device_mappings"]
    assert device == {
        "device_name": "/dev/xvda",
        "ebs": {"volume_size": 350, "volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"},
    }
    assert "disk_size" not in group.node_group


def test_instance_metadata_needs_a_token() -> None:
    """IMDSv2 only, two hops so that pods of the host's agents reach it."""
    options = eks_group(eks_spec()).launch_template["metadata_options"]
    assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 2)


def test_local_disks_are_used_where_the_machine_has_them() -> None:
    """Machines with NVMe put images and volumes on it by nodeadm's configuration, in the form that EKS merges; others have no user data."""
    text = base64.b64decode(eks_group(eks_spec("g6.xlarge")).launch_template["user_data"]).decode()
    message = email.message_from_string(text)
    (part,) = message.get_payload()  # type: ignore[misc]
    assert part.get_content_type() == "application/node.eks.aws"  # type: ignore[union-attr]
    config: dict[str, Any] = yaml.safe_load(part.get_payload())  # type: ignore[union-attr,arg-type]
    assert config["kind"] == "NodeConfig"
    assert config["apiVersion"] == "node.eks.aws/v1alpha1"
    assert config["spec"] == {"instance": {"localStorage": {"strategy": "RAID0"}}}
    assert "user_data" not in eks_group(eks_spec("c7i.4xlarge")).launch_template


@pytest.mark.parametrize(("how", "spelled"), [("on-demand", "ON_DEMAND"), ("spot", "SPOT")])
def test_capacity_types(how: str, spelled: str) -> None:
    """On-demand and spot go to the group, which names the machine type; no reservation is involved."""
    group = eks_group(eks_spec(capacity_type=how))
    assert group.node_group["capacity_type"] == spelled
    assert group.node_group["instance_types"] == ["g6.xlarge"]
    assert "capacity_reservation_specification" not in group.launch_template


def test_reservations_are_targeted() -> None:
    """A capacity reservation is filled by on-demand nodes that ask for it by id."""
    group = eks_group(eks_spec(**RESERVED))
    assert group.node_group["capacity_type"] == "ON_DEMAND"
    target = group.launch_template["capacity_reservation_specification"]["capacity_reservation_target"]
    assert target == {"capacity_reservation_id": RESERVED["reservation_id"]}
    assert "instance_market_options" not in group.launch_template


def test_capacity_blocks_name_the_machine_in_the_template() -> None:
    """For a Capacity Block EKS wants market and machine type in the launch template and none on the group."""
    group = eks_group(eks_spec("p5.48xlarge", capacity_block=True, zones=["us-east-1a"], **RESERVED))
    assert group.node_group["capacity_type"] == "CAPACITY_BLOCK"
    assert "instance_types" not in group.node_group
    assert group.launch_template["instance_type"] == "p5.48xlarge"
    assert group.launch_template["instance_market_options"] == {"market_type": "capacity-block"}


def test_gpu_nodes_are_replaced_old_before_new() -> None:
    """An update takes one GPU node down before its successor comes, as there is rarely quota for a spare; CPU nodes surge."""
    assert eks_group(eks_spec()).node_group["update_config"] == {"max_unavailable": 1, "update_strategy": "MINIMAL"}
    assert eks_group(eks_spec("c7i.4xlarge")).node_group["update_config"]["update_strategy"] == "DEFAULT"


def test_nodes_follow_the_control_plane() -> None:
    """Nodes run the cluster's version, so that an upgrade of the cluster reaches them."""
    assert eks_group(eks_spec()).node_group["version"] == "1.35"


def test_long_names_are_cut_for_the_cloud() -> None:
    """The generated name of a group stays within EKS's limit; labels keep the whole name."""
    name = "p6-b300-48xlarge-reserved-" + "a" * 30
    group = eks_group(eks_spec(pool=name))
    assert len(group.node_group["node_group_name_prefix"]) + 26 <= 63
    assert group.node_group["labels"]["inferstack.dev/pool"] == name


def test_images_of_the_catalog_are_known_to_eks() -> None:
    """Every NVIDIA machine gets an NVIDIA image and every other one a standard image."""
    for machine in catalog.machines("eks"):
        image = machine.facts["ami_types"][0]
        wanted = "NEURON" if machine.accelerator and "NEURON" in image else "NVIDIA" if machine.accelerator else "STANDARD"
        assert image.endswith(wanted), machine.name
        assert ("ARM" in image) == (machine.arch == "arm64"), machine.name


JOINED = {"fabric": True, "zones": ["us-east-1a"]}
WITH_VPC = {"vpc_id": "vpc-1", "security_group_id": "sg-1"}


def test_joined_nodes_have_an_interface_on_every_card() -> None:
    """The first carries IP as well, the others EFA alone; nodes say that they are joined, and what an empty group would offer."""
    interfaces = efa_interfaces(32, ["sg-1", "sg-2"])
    assert [each["network_card_index"] for each in interfaces] == list(range(32))
    assert [each["interface_type"] for each in interfaces] == ["efa", *["efa-only"] * 31]
    group = eks_group(eks_spec("p5.48xlarge", cluster_extra=WITH_VPC, **JOINED))
    assert group.node_group["labels"]["inferstack.dev/fabric"] == "true"
    assert ("k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa", "32") in group.autoscaler_tags


@pytest.mark.parametrize(
    ("machine", "args", "said"),
    [
        ("g6.xlarge", JOINED, "fabric: is not for g6.xlarge"),
        ("p5.48xlarge", {"fabric": True}, "what joins accelerators ends at the zone"),
        ("p5.48xlarge", {**JOINED, "cluster_extra": {}}, "cluster.vpc_id: is missing"),
    ],
)
def test_nodes_that_cannot_be_joined(machine: str, args: dict[str, Any], said: str) -> None:
    """Machines without EFA, several zones and a cluster whose network is not known are refused."""
    assert any(said in line for line in said_eks(machine, **{"cluster_extra": WITH_VPC, **args}))
