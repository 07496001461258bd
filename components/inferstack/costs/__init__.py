"""What a stack costs: a tree of named, unit-bearing lines over the autoscaling range, each service's part of it and its price per token.

Pure: prices come from the catalog, quantities from the plan. Money is USD as Decimal; a month is 730 hours.
"""

from __future__ import annotations

from .budget import Limits, Spending, incomplete, over_budget
from .estimate import estimate
from .money import money, owned_usd_per_hour
from .types import HOURS_PER_MONTH, Charge, Columns, CostLine, Demand, NodeGroup, ServiceCost, StackCost, TokenPrice

__all__ = [
    "HOURS_PER_MONTH",
    "Charge",
    "Columns",
    "CostLine",
    "Demand",
    "Limits",
    "NodeGroup",
    "ServiceCost",
    "Spending",
    "StackCost",
    "TokenPrice",
    "estimate",
    "incomplete",
    "money",
    "over_budget",
    "owned_usd_per_hour",
]
