"""Published claims put to the model: those that hold, to the cent, and those that do not, with what is right. docs/costs.md lists them."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType
from inferstack.costs import money
from inferstack.sizing.types import WORDS_TO_TOKENS

GPU_MONTH = Decimal(2832)
"""A month of one GPU in the table of daily users, and 15 % on top."""
OVERHEAD = Decimal("1.15")
WINDOW_SECONDS = 8 * 3600
TOKENS_PER_SECOND_AND_GPU = 200


def monthly(gpus: int, usd: Decimal = GPU_MONTH) -> Decimal:
    return gpus * usd * OVERHEAD


def tokens_per_second(users: int) -> float:
    return users * 10_000 / WINDOW_SECONDS


def api_usd(users: int, tokens_per_user: int, output_share: Decimal) -> Decimal:
    """A month of 30 days on an API of $1.25 in and $10 out."""
    tokens = Decimal(users) * tokens_per_user * 30 / 1_000_000
    return tokens * ((1 - output_share) * Decimal("1.25") + output_share * 10)


def test_words_a_day_as_tokens() -> None:
    """22.2 million words are 28.86 million tokens."""
    assert pytest.approx(28.86) == 22.2 * WORDS_TO_TOKENS


def test_hardware_and_memory_of_a_70b_model() -> None:
    """8 x $25,000, 320 KiB of KV cache per token, 40 GiB for 32 x 4,096 tokens (as GB), 168 GB with a fifth on top, 19.3 times."""
    assert money(8 * Decimal(25_000)) == "$200,000.00"
    kv = catalog.model("meta-llama/Llama-3.3-70B-Instruct").kv.elements_full * 2
    assert kv == 327_680 == 320 * 1024
    assert kv * 32 * 4096 / 2**30 == 40.0
    assert kv * 32 * 4096 / 1e9 == pytest.approx(42.95, abs=0.005)
    assert pytest.approx(168) == 70 * 2 * 1.2
    assert pytest.approx(19.3, abs=0.05) == 793 / 41


@pytest.mark.parametrize(("users", "tps", "gpus"), [(1_000, 347, 2), (1_000_000, 347_222, 1_737), (10_000_000, 3_472_222, 17_362)])
def test_the_gpus_of_the_table_of_daily_users(users: int, tps: int, gpus: int) -> None:
    """10,000 tokens per user over 8 hours, 200 tokens per second and GPU: published as a peak, it is the mean of the window."""
    assert int(tokens_per_second(users)) == tps
    assert math.ceil(tokens_per_second(users) / TOKENS_PER_SECOND_AND_GPU) == gpus


@pytest.mark.parametrize(
    ("gpus", "published", "right"),
    [(2, "$6,513.60", "$6,513.60"), (1_737, "$5,655,544.00", "$5,657,061.60"), (17_362, "$56,499,000.00", "$56,544,561.60")],
)
def test_the_cost_column_holds_in_its_first_row_only(gpus: int, published: str, right: str) -> None:
    """The monthly price of a GPU drifts from row to row as published; at one price the larger rows cost more."""
    assert money(monthly(gpus)) == right
    assert (published == right) is (gpus == 2)


@pytest.mark.parametrize(
    ("tokens_per_user", "share", "usd"), [(10_000, "0.5", "$1,687.50"), (125_000, "0.73714285714285714286", "$28,875.00")]
)
def test_api_prices_need_an_output_share_that_is_not_stated(tokens_per_user: int, share: str, usd: str) -> None:
    """The rows of one table hold for two different output shares."""
    assert money(api_usd(1_000, tokens_per_user, Decimal(share))) == usd


def test_self_hosting_never_pays_by_the_numbers_of_the_table() -> None:
    """$18.85 per million tokens at every scale against $5.63: each GPU would have to serve 670 tokens per second, not 200."""
    tokens = Decimal(1_000_000) * 10_000 * 30 / 1_000_000
    own, api = monthly(1_737) / tokens, api_usd(1_000_000, 10_000, Decimal("0.5")) / tokens
    assert own == pytest.approx(Decimal("18.857"), abs=Decimal("0.01"))
    assert api == pytest.approx(Decimal("5.625"))
    assert own / api * TOKENS_PER_SECOND_AND_GPU == pytest.approx(670, abs=1)


@pytest.mark.parametrize(
    ("machine", "gpus", "published", "listed"),
    [("p5.4xlarge", 1, "3.93", "6.88"), ("p4d.24xlarge", 8, "3.00", "2.74"), ("p4de.24xlarge", 8, "3.00", "3.43")],
)
def test_prices_of_gpus_have_changed(machine: str, gpus: int, published: str, listed: str) -> None:
    """What guides print per GPU and hour on AWS is not the list price of today."""
    offering = catalog.machine("eks", machine).offering("us-east-1", CapacityType.ON_DEMAND)
    assert offering is not None
    assert offering.usd_per_hour is not None
    each = round(offering.usd_per_hour / gpus, 2)
    assert each == Decimal(listed) != Decimal(published)


def test_a_dearer_request_at_a_higher_rate_is_no_linear_price() -> None:
    """$100 a month for 1,000 requests a day makes $200 for 2,000; $2,000 is published."""
    assert Decimal(100) / 1_000 * 2_000 == 200


def test_thirteen_dollars_per_million_is_not_cheap() -> None:
    """$0.013 per 1,000 tokens, 40 to 200 times cheaper than an API, makes the API $520 to $2,600 per million: none is."""
    own = Decimal("0.013") * 1_000
    assert (own * 40, own * 200) == (520, 2600)
    assert max(price.rates.output_usd for price in catalog.api_prices()) < own * 40
