"""API prices from the package `genai-prices` (extra `api-prices`), where newer than the snapshot; read at a pinned day, without network."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, cast

from .apis import ApiPrice, TokenRates, api_prices
from .tables import table
from .types import LLM

PACKAGE = "genai_prices"
DISTRIBUTION = "genai-prices"


class Meant(NamedTuple):
    """The model behind a provider's name."""

    model: str
    is_open: bool
    kind: str | None = LLM


ModelOf = Callable[[str, str], Meant | None]
"""From a provider and its name of a model to the model that is meant; None for no model of ours."""


def installed_version() -> str | None:
    """Version of the package; None where it is not installed."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None


def newer_api_prices(on: date) -> tuple[ApiPrice, ...]:
    """The snapshot with the rates that the package has for that day, where it knows the same model on the same host.

    Raises ImportError where the package is not installed.
    """
    shipped = api_prices()
    hosts: Mapping[str, str] = table("api_prices")["hosts"]
    known = {(row.host, row.name): Meant(row.model, row.is_open, row.kind) for row in shipped}
    rows = (
        replace(row, host=hosts.get(row.host, row.host)) for row in read(on, lambda host, name: known.get((hosts.get(host, host), name)))
    )
    newer = {(row.host, row.name): row for row in rows}
    return tuple(_with_batch(newer.get((row.host, row.name), row), row) for row in shipped)


def _with_batch(newer: ApiPrice, shipped: ApiPrice) -> ApiPrice:
    """The package knows no batches of embeddings: a shipped price of them holds as long as the standard one does."""
    return replace(newer, batch=shipped.batch) if newer.batch is None and newer.rates == shipped.rates else newer


def read(on: date, model_of: ModelOf) -> tuple[ApiPrice, ...]:
    """The rows in force on that day, by provider and its models.

    Raises ImportError where the package is not installed.
    """
    providers = importlib.import_module(f"{PACKAGE}.data").providers
    source = f"{DISTRIBUTION} {installed_version()}"
    return tuple(row for provider in providers for row in _rows(provider, on, source, model_of))


def _rows(provider: Any, on: date, source: str, model_of: ModelOf) -> Iterator[ApiPrice]:
    for info in provider.models:
        meant = None if info.deprecated else model_of(provider.id, info.id)
        price, varies = _in_force(info.prices, on)
        rates = None if meant is None else _rates(price, meant.kind)
        if meant is None or rates is None:
            continue
        yield ApiPrice(
            host=provider.id,
            model=meant.model,
            name=info.id,
            is_open=meant.is_open,
            rates=rates,
            source=source,
            as_of=on.isoformat(),
            batch=_batch(info.price_variants, rates, on),
            above=_tiers(price),
            note="priced by the time of day; these are its dearest hours" if varies else None,
            kind=meant.kind,
        )


def _in_force(prices: Any, on: date) -> tuple[Any, bool]:
    """The price on that day, and whether it follows the time of day: then the dearest of its hours."""
    if not isinstance(prices, list):
        return prices, False
    lasting: list[Any] = []
    hours: list[Any] = []
    for each in cast("list[Any]", prices):
        if hasattr(each.constraint, "start_time"):
            hours.append(each.prices)
        elif _has_begun(each.constraint, on):
            # A later flat price ends the hours that an earlier one had.
            lasting, hours = [each.prices], []
    priced = [price for price in (*lasting, *hours) if _rates(price) is not None]
    return (max(priced, key=_dearness), bool(hours)) if priced else (None, False)


def _dearness(price: Any) -> Decimal:
    rates = _rates(price)
    return Decimal(0) if rates is None else rates.input_usd + rates.output_usd


def _has_begun(constraint: Any, on: date) -> bool:
    starts = getattr(constraint, "start_date", None)
    return starts is None or starts <= on


def _batch(variants: Any, standard: TokenRates, on: date) -> TokenRates | None:
    """The batch rates in force; what the variant leaves out is as in `standard`."""
    for variant in variants or ():
        if variant.when == {"processing": "batch"} and _has_begun(variant.constraint, on):
            given = _number(variant.prices, "input_mtok") or standard.input_usd
            out = _number(variant.prices, "output_mtok") or standard.output_usd
            cached = _number(variant.prices, "cache_read_mtok") or standard.cached_input_usd
            # Where batches do not stack with caching, cached input costs what other input of the batch does.
            return TokenRates(given, out, None if cached is None else min(cached, given))
    return None


def _rates(price: Any, kind: str | None = LLM) -> TokenRates | None:
    """The lowest tier; None where it is not priced by input and output tokens, or is free. Without generation there is no output."""
    given, out = _number(price, "input_mtok"), _number(price, "output_mtok")
    if kind != LLM:
        return TokenRates(given, Decimal(0), _number(price, "cache_read_mtok")) if given else None
    return TokenRates(given, out, _number(price, "cache_read_mtok")) if given and out else None


def _tiers(price: Any) -> tuple[tuple[int, TokenRates], ...]:
    keys = ("input_mtok", "output_mtok")
    starts = sorted({tier.start for key in keys for tier in getattr(getattr(price, key), "tiers", ())})
    found: list[tuple[int, TokenRates]] = []
    for start in starts:
        given, out = (_number(price, key, start) for key in keys)
        if given is not None and out is not None:
            found.append((start, TokenRates(given, out, _number(price, "cache_read_mtok", start))))
    return tuple(found)


def _number(price: Any, key: str, prompt_tokens: int = 0) -> Decimal | None:
    """The price of that unit for a prompt that reaches the tier of `prompt_tokens`; None where there is none."""
    value = getattr(price, key, None)
    if value is None:
        return None
    reached = [tier.price for tier in getattr(value, "tiers", ()) if tier.start <= prompt_tokens]
    return Decimal(reached[-1] if reached else getattr(value, "base", value))
