"""Amazon EKS: managed node groups of AL2023 in private subnets of a VPC of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .. import catalog
from ..catalog.types import CapacityType, Fee, Machine
from ..costs.types import Charge, Columns, NodeGroup, Use
from ..errors import Problem
from ..stackfile.schema import Target
from .charges import CONTROL_PLANE, NETWORK, TrafficFees, always, joined, one_each, root_disks, traffic
from .cidrs import vpc_problems
from .nodes import CONTROLLERS, left_for_pods, sold_in, with_room
from .types import Agent, Allocatable, Fabric, InternalBalancer, QuotaNeed, SystemPool

MOST_ZONES = 3
"""The control plane needs two zones and gains nothing from a fourth; each zone takes subnets and, if so asked, a NAT gateway."""

UNSEEN_SHARE = 0.075
"""Part of a machine's memory that its system does not see (firmware, hypervisor): Karpenter's default for AWS, called a little
aggressive by its makers (aws/karpenter-provider-aws#1306); 3.4 % was seen on r5.xlarge (2i2c-org/infrastructure#3132)."""

KUBELET_MIB = 255
KUBELET_MIB_PER_POD = 11
"""awslabs/amazon-eks-ami nodeadm/internal/kubelet/config.go."""

AGENTS = (
    Agent("aws-node", 50, 0),
    Agent("kube-proxy", 100, 0),
    Agent("ebs-csi-node", 30, 120),
    Agent("eks-pod-identity-agent", 10, 32),
    Agent("nvidia-device-plugin", 50, 64, accelerated=True),
    Agent("log or metrics agent that you may add", 100, 200),
)
"""aws-node and kube-proxy: 2i2c-org/infrastructure#3902 (170m with two more agents). The others are believed: chart defaults, or room where
a chart requests nothing."""

CLOUD_CONTROLLERS = (
    Agent("coredns", 100, 70, copies=2),
    Agent("ebs-csi-controller", 60, 240, copies=2),
    Agent("metrics-server", 100, 200, copies=2),
    Agent("cluster-autoscaler", 100, 600),
)
"""EKS add-ons and the Cluster Autoscaler on the system nodes; believed: defaults of their manifests."""

SYSTEM_MACHINE = "m7i.large"
"""Smallest general machine of which one node holds all controllers at `nodes.SYSTEM_FILL`."""
SYSTEM_NODES = 2
SYSTEM_DISK_GIB = 50

TRAFFIC_FEES = TrafficFees(
    nat="nat_gateway_gb",
    between_zones="cross_az_gb_each_direction",
    zone_passes=2,
    egress="egress_internet_",
    egress_tiers_gb=(0, 10_240, 51_200, 153_600),
    logs="cloudwatch_logs_ingest_gb",
    logs_line="control plane and container logs",
    outside="images and weights that are pulled from outside AWS",
    inside_line="weights from S3",
    inside="free in the region: they come by the gateway endpoint, not through NAT",
)

STANDARD_SUPPORT_UNTIL: Mapping[str, str] = {"1.32": "2026-03-23", "1.33": "2026-07-29", "1.34": "2026-12-02", "1.35": "2027-03-27"}
"""Last day at $0.10 an hour by Kubernetes minor (endoflife.date/amazon-eks; 1.32 and 1.33 believed)."""
SUPPORT_AS_OF = "2026-11-21"
"""A version whose standard support ended before this day, the day of the list, is billed for extended support."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A pair of vCPU quotas of EC2 in a region, with their Service Quotas codes."""

    on_demand: str
    on_demand_code: str
    spot: str
    spot_code: str | None
    """None where sources disagree."""


_P = ("Running On-Demand P instances", "L-417A185B")
G_AND_VT = Quota("Running On-Demand G and VT instances", "L-DB2E81BA", "All G and VT Spot Instance Requests", "L-3819A6DF")
P2_TO_P4 = Quota(*_P, "All P4, P3 and P2 Spot Instance Requests", "L-7212CCBC")
P5_AND_LATER = Quota(*_P, "All P5 Spot Instance Requests", "L-C4BD4855")
INF = Quota("Running On-Demand Inf instances", "L-1945791B", "All Inf Spot Instance Requests", "L-B5D1601B")
TRN = Quota("Running On-Demand Trn instances", "L-2C3B7624", "All Trn Spot Instance Requests", None)
STANDARD = Quota(
    "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-1216C47A",
    "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    "L-34B43A08",
)
QUOTA: Mapping[str | None, Quota] = {
    None: STANDARD,
    **dict.fromkeys(("t4", "a10g", "l4", "l40s", "rtx-pro-4500", "rtx-pro-6000"), G_AND_VT),
    **dict.fromkeys(("v100-16", "v100-32", "a100-40", "a100-80"), P2_TO_P4),
    **dict.fromkeys(("h100-80", "h200-141", "b200-180", "b300-288", "gb200-186"), P5_AND_LATER),
    "inferentia2": INF,
    **dict.fromkeys(("trainium1", "trainium2"), TRN),
}
"""By accelerator: names and codes as listed by Service Quotas (public dumps of 2024 to 2026); that P6 counts as P5 on spot is believed."""


EFA_RESOURCE = "vpc.amazonaws.com/efa"
EFA_HUGEPAGES = "5120Mi"
"""What AWS's examples request beside it; its node images set so many pages aside."""
EFA_NOTE = "EFA is attached and requested"
EFA_TAKES = "libfabric and aws-ofi-nccl"
UNLIKE_CARDS = frozenset({"p6-b300.48xlarge"})
"""Their first network card carries no EFA (believed), so that interfaces are laid out in another way."""


class Eks:
    """Facts and rules of Amazon EKS; implements `clouds.types.Cloud`."""

    name = "eks"
    kubernetes_version = "1.35"
    stores: Mapping[str, str] = MappingProxyType({"s3": "s3_standard_gb_month", "oci": "ecr_gb_month"})
    sells_capacity_blocks = True
    """Standard support until 2027-03-27; that of 1.34 ends on 2026-12-02 (endoflife.date/amazon-eks)."""

    def region(self, target: Target) -> str:
        assert target.region is not None, "the stack file requires a region on eks"
        return target.region

    def machines(self, target: Target) -> tuple[Machine, ...]:
        return catalog.machines("eks")

    def zones(self, target: Target) -> tuple[str, ...]:
        return target.zones if target.zones else catalog.zones("eks", self.region(target))[:MOST_ZONES]

    def pool_zones(self, target: Target, machine: Machine) -> tuple[str, ...]:
        return sold_in(machine, self.region(target), self.zones(target))

    def network_problems(self, target: Target) -> Iterator[Problem]:
        """Of the VPC; its zones are looked at where they are named."""
        yield from vpc_problems(target.network.cidr, ())

    def allocatable(self, machine: Machine) -> Allocatable:
        """Memory: what the system sees, minus 255 + 11 MiB per possible pod for the kubelet, 100 MiB before eviction, the agents."""
        return left_for_pods(
            machine,
            vcpus=machine.vcpus,
            visible_gib=machine.memory_gib * (1 - UNSEEN_SHARE),
            reserved_gib=(KUBELET_MIB + KUBELET_MIB_PER_POD * max_pods(machine)) / 1024,
            agents=AGENTS,
            provenance="believed",
            source="amazon-eks-ami nodeadm (kubelet reserve), Karpenter's default for unseen memory, requests of the EKS add-ons",
        )

    def system_pool(self, target: Target, more: Sequence[Agent] = ()) -> SystemPool:
        pool = SystemPool(SYSTEM_MACHINE, SYSTEM_NODES, SYSTEM_DISK_GIB, self.zones(target)[:SYSTEM_NODES])
        machine = next(machine for machine in self.machines(target) if machine.name == SYSTEM_MACHINE)
        return with_room(pool, (*CONTROLLERS, *CLOUD_CONTROLLERS), more, self.allocatable(machine)) if more else pool

    def fees(self, target: Target) -> Mapping[str, Fee]:
        return catalog.fees("eks", self.region(target))

    def charges(self, target: Target, groups: Sequence[NodeGroup], internal: Sequence[str], use: Use | None = None) -> tuple[Charge, ...]:
        gateways = 1 if target.network.nat_gateways == "single" else len(self.zones(target))
        fixed = [
            self._control_plane(target),
            Charge(CONTROL_PLANE, "KMS key for Kubernetes secrets", "kms_key_month", Columns.same(1)),
            *root_disks(groups, "ebs_gp3_gb_month", "gp3"),
            Charge(NETWORK, f"NAT gateways ({gateways})", "nat_gateway_hour", always(gateways)),
            Charge(NETWORK, f"public IPv4 of NAT gateways ({gateways})", "public_ipv4_hour", always(gateways), "one each"),
        ]
        used = list(traffic(use, TRAFFIC_FEES))
        if internal:
            balancers = f"internal load balancers ({len(internal)})"
            fixed.append(Charge(NETWORK, balancers, "nlb_hour", always(len(internal)), shares=one_each(internal)))
            used.append(Charge(NETWORK, "load balancer capacity units", "nlb_nlcu_hour", None, shares=one_each(internal)))
        return (*fixed, *used)

    def _control_plane(self, target: Target) -> Charge:
        version = target.versions.kubernetes or self.kubernetes_version
        until = STANDARD_SUPPORT_UNTIL.get(version)
        ended = until is not None and until < SUPPORT_AS_OF
        fee = "eks_extended_support_hour" if ended else "eks_control_plane_hour"
        after = "" if until is None or ended else f" until {until}, $0.60 an hour after that"
        note = f"{version} is in extended support since {until}" if ended else f"in standard support{after}"
        return Charge(CONTROL_PLANE, "EKS control plane", fee, always(1), note)

    def fabric(self, machine: Machine) -> Fabric | None:
        """EFA with GPUDirect RDMA. Machines with a first card apart from those are not known well enough."""
        cards = machine.facts.get("efa_interfaces")
        if not machine.facts.get("gpudirect_rdma") or cards is None or machine.name in UNLIKE_CARDS:
            return None
        return Fabric("EFA", ((EFA_RESOURCE, str(cards)), ("hugepages-2Mi", EFA_HUGEPAGES)), None, "efa-device-plugin", EFA_NOTE, EFA_TAKES)

    def internal_balancer(self) -> InternalBalancer:
        return InternalBalancer(
            annotations=(
                ("service.beta.kubernetes.io/aws-load-balancer-type", "nlb"),
                ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
            ),
            idle_seconds=350,
            source="believed: annotations of the AWS cloud provider; idle timeout of a Network Load Balancer",
        )

    def quota(self, target: Target, machine: Machine, nodes: int, capacity_type: CapacityType) -> QuotaNeed:
        quota = QUOTA[machine.accelerator]
        spot = capacity_type is CapacityType.SPOT
        name, code = (quota.spot, quota.spot_code) if spot else (quota.on_demand, quota.on_demand_code)
        reserved = capacity_type is CapacityType.RESERVED
        note = joined(
            None if code is None else f"Service Quotas code {code}",
            "an On-Demand Capacity Reservation counts here, a Capacity Block has a quota of its own" if reserved else None,
        )
        return QuotaNeed(name, machine.vcpus * nodes, "vCPUs", self.region(target), note)

    def needs_device_plugin(self, target: Target) -> bool:
        return True

    def needs_cluster_autoscaler(self, target: Target) -> bool:
        return target.scales_nodes

    def driver_note(self, target: Target) -> str:
        if target.addons.nvidia_device_plugin is False:
            return "The GPU driver comes with the AL2023 NVIDIA node image; the device plugin is switched off here and has to be yours."
        return "The GPU driver comes with the AL2023 NVIDIA node image; the NVIDIA device plugin is installed by this stack."


def max_pods(machine: Machine) -> int:
    """Pods that the VPC CNI can address: ENIs x (IPv4 per ENI - 1) + 2 (amazon-eks-ami eni-max-pods.txt).

    Where ENIs are not known: the limit that EKS recommends with prefix delegation. Machines with several network cards come out higher than
    what their kubelet counts, so that more is reserved here than there.
    """
    enis, addresses = machine.facts.get("max_enis"), machine.facts.get("ipv4_per_eni")
    if enis is None or addresses is None:
        return 110 if machine.vcpus < 30 else 250
    return enis * (addresses - 1) + 2
