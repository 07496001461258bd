"""Google Kubernetes Engine: a regional Standard cluster with private nodes and node pools of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from .. import catalog
from ..catalog.types import CapacityType, Fee, Machine
from ..costs.types import HOURS_PER_MONTH, Charge, Columns, NodeGroup, Use
from ..errors import Problem
from ..stackfile.schema import Target
from .charges import CONTROL_PLANE, NETWORK, TrafficFees, always, by_nodes, one_each, root_disks, traffic
from .cidrs import accelerator_problems, subnet_problems
from .gpudirect import FABRICS
from .nodes import CONTROLLERS, MEMORY_TIERS, left_for_pods, sold_in, tiered_gib, with_room
from .types import Agent, Allocatable, Fabric, InternalBalancer, QuotaNeed, SystemPool

MOST_ZONES = 3

UNSEEN_GIB = 0.125
UNSEEN_SHARE = 0.02
"""Memory that the machine's system does not see: 0.64, 2.2 and 8.1 GiB on n2-highmem-4, -16 and -64 (2i2c-org/infrastructure#2121)."""

STREAMING_TIERS = ((4, 0.10), (4, 0.08), (8, 0.04), (112, 0.024), (float("inf"), 0.008))
"""Kept for image streaming (GKE how-to/image-streaming, as computed by hatemosphere/gke-node-allocatable-memory-calculator)."""

AGENTS = (
    Agent("anetd", 205, 256),
    Agent("fluentbit-gke", 105, 230),
    Agent("gke-metadata-server", 100, 100),
    Agent("gke-metrics-agent", 21, 145),
    Agent("netd", 8, 65),
    Agent("node-local-dns", 30, 50),
    Agent("ip-masq-agent", 10, 16),
    Agent("pdcsi-node", 10, 20),
    Agent("gcsfusecsi-node", 10, 32),
    Agent("gmp-collector", 5, 40),
    Agent("nvidia-gpu-device-plugin", 150, 80, accelerated=True),
    Agent("dcgm-exporter", 100, 64, accelerated=True),
)
"""Requests as seen on GKE 1.29 to 1.33 (cryptnono/cryptnono#34 and public `kubectl describe node` output); memory of anetd,
gcsfusecsi-node, the collector and dcgm-exporter is believed."""

CLOUD_CONTROLLERS = (
    Agent("kube-dns", 260, 110, copies=2),
    Agent("kube-dns-autoscaler", 20, 10),
    Agent("konnectivity-agent", 15, 60, copies=2),
    Agent("konnectivity-agent-autoscaler", 10, 10),
    Agent("metrics-server", 50, 110),
    Agent("event-exporter-gke", 10, 40),
    Agent("l7-default-backend", 10, 20),
    Agent("gmp-operator", 10, 32),
)
"""What GKE runs on the system nodes: cryptnono/cryptnono#34; the last four are believed."""

SYSTEM_MACHINE = "e2-standard-4"
"""Smallest E2 machine of which one node holds all controllers at `nodes.SYSTEM_FILL`; the agents of GKE take half a core of each node."""
SYSTEM_NODES = 2
SYSTEM_DISK_GIB = 50

KEY_VERSIONS = 5
"""Active versions of a key that is rotated every 90 days, after a year."""

NAT_MOST_VMS = 32
"""Cloud NAT bills at most this many VMs per gateway."""

TRAFFIC_FEES = TrafficFees(
    nat="cloud_nat_gb",
    between_zones="cross_zone_gb",
    zone_passes=1,
    egress="egress_internet_",
    egress_tiers_gb=(0, 1_024, 10_240),
    logs="logging_gb",
    logs_line="container logs",
    outside="images and weights that are pulled from outside Google Cloud",
    inside_line="weights from Cloud Storage",
    inside="free in the region: Private Google Access passes NAT by (believed)",
)


OWN_QUOTA: Mapping[str, str] = {
    "nvidia-tesla-t4": "NVIDIA_T4_GPUS",
    "nvidia-l4": "NVIDIA_L4_GPUS",
    "nvidia-tesla-a100": "NVIDIA_A100_GPUS",
    "nvidia-a100-80gb": "NVIDIA_A100_80GB_GPUS",
}
"""Compute Engine quota of a region by GKE accelerator label; on spot `PREEMPTIBLE_` stands before it."""

