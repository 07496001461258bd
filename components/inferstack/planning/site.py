"""Where a stack's services can run: the machines of its cloud and region, asked once for the whole stack."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .. import catalog, clouds
from ..catalog.prices import block_offering, commitment
from ..catalog.types import CapacityType, Commitment, Fee, Machine, Offering
from ..clouds import gpudirect
from ..clouds.types import Allocatable, Cloud, Fabric
from ..costs.tree import BY_USER
from ..errors import nearest_name
from ..stackfile.schema import Prices, Target
from .pricing import own_fees, own_prices

ASK_FOR_IT = (
    "`network: {gpuDirect: true}` of the target has it, with a daemon that has NET_ADMIN and folders of the node in each pod, and replaces "
    "a cluster that was made without it; machines with RDMA (a3-ultragpu-8g, a4-highgpu-8g) need none of that"
)


@dataclass(frozen=True, eq=False)
class Site:
    """One target with its cloud; compared by identity, so that lookups can be remembered per site.

    `region` is the cloud's own constant for an existing cluster.
    """

    target: Target
    cloud: Cloud
    region: str
    zones: tuple[str, ...]
    prices: Prices = field(default_factory=Prices)
    """The stack's own prices, which hold in place of the price book's."""
    sized: dict[Hashable, Any] | None = None
    """Replicas that were sized already, by all that their size depends on (`candidates` keeps it). None: nothing is asked twice, so that
    nothing is remembered."""

    @classmethod
    def of(cls, target: Target, prices: Prices | None = None, remembers: bool = False) -> Site:
        cloud = clouds.cloud(target.cloud)
        own = Prices() if prices is None else prices
        return cls(
            target=target, cloud=cloud, region=cloud.region(target), zones=cloud.zones(target), prices=own, sized={} if remembers else None
        )

    @cached_property
    def machines(self) -> Mapping[str, Machine]:
        return {machine.name: machine for machine in own_prices(self.cloud.machines(self.target), self.prices, self.cloud.name)}

    @cached_property
    def fees(self) -> Mapping[str, Fee]:
        """What is charged beside machines, per unit, in this region and at the stack's own prices."""
        return own_fees(self.cloud.fees(self.target), self.prices, self.cloud.name, self.region)

    @cached_property
    def sold(self) -> tuple[Machine, ...]:
        """Machine types that can be had here, priced or not."""
        return tuple(machine for machine in self.machines.values() if self.sells(machine))

    @cached_property
    def has_accelerators(self) -> bool:
        return any(machine.accelerator for machine in self.sold)

    @cached_property
    def _allocatable(self) -> dict[str, Allocatable]:
        return {}

    def allocatable(self, machine: Machine) -> Allocatable:
        known = self._allocatable.get(machine.name)
        if known is None:
            known = self._allocatable[machine.name] = self.cloud.allocatable(machine)
        return known

    def fabric(self, machine: Machine) -> Fabric | None:
        """The network between accelerators that nodes of that machine type get: what the stack file has to ask for only where it does, at
        the versions that it pins."""
        found = self.cloud.fabric(machine)
        if found is None or found.gpudirect is None:
            return found
        return gpudirect.at(found, pinned_plugin(self.target, str(found.addon))) if self.target.network.gpu_direct else None

    def beyond(self, machine: Machine) -> str | None:
        """What could join the accelerators of that machine type and is not asked for, as a clause: transfers take TCP. None where that is
        not so."""
        found = self.cloud.fabric(machine)
        if found is None or found.gpudirect is None or self.target.network.gpu_direct:
            return None
        return f"{found.name} is not asked for: {ASK_FOR_IT}"

    def machine(self, name: str) -> Machine:
        """The machine type of that name. Raises `catalog.UnknownName` with the nearest one that is sold here."""
        found = self.machines.get(name.lower())
        if found is None:
            near = catalog.twin(name, self.sold) or nearest_name(name, (machine.name for machine in self.sold))
            raise catalog.UnknownName("machine type", name, (near,) if near else (), f"is not a machine type of cloud {self.cloud.name}")
        return found

    def sells(self, machine: Machine) -> bool:
        """True where the machine type is sold in this region, or has a price here, and in a zone that nodes may use."""
        here = self.region in machine.regions or any(offering.region == self.region for offering in machine.offerings)
        return here and (not self.zones or bool(self.cloud.pool_zones(self.target, machine)))

    def nodes_key(self, machine: Machine) -> str | None:
        """Key of the nodes of an existing cluster that `machine` stands for; None where machines come from a cloud."""
        names = [each.name for each in self.cloud.machines(self.target)] if machine.count is not None else []
        return f"inferstack:target.nodes[{names.index(machine.name)}]" if machine.name in names else None

    def committed(self, machine: Machine, term: str) -> Commitment | None:
        """What `machine` costs here for a term of `term`; None where no cloud sells such terms."""
        return commitment(machine, self.region, term) if self.target.region else None

    def offering(self, machine: Machine, capacity: CapacityType, term: str | None = None, block: bool = False) -> Offering | None:
        """How `machine` is bought here. A capacity reservation is billed as on-demand, used or not, unless a price for it is known.

        With a `term` the offering holds what machines that always stand cost then; a Capacity `block` has a price of its own.
        """
        found = machine.offering(self.region, capacity)
        if block and (found is None or found.basis != BY_USER):
            return block_offering(machine, self.region)
        if found is not None and term is not None:
            found = replace(found, commitment=self.committed(machine, term))
        if found is None and capacity is CapacityType.RESERVED:
            on_demand = machine.offering(self.region, CapacityType.ON_DEMAND)
            if on_demand is not None:
                return replace(
                    on_demand, capacity_type=CapacityType.RESERVED, basis="derived: a reservation is billed at the on-demand price"
                )
        return found


def pinned_plugin(target: Target, addon: str) -> str | None:
    """The version that the stack file pins of the add-on with the plugin of one of Google's own transports, as its tags are spelled."""
    said = {"gpudirect-tcpx": target.versions.gpudirect_tcpx, "gpudirect-tcpxo": target.versions.gpudirect_tcpxo}[addon]
    return None if said is None else f"v{said.removeprefix('v')}"
