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

TENSOR_DEGREES = (1, 2, 4, 8, 16)
NEVER = Decimal("Infinity")
"""Where an unpriced machine stands among the priced ones."""


@dataclass(frozen=True, slots=True)
class Silicon:
    """Machines that differ in nothing that performance depends on, cheapest first."""

    accelerator: Accelerator | None
    device: Device
    machines: tuple[Machine, ...]
    hourly_usd: Decimal
    """Price of the cheapest: no placement on this silicon costs less per hour."""


def silicon_for(requirement: Requirement, site: Site) -> tuple[Silicon, ...]:
    """The devices that a replica could run on, in order of the cheapest machine that carries them; unpriced ones last."""
    machine = requirement.machine.name if requirement.machine else None
    spread = requirement.spread.devices(TENSOR_DEGREES)
    return _silicon(site, requirement.capacity, requirement.commitment, requirement.gpu, machine, spread)


@lru_cache(maxsize=256)
def _silicon(
    site: Site, capacity: CapacityType, term: str | None, gpu: str | None, machine: str | None, counts: tuple[int, ...]
) -> tuple[Silicon, ...]:
    groups: dict[tuple[str, str, int], list[Machine]] = {}
    for candidate in _machines(site, capacity, gpu, machine):
        if candidate.accelerator is None:
            groups.setdefault((candidate.name, "none", 1), []).append(candidate)
            continue
        for count in counts:
            if count <= candidate.accelerator_count:
                groups.setdefault((candidate.accelerator, candidate.link if count > 1 else "none", count), []).append(candidate)
    found: list[Silicon] = []
    for (_, link, count), machines in groups.items():
        device = _device(machines[0], count, link)
        if device is not None:
            accelerator = machines[0].accelerator
            priced = sorted(machines, key=lambda each: hourly_usd(site, each, capacity, term))
            found.append(
                Silicon(
                    catalog.accelerator(accelerator) if accelerator else None,
                    device,
                    tuple(priced),
                    hourly_usd(site, priced[0], capacity, term),
                )
            )
    return tuple(sorted(found, key=lambda silicon: (silicon.hourly_usd, silicon.device.count)))


def _machines(site: Site, capacity: CapacityType, gpu: str | None, machine: str | None) -> Iterator[Machine]:
    """Machine types that the pins and the capacity type leave. CPU machines only where they are asked for, or are all there is."""
    wants_cpu = gpu == CPU or (gpu is None and not site.has_accelerators)
    for candidate in (site.machines[machine],) if machine else site.sold:
        if machine is None and (wants_cpu != (candidate.accelerator is None) or gpu not in (None, CPU, candidate.accelerator)):
            continue
        if site.offering(candidate, capacity) is not None or candidate.count is not None:
            yield candidate


def _device(machine: Machine, count: int, link: str) -> Device | None:
    """The silicon of `machine` as physics sees it; None where its memory or bandwidth is not known."""
    if machine.accelerator is not None:
        return sizing.device_for(catalog.accelerator(machine.accelerator), count, link)
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
