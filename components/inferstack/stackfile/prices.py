"""The price file: what machines cost you where that is not the list price. The stack file names it under `inferstack:prices`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..catalog.types import CapacityType
from .apis import IsoDate
from .section import Broken, Section
from .untyped import is_list, is_mapping
from .values import Count, Many, Text, Usd

BoughtAs = Annotated[CapacityType, Field(strict=False)]
SCOPE = ("cloud", "machineType", "region", "term", "capacityType")
"""Keys that say which offerings a row of the price file is about; the last may be left out for on-demand."""


class Discount(Section):
    """A negotiated discount on list prices of machines."""

    percent: Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)] = Field(examples=[12])
    """Percent off the list price."""
    cloud: Literal["eks", "gke"] | None = None
    """Left out: the stack's cloud."""
    machine_type: Text | None = None
    """Left out: every machine type."""
    region: Text | None = None
    """Left out: every region."""
    capacity_type: BoughtAs | None = None
    """Left out: on-demand and reserved. Spot prices follow a market; name spot where yours are discounted too."""


class MachinePrice(Section):
    """The exact price of a machine type, in place of every other."""

    machine_type: Text = Field(examples=["p5.48xlarge"])
    """Machine type of the cloud."""
    usd_per_hour: Usd = Field(examples=[31.5])
    """What one machine costs per hour."""
    low_usd_per_hour: Usd | None = None
    """Bottom of a range, for prices that move such as spot; `usdPerHour` is its top."""
    cloud: Literal["eks", "gke"] | None = None
    """Left out: the stack's cloud."""
    region: Text | None = None
    """Left out: every region that sells it."""
    capacity_type: BoughtAs = CapacityType.ON_DEMAND
    """on-demand, spot or reserved."""
    term: Literal["1y", "3y"] | None = None
    """The price of machines that are bought for a term, as `commitment` of a service says."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        low, high = given.get("lowUsdPerHour"), given.get("usdPerHour")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield Broken(f"is above `usdPerHour` {high:g}, the top of the range", "swap them", at=("lowUsdPerHour",))
        if given.get("term") is not None and given.get("capacityType") not in (None, CapacityType.ON_DEMAND):
            reason = f"stands beside capacity type {given['capacityType']}, which is not bought for a term"
            yield Broken(reason, "remove one of them", at=("term",))
        if given.get("term") is not None and low is not None:
            yield Broken("stands beside `term`, whose price does not move", "remove it", at=("lowUsdPerHour",))


class PaidCapacity(Section):
    """Machines that are paid for already, used or not: a reservation, reserved instances, a committed-use contract."""

    machine_type: Text = Field(examples=["p5.48xlarge"])
    """Machine type of the cloud."""
    count: Count = Field(examples=[2])
    """Machines that are paid for; further ones are billed."""
    cloud: Literal["eks", "gke"] | None = None
    """Left out: the stack's cloud."""
    region: Text | None = None
    """Left out: every region that sells it."""
    capacity_type: BoughtAs = CapacityType.ON_DEMAND
    """How the stack asks for these machines: reserved with a `reservationId`, on-demand where the contract covers what runs."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        if given.get("capacityType") == CapacityType.SPOT:
            yield Broken("is never paid in advance", "use on-demand or reserved", at=("capacityType",))


class FeePrice(Section):
    """The exact price of something beside machines, in place of the listed one: NAT, load balancers, disks, the control plane, traffic."""

    fee: Text = Field(examples=["nat_gateway_hour"])
    """Name as `inferstack prices show` lists it."""
    usd: Usd = Field(examples=[0.04])
    """What one unit of it costs."""
    cloud: Literal["eks", "gke"] | None = None
    """Left out: the stack's cloud."""
    region: Text | None = None
    """Left out: every region."""


class Prices(Section):
    """Your prices: negotiated discounts, exact prices, capacity that is paid already. A path of a YAML file, or its content."""

    currency: Literal["USD"] = "USD"
    """All prices are US dollars."""
    as_of: IsoDate | None = None
    """Day on which these prices were read, such as 2026-11-21."""
    discounts: tuple[Discount, ...] = Many
    """Percent off list prices; of several that match, the most specific holds."""
    machines: tuple[MachinePrice, ...] = Many
    """Exact prices; where one matches, no discount applies."""
    fees: tuple[FeePrice, ...] = Many
    """Exact prices of what is billed beside machines."""
    paid: tuple[PaidCapacity, ...] = Many
    """Capacity that costs the stack nothing further."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        for key in ("discounts", "machines", "paid"):
            yield from _rules_of_twins(key, given.get(key))
        yield from _rules_of_twin_fees(given.get("fees"))
        yield from _rules_of_both(given.get("discounts"), given.get("machines"))


def _scopes(rows: Any) -> list[tuple[Any, ...]]:
    scopes: list[tuple[Any, ...]] = []
    for row in rows if is_list(rows) else []:
        found = [str(row[key]).casefold() if is_mapping(row) and row.get(key) is not None else None for key in SCOPE]
        scopes.append(tuple(found))
    return scopes


def _rules_of_twins(key: str, rows: Any) -> Iterator[Broken]:
    """One row per scope: which of two would hold is not known. On-demand is what a row without capacity type is about."""
    seen: dict[tuple[Any, ...], int] = {}
    for index, (*scope, bought) in enumerate(_scopes(rows)):
        identity = (*scope, bought if bought or key == "discounts" else "on-demand")
        first = seen.setdefault(identity, index)
        if first != index:
            yield Broken(f"contradicts {key}[{first}], which is about the same", "keep one", at=(key, index))


def _rules_of_twin_fees(rows: Any) -> Iterator[Broken]:
    seen: dict[tuple[Any, ...], int] = {}
    for index, row in enumerate(rows if is_list(rows) else []):
        if is_mapping(row):
            first = seen.setdefault(tuple(row.get(key) for key in ("fee", "cloud", "region")), index)
            if first != index:
                yield Broken(f"contradicts fees[{first}], which is about the same", "keep one", at=("fees", index))


def _rules_of_both(discounts: Any, machines: Any) -> Iterator[Broken]:
    """A discount that names a machine type in the very scope of its exact price says a second thing about it."""
    exact = {(*scope, bought or "on-demand"): index for index, (*scope, bought) in enumerate(_scopes(machines))}
    for index, (*scope, bought) in enumerate(_scopes(discounts)):
        found = exact.get((*scope, bought or "on-demand"))
        if scope[1] is not None and found is not None:
            yield Broken(f"contradicts machines[{found}], an exact price of the same", "keep one", at=("discounts", index))
