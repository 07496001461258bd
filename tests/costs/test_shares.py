"""What each service pays, and what its tokens cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.costs import Charge, Columns, NodeGroup, StackCost, estimate

from .made import FEES, columns, control_plane, demand, group

shares = st.decimals(min_value="0.01", max_value="0.33", places=4)


def bill(cost: StackCost) -> dict[str, Columns]:
    return {service.service: service.monthly_usd for service in cost.services}


def test_idle_parts_are_paid_in_proportion_to_what_is_occupied() -> None:
    """Two services on three of eight GPUs pay for all eight, one to two."""
    pool = group(usd="9", shares={"small": "0.125", "large": "0.25"})
    cost = estimate([pool], [], FEES, [demand("small"), demand("large")])
    assert bill(cost)["large"].max == pytest.approx(bill(cost)["small"].max * 2)
    assert bill(cost)["small"].max == pytest.approx(Decimal(9 * 730) / 3)


def test_at_each_point_of_the_range_a_service_pays_for_what_it_occupies_there() -> None:
    """One replica that always stands pays its node, however many others come and go; of
    nodes that nobody occupies at the least, what would be its part at the most."""
    always, follows = columns("0.5", "0.3125", "0.25"), columns("0.5", "0.6875", "0.75")
    pool = group(usd="1", nodes=columns(2, "3.2", 4), shares={"always": always, "follows": follows})
    steady = bill(estimate([pool], [], FEES, [demand("always"), demand("follows")]))["always"]
    assert (steady.min, steady.expected, steady.max) == (730, 730, 730)
    idle = group(
        usd="1", nodes=columns(1, "3.2", 4), shares={"always": replace(always, min=Decimal(0)), "follows": replace(follows, min=Decimal(0))}
    )
    assert bill(estimate([idle], [], FEES, [demand("always"), demand("follows")]))["always"].min == Decimal(730) / 4


def test_fixed_parts_are_paid_evenly() -> None:
    """Control plane and system nodes cost every service the same, however large it is."""
    pools = [group("gpu", usd="10", shares={"a": "0.9", "b": "0.1"}), group("system", usd="0.1", shares={})]
    cost = estimate(pools, [control_plane()], FEES, [demand("a"), demand("b")])
    fixed = Decimal("0.2") * 730 / 2
    assert bill(cost)["a"].max == pytest.approx(Decimal(9 * 730) + fixed)
    assert bill(cost)["b"].max == pytest.approx(Decimal(1 * 730) + fixed)


def test_what_moves_is_paid_by_those_that_move_it() -> None:
    """A service that sends nine of ten bytes pays nine of ten dollars; where nothing moves, nothing is divided by it."""
    pools = [group("a", usd="1", shares={"a": "1"}), group("b", usd="1", shares={"b": "1"})]
    at_load = {"a": columns(0, 900, 1800), "b": columns(0, 100, 200)}
    moved = Charge("network", "traffic", "disk", columns(0, 1000, 2000), shares=tuple(at_load.items()))
    still = Charge("network", "egress", "disk", columns(0, 0, 0), shares=(("a", columns(0, 0, 0)), ("b", columns(0, 0, 0))))
    cost = estimate(pools, [moved, still], FEES, [demand("a"), demand("b")])
    assert bill(cost)["a"].expected - 730 == pytest.approx(Decimal(72))
    assert bill(cost)["b"].expected - 730 == pytest.approx(Decimal(8))
    assert bill(cost)["a"].min == bill(cost)["b"].min == 730
    assert sum(each.max for each in bill(cost).values()) == pytest.approx(cost.monthly_usd.max)


def test_disks_follow_the_nodes_that_they_hang_on() -> None:
    """A pool's disks are paid by the services on the pool."""
    pools = [group("a", usd="1", shares={"a": "1"}), group("b", usd="1", shares={"b": "1"})]
    disks = Charge("disks", "a disks", "disk", Columns.same(1000), group="a")
    cost = estimate(pools, [disks], FEES, [demand("a"), demand("b")])
    assert bill(cost)["a"].max - bill(cost)["b"].max == pytest.approx(80)


@st.composite
def stacks(draw: st.DrawFn) -> StackCost:
    names = [f"service-{index}" for index in range(draw(st.integers(1, 4)))]
    pools: list[NodeGroup] = [group("system", usd="0.2", shares={})]
    for index in range(draw(st.integers(1, 4))):
        tenants = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        occupied = {name: str(draw(shares)) for name in tenants}
        low, high = sorted(draw(st.tuples(st.integers(0, 5), st.integers(0, 50))))
        price = draw(st.one_of(st.none(), st.decimals(min_value="0.01", max_value=100, places=4)))
        pools.append(group(f"pool-{index}", None if price is None else str(price), columns(low, high, high), occupied))
    disks = [Charge("disks", f"{pool.name} disks", "disk", pool.nodes.map(lambda n: n * 100), group=pool.name) for pool in pools]
    use = Charge("network", "data", "data", None)
    return estimate(pools, [control_plane(), *disks, use], FEES, [demand(name) for name in names])


