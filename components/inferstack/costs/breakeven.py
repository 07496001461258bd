"""The load at which machines of your own cost what an API asks: machines are paid by the hour, an API by the token."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .types import HOURS_PER_MONTH

MILLION = 1_000_000
HOURS_PER_DAY = 24
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class BreakEven:
    """A load, as tokens per month of 730 h, input and output together."""

    tokens_per_month: Decimal

    @property
    def tokens_per_day(self) -> Decimal:
        return self.tokens_per_month * HOURS_PER_DAY / HOURS_PER_MONTH

    @property
    def tokens_per_second(self) -> Decimal:
        """Mean over all hours."""
        return self.tokens_per_month / (HOURS_PER_MONTH * SECONDS_PER_HOUR)

    def requests_per_day(self, tokens_per_request: Decimal | int) -> Decimal:
        return self.tokens_per_day / tokens_per_request

    def daily_users(self, tokens_per_user: Decimal | int) -> Decimal:
        """Users of whom each uses that many tokens a day."""
        return self.tokens_per_day / tokens_per_user

    def utilisation(self, capacity_tokens_per_second: Decimal) -> Decimal:
        """Part of what the machines can do around the clock that must be used; above 1 they never pay."""
        return self.tokens_per_second / capacity_tokens_per_second


def break_even(usd_per_month: Decimal, usd_per_million_tokens: Decimal) -> BreakEven:
    """Where machines of `usd_per_month` cost what an API of `usd_per_million_tokens` asks for the same tokens."""
    return BreakEven(usd_per_month / usd_per_million_tokens * MILLION)
