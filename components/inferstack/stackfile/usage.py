"""How a stack is used in a month, for the lines that are billed by it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .section import Section
from .values import Usd

PerMonth = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Usage(Section):
    """What is billed by use. What is left out is estimated from the traffic where it can be, and otherwise shown with its rate alone."""

    rollouts_per_month: PerMonth | None = None
    """New versions of each service per month: each replica loads its weights anew. Left out: 1, in a band of 0 to 4."""
    egress_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    """Part of the answers that leaves for the internet, through a gateway of your own."""
    log_gb_per_month: PerMonth | None = None
    """Logs that are kept by the cloud, in GB."""
    people_usd_per_month: Usd | None = None
    """What the people who operate it cost. Left out: not counted."""
