"""Newer prices of APIs beside the shipped ones."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from inferstack import catalog, stackfile
from inferstack.catalog.refresh import ApiChange, changed_api_prices, stack_file_row

DAY = date(2026, 12, 1)


def changes(monkeypatch: pytest.MonkeyPatch, *rows: tuple[catalog.ApiPrice, Any, Any]) -> tuple[ApiChange, ...]:
    """What changed where the package prices these rows at an input and an output price, and knows no other."""
    providers = [
        SimpleNamespace(
            id=row.host,
            models=[
                SimpleNamespace(
                    id=row.name, deprecated=None, prices=SimpleNamespace(input_mtok=given, output_mtok=out), price_variants=None
                )
            ],
        )
        for row, given, out in rows
    ]
    data = SimpleNamespace(providers=providers)
    monkeypatch.setitem(sys.modules, "genai_prices", SimpleNamespace(data=data))
    monkeypatch.setitem(sys.modules, "genai_prices.data", data)
    return changed_api_prices(DAY)


def plain_row() -> catalog.ApiPrice:
    """A shipped row without batches, tiers and cached input."""
    plain = (row for row in catalog.api_prices() if row.kind == "llm" and row.batch is None and not row.above)
    return next(row for row in plain if row.rates.cached_input_usd is None)


def test_only_what_costs_something_else_is_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rates again are none; others are, with the day on which they hold."""
    row = plain_row()
    assert changes(monkeypatch, (row, row.rates.input_usd, row.rates.output_usd)) == ()
    (found,) = changes(monkeypatch, (row, row.rates.input_usd * 2, row.rates.output_usd))
    assert (found.before, found.after.rates.input_usd, found.after.as_of) == (row, row.rates.input_usd * 2, "2026-12-01")


def test_what_the_package_does_not_know_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without providers changes nothing."""
    assert changes(monkeypatch) == ()


def test_a_change_is_a_row_of_the_stack_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiers, batches and cached input are written with its keys, and read back as they are."""
    row = plain_row()
    tiers = SimpleNamespace(base=Decimal(3), tiers=[SimpleNamespace(start=200_000, price=Decimal(6))])
    (found,) = changes(monkeypatch, (row, tiers, Decimal(15)))
    written = stack_file_row(found.after)
    assert written["longPrompts"] == [{"aboveTokens": 200_000, "inputUsd": 6.0, "outputUsd": 15.0}]
    service = {"name": "chat", "model": "Qwen/Qwen3-8B", "traffic": {"requestsPerSecond": 1, "isl": 100, "osl": 100}}
    config = {
        "inferstack:target": {"cloud": "gke", "region": "us-central1"},
        "inferstack:services": [service],
        "inferstack:apiPrices": [written],
    }
    (read,) = stackfile.read(config, stack="test", source="Pulumi.test.yaml").api_prices
    assert (read.host, read.input_usd, read.long_prompts[0].above_tokens, read.as_of) == (row.host, 3, 200_000, "2026-12-01")


def test_a_changed_price_of_embeddings_says_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written with the task and without output, batches too, and read back so; batches that the package lacks hold with the price."""
    row = next(row for row in catalog.api_prices() if row.model == "text-embedding-3-small")
    assert changes(monkeypatch, (row, row.rates.input_usd, None)) == ()
    written = stack_file_row(row)
    assert "outputUsd" not in written
    config = {
        "inferstack:target": {"cloud": "gke", "region": "us-central1"},
        "inferstack:services": [{"name": "search", "model": "BAAI/bge-m3", "traffic": {"requestsPerSecond": 1, "isl": 100}}],
        "inferstack:apiPrices": [written],
    }
    (read,) = stackfile.read(config, stack="test", source="Pulumi.test.yaml").api_prices
    assert (read.task, read.output_usd, read.batch_input_usd) == ("embed", None, row.batch and row.batch.input_usd)
