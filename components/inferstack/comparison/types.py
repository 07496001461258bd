"""The nouns of the comparison. Money is USD as Decimal, a month 730 hours, tokens are input and output together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..catalog.apis import ApiPrice
from ..catalog.types import EMBEDDING, LLM
from ..costs.api import ApiCost, RequestShape
from ..sizing.types import Slo

SAME = "same"
COMPARABLE = "comparable"
CLOSED = "closed"
KINDS = (SAME, COMPARABLE, CLOSED)
"""Whose model an API offers: these weights, open ones of about this size, or a provider's own."""
REFERENCES = {LLM: "gpt-4o", EMBEDDING: "text-embedding-3-small"}
"""By kind of model: the closed one that most published comparisons are with."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What only the user knows of the traffic."""

    cached_share: Decimal = Decimal(0)
    """Part of the input tokens that a prompt cache of the API answers."""
    batch_share: Decimal = Decimal(0)
    """Part of the requests that may wait for a batch."""
    tokens_per_user: Decimal | None = None
    """Tokens that one user uses a day; None: what the stack file says, else `USUAL_TOKENS_PER_USER`."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the service costs on machines of its own at one load, planned anew for it."""

    daily_users: float
    requests_per_day: float
    tokens_per_day: float
    monthly_usd: Decimal | None
    """None where no plan stands, or its machines have no known price."""
    machine_type: str | None = None
    gpu: str | None = None
    gpus_per_replica: int | None = None
    replicas: int | None = None
    """At the top of the autoscaling range."""
    utilisation: float | None = None
    """Mean load over what the running replicas could carry within the SLO."""
    problem: str | None = None
    """Why no plan stands."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One API for the service's requests, and from which load on machines of one's own cost less."""

    kind: str
    price: ApiPrice
    cost: ApiCost
    monthly_usd: Decimal
    """At the load of the stack file."""
    pays_from: Load | None
    """Smallest load at which self-hosting is not dearer; None where there is none up to the end of the curve."""
    pays_always_from: Load | None
    """The load from which it stays so, replicas stepping, up to the end of the curve."""
    present_tokens_per_day: Decimal | None
    """Where today's machines, unchanged, would cost what the API asks."""
    present_utilisation: Decimal | None
    """Part of their capacity within the SLO, around the clock, that this takes: above 1 they never pay."""


@dataclass(frozen=True, slots=True)
class ServiceComparison:
    """One service."""

    service: str
    model: str
    kind: str
    """`Model.kind`."""
    request: RequestShape
    slo: Slo
    tokens_per_user: Decimal
    own: Load
    """At the load of the stack file, as planned."""
    own_usd_per_million_tokens: Decimal | None
    offers: tuple[Offer, ...]
    """By kind, cheapest first. Empty where data may not leave."""
    curve: tuple[Load, ...]
    verdict: tuple[str, ...]
    limits: tuple[str, ...]
    """What the comparison does not know, in sentences."""


@dataclass(frozen=True, slots=True)
class StackComparison:
    """All services of a stack."""

    stack: str
    data_may_leave: bool
    assumptions: Assumptions
    services: tuple[ServiceComparison, ...]
