"""Break-even figures of known machines, to the cent, through the real catalog and the real estimate."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType
from inferstack.costs import Columns, Demand, NodeGroup, estimate, money


@pytest.mark.parametrize(
    ("machine_type", "monthly", "api_usd_per_million", "break_even_billions"),
    [
        ("g6e.12xlarge", "$7,659.63", "0.72", "10.64"),
        ("g6e.12xlarge", "$7,659.63", "4.375", "1.75"),
        ("p5.4xlarge", "$5,022.40", "0.72", "6.98"),
        ("p5.4xlarge", "$5,022.40", "4.375", "1.15"),
        ("g6.xlarge", "$587.50", "0.10", "5.88"),
    ],
)
def test_the_month_of_a_machine_and_the_tokens_that_it_must_serve(
    machine_type: str, monthly: str, api_usd_per_million: str, break_even_billions: str
) -> None:
    """One node at its us-east-1 list price for 730 h; at the tokens where an API costs the same, a million costs what the API asks."""
    machine = catalog.machine("eks", machine_type)
    pool = NodeGroup(
        "pool", machine, machine.offering("us-east-1", CapacityType.ON_DEMAND), Columns.same(1), 0, (("chat", Columns.same(1)),)
    )
    api = Decimal(api_usd_per_million)
    alone = estimate([pool], [], {}, [])
    assert money(alone.monthly_usd.expected) == monthly
    tokens = alone.monthly_usd.expected / api * 1_000_000
    assert round(tokens / 10**9, 2) == Decimal(break_even_billions)
    at_break_even = estimate([pool], [], {}, [Demand("chat", float(tokens) * 0.75, float(tokens) * 0.25, 4.0)]).services[0].tokens
    assert at_break_even is not None
    assert at_break_even.blended_usd == pytest.approx(api)


def test_eight_gpus_at_three_dollars_for_a_month() -> None:
    """A published example says $17,280 for 8 x $3 an hour: that is 720 h; a month of 730 h is $17,520."""
    machine = catalog.machine("eks", "p5.48xlarge")
    offering = catalog.Offering("us-east-1", CapacityType.ON_DEMAND, Decimal(24), basis="user")
    cost = estimate([NodeGroup("pool", machine, offering, Columns.same(1), 0, (("chat", Columns.same(1)),))], [], {}, [])
    assert money(cost.monthly_usd.max) == "$17,520.00"
    assert money(cost.hourly_usd.max * 720) == "$17,280.00"


def test_the_self_hosting_price_of_a_published_table() -> None:
    """2,832 dollars a month and GPU, 2 GPUs, 15 % on top: the published $6,513.60 holds."""
    assert money(2 * Decimal(2832) * Decimal("1.15")) == "$6,513.60"
