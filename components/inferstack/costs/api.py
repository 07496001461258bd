"""What a request costs on an API: the host's rates for a prompt of that length, with what a prompt cache and batches take off."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..catalog.apis import ApiPrice, TokenRates

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class RequestShape:
    """One request as an API bills it; tokens are taken to be the same for every tokenizer."""

    isl: int
    """Input tokens."""
    osl: int
    """Output tokens."""
    cached_share: Decimal = Decimal(0)
    """Part of the input tokens that a prompt cache answers, 0..1."""
    batch_share: Decimal = Decimal(0)
    """Part of the requests that may wait for a batch, 0..1."""

    @property
    def tokens(self) -> int:
        return self.isl + self.osl


@dataclass(frozen=True, slots=True)
class ApiCost:
    """A request of some shape on some host."""

    usd_per_request: Decimal
    usd_per_million_tokens: Decimal
    """Input and output together, in the request's own mix."""
    notes: tuple[str, ...]
    """Discounts that were asked for and that the host does not state: they are not counted."""


def api_cost(price: ApiPrice, shape: RequestShape) -> ApiCost:
    """Mean cost of a request in USD: each at the tier that its own prompt reaches, never at that of many requests added up."""
    standard = price.rates_for(shape.isl)
    # Batch rates are known for short prompts only; a long one is billed as if it could not wait.
    batch = price.batch if standard is price.rates else None
    notes: list[str] = []
    if shape.cached_share and standard.cached_input_usd is None:
        notes.append("no price of cached input is known: all input is at the full price")
    if shape.batch_share and batch is None:
        notes.append("no price of batches is known: all requests are at the full price")
    usd = (1 - shape.batch_share) * _request_usd(standard, shape) + shape.batch_share * _request_usd(batch or standard, shape)
    return ApiCost(usd, usd / shape.tokens * MILLION, tuple(notes))


def _request_usd(rates: TokenRates, shape: RequestShape) -> Decimal:
    cached_usd = rates.input_usd if rates.cached_input_usd is None else rates.cached_input_usd
    cached = shape.isl * shape.cached_share
    return ((shape.isl - cached) * rates.input_usd + cached * cached_usd + shape.osl * rates.output_usd) / MILLION
