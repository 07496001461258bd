"""What there is to run on: the machine types that a requirement leaves, grouped by what performance depends on, cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from .. import catalog, sizing
from ..catalog.types import Accelerator, CapacityType, Machine
from ..costs.money import exact
from ..costs.types import HOURS_PER_MONTH
from ..sizing.types import Device
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .counting import HOURS_PER_WEEK
from .requirement import CPU, Requirement
from .site import Site
from .spread import SpreadPins

TENSOR_DEGREES = (1, 2, 4, 8, 16)
MACHINE_COUNTS = (2, 3, 4)
"""Machines of one replica that are considered unasked, where no single one will do."""
LEAST_SPANNED = 8
"""GPUs of a machine from which on a replica spans several unasked."""
NEVER = Decimal("Infinity")
"""Where an unpriced machine stands among the priced ones."""


@dataclass(frozen=True, slots=True)
class Silicon:
    """Machines that differ in nothing that performance depends on, cheapest first."""

    accelerator: Accelerator | None
    device: Device
    machines: tuple[Machine, ...]
    hourly_usd: Decimal
    """Price of the cheapest, of all machines of a replica: no placement on this silicon costs less per hour."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What performance depends on, of machines that may stand for one another."""

    id: str
    link: str
    count: int
    machines: int = 1
    network_gbps: float | None = None
    """Between the machines of one replica."""
    network: str = ""
    """Its name."""


def silicon_for(requirement: Requirement, site: Site, *, spanning: bool = False) -> tuple[Silicon, ...]:
    """The devices that a replica could run on, in order of the cheapest machine that carries them; unpriced ones last.

    With `spanning` those of several machines, which are left out otherwise, except where the stack file asks for so many.
    """
    machine = requirement.machine.name if requirement.machine else None
    return _silicon(site, requirement.capacity, requirement.commitment, requirement.gpu, machine, requirement.spread, spanning)


@lru_cache(maxsize=256)
def _silicon(
    site: Site, capacity: CapacityType, term: str | None, gpu: str | None, machine: str | None, pins: SpreadPins, spanning: bool
) -> tuple[Silicon, ...]:
    groups: dict[_Kind, list[Machine]] = {}
    candidates = tuple(_machines(site, capacity, gpu, machine))
    for candidate in candidates:
        largest = max(other.accelerator_count for other in candidates if other.accelerator == candidate.accelerator)
        for kind in _kinds(candidate, pins, spanning, largest, site):
            groups.setdefault(kind, []).append(candidate)
    found: list[Silicon] = []
    for kind, machines in groups.items():
        device = _device(machines[0], kind)
        if device is not None:
            name = machines[0].accelerator
            priced = tuple(sorted(machines, key=lambda each: hourly_usd(site, each, capacity, term)))
            usd = hourly_usd(site, priced[0], capacity, term) * kind.machines
            found.append(Silicon(catalog.accelerator(name) if name else None, device, priced, usd))
    return tuple(sorted(found, key=lambda silicon: (silicon.hourly_usd, silicon.device.count)))


def _kinds(machine: Machine, pins: SpreadPins, spanning: bool, largest: int, site: Site) -> Iterator[_Kind]:
    """The parts of one machine, or the numbers of whole ones, that a replica could take; `largest` is what one holds at most."""
    each = machine.accelerator_count
    if machine.accelerator is None:
        if not spanning:
            yield _Kind(machine.name, "none", 1)
        return
    fabric = site.fabric(machine)
    network = (None, sizing.TCP if site.beyond(machine) else "")
    if fabric is not None:
        network = (fabric.gpudirect.network_gbps if fabric.gpudirect else machine.network_gbps, fabric.name)
    if spanning:
        if pins.pipeline is None and pins.data is None and each >= LEAST_SPANNED and fabric is not None:
            for machines in MACHINE_COUNTS:
                yield _Kind(machine.accelerator, machine.link, each * machines, machines, *network)
        return
    for count in pins.devices(TENSOR_DEGREES):
        if count <= each:
            yield _Kind(machine.accelerator, machine.link if count > 1 else "none", count)
        elif count > largest and count % each == 0 and _asks_for(pins, count, each):
            yield _Kind(machine.accelerator, machine.link, count, count // each, *network)


def _asks_for(pins: SpreadPins, count: int, each: int) -> bool:
    """True where `count` devices of several machines with `each` are what is pinned. What shares a layer stays within its machine."""
    stages, groups = pins.pipeline or 1, pins.data or 1
    if stages > 1 and groups == 1:
        return each % (count // stages) == 0
    few = pins.tensor is not None or count // each <= max(MACHINE_COUNTS)
    return groups > 1 and few and each % (count // (stages * groups)) == 0


def _machines(site: Site, capacity: CapacityType, gpu: str | None, machine: str | None) -> Iterator[Machine]:
    """Machine types that the pins and the capacity type leave. CPU machines only where they are asked for, or are all there is."""
    wants_cpu = gpu == CPU or (gpu is None and not site.has_accelerators)
    for candidate in (site.machines[machine],) if machine else site.sold:
        if machine is None and (wants_cpu != (candidate.accelerator is None) or gpu not in (None, CPU, candidate.accelerator)):
            continue
        if site.offering(candidate, capacity) is not None or candidate.count is not None:
            yield candidate


def _device(machine: Machine, kind: _Kind) -> Device | None:
    """The silicon of `machine` as physics sees it; None where its memory or bandwidth is not known."""
    if machine.accelerator is not None:
        accelerator = catalog.accelerator(machine.accelerator)
        device = sizing.device_for(accelerator, kind.count, kind.link, kind.machines, kind.network_gbps, kind.network)
        return sizing.over_tcp(device) if device and kind.network == sizing.TCP else device
    return sizing.cpu_device(machine.vcpus, machine.memory_gib, catalog.cpu(machine.cpu) if machine.cpu else None, machine.cpu_share)


def least_monthly_usd(requirement: Requirement, silicon: Silicon) -> Decimal:
    """What no placement of `requirement` on `silicon` undercuts at the expected load: one node in the hours that a schedule leaves; nothing
    where replicas go to zero."""
    wish, schedule = requirement.replicas, requirement.service.schedule
    if isinstance(wish, ReplicaBounds) and wish.min == 0:
        return Decimal(0)
    always = silicon.hourly_usd * HOURS_PER_MONTH
    if schedule is None or schedule.outside_replicas > 0:
        return always
    return always * exact(schedule.hours_per_week) / HOURS_PER_WEEK


def hourly_usd(site: Site, machine: Machine, capacity: CapacityType, term: str | None = None) -> Decimal:
    """Price of the next node: nothing where one is paid already, `NEVER` where no price is known; with a term, of one that stands."""
    offering = site.offering(machine, capacity, term)
    if offering is not None and offering.paid_nodes:
        return Decimal(0)
    usd = None if offering is None else offering.commitment.usd_per_hour if offering.commitment else offering.usd_per_hour
    return NEVER if usd is None else usd
