"""The tree of lines: which line stands where, what it says of itself, what a total lacks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.catalog import CapacityType
from inferstack.costs import HOURS_PER_MONTH, Charge, Columns, CostLine, estimate
from inferstack.costs.tree import CPU_NODES, GPU_NODES, NOT_PRICED, SYSTEM_NODES, cost_tree

from .made import FEES, columns, control_plane, demand, group, machine, offering

prices = st.decimals(min_value=0, max_value=1000, places=6)
counts = st.integers(min_value=0, max_value=500)


def branch(tree: CostLine, name: str) -> CostLine:
    return next(line for line in tree.children if line.name == name)


def leaf(tree: CostLine, name: str) -> CostLine:
    return next(line for line in tree.leaves if line.name == name)


def test_nodes_are_billed_whole_for_730_hours_in_every_column() -> None:
    """A pool's line counts nodes x 730 h at the minimum, the expected and the maximum of its range."""
    tree = cost_tree([group(usd="2", nodes=columns(0, "1.5", 4))], [], FEES)
    line = leaf(tree, "g6-xlarge")
    assert (line.unit, line.quantity) == ("node-hour", columns(0, 1095, 2920))
    assert line.monthly_usd == columns(0, 2190, 5840)


def test_a_machine_is_billed_whole_however_little_of_it_is_used() -> None:
    """A service on a quarter of an eight-GPU machine pays for all of it, and the line says how much idles."""
    whole = group(shares={"chat": "1"}, usd="55.04")
    quarter = group(shares={"chat": "0.25"}, usd="55.04")
    used, idle = (estimate([pool], [], FEES, [demand()]) for pool in (whole, quarter))
    assert idle.monthly_usd == used.monthly_usd
    assert idle.services[0].monthly_usd == used.services[0].monthly_usd
    assert leaf(idle.lines, "g6-xlarge").note == "g6.xlarge; billed 1, used 0.2: 75 % idle"
    assert leaf(used.lines, "g6-xlarge").note == "g6.xlarge"


def test_branches_stand_in_the_order_of_a_bill() -> None:
    """Nodes come first, then the parts of the charges as they came, and what is billed by use last."""
    cpu = replace(group("cpu"), machine=machine("m7i.xlarge", None))
    charges = [
        Charge("network", "data", "data", None),
        control_plane(),
        Charge("disks", "disks", "disk", Columns.same(100)),
    ]
    tree = cost_tree([group("system", shares={}), cpu, group("gpu")], charges, FEES)
    assert [line.name for line in tree.children] == [GPU_NODES, CPU_NODES, SYSTEM_NODES, "control plane", "disks", NOT_PRICED]
    assert tree.name == "total"


def test_a_spot_line_carries_both_ends_of_its_range_and_counts_the_top() -> None:
    """Spot is planned at the top of its range, the bottom stays visible."""
    tree = cost_tree([group(usd="10", low="4")], [], FEES)
    line = leaf(tree, "g6-xlarge")
    assert (line.unit_price_usd, line.low_unit_price_usd) == (Decimal(10), Decimal(4))
    assert line.monthly_usd == Columns.same(7300)
    assert tree.low_monthly_usd == Columns.same(2920)
    assert line.note == "g6.xlarge, spot"


@pytest.mark.parametrize("unknown", [None, offering(None)], ids=["not sold so", "price unknown"])
def test_a_machine_without_a_price_makes_the_total_a_lower_bound(unknown: object) -> None:
    """No offering and an offering without price are both named as not priced, and count as nothing rather than as free."""
    pool = replace(group("p5e", usd="1"), offering=unknown)
    cost = estimate([pool, group("g6")], [], FEES, [demand()])
    assert cost.unpriced == ("p5e",)
    assert not cost.complete
    assert cost.monthly_usd == Columns.same(Decimal("0.8048") * 730)
    assert not branch(cost.lines, GPU_NODES).priced


def test_what_is_billed_by_use_shows_its_rate_and_adds_nothing() -> None:
    """A charge without a quantity keeps its unit price, says that it depends on use, and does not make prices incomplete."""
    cost = estimate([group()], [Charge("network", "NAT data", "data", None, "images")], FEES, [demand()])
    line = leaf(cost.lines, "NAT data")
    assert (line.unit_price_usd, line.quantity, line.unit) == (Decimal("0.045"), None, "GB")
    assert line.note == "depends on use; images"
    assert cost.usage_based == ("NAT data",)
    assert cost.complete
    assert cost.monthly_usd == Columns.same(Decimal("0.8048") * 730)


