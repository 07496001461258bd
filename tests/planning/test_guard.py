"""Plans held against budgets, and the ways below."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.errors import InputError
from inferstack.planning.types import NO_WAY_BELOW, StackPlan

from .stacks import GKE, plan, service, stack


def over(budget: dict[str, Any], *services: dict[str, Any]) -> StackPlan:
    return plan(*(services or (service(),)), target=GKE, budget=budget)


def test_each_limit_of_the_stack_is_held_against_the_plan() -> None:
    """Month, hour, tokens and GPUs, each with its key."""
    limits = {"maxMonthlyUsd": 100, "maxHourlyUsd": 0.1, "maxUsdPerMillionTokens": 0.01, "maxGpus": 1}
    sentences = over(limits, service(replicas=3)).over_budget
    assert [key for key in limits for sentence in sentences if f"inferstack:budget.{key} " in sentence] == list(limits)


def test_the_budget_of_a_service_is_held_against_its_part() -> None:
    """Its key says which service; the other one and the stack keep theirs."""
    made = over(
        {"maxMonthlyUsd": 100000}, service(name="a", budget={"maxMonthlyUsd": 10}), service(name="b", budget={"maxMonthlyUsd": 90000})
    )
    (sentence,) = made.over_budget
    assert sentence.startswith("a costs $")
    assert "above inferstack:services[0].budget.maxMonthlyUsd $10.00." in sentence


def test_the_ways_below_are_plans_that_keep_every_budget() -> None:
    """Three at most, cheapest first; each change, written into the stack file, gives a plan of that price without an objection."""
    made = over({"maxMonthlyUsd": 900}, service(gpu="a100-40"))
    assert made.over_budget
    prices = [way.monthly_usd for way in made.ways_below]
    assert 1 <= len(prices) <= 3
    assert prices == sorted(prices)
    assert max(prices) <= 900
    way = next(way for way in made.ways_below if way.change == "chat: without `gpu: a100-40`")
    again = over({"maxMonthlyUsd": 900}, service())
    assert (again.over_budget, again.costs.monthly_usd.max) == ((), way.monthly_usd)
    assert made.costs.monthly_usd.max - way.monthly_usd == way.saves_monthly_usd
    assert made.objections == (*made.over_budget, *(str(way) for way in made.ways_below))


def test_the_ways_are_levers_that_reach_the_budget() -> None:
    """Both come from one list of changes: what the guard names for a service, the levers name too."""
    made = over({"maxMonthlyUsd": 900, "column": "expected"}, service(gpu="a100-40"))
    (found,) = planning.levers(stack(service(gpu="a100-40"), target=GKE))
    named = {f"chat: {lever.change}" for lever in found.levers}
    assert made.ways_below
    assert {way.change for way in made.ways_below} <= named


def test_hours_count_where_the_budget_looks_at_the_expected_load() -> None:
    """A service that is asked now and then gets below by going to zero, which changes nothing at the top of the range."""
    rare = service(gpu="l4", traffic={"requestsPerSecond": 0.0001, "isl": 500, "osl": 200})
    ways = {column: over({"maxMonthlyUsd": 720, "column": column}, rare).ways_below for column in ("expected", "max")}
    assert any("`replicas: {min: 0}`" in way.change for way in ways["expected"])
    assert not any("`replicas: {min: 0}`" in way.change for way in ways["max"])


def test_changes_of_several_services_are_combined_where_one_is_not_enough() -> None:
    """Two pinned services exceed a budget that neither of them can keep alone."""
    dear = [service(name=name, gpu="a100-80") for name in ("a", "b")]
    made = over({"maxMonthlyUsd": 2500}, *dear)
    assert any("a: " in way.change and "; b: " in way.change for way in made.ways_below)


def test_where_nothing_helps_that_is_said() -> None:
    """A budget below the control plane has no way below."""
    made = over({"maxMonthlyUsd": 20})
    assert made.ways_below == ()
    assert made.objections[-1] == NO_WAY_BELOW


def test_the_mode_warn_warns() -> None:
    """The sentences stand among the warnings, and no guard objects."""
    made = over({"maxMonthlyUsd": 20, "mode": "warn"})
    assert made.objections == ()
    assert any("above inferstack:budget.maxMonthlyUsd $20.00." in warning for warning in made.warnings)


def test_the_guard_looks_at_the_column_that_the_budget_names() -> None:
    """A stack that scales keeps at its expected load what it exceeds at the top of its range."""
    scaling = service(traffic={"requestsPerSecond": 3, "isl": 500, "osl": 200, "activeHours": 8, "peakFactor": 4})
    free = over({}, scaling).costs.monthly_usd
    between = float((free.expected + free.max) / 2)
    assert over({"maxMonthlyUsd": between}, scaling).over_budget
    assert over({"maxMonthlyUsd": between, "column": "expected"}, scaling).over_budget == ()


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        ({"maxMonthlyUsd": 0}, "inferstack:budget.maxMonthlyUsd: 0 must be above 0"),
        ({"maxHourlyUsd": -1}, "inferstack:budget.maxHourlyUsd: -1 must be above 0"),
        ({"maxGpus": 0}, "inferstack:budget.maxGpus: 0 must be at least 1"),
        ({"maxUsdPerMillionTokens": float("nan")}, "inferstack:budget.maxUsdPerMillionTokens: nan is not a finite number"),
        ({"mode": "strict"}, "inferstack:budget.mode: strict is not enforce or warn"),
        ({"column": "maximum"}, "inferstack:budget.column: maximum is not min, expected or max; use max"),
    ],
)
def test_a_budget_that_is_none_is_refused_with_its_key(budget: dict[str, Any], problem: str) -> None:
    """Zero, negative and unknown words are no budget."""
    config = {"inferstack:target": GKE, "inferstack:services": [service()], "inferstack:budget": budget}
    with pytest.raises(InputError) as refused:
        planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))
    assert [str(found) for found in refused.value.problems] == [problem]
