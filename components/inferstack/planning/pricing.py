"""The price file over the price book: negotiated discounts, exact prices and paid capacity laid over the offerings of machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias, TypeVar

from .. import catalog
from ..catalog.places import CLOUDS
from ..catalog.types import CapacityType, Commitment, Fee, Machine, Offering
from ..costs.tree import BY_USER
from ..errors import InputError, Problem, nearest_name
from ..stackfile.prices import Discount, FeePrice, MachinePrice, PaidCapacity, Prices
from ..stackfile.problems import in_price_file
from ..stackfile.schema import StackFile

Row: TypeAlias = Discount | MachinePrice | PaidCapacity
Found = TypeVar("Found", Discount, MachinePrice)
KEY = "inferstack:prices"
DISCOUNTED_UNASKED = (CapacityType.ON_DEMAND, CapacityType.RESERVED)


def own_prices(machines: Sequence[Machine], prices: Prices, cloud: str) -> tuple[Machine, ...]:
    """`machines` of `cloud` at the prices of the price file; the same objects where it says nothing about them."""
    rows: tuple[Row, ...] = (*prices.discounts, *prices.machines, *prices.paid)
    if not any(row.cloud in (None, cloud) for row in rows):
        return tuple(machines)
    return tuple(_machine(machine, prices, cloud) for machine in machines)


def own_fees(fees: Mapping[str, Fee], prices: Prices, cloud: str, region: str) -> Mapping[str, Fee]:
    """`fees` of `cloud` in `region` at the prices of the price file; a row that names the region goes before one that does not."""
    rows = [row for row in prices.fees if row.cloud in (None, cloud) and row.region in (None, region) and row.fee in fees]
    own = {
        row.fee: replace(fees[row.fee], usd=row.usd, source="price file", as_of=prices.as_of, basis=BY_USER, note=None)
        for row in sorted(rows, key=lambda row: row.region is not None)
    }
    return {**fees, **own}


def own_machines(stack: StackFile) -> tuple[Machine, ...]:
    """Every machine type of the stack's cloud at the stack's prices. Raises `InputError` where the price file names what is not known."""
    problems = check_prices(stack.prices, stack.target.cloud, stack.price_file)
    if problems:
        raise InputError(problems, stack.source)
    return own_prices(catalog.machines(stack.target.cloud), stack.prices, stack.target.cloud)


def check_prices(prices: Prices, cloud: str, file: str | None = None) -> list[Problem]:
    """Machine types and regions of the price file that the catalog does not know, each with its key, and with the `file` where that is one
    of its own."""
    problems: list[Problem] = []
    for key, rows in (("discounts", prices.discounts), ("machines", prices.machines), ("paid", prices.paid)):
        for index, row in enumerate(rows):
            problems += _unknown(row, f"{KEY}.{key}[{index}]", row.cloud if row.cloud else cloud)
    for index, row in enumerate(prices.fees):
        problems += _unknown_fee(row, f"{KEY}.fees[{index}]", row.cloud if row.cloud else cloud)
    return [in_price_file(problem, file) for problem in problems]


def _unknown_fee(row: FeePrice, path: str, cloud: str) -> list[Problem]:
    if cloud not in CLOUDS:
        return [Problem(path, f"is about a cloud's price list, and cloud {cloud} has none", None, "add `cloud`, or remove it")]
    problems = _unknown_region(row.region, path, cloud)
    known = catalog.fees(cloud)
    if row.fee not in known:
        near = nearest_name(row.fee, known)
        way_out = f"did you mean {near}?" if near else f"`inferstack prices show --cloud {cloud}` lists them"
        problems.append(Problem(f"{path}.fee", f"is not a known fee of {cloud}", row.fee, way_out))
    return problems


def _unknown_region(region: str | None, path: str, cloud: str) -> list[Problem]:
    if region is None or region in catalog.regions(cloud):
        return []
    near = nearest_name(region, catalog.regions(cloud))
    return [Problem(f"{path}.region", f"is not a known region of {cloud}", region, f"did you mean {near}?" if near else None)]


def _unknown(row: Row, path: str, cloud: str) -> list[Problem]:
    if cloud not in CLOUDS:
        reason = f"is about a cloud's price list, and cloud {cloud} has none"
        return [Problem(path, reason, None, "add `cloud`, or give nodes their price in inferstack:target.nodes")]
    problems = _unknown_region(row.region, path, cloud)
    if row.machine_type is not None:
        try:
            catalog.machine(cloud, row.machine_type)
        except catalog.UnknownName as unknown:
            nearest = f"did you mean {unknown.nearest[0]}?" if unknown.nearest else None
            problems.append(Problem(f"{path}.machineType", f"is not a known machine type of {cloud}", row.machine_type, nearest))
    return problems


def _machine(machine: Machine, prices: Prices, cloud: str) -> Machine:
    def matches(row: Row, region: str, bought: CapacityType) -> bool:
        asked = row.capacity_type
        return (
            row.cloud in (None, cloud)
            and (row.machine_type is None or row.machine_type.casefold() == machine.name.casefold())
            and row.region in (None, region)
            and (bought in DISCOUNTED_UNASKED if asked is None else bought is asked)
        )

    committed = [
        (region, Commitment(row.term, row.usd_per_hour, "price file", prices.as_of or "", BY_USER))
        for row in sorted(prices.machines, key=lambda row: row.region is None)
        for region in machine.regions
        if row.term is not None and matches(row, region, CapacityType.ON_DEMAND)
    ]
    kept = {(offering.region, offering.capacity_type): offering for offering in machine.offerings}
    where = {*machine.regions, *(offering.region for offering in machine.offerings)}
    for region in sorted(where):
        for bought in CapacityType:
            found = _offering(kept.get((region, bought)), region, bought, prices, matches)
            if found is not None:
                kept[region, bought] = found
    return replace(machine, offerings=tuple(kept.values()), commitments=tuple(committed))


def _offering(
    listed: Offering | None, region: str, bought: CapacityType, prices: Prices, matches: Callable[[Row, str, CapacityType], bool]
) -> Offering | None:
    exact = _most_specific([row for row in prices.machines if row.term is None and matches(row, region, bought)])
    discount = _most_specific([row for row in prices.discounts if matches(row, region, bought)])
    paid = sum(row.count for row in prices.paid if matches(row, region, bought))
    offering, as_of = listed, prices.as_of or ""
    if exact is not None:
        offering = Offering(region, bought, exact.usd_per_hour, exact.low_usd_per_hour, source="price file", as_of=as_of, basis=BY_USER)
    elif listed is not None and discount is not None:
        offering = _discounted(listed, discount.percent)
    if paid:
        offering = offering if offering else Offering(region, bought, None, source="price file", as_of=as_of, basis=BY_USER)
        offering = replace(offering, paid_nodes=paid)
    return offering


def _discounted(listed: Offering, percent: float) -> Offering:
    part = 1 - Decimal(str(percent)) / 100
    return replace(
        listed,
        usd_per_hour=None if listed.usd_per_hour is None else listed.usd_per_hour * part,
        low_usd_per_hour=None if listed.low_usd_per_hour is None else listed.low_usd_per_hour * part,
        source=f"{percent:g} % off by the price file: {listed.source}",
        basis="derived",
    )


def _most_specific(rows: Sequence[Found]) -> Found | None:
    """The row that names the most; rows of equal scope are refused by the price file's own rules."""
    return max(rows, key=lambda row: (row.machine_type is not None, row.region is not None, row.capacity_type is not None), default=None)
