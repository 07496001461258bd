"""What clouds sell: machine types with their offerings, regions, zones and fees. One pair of files per cloud; the other cloud's are never read."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from . import names
from .tables import money_table
from .types import CapacityType, Fee, Machine, Offering

CLOUDS = ("eks", "gke")
GIB_PER_GB = 1e9 / 2**30


@functools.cache
def machines(cloud: str) -> tuple[Machine, ...]:
    """Every machine type of `cloud` (eks or gke) that can be planned with, accelerator machines first.

    Machines with a fraction of a GPU or without known vCPUs are in the data but not here: neither can be scheduled or sized.
    """
    return _place(cloud).machines


@functools.cache
def machine(cloud: str, name: str) -> Machine:
    """The machine type of that name. Raises `UnknownName` (kind machine type)."""
    found = names.resolve("machine type", name, names.index(_place(cloud).by_name, {}))
    return _place(cloud).by_name[found]


@functools.cache
def regions(cloud: str) -> tuple[str, ...]:
    """Regions in which anything is known to be sold, in alphabetical order."""
    place = _place(cloud)
    sold = {region for machine in place.machines for region in machine.regions}
    return tuple(sorted(sold | place.zones.keys()))


@functools.cache
def zones(cloud: str, region: str) -> tuple[str, ...]:
    """Zones of `region`; () where they are not known."""
    return _place(cloud).zones.get(region, ())


@functools.cache
def fees(cloud: str) -> Mapping[str, Fee]:
    """Unit prices beside machines: control plane, disks, NAT, load balancers, traffic."""
    data = money_table(f"{_known(cloud)}_fees")
    sources = data["sources"]
    return MappingProxyType({name: _fee(name, row, sources[row["source"]]) for name, row in data["fees"].items()})


class _Place:
    """What one cloud's file says."""

    def __init__(self, cloud: str) -> None:
        data = money_table(cloud)
        sources: dict[str, dict[str, str]] = data["sources"]
        self.zones = {region: tuple(region + zone for zone in letters) for region, letters in _zone_letters(data).items()}
        self.machines = tuple(_machine(cloud, row, sources) for row in data["machines"] if _can_be_planned(row))
        self.by_name = {machine.name: machine for machine in self.machines}


@functools.cache
def _place(cloud: str) -> _Place:
    return _Place(_known(cloud))


def _known(cloud: str) -> str:
    if cloud not in CLOUDS:
        raise names.UnknownName("cloud", cloud, names.nearest(names.folded(cloud), {name: name for name in CLOUDS}))
    return cloud


def _zone_letters(data: Mapping[str, Any]) -> Mapping[str, list[str]]:
    return data["zones"]["regions"]


def _can_be_planned(row: Mapping[str, Any]) -> bool:
    count = row.get("accelerator_count", 0)
    return row["vcpus"] is not None and count == int(count) and "attached" not in row["facts"]


def _machine(cloud: str, row: Mapping[str, Any], sources: Mapping[str, Mapping[str, str]]) -> Machine:
    offerings = tuple(_offerings(row, sources))
    sold: Mapping[str, Any] = row.get("zones", {})
    nvme = row.get("nvme_gib", 0) if "nvme_gb" not in row else row["nvme_gb"] * GIB_PER_GB
    return Machine(
        cloud=cloud,
        name=row["name"],
        vcpus=row["vcpus"],
        memory_gib=float(row["memory_gib"]),
        accelerator=row.get("accelerator"),
        accelerator_count=row.get("accelerator_count", 0),
        link=row.get("link", "none"),
        offerings=offerings,
        source=sources[row["source"]]["text"],
        regions=tuple(sorted(sold.keys() | {offering.region for offering in offerings})),
        arch=row.get("arch", "x86_64"),
        cpu=row.get("cpu"),
        cpu_share=_number(row.get("cpu_share")),
        local_nvme_gib=float(nvme),
        network_gbps=_number(row.get("network_gbps")),
        disk_mb_s=_number(row.get("disk_mb_s")),
        facts=MappingProxyType({**row["facts"], "zones": sold}),
    )


def _offerings(row: Mapping[str, Any], sources: Mapping[str, Mapping[str, str]]) -> Iterator[Offering]:
    """On-demand rows give one price per region, spot rows one price or a range; spot never exceeds on-demand."""
    listed: dict[str, Decimal] = {}
    for key, prices in row["prices"].get("on-demand", {}).items():
        for region, price in prices.items():
            listed[region] = Decimal(price)
            yield _offering(region, CapacityType.ON_DEMAND, listed[region], None, sources[key])
    for key, prices in row["prices"].get("spot", {}).items():
        for region, price in prices.items():
            low, high = map(Decimal, price if isinstance(price, list) else (price, price))
            cap = listed.get(region, high)
            yield _offering(region, CapacityType.SPOT, min(high, cap), min(low, cap), sources[key])


def _offering(region: str, how: CapacityType, usd: Decimal, low: Decimal | None, source: Mapping[str, str]) -> Offering:
    return Offering(region, how, usd, low, source=source["text"], as_of=source["as_of"], basis=source["basis"])


def _fee(name: str, row: Mapping[str, Any], source: Mapping[str, str]) -> Fee:
    return Fee(
        name=name,
        unit=row["unit"],
        usd=None if row["usd"] is None else Decimal(row["usd"]),
        source=source["text"],
        as_of=row.get("as_of", source["as_of"]),
        basis=source["basis"],
        note=row.get("note"),
    )


def _number(value: Decimal | int | None) -> float | None:
    return None if value is None else float(value)
