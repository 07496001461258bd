"""Machines that always stand, bought for a term."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.costs import Columns, CostLine
from inferstack.errors import InputError
from inferstack.planning.types import StackPlan

from .stacks import EKS, GKE, service

A100 = {"machineType": "a2-highgpu-1g", "gpu": "a100-40"}


def plan(target: dict[str, Any] = GKE, prices: dict[str, Any] | None = None, **changes: Any) -> StackPlan:
    config: dict[str, Any] = {"inferstack:target": target, "inferstack:services": [service(**{**A100, **changes})]}
    if prices is not None:
        config["inferstack:prices"] = prices
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def nodes(made: StackPlan) -> dict[str, CostLine]:
    branch = next(line for line in made.costs.lines.children if line.name == "GPU nodes")
    return {line.name: line for line in branch.children}


def test_machines_that_always_stand_are_at_the_price_of_the_term() -> None:
    """Two of two to four machines cost 0.63 of the list price for a year, used or not; the others cost the list price when they run."""
    lines = nodes(plan(commitment="1y", replicas={"min": 2, "max": 4}))
    kept, others = lines["a2-highgpu-1g, committed for 1y"], lines["a2-highgpu-1g"]
    listed = Decimal("3.673385")
    assert (kept.unit_price_usd, kept.basis) == (listed * Decimal("0.63"), "derived")
    assert (kept.quantity, others.quantity) == (Columns.same(1460), Columns(Decimal(0), Decimal(0), Decimal(1460)))
    assert others.unit_price_usd == listed


def test_a_commitment_changes_the_bill_and_nothing_else() -> None:
    """Nodes, pool and pods are those of the plan without it: nothing is replaced when a term is bought or ends."""
    bought, free = plan(commitment="3y"), plan()
    assert bought.pools == free.pools
    assert bought.services[0].node_selector == free.services[0].node_selector
    assert bought.costs.monthly_usd.min < free.costs.monthly_usd.min


def test_a_term_without_a_known_price_is_unknown() -> None:
    """No rate of AWS was found: the line is not priced and the total a lower bound, until a price file gives the rate."""
    asked = {"machineType": "g6e.xlarge", "gpu": "l40s", "commitment": "1y", "replicas": 1}
    name = "g6e-xlarge, committed for 1y"
    assert name in plan(EKS, **asked).costs.unpriced
    own = {"machines": [{"machineType": "g6e.xlarge", "term": "1y", "usdPerHour": 1.2}]}
    line = nodes(plan(EKS, own, **asked))[name]
    assert (line.unit_price_usd, line.source, line.monthly_usd.max) == (Decimal("1.2"), "price file", Decimal(876))


@pytest.mark.parametrize(("term", "usd"), [(None, 3), ("1y", 2), ("3y", 1)])
def test_prices_of_a_term_and_on_demand_do_not_contradict_one_another(term: str | None, usd: int) -> None:
    """A price file may hold all of them for one machine type; each stands where it is asked for."""
    machine = {"machineType": "a2-highgpu-1g"}
    rows = [{**machine, "usdPerHour": 3}, {**machine, "term": "1y", "usdPerHour": 2}, {**machine, "term": "3y", "usdPerHour": 1}]
    lines = nodes(plan(prices={"machines": rows}, commitment=term, replicas=1))
    assert [line.unit_price_usd for line in lines.values() if line.monthly_usd.max] == [usd]


def test_paid_machines_are_not_committed_again() -> None:
    """Of two machines that always stand and one that is paid, one is bought for the term."""
    lines = nodes(plan(prices={"paid": [{"machineType": "a2-highgpu-1g", "count": 1}]}, commitment="1y", replicas=2))
    assert lines["a2-highgpu-1g, committed for 1y"].quantity == Columns.same(730)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commitment": "2y"}, "commitment: 2y is not 1y or 3y"),
        ({"commitment": "1y", "capacityType": "spot"}, "commitment: 1y goes with capacity type on-demand"),
    ],
)
def test_a_commitment_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    """Other terms, and spot machines, are not sold so."""
    with pytest.raises(InputError) as refused:
        plan(**changes)
    assert str(refused.value.problems[0]).startswith(f"inferstack:services[0].{said}")


def test_services_on_the_same_nodes_buy_them_alike() -> None:
    """A term of one and none of the other leave open what the nodes cost."""
    two = [service(name="a", **A100, commitment="1y"), service(name="b", **A100)]
    config = {"inferstack:target": GKE, "inferstack:services": two}
    with pytest.raises(InputError, match="is not what a says of the same a2-highgpu-1g nodes"):
        planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def test_a_term_for_machines_that_come_and_go_says_that_it_buys_nothing() -> None:
    """Where replicas go to zero no machine always stands."""
    made = plan(commitment="1y", replicas={"min": 0})
    assert "commitment 1y buys nothing: no machine always stands" in made.services[0].warnings
    assert nodes(made)["a2-highgpu-1g, committed for 1y"].monthly_usd.max == 0


def test_a_capacity_block_is_planned_at_its_own_price() -> None:
    """The price of the block and not that of on-demand, in every hour; its pool says what it is, and a price file may say otherwise."""
    asked: dict[str, Any] = {"machineType": "p5.48xlarge", "gpu": None, "capacityType": "reserved", "reservationId": "cr-1", "replicas": 1}
    made = plan(EKS, **asked, capacityBlock=True)
    assert made.pools[0].capacity_block
    (line,) = nodes(made).values()
    assert (line.unit_price_usd, line.basis) == (Decimal("39.33"), "belief")
    (plain,) = nodes(plan(EKS, **asked)).values()
    assert plain.unit_price_usd == Decimal("55.04")
    own = {"machines": [{"machineType": "p5.48xlarge", "capacityType": "reserved", "usdPerHour": 31}]}
    (mine,) = nodes(plan(EKS, own, **asked, capacityBlock=True)).values()
    assert mine.unit_price_usd == 31


@pytest.mark.parametrize(
    ("target", "changes", "said"),
    [
        (EKS, {"capacityBlock": True}, "capacityBlock: true goes with capacity type reserved"),
        (GKE, {"capacityBlock": True, "capacityType": "reserved", "reservationId": "r"}, "capacityBlock: true is sold on eks, not on gke"),
    ],
)
def test_a_capacity_block_that_cannot_be_is_refused(target: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    """It is a kind of reservation, and Amazon's."""
    with pytest.raises(InputError) as refused:
        plan(target, **changes)
    assert any(str(problem).startswith(f"inferstack:services[0].{said}") for problem in refused.value.problems), refused.value.problems
