"""Published claims about self-hosting, each put to this model: what docs/costs.md lists and what the tests hold.

A claim holds where `ours` gives the published figure; where it does not, the finding says what is right, from the same figures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from inferstack import catalog, planning, stackfile
from inferstack.catalog import CapacityType
from inferstack.costs import HOURS_PER_MONTH, money
from inferstack.costs.breakeven import break_even
from inferstack.errors import InputError
from inferstack.sizing.types import WORDS_TO_TOKENS

BLOCK = re.compile(r"(?<=<!-- published -->\n).*?(?=<!-- end of published -->)", re.DOTALL)
MILLION = Decimal(1_000_000)
LLAMA_70B = "meta-llama/Llama-3.3-70B-Instruct"
GPU_MONTH, OVERHEAD = Decimal(2832), Decimal("1.15")
"""A month of one GPU in the table of daily users, and what the table adds to it."""
WINDOW_SECONDS, SPEED = 8 * 3600, 200
"""Hours in which its users come, and tokens per second that a GPU is taken to make."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One published figure."""

    text: str
    holds: bool
    published: str
    """The figure as printed, or as it follows from what is printed."""
    ours: Callable[[], str]
    """The same figure from this model, written alike."""
    finding: Callable[[], str]


def page(text: str) -> str:
    """`text` of the page with the findings of today in it."""
    return BLOCK.sub(lambda _: table(), text)


def table() -> str:
    rows = ["| claim | holds | finding |", "|---|---|---|"]
    rows += [f"| {claim.text} | {'yes' if claim.holds else '**no**'} | {claim.finding()} |" for claim in CLAIMS]
    return "\n".join(rows) + "\n"


def hourly(machine: str, gpus: int = 1) -> Decimal:
    """List price of one GPU of an AWS machine type in us-east-1, USD an hour."""
    offering = catalog.machine("eks", machine).offering("us-east-1", CapacityType.ON_DEMAND)
    assert offering is not None
    assert offering.usd_per_hour is not None
    return offering.usd_per_hour / gpus


def billions(usd_per_hour: Decimal, api_usd: str) -> str:
    """Tokens a month, in billions, at which a machine costs what an API asks."""
    tokens = break_even(usd_per_hour * HOURS_PER_MONTH, Decimal(api_usd)).tokens_per_month / 10**9
    return f"{tokens:.1f} billion"


def gguf_gb(billion_parameters: int) -> str:
    """Size of weights at the 4.85 bits per weight of a published Q4_K_M file."""
    return f"{billion_parameters * Decimal('4.85') / 8:.1f} GB"


def per_million(usd_per_hour: Decimal, tokens_per_second: int) -> Decimal:
    return usd_per_hour / (tokens_per_second * 3600) * MILLION


def api_month(users: int, tokens_per_user: int, output_share: str) -> Decimal:
    """30 days on an API of $1.25 in and $10 out per million."""
    share = Decimal(output_share)
    return Decimal(users) * tokens_per_user * 30 / MILLION * ((1 - share) * Decimal("1.25") + share * 10)


def table_gpus(users: int) -> int:
    return math.ceil(users * 10_000 / WINDOW_SECONDS / SPEED)


def own_month(users: int) -> Decimal:
    return table_gpus(users) * GPU_MONTH * OVERHEAD


def fits(gpu: str, count: int, quantization: str, context: int = 4096) -> str:
    """Whether the planner puts a 70B model there: `fits` or `refused`."""
    service = {
        "name": "chat", "model": LLAMA_70B, "gpu": gpu, "tensorParallel": count, "pipelineParallel": 1, "quantization": quantization,
        "context": context, "traffic": {"requestsPerSecond": 0.1, "isl": 500, "osl": 200},
    }  # fmt: skip
    config = {"inferstack:target": {"cloud": "eks", "region": "us-east-1"}, "inferstack:services": [service]}
    try:
        planning.plan(stackfile.read(config, stack="claims", source="claims"))
    except InputError:
        return "refused"
    return "fits"


def kv_bytes() -> int:
    return round(catalog.model(LLAMA_70B).kv.elements_full * 2)


def _needed_speed() -> Decimal:
    tokens = Decimal(1_000_000) * 10_000 * 30 / MILLION
    return own_month(1_000_000) / tokens / (api_month(1_000_000, 10_000, "0.5") / tokens) * SPEED


