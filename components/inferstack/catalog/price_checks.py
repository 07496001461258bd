"""What `inferstack prices check` finds in a price book: prices that cannot be, that contradict one another, or that others deny."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .places import fees, machines
from .prices import PriceRow
from .tables import money_table
from .types import CapacityType, Machine

TOLERANCE = Decimal("0.05")
"""Two sources may differ by this part of ours."""
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})?")
LARGEST_CHEAPER = Decimal("0.99")
"""A larger machine of the same family may cost this part of a smaller one: cents are rounded."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the price book that a person should know."""

    severity: str
    """problem: prices are wrong until somebody looks. note: a gap or a disagreement that is known."""
    check: str
    """schema, positive, monotone, complete or two-sources."""
    subject: str
    """`eks p5.48xlarge us-east-1 on-demand`."""
    text: str


def check_book(cloud: str, rows: Sequence[PriceRow]) -> tuple[Finding, ...]:
    """Every finding about `rows` of `cloud`, problems first."""
    found = [*_schema(rows), *_positive(rows), *_fees(cloud), *_monotone(cloud, rows), *_complete(cloud, rows), *_two_sources(cloud, rows)]
    return tuple(sorted(found, key=lambda finding: finding.severity != "problem"))


def _schema(rows: Iterable[PriceRow]) -> Iterator[Finding]:
    for row in rows:
        if not row.source:
            yield Finding("problem", "schema", _subject(row), "has no source")
        if not DATE.fullmatch(row.as_of):
            yield Finding("problem", "schema", _subject(row), f"has a date that is none: {row.as_of}")


def _positive(rows: Iterable[PriceRow]) -> Iterator[Finding]:
    for row in rows:
        for usd in (row.usd_per_hour, row.low_usd_per_hour):
            if usd is not None and not (usd.is_finite() and usd > 0):
                yield Finding("problem", "positive", _subject(row), f"costs {usd}: unknown is null, never 0")
        if row.usd_per_hour is not None and row.low_usd_per_hour is not None and row.low_usd_per_hour > row.usd_per_hour:
            yield Finding("problem", "positive", _subject(row), f"has a range from {row.low_usd_per_hour} down to {row.usd_per_hour}")


def _fees(cloud: str) -> Iterator[Finding]:
    for fee in fees(cloud).values():
        if fee.usd is None:
            yield Finding("note", "complete", f"{cloud} {fee.name}", "has no known price")
        elif fee.usd < 0:
            yield Finding("problem", "positive", f"{cloud} {fee.name}", f"costs {fee.usd}")


def _monotone(cloud: str, rows: Iterable[PriceRow]) -> Iterator[Finding]:
    """Within a family and region, a machine with no less of anything is no cheaper on-demand."""
    known = {machine.name: machine for machine in machines(cloud)}
    places: dict[tuple[str, str, str], list[tuple[Machine, Decimal]]] = {}
    for row in rows:
        if row.capacity_type == CapacityType.ON_DEMAND and row.usd_per_hour is not None and row.machine_type in known:
            key = (row.region, _family(row.machine_type), row.basis)
            places.setdefault(key, []).append((known[row.machine_type], row.usd_per_hour))
    for (region, _, _), sold in places.items():
        for larger, dear in sold:
            for smaller, cheap in sold:
                if _contains(larger, smaller) and dear < cheap * LARGEST_CHEAPER:
                    subject = f"{cloud} {larger.name} {region} on-demand"
                    yield Finding("problem", "monotone", subject, f"costs {dear}, less than the smaller {smaller.name} at {cheap}")


def _family(machine_type: str) -> str:
    return machine_type.partition(".")[0] if "." in machine_type else machine_type.rpartition("-")[0]


def _contains(larger: Machine, smaller: Machine) -> bool:
    return (
        larger is not smaller
        and larger.vcpus >= smaller.vcpus
        and larger.memory_gib >= smaller.memory_gib
        and larger.accelerator_count >= smaller.accelerator_count
    )


def _complete(cloud: str, rows: Iterable[PriceRow]) -> Iterator[Finding]:
    """Every machine that the planner knows is in the book; what it can only be had without a known price for is named."""
    priced: set[str] = set()
    listed: set[str] = set()
    for row in rows:
        listed.add(row.machine_type)
        if row.usd_per_hour is not None and row.capacity_type == CapacityType.ON_DEMAND:
            priced.add(row.machine_type)
    for machine in machines(cloud):
        subject = f"{cloud} {machine.name}"
        if machine.name not in listed and machine.regions:
            yield Finding("problem", "complete", subject, "is known to the planner and has no row")
        elif machine.name not in priced:
            yield Finding("note", "complete", subject, "has no known on-demand price anywhere: plans with it are lower bounds")


def _two_sources(cloud: str, rows: Iterable[PriceRow]) -> Iterator[Finding]:
    lists = (CapacityType.ON_DEMAND, CapacityType.RESERVED)
    ours = {(row.machine_type, row.region): row.usd_per_hour for row in rows if row.capacity_type in lists and row.usd_per_hour is not None}
    second = money_table("second_prices")
    for theirs in second["prices"]:
        mine = ours.get((theirs["machine"], theirs["region"]))
        if theirs["cloud"] != cloud or mine is None:
            continue
        apart = abs(theirs["usd"] - mine) / mine
        if apart > TOLERANCE:
            known = theirs.get("known")
            text = f"costs {mine} here and {theirs['usd']} in {second['sources'][theirs['source']]['text']}, {apart:.0%} apart"
            subject = f"{cloud} {theirs['machine']} {theirs['region']} on-demand"
            yield Finding("note" if known else "problem", "two-sources", subject, f"{text}; {known}" if known else text)


def _subject(row: PriceRow) -> str:
    return " ".join(part for part in (row.cloud, row.machine_type, row.region, row.capacity_type, row.term) if part)
