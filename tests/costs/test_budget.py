"""What a budget says."""

from __future__ import annotations

from decimal import Decimal

from inferstack.costs import StackCost, estimate, incomplete, over_budget

from .made import FEES, columns, demand, group


def cost(usd: str | None = "1", *names: str) -> StackCost:
    return estimate([group(name, usd, columns(0, 1, 2)) for name in names or ("gpu",)], [], FEES, [demand()])


def test_within_its_limits_a_stack_is_not_reproached() -> None:
    """No limit, a limit above the maximum and a limit that is met exactly all pass."""
    assert over_budget(cost(), None, None) == ()
    assert over_budget(cost(), Decimal(1460), Decimal(2)) == ()


def test_a_limit_below_the_top_of_the_range_is_told_with_the_excess() -> None:
    """The guard looks at the maximum and says by how much which key is exceeded."""
    assert over_budget(cost(), Decimal(1000), None) == (
        "The stack costs $1,460.00 a month at the top of its range, $460.00 above inferstack:budget.maxMonthlyUsd $1,000.00.",
    )
    assert over_budget(cost(), Decimal(1000), Decimal("1.5")) == (
        "The stack costs $1,460.00 a month at the top of its range, $460.00 above inferstack:budget.maxMonthlyUsd $1,000.00.",
        "The stack costs $2.00 an hour at the top of its range, $0.50 above inferstack:budget.maxHourlyUsd $1.50.",
    )


def test_an_incomplete_total_says_that_it_is_a_lower_bound() -> None:
    """Beside the excess stands what the total lacks."""
    known = group("gpu", "1", columns(0, 1, 2))
    partial = estimate([known, group("p5e", None), group("p6", None)], [], FEES, [demand()])
    (sentence,) = over_budget(partial, Decimal(1000), None)
    assert sentence.endswith("$1,000.00. The total is a lower bound: no price is known for p5e and p6.")


def test_completeness_is_a_sentence_or_nothing() -> None:
    """`incomplete` names every line without a price once, and is None where all are known."""
    assert incomplete(cost()) is None
    assert incomplete(cost(None, "p5e")) == "The total is a lower bound: no price is known for p5e."