def test_a_line_says_what_its_price_is_of() -> None:
    """The charge's note stands in place of the fee's, and that of a fee without a price beside it."""
    fees = {"disk": replace(FEES["disk"], note="up to 16 TiB")}
    own = Charge("disks", "disks", "disk", Columns.same(1))
    assert leaf(cost_tree([], [own], fees), "disks").note == "up to 16 TiB"
    assert leaf(cost_tree([], [replace(own, note="gp3")], fees), "disks").note == "gp3"
    unknown = {"disk": replace(FEES["disk"], usd=None, note="not known there")}
    assert leaf(cost_tree([], [replace(own, note="gp3")], unknown), "disks").note == "gp3; not known there"


def test_a_fee_without_a_price_is_named() -> None:
    """A charge whose fee is not known stays in its part and makes the total a lower bound."""
    cost = estimate([group()], [Charge("network", "mystery", "unknown", Columns.same(730))], FEES, [demand()])
    assert cost.unpriced == ("mystery",)


def test_a_charge_for_a_fee_that_does_not_exist_is_a_bug() -> None:
    """A misspelt fee fails loudly instead of costing nothing."""
    with pytest.raises(KeyError, match="no-such-fee"):
        estimate([group()], [Charge("network", "line", "no-such-fee", Columns.same(1))], FEES, [demand()])


def test_the_date_is_that_of_the_oldest_price_in_the_total() -> None:
    """Prices that add nothing (rates of use, quantities of nothing) do not age the estimate; its oldest price does."""
    charges = [control_plane(), Charge("network", "data", "data", None), Charge("network", "none", "free", Columns.same(0))]
    assert estimate([group()], charges, FEES, [demand()]).prices_as_of == "2026-01-01"
    assert estimate([group()], [], FEES, [demand()]).prices_as_of == "2026-07-20"


def test_without_any_date_the_estimate_says_undated() -> None:
    """Neither undated prices nor those of the user get an invented date."""
    undated = replace(group(), offering=offering("1", as_of=""))
    own = replace(group(), offering=offering("1", as_of="2020-01-01", basis="user"))
    assert estimate([undated], [], FEES, [demand()]).prices_as_of == "undated"
    assert estimate([own], [], FEES, [demand()]).prices_as_of == "undated"


def test_a_reserved_machine_says_so() -> None:
    """The line names how a machine is bought unless it is on demand."""
    reserved = replace(group(), offering=offering("3", capacity=CapacityType.RESERVED))
    assert leaf(cost_tree([reserved], [], FEES), "g6-xlarge").note == "g6.xlarge, reserved"


@given(price=prices, low=counts, expected=counts, high=counts)
def test_a_month_of_nodes_is_exactly_730_hours(price: Decimal, low: int, expected: int, high: int) -> None:
    """hourly x 730 == monthly to the last digit for everything that is billed by the hour."""
    cost = estimate([group(usd=str(price), nodes=columns(low, expected, high))], [control_plane()], FEES, [demand()])
    assert cost.hourly_usd.map(lambda usd: usd * HOURS_PER_MONTH) == cost.monthly_usd


@given(gib=st.integers(min_value=0, max_value=10_000), nodes=counts)
def test_a_month_of_disks_is_730_hours(gib: int, nodes: int) -> None:
    """What is billed by the month comes back from its hourly figure within a billionth of a dollar."""
    charge = Charge("disks", "disks", "disk", Columns.same(gib * nodes))
    cost = estimate([group()], [charge], FEES, [demand()])
    for hourly, monthly in zip(astuple(cost.hourly_usd), astuple(cost.monthly_usd), strict=True):
        assert abs(hourly * HOURS_PER_MONTH - monthly) < Decimal("1e-9")


@given(prices=st.lists(prices, min_size=1, max_size=5), counts=st.lists(counts, min_size=5, max_size=5))
def test_every_branch_is_the_sum_of_its_leaves(prices: list[Decimal], counts: list[int]) -> None:
    """The total equals the sum over all leaves, whatever the tree."""
    groups = [
        group(f"pool-{index}", usd=str(price), nodes=Columns.same(count))
        for index, (price, count) in enumerate(zip(prices, counts, strict=False))
    ]
    tree = cost_tree(groups, [control_plane()], FEES)
    assert tree.monthly_usd.max == sum((line.monthly_usd.max for line in tree.leaves), Decimal(0))


def astuple(figure: Columns) -> tuple[Decimal, Decimal, Decimal]:
    return figure.min, figure.expected, figure.max
