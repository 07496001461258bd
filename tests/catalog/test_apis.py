"""Prices of APIs: every row makes sense, and the optional newer source is read at a pinned day."""

from __future__ import annotations

import sys
from datetime import date, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from inferstack import catalog
from inferstack.catalog import genai
from inferstack.catalog.tables import table

DAY = date(2026, 11, 21)


def test_rows_make_sense() -> None:
    """Each row has a date, prices above 0, a model of the catalog where its weights are open, and discounts that take something off."""
    known = {**catalog.models(), **catalog.incomplete_models()}
    for row in catalog.api_prices():
        assert date.fromisoformat(row.as_of) <= DAY, row
        assert row.source, row
        assert (row.model in known) == row.is_open, row
        assert row.kind == (known[row.model].kind if row.is_open else row.kind), row
        assert row.kind in {"llm", "embedding", "rerank"}, row
        for rates in (row.rates, *(tier for _, tier in row.above)):
            assert rates.input_usd > 0, row
            assert (rates.output_usd > 0) == (row.kind == "llm"), row
            assert rates.cached_input_usd is None or 0 < rates.cached_input_usd <= rates.input_usd, row
        if row.batch is not None:
            assert row.batch.input_usd <= row.rates.input_usd, row
            assert row.batch.output_usd <= row.rates.output_usd, row
        assert [start for start, _ in row.above] == sorted({start for start, _ in row.above}), row


def test_no_row_stands_twice() -> None:
    """A host has one price for a model under a name."""
    keys = [(row.host, row.model, row.name) for row in catalog.api_prices()]
    assert len(keys) == len(set(keys))


def test_what_people_compare_with_is_there() -> None:
    """The closed models that are asked for, and the hosts of open ones."""
    closed = {row.model for row in catalog.api_prices() if not row.is_open}
    assert {"gpt-4o", "gpt-5", "gpt-6-sol", "claude-sonnet-5-5", "claude-haiku-5-5", "gemini-3.8-flash"} <= closed
    assert {"groq", "together", "replicate", "bedrock", "deepinfra"} <= {row.host for row in catalog.api_prices()}


def test_the_dearest_hours_are_quoted() -> None:
    """A price that follows the time of day stands with its peak, and says so."""
    (row,) = (row for row in catalog.api_prices() if row.host == "deepseek" and row.model == "deepseek-ai/DeepSeek-V4-Pro")
    assert (row.rates.input_usd, row.rates.output_usd) == (Decimal("1.32"), Decimal("3.96"))
    assert "dearest hours" in (row.note or "")


def test_hosts_of_the_newer_source_are_renamed() -> None:
    """The newer source's provider names map to the hosts of the rows."""
    assert set(table("api_prices")["hosts"].values()) <= {row.host for row in catalog.api_prices()}


def _price(given: Any, out: Any, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(input_mtok=given, output_mtok=out, **more)


def _when(prices: SimpleNamespace, **constraint: Any) -> SimpleNamespace:
    return SimpleNamespace(constraint=SimpleNamespace(**constraint) if constraint else None, prices=prices)


def _read(
    monkeypatch: pytest.MonkeyPatch, prices: Any, variants: Any = None, on: date = DAY, kind: str = "llm"
) -> tuple[catalog.ApiPrice, ...]:
    info = SimpleNamespace(id="m", deprecated=None, prices=prices, price_variants=variants)
    data = SimpleNamespace(providers=[SimpleNamespace(id="acme", models=[info])])
    monkeypatch.setitem(sys.modules, "genai_prices", SimpleNamespace(data=data))
    monkeypatch.setitem(sys.modules, "genai_prices.data", data)
    return genai.read(on, lambda host, name: genai.Meant(f"{host}/{name}", False, kind))


def test_a_newer_source_is_read_at_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of prices with a first day the last one that has begun holds, not one of later."""
    prices = [
        _when(_price(Decimal(1), Decimal(2))),
        _when(_price(Decimal(3), Decimal(4)), start_date=date(2026, 6, 1)),
        _when(_price(Decimal(9), Decimal(9)), start_date=date(2026, 12, 1)),
    ]
    (row,) = _read(monkeypatch, prices)
    assert (row.model, row.rates.input_usd, row.as_of, row.note) == ("acme/m", Decimal(3), "2026-11-21", None)


def test_a_newer_source_is_quoted_at_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of prices by the time of day the dearest is taken, whichever order they have; a later flat price ends them."""
    hours = {"start_time": time(1), "end_time": time(4)}
    prices = [_when(_price(Decimal(1), Decimal(2))), _when(_price(Decimal(2), Decimal(4)), **hours)]
    (row,) = _read(monkeypatch, prices)
    assert (row.rates.output_usd, "dearest" in (row.note or "")) == (Decimal(4), True)
    (row,) = _read(monkeypatch, [*prices, _when(_price(Decimal(3), Decimal(3)), start_date=date(2026, 7, 1))])
    assert (row.rates.output_usd, row.note) == (Decimal(3), None)


def test_a_newer_source_keeps_tiers_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiers by prompt length stay tiers, and a batch has what it changes and otherwise the standard price."""
    given = SimpleNamespace(base=Decimal(3), tiers=[SimpleNamespace(start=200_000, price=Decimal(6))])
    batch = SimpleNamespace(when={"processing": "batch"}, constraint=None, prices=SimpleNamespace(input_mtok=Decimal("1.5")))
    (row,) = _read(monkeypatch, _price(given, Decimal(15)), [batch])
    assert row.rates_for(1000).input_usd == Decimal(3)
    assert row.rates_for(200_001).input_usd == Decimal(6)
    assert row.batch == catalog.TokenRates(Decimal("1.5"), Decimal(15))


def test_what_writes_nothing_has_no_price_of_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedding model is priced by its input alone; a model that generates without a price of output is no row."""
    price = _price(Decimal("0.02"), None)
    (row,) = _read(monkeypatch, price, kind="embedding")
    assert (row.kind, row.rates) == ("embedding", catalog.TokenRates(Decimal("0.02"), Decimal(0)))
    assert _read(monkeypatch, price) == ()


def test_embedding_and_rerank_are_priced() -> None:
    """The services that people compare with are there, and open weights on several hosts."""
    closed = {(row.model, row.kind) for row in catalog.api_prices() if not row.is_open}
    assert {("text-embedding-3-small", "embedding"), ("voyage-4", "embedding"), ("rerank-2.5", "rerank")} <= closed
    assert len({row.host for row in catalog.api_prices() if row.model == "Qwen/Qwen3-Embedding-8B"}) >= 4


def test_free_and_other_units_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price of 0 and a price per hour of audio are not taken for prices of tokens."""
    assert _read(monkeypatch, _price(Decimal(0), Decimal(0))) == ()
    assert _read(monkeypatch, SimpleNamespace(audio_hours=Decimal(1))) == ()
