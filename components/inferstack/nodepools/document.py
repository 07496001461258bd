"""What a pool tells of itself: its plan and its cost, as the component's outputs. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from .. import costs
from ..costs import Columns, NodeGroup, StackCost
from ..plain import plain
from ..planning.site import Site
from ..stackfile.schema import Target
from .spec import PoolSpec


def pool_nodes(spec: PoolSpec) -> Columns:
    """Nodes at the bottom, in the mean and at the top of the range; the mean is the top where nobody said it."""
    expected = spec.max_nodes if spec.expected_nodes is None else spec.expected_nodes
    return Columns(Decimal(spec.min_nodes), Decimal(str(expected)), Decimal(spec.max_nodes))


def pool_document(spec: PoolSpec) -> dict[str, Any]:
    """The pool in the form that it has in a stack's `plan`."""
    return {
        "name": spec.name,
        "machineType": spec.machine.name,
        "gpu": spec.machine.accelerator,
        "gpusPerNode": spec.machine.accelerator_count,
        "capacityType": spec.capacity_type.value,
        "reservationId": spec.reservation_id,
        "zones": list(spec.zones),
        "nodes": plain(pool_nodes(spec)),
        "diskGib": spec.disk_gib,
        "autoscaled": spec.autoscaled,
        **({"fabric": True} if spec.fabric else {}),
        "labels": dict(spec.node_labels),
    }


def pool_cost(spec: PoolSpec, cloud: str, region: str) -> StackCost:
    """What the nodes and their disks cost; nothing that the cluster pays for."""
    site = Site.of(Target(cloud=cloud, region=region), spec.prices)  # type: ignore[arg-type]  # the cloud's name was checked
    offering = site.offering(site.machine(spec.machine.name), spec.capacity_type)
    occupied = ((spec.name, Columns.same(1)),)  # by whom is not known here; without anybody they would count as system nodes
    group = NodeGroup(spec.name, spec.machine, offering, pool_nodes(spec), spec.disk_gib, occupied)
    charges = [charge for charge in site.cloud.charges(site.target, (group,), ()) if charge.group == group.name]
    return replace(costs.estimate((group,), charges, site.fees, ()), services=())
