"""What a request costs on an API: tiers by its own prompt, discounts where the host states them."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.catalog.apis import ApiPrice, TokenRates
from inferstack.costs.api import RequestShape, api_cost

HALF = Decimal("0.5")


def row(batch: bool = False, cached: bool = False, tier: bool = False) -> ApiPrice:
    """3 in and 15 out per million; cached input 0.3; batches half of it; above 200,000 prompt tokens double."""
    price = Decimal("0.3") if cached else None
    return ApiPrice(
        host="acme",
        model="m",
        name="m",
        is_open=True,
        rates=TokenRates(Decimal(3), Decimal(15), price),
        source="test",
        as_of="2026-11-21",
        batch=TokenRates(Decimal("1.5"), Decimal("7.5"), price) if batch else None,
        above=((200_000, TokenRates(Decimal(6), Decimal("22.5"))),) if tier else (),
    )


def test_a_request_costs_its_tokens() -> None:
    """1,000 tokens in at $3 and 200 out at $15 per million are $0.006, $5 per million tokens of that mix."""
    cost = api_cost(row(), RequestShape(1000, 200))
    assert (cost.usd_per_request, cost.usd_per_million_tokens, cost.notes) == (Decimal("0.006"), Decimal(5), ())


def test_tiers_follow_the_prompt_of_one_request() -> None:
    """A prompt of 200,000 tokens is at the base rate and one of 200,001 at the tier's, for all of its tokens."""
    at, above = (api_cost(row(tier=True), RequestShape(isl, 0)).usd_per_request for isl in (200_000, 200_001))
    assert (at, above) == (Decimal("0.6"), Decimal("1.200006"))


def test_cached_input_takes_off_what_the_host_says() -> None:
    """Half of the input from a cache at $0.30: half of $3 and half of $0.30."""
    assert api_cost(row(cached=True), RequestShape(1_000_000, 0, cached_share=HALF)).usd_per_request == Decimal("1.65")


def test_batches_take_off_what_the_host_says() -> None:
    """Half of the requests in batches at half the price cost three quarters."""
    assert api_cost(row(batch=True), RequestShape(1_000_000, 0, batch_share=HALF)).usd_per_request == Decimal("2.25")


def test_a_discount_that_no_host_states_is_not_invented() -> None:
    """Without a price for cached input or batches the full price holds, and both are said."""
    cost = api_cost(row(), RequestShape(1000, 200, cached_share=HALF, batch_share=HALF))
    assert cost.usd_per_request == Decimal("0.006")
    assert [note.partition(":")[0] for note in cost.notes] == ["no price of cached input is known", "no price of batches is known"]


@given(
    st.sampled_from(catalog.api_prices()),
    st.integers(1, 400_000),
    st.integers(1, 20_000),
    st.decimals(0, 1, places=2),
    st.decimals(0, 1, places=2),
)
def test_discounts_never_cost(price: ApiPrice, isl: int, osl: int, cached: Decimal, batch: Decimal) -> None:
    """On no shipped row does a prompt cache or a batch make a request dearer."""
    full = api_cost(price, RequestShape(isl, osl)).usd_per_request
    assert 0 < api_cost(price, RequestShape(isl, osl, cached, batch)).usd_per_request <= full
