"""The network of a GKE cluster. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from ...clouds.cidrs import PODS, SERVICES, accelerator_subnets
from ...clouds.gpudirect import networks
from ...manifests import accelerator_network
from ...nodepools.reference import AcceleratorNetwork
from ...services import KubernetesObject

POD_RANGE = "pods"
SERVICE_RANGE = "services"
WEBHOOK_PORTS = ("443", "6443", "8443", "9443", "10250")
"""Where KServe, cert-manager, KEDA and the Prometheus operator answer the control plane. GKE itself opens 443 and 10250 only."""


class GkeNetworkArgs(TypedDict):
    """A VPC with one subnet."""

    cidr: str
    """Address range of the nodes."""
    region: str
    """Google Cloud region."""
    project: NotRequired[str]
    """Left out: the project of the provider."""
    node_service_account: pulumi.Input[str]
    """Email of the service account that nodes run as: whom the firewall rule is for."""


class GkeNetwork(pulumi.ComponentResource):
    """A VPC with a subnet for nodes, ranges for pods and Services, and Cloud NAT as the way out of nodes without public addresses."""

    network_id: pulumi.Output[str]
    """The VPC."""
    network_name: pulumi.Output[str]
    """Its name."""
    subnetwork_id: pulumi.Output[str]
    """The subnet, which spans the region."""

    def __init__(self, name: str, args: GkeNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inferstack:index:GkeNetwork", name, None, opts)
        # What a component waits for is not handed down to what is in it.
        child = pulumi.ResourceOptions(parent=self, depends_on=None if opts is None else opts.depends_on)
        project = args.get("project")
        network = gcp.compute.Network(f"{name}-vpc", auto_create_subnetworks=False, routing_mode="REGIONAL", project=project, opts=child)
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-nodes",
            network=network.id,
            region=args["region"],
            project=project,
            ip_cidr_range=args["cidr"],
            # Images and weights from Google's own registries and buckets then pass no NAT.
            private_ip_google_access=True,
            secondary_ip_ranges=[
                {"range_name": POD_RANGE, "ip_cidr_range": str(PODS)},
                {"range_name": SERVICE_RANGE, "ip_cidr_range": str(SERVICES)},
            ],
            opts=child,
        )
        router = gcp.compute.Router(f"{name}-router", network=network.id, region=args["region"], project=project, opts=child)
        nat = gcp.compute.RouterNat(
            f"{name}-nat",
            router=router.name,
            region=args["region"],
            project=project,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=child,
        )
        webhooks = gcp.compute.Firewall(
            f"{name}-webhooks",
            description="From the control plane's address in the node subnet to admission webhooks and metrics APIs",
            network=network.id,
            project=project,
            direction="INGRESS",
            source_ranges=[args["cidr"]],
            target_service_accounts=[args["node_service_account"]],
            allows=[{"protocol": "tcp", "ports": list(WEBHOOK_PORTS)}],
            opts=child,
        )
        self.ways_out: list[pulumi.Resource] = [nat, webhooks]
        """What has to be there before nodes are, and to stay until they are gone."""
        self.network_id = network.id
        self.network_name = network.name
        self.subnetwork_id = subnetwork.id
        self.register_outputs({"networkId": self.network_id, "subnetworkId": self.subnetwork_id})


JUMBO_MTU = 8244
"""What GPUDirect-TCPX and -TCPXO are made for (GKE how-to/gpu-bandwidth-gpudirect-tcpx)."""


class AcceleratorNetworksArgs(TypedDict):
    """Networks between accelerators, each a VPC of its own with one subnet: a card of a machine can be in no network with another."""

    count: int
    """How many."""
    region: str
    """Google Cloud region."""
    project: NotRequired[str]
    """Left out: the project of the provider."""


class AcceleratorNetworks(pulumi.ComponentResource):
    """VPCs that join the GPUs of nodes and nothing else: nothing leads out of them, and whoever is in one reaches all of it."""

    def __init__(self, name: str, args: AcceleratorNetworksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inferstack:index:AcceleratorNetworks", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self, depends_on=None if opts is None else opts.depends_on)
        self.references = [self._network(index, cidr) for index, cidr in enumerate(accelerator_subnets(args["count"]), 1)]
        """What node pools take; the first card of a node is in the first."""
        self.register_outputs({})

    def _network(self, index: int, cidr: str) -> AcceleratorNetwork:
        name, project = f"{self._name}-{index}", self._args.get("project")
        network = gcp.compute.Network(f"{name}-vpc", auto_create_subnetworks=False, mtu=JUMBO_MTU, project=project, opts=self._child)
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-cards", network=network.id, region=self._args["region"], project=project, ip_cidr_range=cidr, opts=self._child
        )
        inside = gcp.compute.Firewall(
            f"{name}-inside",
            description="Between accelerators of nodes",
            network=network.id,
            project=project,
            direction="INGRESS",
            source_ranges=[cidr],
            allows=[{"protocol": "tcp"}, {"protocol": "udp"}, {"protocol": "icmp"}],
            opts=self._child,
        )
        # The name waits for the rule: cards that start without it would find nobody.
        named = pulumi.Output.all(network.name, inside.urn).apply(lambda known: str(known[0]))
        return {"network": named, "subnetwork": subnetwork.name}


def in_cluster(name: str, references: list[AcceleratorNetwork], opts: pulumi.ResourceOptions) -> list[AcceleratorNetwork]:
    """The same networks once the cluster knows them by the names that pods ask for: what node pools wait for."""
    return [_known(f"{name}-{called}", called, made, opts) for called, made in zip(networks(len(references)), references, strict=True)]


def _known(name: str, called: str, reference: AcceleratorNetwork, opts: pulumi.ResourceOptions) -> AcceleratorNetwork:
    manifests = accelerator_network(called, reference["network"], reference["subnetwork"])
    urns = [KubernetesObject(f"{name}-{manifest['kind'].lower()}", manifest, opts).urn for manifest in manifests]
    named = pulumi.Output.all(reference["network"], *urns).apply(lambda known: str(known[0]))
    return {"network": named, "subnetwork": reference["subnetwork"]}
