"""What clouds sell: machine types with their offerings, regions, zones and fees. Each cloud has files of its own."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
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

    In the data but not here: machines with a fraction of a GPU, without known vCPUs, that can no longer be started, and those whose GPU is
    attached to a machine type of another name.
    """
    return _place(cloud).machines


@functools.cache
def machine(cloud: str, name: str) -> Machine:
    """The machine type of that name. Raises `UnknownName` (kind machine type)."""
    rows = _place(cloud).by_name
    found = rows.get(name) or rows.get(name.strip().casefold())
    if found is None:
        same = twin(name, _place(cloud).machines)
        raise names.UnknownName("machine type", name, (same,) if same else nearest_machines(name, rows))
    return found


def twin(name: str, machines: Iterable[Machine]) -> str | None:
    """Of `machines` the one like the machine type of that name on another cloud: the same accelerators, and the nearest number of vCPUs."""
    plain = name.strip().casefold()
    there = next((found for cloud in CLOUDS if (found := _place(cloud).by_name.get(plain))), None)
    if there is None:
        return None
    same = [one for one in machines if (one.accelerator, one.accelerator_count) == (there.accelerator, there.accelerator_count)]
    return min(same, key=lambda one: (abs(one.vcpus - there.vcpus), one.name)).name if same else None


def nearest_machines(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three machine types, best first: the closest sizes of the same family, else the most similar names."""
    family, size = _family_and_size(name)
    relatives = [candidate for candidate in known if _family_and_size(candidate)[0] == family]
    if relatives and size is not None:
        return names.best(relatives, lambda candidate: (-abs((_family_and_size(candidate)[1] or 0) - size),))
    return names.nearest(names.folded(name), names.index(known, {}))


def _family_and_size(name: str) -> tuple[str, float | None]:
    """`g6e.12xlarge` -> g6e, 12; `g2-standard-48` -> g2-standard, 48; `m7i.large` -> m7i, 0.5."""
    plain = name.strip().casefold()
    if "." in plain:
        family, _, size = plain.partition(".")
        number = re.match(r"(\d*)xlarge", size)
        return family, float(number[1] or 1) if number else _SMALL_SIZES.get(size)
    family, _, size = plain.rpartition("-")
    number = re.match(r"\d+", size)
    return (family, float(number[0])) if family and number else (plain, None)


_SMALL_SIZES = {"large": 0.5, "medium": 0.25, "small": 0.125, "metal": 48.0}
"""Sizes of AWS machines in units of xlarge, for nearness only."""


@functools.cache
def regions(cloud: str) -> tuple[str, ...]:
    """Regions in which anything is known to be sold, in alphabetical order."""
    place = _place(cloud)
    sold = {region for machine in place.machines for region in machine.regions}
    return tuple(sorted(sold | place.zones.keys()))


@functools.cache
def zones(cloud: str, region: str, machine_type: str | None = None) -> tuple[str, ...]:
    """Zones of `region`, or those of them that sell a machine type; () where they are not known."""
    if machine_type is None:
        return _place(cloud).zones.get(region, ())
    letters = machine(cloud, machine_type).facts["zones"].get(region, "")
    return tuple(zone for zone in zones(cloud, region) if zone[-1] in letters)


@functools.cache
def fees(cloud: str, region: str | None = None) -> Mapping[str, Fee]:
    """Unit prices beside machines: control plane, disks, NAT, load balancers, traffic; without a region, those of the cloud's first.

    A fee that is not known in `region` is there without a price: that of another region is no price of this one.
    """
    data = money_table(f"{_known(cloud)}_fees")
    sources, home = data["sources"], data["region"]
    asked = home if region is None else region
    return MappingProxyType({name: _fee(name, row, sources[row["source"]], asked, home) for name, row in data["fees"].items()})


class _Place:
    """What one cloud's file says."""

    def __init__(self, cloud: str) -> None:
        data = money_table(cloud)
        sources: dict[str, dict[str, str]] = data["sources"]
        before_letter: str = data["zones"]["before_letter"]
        self.zones = {
            region: tuple(f"{region}{before_letter}{letter}" for letter in letters) for region, letters in _zone_letters(data).items()
        }
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
    return row["vcpus"] is not None and count == int(count) and not {"attached", "retired"} & row["facts"].keys()


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
    """Per region: on-demand prices, list prices of what is only sold reserved, and spot prices or ranges, which never exceed the former."""
    caps: dict[str, Decimal] = {}
    for kind, how in (("on-demand", CapacityType.ON_DEMAND), ("list", CapacityType.RESERVED)):
        for key, prices in row["prices"].get(kind, {}).items():
            for region, price in prices.items():
                caps[region] = Decimal(price)
                yield _offering(region, how, caps[region], None, sources[key])
    for key, prices in row["prices"].get("spot", {}).items():
        for region, price in prices.items():
            low, high = Decimal(price[0]), Decimal(price[1])
            cap = caps.get(region, high)
            yield _offering(region, CapacityType.SPOT, min(high, cap), min(low, cap), sources[key])


def _offering(region: str, how: CapacityType, usd: Decimal, low: Decimal | None, source: Mapping[str, str]) -> Offering:
    return Offering(region, how, usd, low, source=source["text"], as_of=source["as_of"], basis=source["basis"])


def _fee(name: str, row: Mapping[str, Any], source: Mapping[str, str], region: str, home: str) -> Fee:
    usd = _usd_in(row, region, home)
    note = row.get("note")
    if usd is None and row["usd"] is not None:
        note = f"not known in {region} (${Decimal(row['usd']).normalize():f} in {home}): `fees` of a price file gives it"
    return Fee(
        name=name,
        unit=row["unit"],
        usd=usd,
        source=source["text"],
        as_of=row["as_of"] if "as_of" in row else (source["as_of"] if source["as_of"] else None),
        basis=source["basis"],
        note=note,
    )


def _usd_in(row: Mapping[str, Any], region: str, home: str) -> Decimal | None:
    """The price in `region`: its own, that of the names that begin like it, or the one that is the same everywhere."""
    if region == home or row.get("everywhere"):
        return None if row["usd"] is None else Decimal(row["usd"])
    regions: Mapping[str, Decimal] = row.get("regions", {})
    return regions.get(region, next((usd for start, usd in regions.items() if start.endswith("-") and region.startswith(start)), None))


def _number(value: Decimal | int | None) -> float | None:
    return None if value is None else float(value)
