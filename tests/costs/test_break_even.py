"""Where owned or rented machines cost what an API asks, against figures that were worked out by hand and against published claims."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.catalog.apis import ApiPrice, TokenRates
from inferstack.costs import HOURS_PER_MONTH
from inferstack.costs.api import RequestShape, api_cost
from inferstack.costs.breakeven import break_even
from inferstack.sizing.types import WORDS_TO_TOKENS


@pytest.mark.parametrize(
    ("machine_usd_per_hour", "api_usd", "tokens_billion"),
    [
        ("10.49264", "0.72", "10.64"),
        ("10.49264", "4.375", "1.75"),
        ("6.88", "0.72", "6.98"),
        ("6.88", "4.375", "1.15"),
        ("0.8048", "0.10", "5.88"),
    ],
    ids=["4xL40S-llama-api", "4xL40S-gpt-4o", "H100-llama-api", "H100-gpt-4o", "L4-8b-api"],
)
def test_machines_against_apis(machine_usd_per_hour: str, api_usd: str, tokens_billion: str) -> None:
    """A machine that runs a month of 730 h costs what an API asks for so many billion tokens."""
    found = break_even(Decimal(machine_usd_per_hour) * HOURS_PER_MONTH, Decimal(api_usd))
    assert (found.tokens_per_month / 10**9).quantize(Decimal("0.01")) == Decimal(tokens_billion)


def test_a_break_even_says_how_busy_the_machine_must_be() -> None:
    """1.75 billion tokens a month are 666 a second around the clock: a machine that does 1,332 must be half used."""
    found = break_even(Decimal("7659.63"), Decimal("4.375"))
    assert round(found.tokens_per_second) == 666
    assert found.utilisation(Decimal(1332)).quantize(Decimal("0.01")) == Decimal("0.50")
    assert round(found.requests_per_day(1000)) == 57_560
    assert round(found.daily_users(10_000)) == 5_756


@given(st.decimals("0.01", 10**6, places=2), st.decimals("0.01", 1000, places=2))
def test_at_the_break_even_both_bills_are_the_same(machines: Decimal, api: Decimal) -> None:
    """What the API asks for the tokens of the break-even is what the machines cost."""
    assert abs(break_even(machines, api).tokens_per_month * api / 10**6 - machines) < Decimal("0.000001")


class TestPublishedClaims:
    """Arithmetic of published guides: what holds, to the cent, and what does not."""

    GPT_4O_CLASS = ApiPrice("acme", "m", "m", False, TokenRates(Decimal("1.25"), Decimal(10)), "a published guide", "2025-08-07")

    def test_words_become_tokens(self) -> None:
        """22.2 million words a day are 28.86 million tokens a day at 1.3 tokens per word."""
        assert Decimal("22.2") * Decimal(str(WORDS_TO_TOKENS)) == Decimal("28.86")

    @pytest.mark.parametrize(
        ("users", "tokens_a_day", "output_share", "published_usd"),
        [
            (1_000, 10_000, "0.5", "1687.50"),
            (1_000_000, 10_000, "0.5", "1687500.00"),
            (10_000_000, 10_000, "0.5", "16875000.00"),
            (1_000, 125_000, "0.737142857", "28875.00"),
            (1_000_000, 125_000, "0.737142857", "28875000.00"),
        ],
    )
    def test_api_bills_by_daily_users(self, users: int, tokens_a_day: int, output_share: str, published_usd: str) -> None:
        """The API columns hold for 30 days at $1.25 in and $10 out; the two user types imply different output shares, 0.50 and 0.737."""
        osl = round(tokens_a_day * Decimal(output_share))
        usd = api_cost(self.GPT_4O_CLASS, RequestShape(tokens_a_day - osl, osl)).usd_per_request * users * 30
        assert abs(usd / Decimal(published_usd) - 1) < Decimal("0.0001")

    @pytest.mark.parametrize(
        ("gpus", "published_usd", "right_usd"),
        [(2, 6_514, "6513.60"), (1_737, 5_655_544, "5657061.60"), (17_362, 56_499_000, "56544561.60")],
    )
    def test_self_hosted_bills_by_daily_users(self, gpus: int, published_usd: int, right_usd: str) -> None:
        """At one price per GPU, $2,832 a month and 15 % on top, two of the three published bills drift below what they must be."""
        usd = gpus * Decimal(2832) * Decimal("1.15")
        assert usd == Decimal(right_usd)
        assert (abs(usd - published_usd) < 1) == (gpus == 2)

    def test_no_scale_makes_slow_gpus_competitive(self) -> None:
        """At 200 tokens a second for eight hours a GPU makes a token for 3.35 times what the API asks, at one user or ten million."""
        per_gpu_tokens = Decimal(200) * 8 * 3600 * 30
        self_hosted = Decimal(2832) * Decimal("1.15") / per_gpu_tokens * 10**6
        api = api_cost(self.GPT_4O_CLASS, RequestShape(5_000, 5_000)).usd_per_million_tokens
        assert self_hosted.quantize(Decimal("0.01")) == Decimal("18.85")
        assert api == Decimal("5.625")
        assert round(200 * self_hosted / api) == 670

    def test_published_break_evens_are_too_low(self) -> None:
        """Two A100-80 pay against a Llama API above 7 billion tokens a month and against GPT-4o above 1.1 billion, not at 50 million."""
        machines = Decimal("3.43088") * 2 * HOURS_PER_MONTH
        billions = [(break_even(machines, Decimal(api)).tokens_per_month / 10**9).quantize(Decimal("0.1")) for api in ("0.72", "4.375")]
        assert billions == [Decimal("7.0"), Decimal("1.1")]