CLAIMS = (
    Claim(
        "8 GPUs x $3 an hour: $17,280 a month",
        True,
        "$17,280.00",
        lambda: money(Decimal(8 * 3 * 720)),
        lambda: f"for 720 h; {money(Decimal(8 * 3) * HOURS_PER_MONTH)} for {HOURS_PER_MONTH} h",
    ),
    Claim("8 x $25,000 of hardware: $200,000", True, "$200,000.00", lambda: money(Decimal(8 * 25_000)), lambda: "as printed"),
    Claim(
        "22.2 million words a day: 28.86 million tokens",
        True,
        "28.86",
        lambda: f"{22.2 * WORDS_TO_TOKENS:.2f}",
        lambda: f"at {WORDS_TO_TOKENS} tokens per word",
    ),
    Claim(
        "KV cache of a 70B model: 320 KiB per token",
        True,
        "320 KiB",
        lambda: f"{kv_bytes() / 1024:.0f} KiB",
        lambda: f"2 x 80 layers x 8 heads x 128 x 2 bytes = {kv_bytes():,} bytes",
    ),
    Claim(
        "32 requests x 4,096 tokens: 40 GB of KV cache",
        False,
        "40.0 GB",
        lambda: f"{kv_bytes() * 32 * 4096 / 1e9:.1f} GB",
        lambda: f"{kv_bytes() * 32 * 4096 / 1e9:.1f} GB, which are {kv_bytes() * 32 * 4096 / 2**30:.1f} GiB",
    ),
    Claim("70B x 2 bytes x 1.2 = 168 GB", True, "168 GB", lambda: f"{70 * 2 * 1.2:.0f} GB", lambda: "as printed"),
    Claim("793 against 41 tokens per second: 19.3 times", True, "19.3", lambda: f"{793 / 41:.1f}", lambda: "as printed"),
    Claim(
        "1,000 users x 10,000 tokens a day on an API of $1.25 and $10: $1,687.50 a month",
        True,
        "$1,687.50",
        lambda: money(api_month(1_000, 10_000, "0.5")),
        lambda: "for 30 days with half of the tokens output, which is not said",
    ),
    Claim(
        "1 million and 10 million users: $1,687,500 and $16,875,000",
        True,
        "$1,687,500.00 $16,875,000.00",
        lambda: f"{money(api_month(10**6, 10_000, '0.5'))} {money(api_month(10**7, 10_000, '0.5'))}",
        lambda: "for the same share",
    ),
    Claim(
        "125,000 tokens a user and day: $28,875 a month",
        True,
        "$28,875.00",
        lambda: money(api_month(1_000, 125_000, "0.73714285714285714286")),
        lambda: "for an output share of 73.7 %, another one",
    ),
    Claim(
        "347, 347,222 and 3,472,222 tokens per second at the peak of 1,000, 1 million and 10 million users",
        False,
        "at the peak",
        lambda: "in the mean",
        lambda: "the mean over a window of 8 h, with no peak in it",
    ),
    Claim(
        "2, 1,737 and 17,362 GPUs at 200 tokens per second each",
        True,
        "2 1737 17362",
        lambda: " ".join(str(table_gpus(users)) for users in (1_000, 10**6, 10**7)),
        lambda: "rounded up",
    ),
    Claim("2 GPUs x $2,832 and 15 % on top: $6,513.60 a month", True, "$6,513.60", lambda: money(own_month(1_000)), lambda: "as printed"),
    Claim(
        "1,737 GPUs: $5,655,544 a month",
        False,
        "$5,655,544.00",
        lambda: money(own_month(10**6)),
        lambda: f"{money(own_month(10**6))} at the same price of a GPU, which drifts from row to row",
    ),
    Claim(
        "17,362 GPUs: $56,499,000 a month",
        False,
        "$56,499,000.00",
        lambda: money(own_month(10**7)),
        lambda: f"{money(own_month(10**7))} at the same price of a GPU",
    ),
    Claim(
        "self-hosting becomes competitive at massive scale (200 tokens per second and GPU)",
        False,
        "200 tokens per second",
        lambda: f"{_needed_speed():.0f} tokens per second",
        lambda: f"not by these numbers at any scale: it takes {_needed_speed():.0f}, {_needed_speed() / SPEED:.2f} times as many",
    ),
    Claim(
        "a 70B model in 16 bit on one 80 GB GPU",
        False,
        "fits",
        lambda: fits("h100-80", 1, "bf16"),
        lambda: "refused: the weights alone are 141 GB",
    ),
    Claim(
        "a 70B model in 16 bit on two 40 GB GPUs", False, "fits", lambda: fits("a100-40", 2, "bf16"), lambda: "refused for the same reason"
    ),
    Claim(
        "a 70B model in 16 bit on two A100-80 with 128k tokens of context",
        False,
        "fits",
        lambda: fits("a100-80", 2, "bf16", 131_072),
        lambda: "refused: 7.3 GiB are left for the KV cache, less than one such request takes",
    ),
    Claim(
        "an H100 on AWS at about $3.93 an hour",
        False,
        "$3.93",
        lambda: money(hourly("p5.4xlarge")),
        lambda: f"{money(hourly('p5.4xlarge'))} on demand since June 2025, $12.29 before",
    ),
    Claim(
        "an A100 on AWS at about $3 an hour",
        False,
        "$3.00",
        lambda: money(hourly("p4d.24xlarge", 8)),
        lambda: (
            f"{money(hourly('p4d.24xlarge', 8))} (40 GB), {money(hourly('p4de.24xlarge', 8))} (80 GB) since June 2025; $4.10, $5.12 before"
        ),
    ),
    Claim(
        "GPT-4o at $0.01 and $0.03 per 1,000 tokens",
        False,
        "$10.00 $30.00",
        lambda: _gpt_4o(),
        lambda: "that is GPT-4 Turbo; GPT-4o asks $2.50 and $10 per million, as another of the same guides says",
    ),
    Claim(
        "1,000 requests a day cost about $100 a month, 2,000 about $2,000",
        False,
        "$2,000.00",
        lambda: money(Decimal(100) * 2),
        lambda: f"linear prices give {money(Decimal(100) * 2)}",
    ),
    Claim(
        "hosting for $17,280 a month pays from 1,000 requests a day on, against $0.88 per million tokens",
        False,
        "from 1,000 requests",
        lambda: f"{_tokens_per_request():,.0f} tokens per request",
        lambda: (
            f"that takes {_tokens_per_request() / 1000:.0f}k tokens per request, {_tokens_per_request() * 30 / 10**6:.1f} billion a month"
        ),
    ),
    Claim(
        "a 70B model pays from 50 to 100 million tokens a month on",
        False,
        "0.1 billion",
        lambda: billions(hourly("p4de.24xlarge", 8) * 2, "4.375"),
        lambda: (
            f"two A100-80 pay from {billions(hourly('p4de.24xlarge', 8) * 2, '0.72')} tokens on against $0.72 per million, from "
            f"{billions(hourly('p4de.24xlarge', 8) * 2, '4.375')} against $4.375"
        ),
    ),
    Claim(
        "an 8B model pays from 10 to 20 million tokens a month on",
        False,
        "0.0 billion",
        lambda: billions(hourly("g6.xlarge"), "0.10"),
        lambda: f"one L4 pays from {billions(hourly('g6.xlarge'), '0.10')} tokens on against $0.10 per million",
    ),
    Claim("Q4_K_M of a 70B model: 40 GB", False, "40.0 GB", lambda: gguf_gb(70), lambda: f"{gguf_gb(70)} at 4.85 bits per weight"),
    Claim("Q4_K_M of a 405B model: 230 GB", False, "230.0 GB", lambda: gguf_gb(405), lambda: f"{gguf_gb(405)} at 4.85 bits per weight"),
    Claim(
        "8,000 tokens per second on four A100-80 for $1.50 (printed as an hour, read as a million tokens)",
        False,
        "$1.50",
        lambda: money(per_million(hourly("p4de.24xlarge", 8) * 4, 8_000)),
        lambda: f"{money(per_million(hourly('p4de.24xlarge', 8) * 4, 8_000))} per million when full; $1.50 means $10.80 per GPU and hour",
    ),
    Claim(
        "15,000 tokens per second on four H100 for $1.50, read alike",
        False,
        "$1.50",
        lambda: money(per_million(hourly("p5.4xlarge") * 4, 15_000)),
        lambda: f"{money(per_million(hourly('p5.4xlarge') * 4, 15_000))} per million when full",
    ),
    Claim(
        "four A100 pay from 1 million tokens a day on, against $30 per million",
        False,
        "1.0 million",
        lambda: f"{_four_a100_per_day():.1f} million",
        lambda: (
            f"from {_four_a100_per_day():.1f} million a day on; "
            f"at 1 million a day they cost {money(hourly('p4de.24xlarge', 8) * 4 * HOURS_PER_MONTH / 30)} per million"
        ),
    ),
    Claim(
        "$0.013 per 1,000 tokens on an H100, 40 to 200 times cheaper than an API",
        False,
        "below the dearest API",
        lambda: "below the dearest API" if max(row.rates.output_usd for row in catalog.api_prices()) >= 520 else "above every API",
        lambda: f"impossible: that is $13 per million, so that the API would ask {money(Decimal(520))} to {money(Decimal(2600))}",
    ),
)


def _four_a100_per_day() -> Decimal:
    return break_even(hourly("p4de.24xlarge", 8) * 4 * HOURS_PER_MONTH, Decimal(30)).tokens_per_day / MILLION


def _gpt_4o() -> str:
    row = next(row for row in catalog.api_prices() if row.model == "gpt-4o")
    return f"{money(row.rates.input_usd)} {money(row.rates.output_usd)}"


def _tokens_per_request() -> Decimal:
    return break_even(Decimal(17_280), Decimal("0.88")).tokens_per_month / (1_000 * 30)
