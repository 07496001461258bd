"""What a cluster tells of itself: its plan and its cost, as the component's outputs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import costs
from ..catalog.types import CapacityType
from ..costs import NodeGroup, StackCost
from ..nodepools.document import pool_document, pool_nodes
from ..nodepools.spec import PoolSpec
from ..planning.site import Site
from ..stackfile.schema import Network, Target

if TYPE_CHECKING:
    from .eks.spec import EksSpec
    from .gke.spec import GkeSpec


def eks_document(spec: EksSpec) -> dict[str, Any]:
    """The cluster in the words of a stack's `plan`."""
    return {
        **_document("eks", spec),
        "natGateways": "per-zone" if spec.nat_per_zone else "single",
        "apiEndpoint": "public, restricted" if spec.access.public else "private",
    }


def gke_document(spec: GkeSpec) -> dict[str, Any]:
    """The cluster in the words of a stack's `plan`."""
    networks = {} if spec.accelerator_networks is None else {"acceleratorNetworks": spec.accelerator_networks}
    return {**_document("gke", spec), **networks, "apiEndpoint": "restricted IP" if spec.access.any else "DNS, guarded by IAM"}


def _document(cloud: str, spec: EksSpec | GkeSpec) -> dict[str, Any]:
    return {
        "cloud": cloud,
        "clusterName": spec.cluster_name,
        "region": spec.region,
        "zones": list(spec.zones),
        "kubernetesVersion": spec.kubernetes_version,
        "networkCidr": spec.network_cidr,
        "apiAccessCidrs": [*spec.access.public, *spec.access.private],
        "systemPool": pool_document(spec.system_pool),
        "deletionProtection": spec.deletion_protection,
    }


def cluster_cost(cloud: str, region: str, zones: Sequence[str], nat_per_zone: bool, system: PoolSpec) -> StackCost:
    """What the cluster costs without pools and services: control plane, network, system nodes and their disks."""
    network = Network.model_validate({"natGateways": "per-zone" if nat_per_zone else "single"})
    site = Site.of(Target(cloud=cloud, region=region, zones=tuple(zones), network=network), system.prices)  # type: ignore[arg-type]
    offering = site.offering(site.machine(system.machine.name), CapacityType.ON_DEMAND)
    group = NodeGroup(system.name, system.machine, offering, pool_nodes(system), system.disk_gib)
    charges = site.cloud.charges(site.target, (group,), ())
    return replace(costs.estimate((group,), charges, site.fees, ()), services=())
