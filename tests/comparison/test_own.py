"""What a service costs on machines of its own at other loads: the planner's answer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inferstack import planning, stackfile
from inferstack.comparison.own import OwnCost
from tests.comparison import stacks


def own_cost(name: str, index: int = 0) -> OwnCost:
    stack = stackfile.load(stacks.ROOT / f"Pulumi.{name}.yaml")
    return OwnCost(stack, planning.plan(stack), index, Decimal(10_000))


@pytest.mark.parametrize(("name", "index"), [("dev", 0), ("staging", 0), ("prod", 1)])
def test_todays_load_costs_what_the_plan_says(name: str, index: int) -> None:
    """At the load of the stack file both the plan and its replan cost the service's share of the stack."""
    own = own_cost(name, index)
    share = own.planned.costs.services[index].monthly_usd.expected
    assert own.present().monthly_usd == share
    replanned = own.at(own.tokens_per_day).monthly_usd
    assert replanned is not None
    assert abs(replanned / share - 1) < Decimal("0.01")


def test_replicas_step_with_the_load() -> None:
    """Ten times the load needs more replicas, less idle ones, and costs less per token."""
    own = own_cost("dev")
    small, large = own.at(10**7), own.at(10**9)
    assert small.replicas is not None
    assert large.replicas is not None
    assert small.utilisation is not None
    assert large.utilisation is not None
    assert small.monthly_usd is not None
    assert large.monthly_usd is not None
    assert large.replicas > 10 * small.replicas
    assert large.utilisation > small.utilisation
    assert large.monthly_usd < 100 * small.monthly_usd


def test_bounds_on_replicas_hold_for_today_only() -> None:
    """A service with at most six replicas is planned with more of them where the curve needs more."""
    own = own_cost("prod", 2)
    assert own.stack.services[2].replicas is not None
    assert (own.at(10**11).replicas or 0) > 6


def test_a_load_without_a_plan_says_why() -> None:
    """Nodes that do not carry a load leave its cost unknown, with the planner's reason."""
    load = own_cost("local").at(10**9)
    assert load.monthly_usd is None
    assert "nodes" in (load.problem or "")


def test_users_requests_and_tokens_are_one_load() -> None:
    """A load of 800 tokens per request and 10,000 per user has 12.5 requests per user."""
    load = own_cost("dev").at(8_000_000)
    assert (load.daily_users, load.requests_per_day) == (800, 10_000)
