"""Which APIs a service is compared with, what they ask, and from which load on self-hosting pays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import catalog, comparison, stackfile
from inferstack.comparison.crossings import api_usd
from inferstack.comparison.types import Assumptions, Offer, ServiceComparison
from inferstack.errors import InputError
from inferstack.stackfile.schema import StackFile
from tests.comparison import stacks

ROW: dict[str, Any] = {"host": "acme", "model": "Qwen/Qwen2.5-7B-Instruct", "inputUsd": 2, "outputUsd": 4}


def offer(compared: ServiceComparison, host: str) -> Offer:
    return next(offer for offer in compared.offers if offer.price.host == host)


def test_the_three_kinds_of_offers() -> None:
    """The same model stands with its hosts, open ones with at most 1.5 times or two thirds of its parameters, and every closed row."""
    compared = stacks.compared(stacks.stack())
    by_kind: dict[str, set[str]] = {}
    for found in compared.offers:
        by_kind.setdefault(found.kind, set()).add(found.price.model)
    assert by_kind["same"] == {"Qwen/Qwen2.5-7B-Instruct"}
    assert by_kind["closed"] == {row.model for row in catalog.api_prices() if not row.is_open and row.kind == "llm"}
    size = catalog.model("Qwen/Qwen2.5-7B-Instruct").params_total
    assert "meta-llama/Llama-3.1-8B-Instruct" in by_kind["comparable"]
    assert all(2 / 3 <= catalog.models()[name].params_total / size <= 1.5 for name in by_kind["comparable"])


def test_the_bill_is_that_of_these_requests() -> None:
    """One request per second of 600 tokens in and 200 out at $2 and $4 per million is $5,256 a month of 730 hours."""
    found = offer(stacks.compared(stacks.stack(apiPrices=[ROW])), "acme")
    assert found.monthly_usd.quantize(Decimal("0.01")) == Decimal("5256.00")
    assert found.cost.usd_per_million_tokens == Decimal("2.5")


def test_a_row_of_the_stack_file_takes_the_place_of_the_shipped_one() -> None:
    """The user's price of a host and model holds instead of ours, and bears its source and date."""
    made = stacks.stack(apiPrices=[{**ROW, "host": "DeepInfra", "asOf": "2026-11-20"}])
    rows = [found.price for found in stacks.compared(made).offers if found.price.host.casefold() == "deepinfra" and found.kind == "same"]
    assert [(row.rates.input_usd, row.source, row.as_of) for row in rows] == [(Decimal(2), "stack file", "2026-11-20")]


def test_a_model_without_a_price_is_said_to_have_none() -> None:
    """Where no host is known for the model the verdict says unknown and how to give a price, and no price is made up."""
    compared = stacks.compared(stacks.stack("Qwen/Qwen2.5-1.5B-Instruct"))
    assert all(found.kind != "same" for found in compared.offers)
    assert compared.verdict[0] == (
        "the price of Qwen/Qwen2.5-1.5B-Instruct at an API is unknown; "
        "give a row under `inferstack:apiPrices`: host, model, inputUsd and outputUsd"
    )
    given = stacks.stack("Qwen/Qwen2.5-1.5B-Instruct", apiPrices=[{**ROW, "model": "qwen2.5-1.5b-instruct"}])
    assert offer(stacks.compared(given), "acme").kind == "same"


def embedder(model: str = "BAAI/bge-m3", **settings: Any) -> StackFile:
    """One service that answers after one pass."""
    service = {
        "name": "search",
        "model": model,
        "gpu": "l4",
        "traffic": {"requestsPerSecond": 20, "isl": 500},
        "slo": {"latencyP95Ms": 500},
    }
    return stackfile.read(
        {"inferstack:target": {"cloud": "gke", "region": "us-central1"}, "inferstack:services": [service]}
        | {f"inferstack:{key}": value for key, value in settings.items()},
        stack="test",
        source="Pulumi.test.yaml",
    )


def test_an_embedder_stands_beside_embedding_apis_alone() -> None:
    """The same weights on hosts, open embedders of about its size, and every closed embedding model; none that generates or reranks."""
    compared = stacks.compared(embedder())
    assert {found.price.kind for found in compared.offers} == {"embedding"}
    assert {found.price.host for found in compared.offers if found.kind == "same"} >= {"novita", "ovhcloud", "cloudflare"}
    small = next(found for found in compared.offers if found.price.model == "text-embedding-3-small")
    assert small.monthly_usd == Decimal(20 * 500 * 3600 * 730) / 10**6 * Decimal("0.02")
    assert any(sentence.startswith("text-embedding-3-small at openai") for sentence in compared.verdict)
    assert any("embeds everything anew" in limit for limit in compared.limits)
    assert any("latency p95 ≤ 500 ms" in limit for limit in compared.limits)


def test_a_reranker_stands_beside_prices_per_token() -> None:
    """What is sold by the search is another unit: it is named as left out."""
    compared = stacks.compared(embedder("BAAI/bge-reranker-v2-m3"))
    assert {found.price.kind for found in compared.offers} == {"rerank"}
    assert {found.kind for found in compared.offers} >= {"same", "closed"}
    assert any("by the search" in limit for limit in compared.limits)


