"""The price file: what it may hold, and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inferstack import stackfile
from inferstack.errors import InputError

from .files import GOOD, config, problems, write

EXACT = {"machineType": "g2-standard-4", "usdPerHour": 0.5}


@pytest.mark.parametrize(
    ("prices", "problem"),
    [
        ({"currency": "EUR"}, "prices.currency: EUR is not USD"),
        ({"asOf": "November"}, "prices.asOf: November is not a date; write one such as 2026-11-21"),
        ({"discounts": [{"percent": 0}]}, "prices.discounts[0].percent: 0 must be above 0"),
        ({"discounts": [{"percent": 100}]}, "prices.discounts[0].percent: 100 must be below 100"),
        ({"machines": [{**EXACT, "usdPerHour": -1}]}, "prices.machines[0].usdPerHour: -1 must be above 0"),
        ({"machines": [{**EXACT, "usdPerHour": 0}]}, "prices.machines[0].usdPerHour: 0 must be above 0"),
        ({"machines": [{**EXACT, "usdPerHour": float("nan")}]}, "prices.machines[0].usdPerHour: nan is not a finite number"),
        ({"machines": [{**EXACT, "usdPerHour": "1 EUR"}]}, "prices.machines[0].usdPerHour: 1 EUR is not a number of US dollars"),
        (
            {"machines": [{**EXACT, "usdPerHour": "1,5"}]},
            "prices.machines[0].usdPerHour: 1,5 is not a number of US dollars; write a plain number such as 1.5",
        ),
        (
            {"machines": [{**EXACT, "term": "1y", "capacityType": "spot"}]},
            "prices.machines[0].term: 1y stands beside capacity type spot, which is not bought for a term",
        ),
        ({"machines": [{**EXACT, "term": "1y", "lowUsdPerHour": 0.1}]}, "prices.machines[0].lowUsdPerHour: 0.1 stands beside `term`"),
        ({"machines": [{**EXACT, "lowUsdPerHour": 2}]}, "prices.machines[0].lowUsdPerHour: 2 is above `usdPerHour` 0.5"),
        (
            {"machines": [EXACT, {**EXACT, "capacityType": "on-demand"}]},
            "prices.machines[1]: contradicts machines[0], which is about the same",
        ),
        ({"discounts": [{"percent": 5}, {"percent": 6}]}, "prices.discounts[1]: contradicts discounts[0], which is about the same"),
        (
            {"machines": [EXACT], "discounts": [{"percent": 5, "machineType": "g2-standard-4"}]},
            "prices.discounts[0]: contradicts machines[0], an exact price of the same",
        ),
        ({"paid": [{"machineType": "g2-standard-4", "count": 0}]}, "prices.paid[0].count: 0 must be at least 1"),
        (
            {"paid": [{"machineType": "g2-standard-4", "count": 1, "capacityType": "spot"}]},
            "prices.paid[0].capacityType: spot is never paid in advance; use on-demand or reserved",
        ),
    ],
)
def test_what_cannot_be_a_price_is_refused_with_its_key(prices: dict[str, Any], problem: str) -> None:
    """Each row says which key is wrong and why."""
    (found,) = problems(config(prices=prices))
    assert found.startswith(problem)


def test_a_file_is_read_beside_the_stack_file(tmp_path: Path) -> None:
    """The path is relative to the stack file, and the content is that of the setting."""
    write(tmp_path, "discounts: [{percent: 12}]\n", "own/prices.yaml")
    loaded = stackfile.load(write(tmp_path, f"{GOOD}  inferstack:prices: own/prices.yaml\n"))
    assert [row.percent for row in loaded.prices.discounts] == [12]


def test_problems_of_the_file_name_the_file(tmp_path: Path) -> None:
    """Both files are named: the one that asks for the other, and the one that is wrong."""
    prices = write(tmp_path, "machines: [{machineType: g2-standard-4, usdPerHour: -3}]\n", "prices.yaml")
    with pytest.raises(InputError) as refused:
        stackfile.load(write(tmp_path, f"{GOOD}  inferstack:prices: prices.yaml\n"))
    (problem,) = refused.value.problems
    assert str(problem) == f"{prices}: machines[0].usdPerHour: -3 must be above 0"


def test_a_file_that_is_not_there_is_a_problem_of_the_setting(tmp_path: Path) -> None:
    """No traceback, and no plan at list prices in its place."""
    with pytest.raises(InputError) as refused:
        stackfile.load(write(tmp_path, f"{GOOD}  inferstack:prices: prices.yaml\n"))
    assert [str(problem) for problem in refused.value.problems] == ["inferstack:prices: prices.yaml does not exist"]


def test_an_empty_path_is_no_price_file() -> None:
    """It is what Pulumi hands over where the stack file does not say anything."""
    assert stackfile.read(config(prices=""), stack="test", source="Pulumi.test.yaml").prices.machines == ()
