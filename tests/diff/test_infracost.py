"""The difference as infracost's readers know it."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from inferstack.diff import Revision, infracost
from tests.diff.test_changes import ROOT, shipped

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "infracost.schema.json").read_text())
NOW = "2026-11-28T12:00:00+00:00"


def made(base: dict[str, Any] | None, head: dict[str, Any] | None) -> dict[str, Any]:
    return infracost(Revision("base", base), Revision("head", head), NOW)


@pytest.mark.parametrize(("base", "head"), [("dev", "prod"), ("prod", "dev"), ("local", "local"), (None, "staging"), ("staging", None)])
def test_the_document_keeps_its_schema(base: str | None, head: str | None) -> None:
    """Every key that readers of version 0.2 need is there, sums and quantities are decimal text, and no key is unknown to them."""
    document = made(*(None if stack is None else shipped(stack) for stack in (base, head)))
    assert not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def test_the_sums_agree() -> None:
    """Past plus difference is the new total, components add up to their resource, and the total is the plan's expected sum."""
    base, head = shipped("dev"), shipped("prod")
    document = made(base, head)
    (project,) = document["projects"]
    past, now, delta = (Decimal(document[key]) for key in ("pastTotalMonthlyCost", "totalMonthlyCost", "diffTotalMonthlyCost"))
    assert abs(past + delta - now) < Decimal("0.001")
    assert float(now) == pytest.approx(head["costs"]["monthlyUsd"]["expected"], abs=0.001)
    for resource in project["breakdown"]["resources"]:
        known = [Decimal(component["monthlyCost"]) for component in resource["costComponents"] if component["monthlyCost"] is not None]
        assert resource["monthlyCost"] is None or abs(sum(known) - Decimal(resource["monthlyCost"])) < Decimal("0.001")


def test_what_did_not_move_is_not_in_the_difference() -> None:
    """The difference of a plan with itself is empty and costs nothing."""
    document = made(shipped("prod"), shipped("prod"))
    assert document["projects"][0]["diff"] == {
        "resources": [],
        "totalHourlyCost": "0",
        "totalMonthlyCost": "0",
        "totalMonthlyUsageCost": None,
    }


def test_a_line_without_a_price_has_no_cost() -> None:
    """An unknown price is null in every column of money, never 0, and counts as a resource without a price."""
    head = copy.deepcopy(shipped("dev"))
    for branch in head["costs"]["lines"]["children"]:
        if branch["name"] == "GPU nodes":
            branch["children"][0].update(unitPriceUsd=None, monthlyUsd={"min": 0.0, "expected": 0.0, "max": 0.0})
    document = made(None, head)
    gpus = next(resource for resource in document["projects"][0]["breakdown"]["resources"] if resource["name"] == "GPU nodes")
    assert (gpus["monthlyCost"], gpus["costComponents"][0]["price"], gpus["costComponents"][0]["priceNotFound"]) == (None, None, True)
    assert gpus["costComponents"][0]["monthlyQuantity"] == "730"
    assert document["summary"]["totalNoPriceResources"] == 1


def test_what_is_billed_by_use_is_in_no_difference() -> None:
    """Lines whose sum is not known on either side, such as egress, do not stand in the difference, wherever their rates differ."""
    shown = made(shipped("dev"), shipped("prod"))["projects"][0]["diff"]["resources"]
    assert [component for resource in shown for component in resource["costComponents"] if component["monthlyCost"] is None] == []
