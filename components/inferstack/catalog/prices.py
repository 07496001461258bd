"""The price book: all offerings of a cloud as one table, machine x region x capacity type x term, and the checks that make it trustworthy.

Unknown is None and never 0: a machine that is sold somewhere without a known price has a row there that says so.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .places import machines, zones
from .tables import money_table
from .types import CapacityType, Commitment, Machine, Offering

COMMITTED, CAPACITY_BLOCK = "committed", "capacity-block"
"""Ways to buy that no plan chooses unasked."""
TERMS = ("1y", "3y")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One way to have one machine type in one region."""

    cloud: str
    machine_type: str
    region: str
    zones: tuple[str, ...]
    """Zones of the region that sell it; () where they are not known."""
    capacity_type: str
    """on-demand, spot, reserved, committed or capacity-block."""
    term: str | None
    """1y or 3y for what is committed."""
    usd_per_hour: Decimal | None
    """None: sold so, at a price that is not known. Spot: the top of its range."""
    low_usd_per_hour: Decimal | None
    source: str
    as_of: str
    """ISO date; empty where the source bears none."""
    basis: str


def price_book(cloud: str, region: str | None = None, own: Iterable[Machine] | None = None) -> Iterator[PriceRow]:
    """The rows of `cloud`, or of one of its regions; `own` are its machines at the prices of a price file.

    Raises `UnknownName` (kind cloud).
    """
    for machine in machines(cloud) if own is None else own:
        for place in (region,) if region else machine.regions:
            if place in machine.regions:
                yield from _rows(machine, place)


def _rows(machine: Machine, region: str) -> Iterator[PriceRow]:
    sold = [offering for offering in machine.offerings if offering.region == region]
    if not any(offering.capacity_type is CapacityType.ON_DEMAND for offering in sold):
        unknown = Offering(region, CapacityType.ON_DEMAND, None, source="no on-demand price was found", basis="unknown")
        yield _row(machine, unknown, CapacityType.ON_DEMAND.value)
    for offering in sold:
        yield _row(machine, offering, offering.capacity_type.value)
        if offering.capacity_type is CapacityType.ON_DEMAND and machine.accelerator is not None:
            yield from _committed(machine, offering)
    if CAPACITY_BLOCK in machine.facts.get("usage_classes", ()):
        yield _row(machine, block_offering(machine, region), CAPACITY_BLOCK)


def _row(machine: Machine, offering: Offering, bought: str, term: str | None = None) -> PriceRow:
    return PriceRow(
        cloud=machine.cloud,
        machine_type=machine.name,
        region=offering.region,
        zones=zones(machine.cloud, offering.region, machine.name),
        capacity_type=bought,
        term=term,
        usd_per_hour=offering.usd_per_hour,
        low_usd_per_hour=offering.low_usd_per_hour,
        source=offering.source,
        as_of=offering.as_of,
        basis=offering.basis,
    )


def _committed(machine: Machine, on_demand: Offering) -> Iterator[PriceRow]:
    for term in TERMS:
        rate = commitment(machine, on_demand.region, term)
        if rate is not None:
            sold = Offering(
                on_demand.region, CapacityType.RESERVED, rate.usd_per_hour, source=rate.source, as_of=rate.as_of, basis=rate.basis
            )
            yield _row(machine, sold, COMMITTED, term)


def commitment(machine: Machine, region: str, term: str) -> Commitment | None:
    """What `machine` costs for a term, 1y or 3y: the price file's own, or the known part of its on-demand price. None where it has none."""
    own = next((each for place, each in machine.commitments if place == region and each.term == term), None)
    on_demand = machine.offering(region, CapacityType.ON_DEMAND)
    if own is not None or on_demand is None:
        return own
    found = next((row for row in _commitments()["commitments"] if _is_about(row, machine) and row["term"] == term), None)
    if found is None or on_demand.usd_per_hour is None:
        return Commitment(term, None, "no rate was found", "", "unknown")
    source = _commitments()["sources"][found["source"]]
    basis = source["basis"] if found["region"] == region else "derived"
    return Commitment(term, on_demand.usd_per_hour * found["ratio"], source["text"], source["as_of"], basis)


def block_offering(machine: Machine, region: str) -> Offering:
    """The price of a Capacity Block: prepaid, and for the whole block whether it is used or not."""
    found = next((r for r in _commitments()["capacity_blocks"] if r["cloud"] == machine.cloud and r["machine"] == machine.name), None)
    if found is None:
        return Offering(region, CapacityType.RESERVED, None, source="no price was found", basis="unknown")
    source = _commitments()["sources"][found["source"]]
    return Offering(region, CapacityType.RESERVED, found["usd"], source=source["text"], as_of=source["as_of"], basis=source["basis"])


def _is_about(row: Any, machine: Machine) -> bool:
    return row["cloud"] == machine.cloud and machine.name.startswith(row["machines"])


@functools.cache
def _commitments() -> dict[str, Any]:
    return money_table("commitments")
