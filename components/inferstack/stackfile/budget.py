"""What a stack, and each of its services, may cost at most."""

from __future__ import annotations

from typing import Literal

from .section import Section
from .values import Count, Usd


class ServiceBudget(Section):
    """What one service may cost: its part of the machines and disks, and an even part of what all services share."""

    max_monthly_usd: Usd | None = None
    """A month has 730 hours."""
    max_hourly_usd: Usd | None = None
    """The same per hour."""
    max_usd_per_million_tokens: Usd | None = None
    """Input and output together, of the machines alone, at the expected load whatever `column` says."""
    max_gpus: Count | None = None
    """GPUs that are billed, used or idle."""


class Budget(ServiceBudget):
    """What the stack may cost; the preview exits with 3 above it, and names the cheapest ways to get below."""

    column: Literal["min", "expected", "max"] = "max"
    """Which point of the autoscaling range the limits are held against; max: all replicas of all services running."""
    mode: Literal["enforce", "warn"] = "enforce"
    """warn: what exceeds the budget is printed as a warning and the exit code stays 0."""
