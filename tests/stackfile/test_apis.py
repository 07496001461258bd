"""Prices of APIs and constraints in the stack file: what is read, and what is refused under its key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.stackfile.files import config, problems, read

ROW: dict[str, Any] = {"host": "acme", "model": "Qwen/Qwen3-8B", "inputUsd": 0.1, "outputUsd": 0.3}
TIER: dict[str, Any] = {"aboveTokens": 200_000, "inputUsd": 0.2, "outputUsd": 0.6}


def test_a_row_is_read_to_the_cent() -> None:
    """Prices are exact decimals, tiers keep their order, and what is left out is unknown."""
    (row,) = read(config(apiPrices=[{**ROW, "asOf": "2026-11-21", "longPrompts": [TIER]}])).api_prices
    assert (row.input_usd, row.output_usd, row.cached_input_usd, row.as_of) == (Decimal("0.1"), Decimal("0.3"), None, "2026-11-21")
    assert [(tier.above_tokens, tier.input_usd) for tier in row.long_prompts] == [(200_000, Decimal("0.2"))]


def test_data_may_leave_unless_it_is_said() -> None:
    """Without a constraint APIs are compared."""
    assert read(config()).constraints.data_may_leave
    assert not read(config(constraints={"dataMayLeave": False})).constraints.data_may_leave


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputUsd": 0}, "apiPrices[0].inputUsd: 0 must be above 0"),
        ({"outputUsd": -1}, "apiPrices[0].outputUsd: -1 must be above 0"),
        ({"inputUsd": float("nan")}, "apiPrices[0].inputUsd: nan is not a finite number"),
        ({"inputUsd": "0.10 EUR"}, "apiPrices[0].inputUsd: 0.10 EUR is not a number of US dollars; write a plain number such as 1500"),
        (
            {"cachedInputUsd": 1},
            "apiPrices[0].cachedInputUsd: 1 is above `inputUsd` 0.1, of which it is a discount; swap them, or leave it out",
        ),
        (
            {"batchInputUsd": 0.05},
            "apiPrices[0].batchOutputUsd: is needed beside `batchInputUsd`; a batch has a price for input and for output",
        ),
        ({"asOf": "2026-02-30"}, "apiPrices[0].asOf: 2026-02-30 is not a day of the calendar; write one such as 2026-11-21"),
        ({"asOf": "last week"}, "apiPrices[0].asOf: last week is not a date; write one such as 2026-11-21"),
        (
            {"longPrompts": [TIER, {**TIER, "aboveTokens": 128_000}]},
            "apiPrices[0].longPrompts[1].aboveTokens: 128000 is not above the 200000 of the tier before it; list tiers by length",
        ),
        ({"currency": "EUR"}, "apiPrices[0].currency: is not a key of the stack file"),
    ],
)
def test_a_price_that_cannot_be_is_named(changes: dict[str, Any], said: str) -> None:
    """A price that is zero, negative, no number, in another currency or against sense is refused under its own key."""
    (problem,) = problems(config(apiPrices=[{**ROW, **changes}]))
    assert problem.startswith(said)


def test_one_price_per_host_and_model() -> None:
    """Two rows of one host and model contradict each other; with a price by the time of day the dearest is the one to give."""
    (problem,) = problems(config(apiPrices=[ROW, {**ROW, "host": "Acme", "inputUsd": 0.2}]))
    assert problem == (
        "apiPrices[1].model: Qwen/Qwen3-8B on Acme is priced by apiPrices[0] as well; keep one; of prices by the time of day the dearest"
    )


def test_a_key_of_another_tool_is_understood() -> None:
    """`provider` and `input` are told their names here."""
    found = problems(config(apiPrices=[{"provider": "acme", "model": "m", "input": 1, "outputUsd": 1}]))
    assert [problem.partition(";")[2].strip() for problem in found if "is not a key" in problem] == ["use inputUsd", "use host"]


def test_a_constraint_is_true_or_false() -> None:
    """A constraint that is neither is refused, not taken for true."""
    assert problems(config(constraints={"dataMayLeave": "no"}))[0].startswith("constraints.dataMayLeave: no is neither true nor false")
