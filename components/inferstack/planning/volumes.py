"""Volumes that the stack makes: how large they are, which services lie on them, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from .. import sizing
from ..catalog.types import Fee
from ..catalog.volumes import volume_kinds
from ..clouds.charges import DISKS
from ..costs.types import Amount, Columns, CostLine, Extra
from ..engines.memory import download_gib
from ..stackfile.schema import SharedVolume, Target
from . import ways
from .pools import Tenant
from .site import Site
from .types import VolumePlan

GIB = 2**30


def plan_volumes(target: Target, site: Site, tenants: Sequence[Tenant]) -> tuple[VolumePlan, ...]:
    """Every volume that the stack file asks for, used or not: what lies on one is not taken away because a plan has changed its mind."""
    return tuple(_volume(volume, target, site, _served_from(volume.name, tenants)) for volume in target.volumes)


def _volume(volume: SharedVolume, target: Target, site: Site, members: Sequence[Tenant]) -> VolumePlan:
    kind = volume.sold_as
    shapes = [member.plan.replica.shape for member in members]
    return VolumePlan(
        name=volume.name,
        kind=kind.name,
        namespace=target.namespace,
        size_gib=kind.sold_gib(ways.COPIES * sum(map(download_gib, shapes))) if volume.size_gib is None else volume.size_gib,
        throughput=volume.bought_throughput,
        storage_class=volume.storage_class,
        zone=site.zones[0] if kind.per_tib and site.zones else None,
        stored_gib=sum(map(sizing.checkpoint_bytes, shapes)) / GIB,
        services=tuple(member.plan.name for member in members),
    )


def warnings(volumes: Iterable[VolumePlan]) -> Iterator[str]:
    """What does not fit, and what nobody uses."""
    for volume in volumes:
        kind = volume_kinds()[volume.kind]
        if not volume.services:
            yield f"volume {volume.name} is made, and no service is on it"
        if volume.size_gib is not None and volume.stored_gib > volume.size_gib:
            yield f"volume {volume.name} has {volume.size_gib:,} GiB, less than the {volume.stored_gib:,.0f} GiB of weights on it"
        elif volume.size_gib is not None and ways.COPIES * volume.stored_gib > volume.size_gib:
            yield f"volume {volume.name} has no room for successors of its weights: leave `sizeGib` out, or raise it"
        if volume.zone is not None:
            yield f"volume {volume.name} ({kind.title}) lies in {volume.zone}: what reads it from another zone pays for that"


def lines(volumes: Iterable[VolumePlan], site: Site, read_gb: dict[str, Amount]) -> Iterator[Extra]:
    """What volumes cost: what they hold or what was bought, and what is read from them where that is billed. `read_gb` is by volume."""
    for volume in volumes:
        kind = volume_kinds()[volume.kind]
        if not kind.is_sold:
            continue
        fee = site.fees.get(kind.fee_at(volume.throughput) or "")
        name = f"volume {volume.name} ({kind.title})"
        users = tuple((service, Columns.same(1)) for service in volume.services)
        if volume.size_gib is None:
            once = Columns.same(round(Decimal(volume.stored_gib) * GIB / 10**9, 1))
            note = "weights once; twice after a change of model"
            yield Extra(DISKS, _line(name, fee, once, note, (once, once.map(lambda gb: gb * ways.COPIES))), shares=users)
        else:
            yield Extra(DISKS, _line(name, fee, Columns.same(volume.size_gib), "as bought, full or not"), shares=users)
        if kind.read_fee is not None and volume.services:
            read = read_gb[volume.name]
            fee = site.fees.get(kind.read_fee)
            line = _line(f"{name} reads", fee, read.expected, "each replica that starts", (read.low, read.high), "GB")
            yield Extra(DISKS, line, shares=read.shares)
        if kind.write_fee is not None and volume.services:
            yield Extra(DISKS, _line(f"{name} writes", site.fees.get(kind.write_fee), None, "each model that is copied, once", unit="GB"))


def _served_from(name: str, tenants: Iterable[Tenant]) -> list[Tenant]:
    return [tenant for tenant in tenants if tenant.plan.copy is not None and tenant.plan.copy.volume == name]


def _line(
    name: str, fee: Fee | None, quantity: Columns | None, note: str, ends: tuple[Columns, Columns] | None = None, unit: str = "GB-month"
) -> CostLine:
    return CostLine(
        name=name,
        unit=unit,
        quantity=quantity,
        unit_price_usd=None if fee is None else fee.usd,
        source="" if fee is None else fee.source,
        as_of=None if fee is None else fee.as_of,
        basis="" if fee is None else fee.basis,
        note=note if fee is None or fee.note is None else f"{note}; {fee.note}",
        low_quantity=None if ends is None else ends[0],
        high_quantity=None if ends is None else ends[1],
    )