def test_a_price_of_ones_own_says_its_task() -> None:
    """With `task` a row needs no price of output and stands beside that task alone; without it output must be priced."""
    row = {"host": "acme", "model": "acme-embed", "inputUsd": 0.03, "task": "embed"}
    assert offer(stacks.compared(embedder(apiPrices=[row])), "acme").kind == "closed"
    assert all(found.price.host != "acme" for found in stacks.compared(stacks.stack(apiPrices=[row])).offers)
    for wrong, said in (({"task": None}, "outputUsd: is needed"), ({"outputUsd": 1}, "is to embed writes none")):
        with pytest.raises(InputError) as error:
            embedder(apiPrices=[{key: value for key, value in {**row, **wrong}.items() if value is not None}])
        assert said in str(error.value)


def test_a_generating_model_that_embeds_is_not_priced_as_one_that_writes() -> None:
    """What hosts ask for the text of a model is no price of its embeddings."""
    service = {"name": "s", "model": "Qwen/Qwen3-8B", "task": "embed", "gpu": "l4", "traffic": {"requestsPerSecond": 1, "isl": 100}}
    made = stackfile.read(
        {"inferstack:target": {"cloud": "gke", "region": "us-central1"}, "inferstack:services": [service]}, stack="t", source="t.yaml"
    )
    assert all(found.kind != "same" for found in stacks.compared(made).offers)


def test_data_that_may_not_leave_excludes_every_api() -> None:
    """With `dataMayLeave: false` there is no offer, the user's own rows included, and the verdict says so."""
    compared = stacks.compared(stacks.stack(apiPrices=[ROW], constraints={"dataMayLeave": False}))
    assert compared.offers == ()
    assert "dataMayLeave` is false" in compared.verdict[0]
    assert compared.curve


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_break_evens_are_where_the_curves_cross(stack: str) -> None:
    """At `paysFrom` self-hosting is not dearer than the API; below it, wherever the curve is planned, it is."""
    checked = 0
    for service in stacks.shipped(stack).services:
        for found in service.offers:
            usd = found.cost.usd_per_million_tokens
            first = found.pays_from
            if first is None:
                assert all(load.monthly_usd and load.monthly_usd > api_usd(usd, load.tokens_per_day) for load in service.curve)
                continue
            assert first.monthly_usd is not None
            assert first.monthly_usd <= api_usd(usd, first.tokens_per_day)
            below = [load for load in service.curve if load.tokens_per_day < first.tokens_per_day]
            assert all(load.monthly_usd and load.monthly_usd > api_usd(usd, load.tokens_per_day) for load in below)
            checked += 1
    assert checked > 5


def test_from_the_last_crossing_on_it_always_pays() -> None:
    """Above `paysAlwaysFrom` no planned load is cheaper at the API; one that costs as much again is never below the first crossing."""
    for found in stacks.shipped("dev").services[0].offers:
        always = found.pays_always_from
        if always is None:
            continue
        assert found.pays_from is not None
        assert always.tokens_per_day >= found.pays_from.tokens_per_day
        above = [load for load in stacks.shipped("dev").services[0].curve if load.tokens_per_day > always.tokens_per_day]
        usd = found.cost.usd_per_million_tokens
        assert all(load.monthly_usd and load.monthly_usd <= api_usd(usd, load.tokens_per_day) for load in above)


def test_todays_machines_break_even_by_their_price_alone() -> None:
    """Machines of $M a month cost what an API of $p per million asks at M / p million tokens, and the use that this takes is stated."""
    compared = stacks.compared(stacks.stack(apiPrices=[ROW]))
    found = offer(compared, "acme")
    assert compared.own.monthly_usd is not None
    assert found.present_tokens_per_day is not None
    assert found.present_utilisation is not None
    assert abs(found.present_tokens_per_day * 730 / 24 * Decimal("2.5") / 10**6 - compared.own.monthly_usd) < Decimal("0.01")
    ratio = found.present_tokens_per_day / Decimal(compared.own.tokens_per_day)
    assert abs(found.present_utilisation / ratio - Decimal(compared.own.utilisation or 0)) < Decimal("0.001")


def test_discounts_move_the_break_even_up() -> None:
    """An API with a prompt cache and batches costs less, so that self-hosting pays from a larger load."""
    full, cheap = (
        offer(stacks.compared(stacks.stack(), **discounts), "openai")
        for discounts in ({}, {"cached_share": Decimal("0.5"), "batch_share": Decimal("0.5")})
    )
    assert cheap.monthly_usd < full.monthly_usd
    assert full.pays_from is not None
    assert cheap.pays_from is None or cheap.pays_from.tokens_per_day > full.pays_from.tokens_per_day


def test_users_are_counted_by_what_each_uses() -> None:
    """The stack file's tokens per user hold, those of the command line before them, and 10,000 where nobody says."""
    assert stacks.shipped("staging").services[0].own.daily_users == pytest.approx(2000)
    assert stacks.compared(stacks.stack()).tokens_per_user == 10_000
    assert stacks.compared(stacks.stack(), tokens_per_user=Decimal(500)).tokens_per_user == 500


def test_an_unknown_service_is_named_with_the_nearest() -> None:
    """Asking for a service that is not there names the one that was meant."""
    with pytest.raises(InputError, match="did you mean chat"):
        comparison.compare(stacks.stack(), Assumptions(), catalog.api_prices(), "chats")


def test_the_slo_and_the_limits_are_stated() -> None:
    """Every comparison names its latency targets, the band of its capacity, and that quality is not compared."""
    said = "\n".join(stacks.shipped("dev").services[0].limits)
    assert "TTFT p95 ≤ 3,000 ms and TPOT p95 ≤ 120 ms" in said
    assert "between" in said
    assert "quality" in said