@given(stacks())
def test_services_pay_the_whole_stack_between_them(cost: StackCost) -> None:
    """The shares of all services add up to the total in every column, idle, fixed and unpriced parts included."""
    total = Columns.same(0)
    for service in cost.services:
        total = total + service.monthly_usd
    for paid, due in zip(
        (total.min, total.expected, total.max), (cost.monthly_usd.min, cost.monthly_usd.expected, cost.monthly_usd.max), strict=True
    ):
        assert abs(paid - due) < Decimal("1e-9")


def test_a_million_tokens_cost_their_part_of_the_machines() -> None:
    """$7,300 for 3 G input and 1 G output tokens, one of output worth four: 7,300 / (3/4 + 1) per G of output, a quarter per G of input."""
    cost = estimate([group(usd="10")], [control_plane()], FEES, [demand(input_tokens=3e9, output_tokens=1e9, ratio=4)])
    tokens = cost.services[0].tokens
    assert tokens is not None
    assert tokens.output_usd == pytest.approx(Decimal(7300) / Decimal("1.75") / 1000)
    assert tokens.input_usd == pytest.approx(tokens.output_usd / 4)
    assert tokens.blended_usd == pytest.approx(Decimal("1.825"))
    assert (tokens.output_to_input_ratio, tokens.tokens_per_month, tokens.complete) == (4, Decimal(4_000_000_000), True)


@given(
    input_tokens=st.floats(min_value=0, max_value=1e13),
    output_tokens=st.floats(min_value=1, max_value=1e13),
    ratio=st.floats(min_value=0.01, max_value=1000),
)
def test_token_prices_bring_in_what_the_machines_cost(input_tokens: float, output_tokens: float, ratio: float) -> None:
    """Input and output prices times the tokens of a month are the machines' cost, whatever the ratio; so is the blended price."""
    cost = estimate([group(usd="10")], [], FEES, [demand(input_tokens=input_tokens, output_tokens=output_tokens, ratio=ratio)])
    tokens = cost.services[0].tokens
    assert tokens is not None
    split = tokens.input_usd * Decimal(str(input_tokens)) + tokens.output_usd * Decimal(str(output_tokens))
    assert split / 1_000_000 == pytest.approx(Decimal(7300))
    assert tokens.blended_usd * tokens.tokens_per_month / 1_000_000 == pytest.approx(Decimal(7300))


def test_tokens_are_priced_at_the_expected_load() -> None:
    """Neither the idle minimum nor the maximum of the range sets the price per token."""
    cost = estimate([group(usd="10", nodes=columns(0, "0.5", 4))], [], FEES, [demand(input_tokens=1e6, output_tokens=0)])
    assert cost.services[0].tokens is not None
    assert cost.services[0].tokens.blended_usd == 3650


def test_the_bottom_of_a_spot_range_shows_in_the_blended_price() -> None:
    """A spot range of 4 to 10 dollars an hour makes the low price four tenths of the planned one."""
    cost = estimate([group(usd="10", low="4")], [], FEES, [demand()])
    tokens = cost.services[0].tokens
    assert tokens is not None
    assert tokens.low_blended_usd == pytest.approx(tokens.blended_usd * Decimal("0.4"))


def test_no_traffic_has_no_price_per_token() -> None:
    """Without tokens, or without a demand at all, there is no price per token, not an infinite one."""
    assert estimate([group()], [], FEES, [demand(input_tokens=0, output_tokens=0)]).services[0].tokens is None
    assert estimate([group()], [], FEES, []).services[0].tokens is None


def test_machines_without_price_have_no_price_per_token() -> None:
    """Tokens are not free because a machine's price is unknown; with one of two pools priced they are a lower bound."""
    unknown = group("unknown", usd=None)
    assert estimate([unknown], [control_plane()], FEES, [demand()]).services[0].tokens is None
    mixed = estimate([unknown, group("known", usd="1")], [], FEES, [demand()]).services[0].tokens
    assert mixed is not None
    assert not mixed.complete


def test_services_keep_the_order_of_their_demands() -> None:
    """Services are listed as the stack file lists them, not as pools happen to name them."""
    pool = group(shares={"b": "0.5", "a": "0.5"})
    assert [service.service for service in estimate([pool], [], FEES, [demand("a"), demand("b")]).services] == ["a", "b"]


def test_a_group_that_is_declared_for_no_service_is_everybodys() -> None:
    """System nodes are told by their empty shares."""
    assert replace(group(), shares=()).is_system
    assert not group().is_system
