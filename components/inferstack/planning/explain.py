"""Every term of a plan's memory, latency and value for money, with formula, value and source: for people who check it."""

from __future__ import annotations

from dataclasses import dataclass

from ..sizing.latency_terms import latency_terms
from ..sizing.memory_terms import memory_terms
from ..sizing.types import Term
from .types import ServicePlan
from .whatif import Combination


@dataclass(frozen=True, slots=True)
class Explained:
    """The terms of one planned service. Memory is that of one device, latency that of one replica at the planned peak."""

    memory: tuple[Term, ...]
    latency: tuple[Term, ...]
    value: tuple[Term, ...]


def explain(plan: ServicePlan, chosen: Combination) -> Explained:
    """The terms behind `plan`; `chosen` is its row of the what-if table."""
    shape, performance = plan.replica.shape, plan.replica.performance
    batch = max(1.0, performance.sequences)
    return Explained(
        memory=tuple(memory_terms(shape, plan.replica.memory)),
        latency=tuple(latency_terms(shape, plan.workload.isl, plan.workload.osl, batch)),
        value=_value(plan, chosen),
    )


def _value(plan: ServicePlan, chosen: Combination) -> tuple[Term, ...]:
    """Output tokens per second for a dollar an hour; nothing where no price is known."""
    per, cost, output = chosen.tokens_per_second_per_usd_hour, chosen.monthly_usd, plan.replica.performance.output_tps
    if per is None or cost is None:
        return ()
    formula = (
        f"{chosen.replicas} x {output.expected:,.0f} tok/s / ${output.expected * chosen.replicas / per:,.2f} an hour for whole machines"
    )
    return (Term("tok/s per $/h", formula, per, "tok/s per $/h", output.provenance, output.source),)
