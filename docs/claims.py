"""A published table of self-hosting against an API by daily users, redone by the planner: what docs/api-or-self-host.md shows of it."""

from __future__ import annotations

import re
from decimal import Decimal

from inferstack import catalog, planning, stackfile
from inferstack.catalog import ApiPrice
from inferstack.costs import money
from inferstack.costs.api import RequestShape, api_cost

MODEL = "meta-llama/Llama-3.3-70B-Instruct"
TOKENS_PER_USER = 10_000
REQUEST = RequestShape(500, 500)
"""Half of the tokens are output: the share that the published API bills imply."""
HOURS = 8
PUBLISHED = ((1_000, 2, 6_514, 1_688), (1_000_000, 1_737, 5_655_544, 1_687_500), (10_000_000, 17_362, 56_499_000, 16_875_000))
"""Daily users, and what is claimed for them: GPUs, $ a month on them, $ a month at an API."""
DAYS_PER_MONTH = Decimal(730) / 24
BLOCK = re.compile(r"(?<=<!-- claims -->\n).*?(?=<!-- end of claims -->)", re.DOTALL)
COLUMNS = (
    "daily users",
    "claimed: GPUs, $/month",
    "planned: GPUs at most",
    "$/month expected – at most",
    "claimed: API",
    "gpt-5",
    "same model",
)


def page(text: str) -> str:
    """`text` of the page with the table of today in it."""
    return BLOCK.sub(lambda _: table(), text)


def table() -> str:
    rows = [COLUMNS, tuple("---:" for _ in COLUMNS), *(_row(*claim) for claim in PUBLISHED)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _row(users: int, gpus: int, self_hosted: int, api: int) -> tuple[str, ...]:
    plan = planning.plan(_stack(users))
    service, usd = plan.services[0], plan.costs.monthly_usd
    return (
        f"{users:,}",
        f"{gpus:,}, ${self_hosted:,}",
        f"{service.replicas.max * service.gpus_per_replica:,} x {service.gpu}",
        f"{_whole(usd.expected)} – {_whole(usd.max)}",
        f"${api:,}",
        *(_whole(_monthly(row, users)) for row in (_gpt_5(), _cheapest())),
    )


def _stack(users: int) -> stackfile.StackFile:
    traffic = {"dailyUsers": users, "tokensPerUser": TOKENS_PER_USER, "isl": REQUEST.isl, "osl": REQUEST.osl, "activeHours": HOURS}
    slo = {"ttftP95Ms": 2000, "tpotP95Ms": 60}
    config = {
        "inferstack:target": {"cloud": "eks", "region": "us-east-1"},
        "inferstack:services": [{"name": "chat", "model": MODEL, "traffic": traffic, "slo": slo}],
    }
    return stackfile.read(config, stack="claims", source="claims")


def _gpt_5() -> ApiPrice:
    return next(row for row in catalog.api_prices() if row.model == "gpt-5")


def _cheapest() -> ApiPrice:
    hosts = (row for row in catalog.api_prices() if row.model == MODEL)
    return min(hosts, key=lambda row: api_cost(row, REQUEST).usd_per_million_tokens)


def _monthly(row: ApiPrice, users: int) -> Decimal:
    return api_cost(row, REQUEST).usd_per_million_tokens * users * TOKENS_PER_USER * DAYS_PER_MONTH / 1_000_000


def _whole(usd: Decimal) -> str:
    return money(usd.quantize(Decimal(1))).removesuffix(".00")