GPU_FAMILY: Mapping[str, str] = {
    "nvidia-h100-80gb": "NVIDIA_H100",
    "nvidia-h100-mega-80gb": "NVIDIA_H100_MEGA",
    "nvidia-h200-141gb": "NVIDIA_H200",
    "nvidia-b200": "NVIDIA_B200",
    "nvidia-gb200": "NVIDIA_GB200",
    "nvidia-gb300": "NVIDIA_GB300",
    "nvidia-rtx-pro-6000": "NVIDIA_RTX_PRO_6000",
}
"""Later GPUs share the quota GPUS_PER_GPU_FAMILY with a `gpu_family` of their own; on spot they have `PREEMPTIBLE_<family>_GPUS`."""

CPU_QUOTA: Mapping[str, str] = {"e2": "CPUS", "n1": "CPUS", "n2": "N2_CPUS", "n2d": "N2D_CPUS", "c3": "C3_CPUS"}
"""By machine series; series that are not listed count in CPUS_PER_VM_FAMILY (believed)."""


RDMA = "RDMA"
RDMA_NOTE = (
    "RDMA interfaces come with the node pool and are claimed whole by each pod, which takes GKE 1.34.1 or later; that NCCL's own RoCE "
    "transport uses them without Google's gIB plugin is believed"
)
RDMA_TAKES = "an NCCL that speaks RoCE"


