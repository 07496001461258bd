"""What a budget says."""

from __future__ import annotations

from decimal import Decimal

from inferstack.costs import Columns, Limits, Spending, StackCost, estimate, incomplete, over_budget

from .made import FEES, columns, demand, group

KEY = "inferstack:budget"


def spending(tokens: str | None = "2") -> Spending:
    return Spending("The stack", columns(0, 730, 1460), None if tokens is None else Decimal(tokens), columns(0, 4, 8))


def said(limits: Limits, column: str = "max", tokens: str | None = "2") -> list[str]:
    return list(over_budget(spending(tokens), limits, column))


def test_within_its_limits_a_stack_is_not_reproached() -> None:
    """No limit, and limits that are met exactly, all pass."""
    assert said(Limits(KEY)) == []
    assert said(Limits(KEY, Decimal(1460), Decimal(2), Decimal(2), 8)) == []


def test_a_limit_below_the_top_of_the_range_is_told_with_the_excess() -> None:
    """The guard looks at the maximum and says by how much which key is exceeded."""
    assert said(Limits(KEY, Decimal(1000), Decimal("1.5"), Decimal("1.25"), 6)) == [
        "The stack costs $1,460.00 a month at the top of its range, $460.00 above inferstack:budget.maxMonthlyUsd $1,000.00.",
        "The stack costs $2.00 an hour at the top of its range, $0.50 above inferstack:budget.maxHourlyUsd $1.50.",
        "The stack costs $2.00 per million tokens at the expected load, $0.75 above inferstack:budget.maxUsdPerMillionTokens $1.25.",
        "The stack is billed for 8 GPUs at the top of its range, 2 more than inferstack:budget.maxGpus 6.",
    ]


def test_another_column_is_looked_at_where_the_budget_says_so() -> None:
    """$730 expected keeps a budget that the maximum of $1,460 exceeds."""
    limits = Limits(KEY, Decimal(1000), max_gpus=3)
    assert said(limits, "expected") == ["The stack is billed for 4 GPUs at the expected load, 1 more than inferstack:budget.maxGpus 3."]
    assert said(limits, "min") == []


def test_an_unknown_token_price_exceeds_nothing() -> None:
    """What is not known is not held against a limit."""
    assert said(Limits(KEY, max_usd_per_million_tokens=Decimal("0.01")), tokens=None) == []


def cost(usd: str | None = "1", *names: str) -> StackCost:
    return estimate([group(name, usd, Columns.same(1)) for name in names or ("gpu",)], [], FEES, [demand()])


def test_completeness_is_a_sentence_or_nothing() -> None:
    """`incomplete` names every line without a price once, and is None where all are known."""
    assert incomplete(cost()) is None
    assert incomplete(cost(None, "p5e")) == "The total is a lower bound: no price is known for p5e."
    assert incomplete(cost(None, "p5e", "p6", "p6")) == "The total is a lower bound: no price is known for p5e and p6."
