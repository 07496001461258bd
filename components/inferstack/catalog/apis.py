"""What API hosts charge for tokens: dated rows for open models on several hosts, and for the closed models that people compare with.

Only prices per token: what is sold by the search (rerank at Cohere, Bedrock, Azure and Google) is another unit, and has no row.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .tables import money_table
from .types import LLM


@dataclass(frozen=True, slots=True)
class TokenRates:
    """USD per million tokens."""

    input_usd: Decimal
    output_usd: Decimal
    cached_input_usd: Decimal | None = None
    """Input that a prompt cache answers; None where the host states no such rate."""


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """One model on one host. Where the host's price follows the time of day, `rates` are those of its dearest hours."""

    host: str
    model: str
    """Hugging Face id of open weights; the provider's own name of a closed model."""
    name: str
    """What the host calls it."""
    is_open: bool
    rates: TokenRates
    source: str
    as_of: str
    """ISO date."""
    batch: TokenRates | None = None
    """For requests that may wait for hours; None where the host offers or states none."""
    above: tuple[tuple[int, TokenRates], ...] = ()
    """Tiers by prompt length, shortest first: from that many prompt tokens on, every token of the request costs these rates."""
    note: str | None = None
    kind: str | None = LLM
    """`Model.kind` of what the price is for; output is free where nothing is generated. None: a user's price, whatever it stands beside."""

    def rates_for(self, prompt_tokens: int) -> TokenRates:
        """The standard rates of a request with a prompt of that length."""
        found = self.rates
        for start, rates in self.above:
            if prompt_tokens > start:
                found = rates
        return found


@functools.cache
def api_prices() -> tuple[ApiPrice, ...]:
    """Every row of the snapshot."""
    return tuple(_rows(money_table("api_prices")))


def _rows(data: Mapping[str, Any]) -> Iterator[ApiPrice]:
    sources: Mapping[str, Mapping[str, str]] = data["sources"]
    for row in data["rows"]:
        source = sources[row["source"]]
        yield ApiPrice(
            host=row["host"],
            model=row["model"],
            name=row["name"],
            is_open=row["open"],
            rates=_rates(row["rates"]),
            batch=_rates(row["batch"]) if "batch" in row else None,
            above=tuple((tier["tokens"], _rates(tier["rates"])) for tier in row.get("above", ())),
            source=source["name"],
            as_of=source["as_of"],
            note=row.get("note"),
            kind=row.get("kind", LLM),
        )


def _rates(values: list[Any]) -> TokenRates:
    """`[input, output]` or `[input, output, cached input]`."""
    given, out, *cached = (Decimal(value) for value in values)
    return TokenRates(given, out, cached[0] if cached else None)