class Gke:
    """Facts and rules of GKE; implements `clouds.types.Cloud`."""

    name = "gke"
    kubernetes_version = "1.35"
    stores: Mapping[str, str] = MappingProxyType({"gs": "gcs_standard_gb_month", "oci": "artifact_registry_gb_month"})
    sells_capacity_blocks = False
    """Believed to be in the regular channel and in standard support (14 months) at the date of the other versions."""

    def region(self, target: Target) -> str:
        assert target.region is not None, "the stack file requires a region on gke"
        return target.region

    def machines(self, target: Target) -> tuple[Machine, ...]:
        return catalog.machines("gke")

    def zones(self, target: Target) -> tuple[str, ...]:
        return target.zones if target.zones else catalog.zones("gke", self.region(target))[:MOST_ZONES]

    def pool_zones(self, target: Target, machine: Machine) -> tuple[str, ...]:
        """Subnets span the region, so that a pool may lie in any zone of it; the stack file's zones are kept to."""
        region = self.region(target)
        return sold_in(machine, region, target.zones if target.zones else catalog.zones("gke", region))

    def network_problems(self, target: Target) -> Iterator[Problem]:
        """Of the node subnet, beside pods, Services and networks between accelerators."""
        network = target.network
        yield from subnet_problems(network.cidr)
        yield from accelerator_problems(network.cidr, 0 if network.gpu_direct else None)

    def allocatable(self, machine: Machine) -> Allocatable:
        """Memory: GKE's tiers, image streaming and 100 MiB before eviction, of what the system sees; then the agents of GKE."""
        visible = machine.memory_gib * (1 - UNSEEN_SHARE) - UNSEEN_GIB
        return left_for_pods(
            machine,
            vcpus=machine.vcpus,
            visible_gib=visible,
            reserved_gib=tiered_gib(visible, MEMORY_TIERS) + tiered_gib(visible, STREAMING_TIERS),
            agents=AGENTS,
            provenance="believed",
            source="GKE plan-node-sizes (tiers), image streaming reserve, requests of GKE's DaemonSets",
        )

    def system_pool(self, target: Target, more: Sequence[Agent] = ()) -> SystemPool:
        pool = SystemPool(SYSTEM_MACHINE, SYSTEM_NODES, SYSTEM_DISK_GIB, self.zones(target)[:SYSTEM_NODES])
        machine = next(machine for machine in self.machines(target) if machine.name == SYSTEM_MACHINE)
        return with_room(pool, (*CONTROLLERS, *CLOUD_CONTROLLERS), more, self.allocatable(machine)) if more else pool

    def fees(self, target: Target) -> Mapping[str, Fee]:
        return catalog.fees("gke", self.region(target))

    def charges(self, target: Target, groups: Sequence[NodeGroup], internal: Sequence[str], use: Use | None = None) -> tuple[Charge, ...]:
        nodes = sum((group.nodes for group in groups), Columns.same(0))
        nat_hours = nodes.map(lambda count: min(count, Decimal(NAT_MOST_VMS)) * HOURS_PER_MONTH)
        fixed = [
            Charge(CONTROL_PLANE, "GKE cluster", "gke_cluster_hour", always(1), "free tiers of the billing account are not counted"),
            Charge(
                CONTROL_PLANE,
                "KMS key for Kubernetes secrets",
                "kms_key_version_month",
                Columns.same(KEY_VERSIONS),
                "versions of a year of rotation; older ones stay billed until they are destroyed",
            ),
            *root_disks(groups, "pd_balanced_gb_month", "pd-balanced"),
            Charge(NETWORK, "Cloud NAT", "cloud_nat_vm_hour", nat_hours, f"per node, at most {NAT_MOST_VMS}", shares=by_nodes(groups)),
            Charge(NETWORK, "public IPv4 of Cloud NAT", "external_ip_hour", always(1)),
        ]
        used = list(traffic(use, TRAFFIC_FEES))
        if internal:
            balancers = f"internal load balancers ({len(internal)})"
            fixed.append(Charge(NETWORK, balancers, "forwarding_rule_hour", always(len(internal)), shares=one_each(internal)))
            used.append(Charge(NETWORK, "load balancer data", "lb_ingress_gb", None, shares=one_each(internal)))
        return (*fixed, *used)

    def fabric(self, machine: Machine) -> Fabric | None:
        """RDMA over Converged Ethernet by GKE's own DRANET, or one of Google's own transports over TCP."""
        said: str = machine.facts.get("gpudirect", "")
        if RDMA in said:
            return Fabric("GPUDirect RDMA", (), "mrdma.google.com", None, RDMA_NOTE, RDMA_TAKES)
        return FABRICS.get(said.partition(" ")[0])

    def internal_balancer(self) -> InternalBalancer:
        return InternalBalancer(
            annotations=(("networking.gke.io/load-balancer-type", "Internal"),),
            idle_seconds=600,
            source="believed: annotation of GKE; idle timeout of connection tracking",
        )

    def quota(self, target: Target, machine: Machine, nodes: int, capacity_type: CapacityType) -> QuotaNeed:
        spot = capacity_type is CapacityType.SPOT
        if machine.accelerator is None:
            series = machine.name.partition("-")[0]
            name = CPU_QUOTA.get(series, f"CPUS_PER_VM_FAMILY ({series.upper()})")
            return QuotaNeed(name, machine.vcpus * nodes, "vCPUs", self.region(target))
        name, note = _gpu_quota(machine.facts["accelerator_label"], spot)
        return QuotaNeed(name, machine.accelerator_count * nodes, "GPUs", self.region(target), note)

    def needs_device_plugin(self, target: Target) -> bool:
        return False

    def needs_cluster_autoscaler(self, target: Target) -> bool:
        return False

    def driver_note(self, target: Target) -> str:
        if target.addons.nvidia_device_plugin is True:
            return "GKE installs the GPU driver; its device plugin is off on our pools, and NVIDIA's is installed by this stack, as asked."
        return "GKE installs the GPU driver through the node pool's gpu_driver_installation_config and runs its own device plugin."


def _gpu_quota(label: str, spot: bool) -> tuple[str, str]:
    """Name of the regional quota, and what else has to allow it."""
    everywhere = "the project's GPUS_ALL_REGIONS must allow it too"
    own = OWN_QUOTA.get(label)
    if own is not None:
        return (f"PREEMPTIBLE_{own}" if spot else own), everywhere
    family = GPU_FAMILY[label]
    if spot:
        return f"PREEMPTIBLE_{family}_GPUS", everywhere
    return f"GPUS_PER_GPU_FAMILY ({family})", f"dimension gpu_family {family}; {everywhere}"
