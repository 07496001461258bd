"""Newer prices of APIs beside the snapshot: what changed, and the rows that say so in a stack file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from .apis import ApiPrice, TokenRates, api_prices
from .genai import newer_api_prices
from .types import LLM, TASKS

OF_OUTPUT = ("outputUsd", "batchOutputUsd")


@dataclass(frozen=True, slots=True)
class ApiChange:
    """One row of the snapshot whose rates are others by now."""

    before: ApiPrice
    after: ApiPrice


def changed_api_prices(on: date) -> tuple[ApiChange, ...]:
    """The rows of the snapshot that the package `genai-prices` prices otherwise on that day, by host and model.

    Raises ImportError where the package is not installed.
    """
    pairs = zip(api_prices(), newer_api_prices(on), strict=True)
    found = (ApiChange(before, after) for before, after in pairs if _asks(before) != _asks(after))
    return tuple(sorted(found, key=lambda change: (change.before.host, change.before.model)))


def _asks(price: ApiPrice) -> tuple[Any, ...]:
    return price.rates, price.batch, price.above


def stack_file_row(price: ApiPrice) -> dict[str, Any]:
    """`price` as a row of `inferstack:apiPrices`."""
    row: dict[str, Any] = {"host": price.host, "model": price.model, **_rates(price.rates)}
    if price.batch is not None:
        row |= {"batchInputUsd": float(price.batch.input_usd), "batchOutputUsd": float(price.batch.output_usd)}
    if price.kind is not None and price.kind != LLM:
        row = {"task": TASKS[price.kind], **{key: value for key, value in row.items() if key not in OF_OUTPUT}}
    if price.above:
        row["longPrompts"] = [{"aboveTokens": start, **_rates(rates)} for start, rates in price.above]
    return {**row, "asOf": price.as_of}


def _rates(rates: TokenRates) -> dict[str, float]:
    made = {"inputUsd": float(rates.input_usd), "outputUsd": float(rates.output_usd)}
    return made if rates.cached_input_usd is None else {**made, "cachedInputUsd": float(rates.cached_input_usd)}
