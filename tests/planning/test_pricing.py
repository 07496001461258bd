"""The stack's own prices over the price book."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inferstack import costs, planning, stackfile
from inferstack.costs import CostLine
from inferstack.errors import InputError
from inferstack.planning.types import StackPlan

from .stacks import EKS, GKE, service


def plan(prices: dict[str, Any], target: dict[str, Any] = EKS, **changes: Any) -> StackPlan:
    config = {"inferstack:target": target, "inferstack:services": [service(**changes)], "inferstack:prices": prices}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def problems(prices: dict[str, Any], target: dict[str, Any] = EKS) -> list[str]:
    with pytest.raises(InputError) as refused:
        plan(prices, target)
    return [str(problem).removeprefix("inferstack:prices.") for problem in refused.value.problems]


def test_an_unknown_machine_of_a_price_file_is_named_with_the_file(tmp_path: Path) -> None:
    """It stands in another file than the stack's, which is named."""
    (tmp_path / "prices.yaml").write_text("machines: [{machineType: g6.xlargee, usdPerHour: 1}]\n")
    config = {"inferstack:target": EKS, "inferstack:services": [service()], "inferstack:prices": "prices.yaml"}
    stack = stackfile.read(config, stack="test", source=str(tmp_path / "Pulumi.test.yaml"))
    with pytest.raises(InputError) as refused:
        planning.plan(stack)
    (problem,) = refused.value.problems
    assert problem.path == f"{tmp_path / 'prices.yaml'}: machines[0].machineType"


def machines(made: StackPlan) -> list[CostLine]:
    branch = next(line for line in made.costs.lines.children if line.name == "GPU nodes")
    return list(branch.children)


ONE = {"machineType": "g6e.xlarge", "replicas": 1, "traffic": {"requestsPerSecond": 0.5, "isl": 500, "osl": 200}}


def test_a_discount_comes_off_the_list_price() -> None:
    """12 % off g6e.xlarge at $1.861 an hour; the line names the discount and the list that it comes off."""
    (line,) = machines(plan({"discounts": [{"percent": 12}]}, **ONE))
    assert line.unit_price_usd == Decimal("1.861") * Decimal("0.88")
    assert line.source.startswith("12 % off by the price file: AWS Price List API")
    assert (line.as_of, line.basis) == ("2026-07-20", "derived")


def test_spot_is_discounted_only_where_the_row_says_so() -> None:
    """Spot follows a market, so that a general discount leaves it."""
    spot = {"capacityType": "spot", "machineType": "g2-standard-4"}
    asked: list[list[dict[str, Any]]] = [[], [{"percent": 10}], [{"percent": 10, "capacityType": "spot"}]]
    (listed,), (general,), (named,) = (machines(plan({"discounts": rows}, GKE, **spot)) for rows in asked)
    assert general.unit_price_usd == listed.unit_price_usd
    assert listed.unit_price_usd is not None
    assert named.unit_price_usd == listed.unit_price_usd * Decimal("0.9")


def test_the_most_specific_row_holds() -> None:
    """A row for the machine type beats one for the region, and that one beats one for everything."""
    rows = [{"percent": 10}, {"percent": 20, "region": "us-east-1"}, {"percent": 30, "machineType": "G6E.xlarge"}]
    (line,) = machines(plan({"discounts": rows}, **ONE))
    assert line.unit_price_usd == Decimal("1.861") * Decimal("0.7")


def test_an_exact_price_holds_in_place_of_every_other() -> None:
    """No discount applies to it, and it is the user's, with the user's date."""
    made = plan(
        {"asOf": "2026-11-01", "discounts": [{"percent": 10}], "machines": [{"machineType": "g6e.xlarge", "usdPerHour": 1.25}]}, **ONE
    )
    (line,) = machines(made)
    assert (line.unit_price_usd, line.basis, line.as_of) == (Decimal("1.25"), "user", "2026-11-01")


def test_a_price_decides_what_is_chosen() -> None:
    """The planner plans at your prices: a machine type that is nearly free is taken, other things equal."""
    assert plan({}).services[0].machine_type != "g5.xlarge"
    assert plan({"machines": [{"machineType": "g5.xlarge", "usdPerHour": 0.05}]}).services[0].machine_type == "g5.xlarge"


def test_a_price_makes_a_machine_without_list_price_known() -> None:
    """p5e.48xlarge has no list price: with yours its line has a sum."""
    pinned = {"machineType": "p5e.48xlarge", "model": "Qwen/Qwen2.5-72B-Instruct", "tensorParallel": 8, "replicas": 1, "slo": None}
    target = {"cloud": "eks", "region": "us-east-2"}
    made = plan({"machines": [{"machineType": "p5e.48xlarge", "usdPerHour": 40}]}, target, **pinned)
    assert "p5e-48xlarge" not in made.costs.unpriced
    assert machines(made)[0].monthly_usd.max == 40 * 730


def test_paid_capacity_costs_nothing_further() -> None:
    """Two of three nodes are paid: they are a line of $0 that says why, and one is billed."""
    three = {**ONE, "replicas": 3}
    paid, billed = machines(plan({"paid": [{"machineType": "g6e.xlarge", "count": 2}]}, **three))
    assert (paid.unit_price_usd, paid.quantity and paid.quantity.max) == (0, 1460)
    assert paid.note == "2 x g6e.xlarge that the price file says are paid, used or not"
    assert billed.monthly_usd.max == Decimal("1.861") * 730
    assert costs.incomplete(plan({"paid": [{"machineType": "g6e.xlarge", "count": 3}]}, **three).costs) is None


