"""The price book as a table, and the checks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType
from inferstack.catalog.price_checks import check_book
from inferstack.catalog.prices import PriceRow, price_book


def book(cloud: str = "eks") -> list[PriceRow]:
    return list(price_book(cloud))


def findings(cloud: str, rows: Sequence[PriceRow], check: str) -> list[tuple[str, str, str]]:
    return [(found.severity, found.subject, found.text) for found in check_book(cloud, rows) if found.check == check]


@pytest.mark.parametrize("cloud", ["eks", "gke"])
def test_the_shipped_book_has_no_problem(cloud: str) -> None:
    """Every row has a source and a price above 0 or none, no larger machine is cheaper, none is missing, and second sources agree."""
    assert [found for found in check_book(cloud, book(cloud)) if found.severity == "problem"] == []


@pytest.mark.parametrize("cloud", ["eks", "gke"])
def test_every_machine_of_the_planner_has_a_row_in_every_region_that_sells_it(cloud: str) -> None:
    """What has no known price is there as unknown, so that nothing is missing in silence."""
    rows = {(row.machine_type, row.region) for row in price_book(cloud)}
    assert rows == {(machine.name, region) for machine in catalog.machines(cloud) for region in machine.regions}


def test_ways_to_buy_without_a_known_price_are_unknown() -> None:
    """AWS commitments and most Capacity Blocks have no price here: they are None, never 0."""
    rows = [row for row in price_book("eks", "us-east-1") if row.machine_type == "p5.48xlarge"]
    bought = {(row.capacity_type, row.term): row.usd_per_hour for row in rows}
    assert bought == {
        ("on-demand", None): Decimal("55.04"),
        ("committed", "1y"): None,
        ("committed", "3y"): None,
        ("spot", None): Decimal("55.04"),
        ("capacity-block", None): Decimal("39.33"),
    }
    spot = next(row for row in rows if row.capacity_type == "spot")
    assert (spot.low_usd_per_hour, spot.zones[0], spot.as_of) == (Decimal("10.2397"), "us-east-1a", "2025-11-18")


def test_a_committed_price_follows_the_list_price_of_its_region() -> None:
    """The ratio is listed for one region; elsewhere the price is derived and says so."""
    rows = {
        (row.region, row.term): row for row in price_book("gke") if row.machine_type == "a3-highgpu-8g" and row.capacity_type == "committed"
    }
    listed, elsewhere = rows["us-central1", "3y"], rows["europe-west4", "3y"]
    assert (listed.usd_per_hour, listed.basis) == (Decimal("88.49") * Decimal("0.4392"), "listed")
    assert (elsewhere.usd_per_hour, elsewhere.basis) == (Decimal("112.540479") * Decimal("0.4392"), "derived")


def test_a_price_of_zero_or_below_is_a_problem() -> None:
    """Some sources write 0 for what they do not know."""
    rows = [replace(book()[0], usd_per_hour=usd) for usd in (Decimal(0), Decimal(-1), Decimal("NaN"))]
    assert [severity for severity, _, _ in findings("eks", rows, "positive")] == ["problem"] * 3


def test_a_larger_machine_that_is_cheaper_is_a_problem() -> None:
    """A slipped decimal point shows against the sizes around it."""
    rows = [
        replace(row, usd_per_hour=Decimal("1.049264"))
        if (row.machine_type, row.region, row.capacity_type) == ("g6e.12xlarge", "us-east-1", "on-demand")
        else row
        for row in book()
    ]
    found = findings("eks", rows, "monotone")
    assert ("problem", "eks g6e.12xlarge us-east-1 on-demand", "costs 1.049264, less than the smaller g6e.xlarge at 1.861") in found


def test_a_second_source_that_differs_by_more_than_five_percent_is_a_problem() -> None:
    """The list price of before June 2025 would be found by the copy of November 2026."""
    rows = [
        replace(row, usd_per_hour=Decimal("98.32"))
        if (row.machine_type, row.region, row.capacity_type) == ("p5.48xlarge", "us-east-1", "on-demand")
        else row
        for row in book()
    ]
    ((severity, subject, text),) = findings("eks", rows, "two-sources")
    assert (severity, subject) == ("problem", "eks p5.48xlarge us-east-1 on-demand")
    assert text.startswith("costs 98.32 here and 55.04 in ")


def test_a_disagreement_that_is_understood_is_a_note() -> None:
    """The other source took another SKU: shown with the reason, and no problem."""
    ((severity, subject, text),) = findings("gke", book("gke"), "two-sources")
    assert (severity, subject) == ("note", "gke a3-highgpu-8g us-central1 on-demand")
    assert text.endswith("in place of on-demand")


def test_spot_is_a_range_where_its_history_is_known() -> None:
    """In twelve weeks the spot price of eight H100 at Google rose by half: both ends are kept, and the top is planned with."""
    offering = catalog.machine("gke", "a3-highgpu-8g").offering("us-central1", CapacityType.SPOT)
    assert offering is not None
    assert (offering.low_usd_per_hour, offering.usd_per_hour) == (Decimal("34.39"), Decimal("50.609541"))