def test_names_that_the_catalog_does_not_know_are_named() -> None:
    """Machine types and regions of the price file, each with its key and the nearest that exists."""
    prices = {"discounts": [{"percent": 5, "region": "us-east1"}], "machines": [{"machineType": "g6e.13xlarge", "usdPerHour": 9}]}
    assert problems(prices) == [
        "discounts[0].region: us-east1 is not a known region of eks; did you mean us-east-1?",
        "machines[0].machineType: g6e.13xlarge is not a known machine type of eks; did you mean g6e.12xlarge?",
    ]


def test_rows_of_another_cloud_wait_for_its_stacks() -> None:
    """One file may serve stacks of both clouds; a row of the other is checked, and changes nothing here."""
    row = {"cloud": "gke", "machineType": "g2-standard-4", "usdPerHour": 0.01}
    assert plan({"machines": [row]}, **ONE).costs == plan({}, **ONE).costs
    (problem,) = problems({"machines": [{**row, "machineType": "g2-standard-5"}]})
    assert problem.startswith("machines[0].machineType: g2-standard-5 is not a known machine type of gke")


def test_what_is_not_sold_in_a_region_names_one_that_has_it() -> None:
    """L4 is not offered in eu-west-1: the error says where it is."""
    config = {"inferstack:target": {"cloud": "eks", "region": "eu-west-1"}, "inferstack:services": [service(gpu="l4")]}
    with pytest.raises(InputError, match=r"l4 is not sold as on-demand in eu-west-1; ap-northeast-1, ap-northeast-2 or ap-south-1 have it"):
        planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


class TestFees:
    """Exact prices of what is billed beside machines."""

    def test_a_fee_of_the_price_file_stands_in_place_of_the_list(self) -> None:
        """NAT at $0.04 an hour costs $29.20 a month, and the line names the price file."""
        line = fee_line({"fees": [{"fee": "nat_gateway_hour", "usd": 0.04}]}, "NAT gateways (1)")
        assert (line.monthly_usd.max, line.source, line.basis) == (Decimal("29.20"), "price file", "user")

    def test_it_makes_a_region_without_prices_complete(self) -> None:
        """In eu-west-1, what the list lacks is no longer unknown once the file gives it."""
        lacking = "NAT gateways (1)"
        assert fee_line({}, lacking, "eu-west-1").unit_price_usd is None
        given = {"fees": [{"fee": "nat_gateway_hour", "usd": 0.048, "region": "eu-west-1"}]}
        assert fee_line(given, lacking, "eu-west-1").unit_price_usd == Decimal("0.048")
        assert fee_line(given, lacking).unit_price_usd == Decimal("0.045")

    def test_the_row_of_a_region_goes_before_one_for_all(self) -> None:
        """Whatever their order in the file."""
        rows = [{"fee": "nat_gateway_hour", "usd": 0.04, "region": "us-east-1"}, {"fee": "nat_gateway_hour", "usd": 0.03}]
        for given in (rows, rows[::-1]):
            assert fee_line({"fees": given}, "NAT gateways (1)").unit_price_usd == Decimal("0.04")

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            (
                {"fee": "nat_gatway_hour", "usd": 1},
                "fees[0].fee: nat_gatway_hour is not a known fee of eks; did you mean nat_gateway_hour?",
            ),
            ({"fee": "nat_gateway_hour", "usd": 1, "region": "us-esat-1"}, "fees[0].region: us-esat-1 is not a known region of eks"),
            ({"fee": "nat_gateway_hour", "usd": 0}, "fees[0].usd: 0 must be above 0"),
            ({"fee": "nat_gateway_hour", "usd": -1}, "fees[0].usd: -1 must be above 0"),
            ({"fee": "nat_gateway_hour", "usd": float("nan")}, "fees[0].usd: nan"),
        ],
    )
    def test_a_fee_that_cannot_be_is_named(self, row: dict[str, Any], said: str) -> None:
        """An unknown name, an unknown region and a price that is none, each at its key."""
        with pytest.raises(InputError) as refused:
            fee_line({"fees": [row]}, "NAT gateways (1)")
        assert any(str(problem).startswith(f"inferstack:prices.{said}") for problem in refused.value.problems), refused.value.problems

    def test_two_rows_about_the_same_contradict_one_another(self) -> None:
        """Which of them would hold is not known."""
        row = {"fee": "nat_gateway_hour", "usd": 1}
        with pytest.raises(InputError, match=r"fees\[1\].*contradicts fees\[0\]"):
            fee_line({"fees": [row, row]}, "NAT gateways (1)")


def fee_line(prices: dict[str, Any], name: str, region: str = "us-east-1") -> CostLine:
    config = {
        "inferstack:target": {"cloud": "eks", "region": region},
        "inferstack:services": [service(gpu="t4")],
        "inferstack:prices": prices,
    }
    made = planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))
    return next(line for line in made.costs.lines.leaves if line.name == name)
