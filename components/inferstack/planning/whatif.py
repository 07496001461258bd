"""What if it were another GPU, quantization or parallelism: every combination of a requirement with its cost, its latency and its verdict.

The rows are the search's own candidates, none left out for being dearer. So the chosen placement is one of them, and the cheapest that
the search would choose unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .. import catalog
from ..catalog.types import CapacityType
from ..costs.types import Columns
from ..sizing.types import Performance, Workload
from .candidates import Refused, checkpoints_for, engines_for, placements
from .placement import Placement
from .quality import coarse_text, is_asked_for, keeps_quality
from .reasons import cost_reason
from .replica import at_load
from .requirement import CPU, Requirement
from .search import Outcome
from .silicon import silicon_for
from .site import Site
from .spread import SPREAD_KEYS

MILLION = Decimal(1_000_000)
CHOSEN, WORKS, COARSER, UNSUPPORTED = "chosen", "works", "quality", "unsupported"


@dataclass(frozen=True, slots=True)
class Combination:
    """One engine with weights in one quantization on one number of GPUs per replica, on its best machine type in one region."""

    engine: str
    quantization: str
    bits: float
    """Stored bits per weight."""
    gpu: str
    """`Accelerator.id`, or cpu."""
    gpus_per_replica: int | None
    """None where the engine runs the combination on no number of them."""
    cloud: str
    region: str | None
    capacity_type: CapacityType
    verdict: str
    """chosen; works (fits and keeps the SLO); quality (does both, coarser than is chosen unasked); or what is in the way: slo, replicas,
    nodes, memory, unsupported."""
    reason: str
    machine_type: str | None = None
    """None where the engine refuses the combination."""
    replicas: int = 0
    """At the planned peak; 0 where it does not work."""
    monthly_usd: Columns | None = None
    """Its machines alone, whole nodes; None where it does not work or no price is known."""
    usd_per_million_tokens: Decimal | None = None
    """Input and output together, at the expected load."""
    performance: Performance | None = None
    """At its share of the peak, without load where it misses the SLO; None where it does not fit."""
    latency_ms: float | None = None
    """Whole response: TTFT and a TPOT for each further output token, at p95."""
    tokens_per_second_per_usd_hour: float | None = None
    """Output at capacity for a dollar an hour, whole nodes; input where nothing is generated."""
    pareto: bool = False
    """True where nothing that could be chosen unasked is cheaper and no slower, or faster and no dearer."""

    @property
    def fits(self) -> bool:
        return self.performance is not None

    @property
    def keeps_slo(self) -> bool:
        return self.verdict in (CHOSEN, WORKS, COARSER)


def what_if(requirement: Requirement, outcome: Outcome, site: Site, chosen: Placement) -> tuple[Combination, ...]:
    """The rows for `requirement` at the context of `outcome`, beside what was `chosen` here or elsewhere; see `joined`."""
    silicon = silicon_for(requirement, site)
    best = {_identity(chosen): chosen} if chosen.machine == site.machines.get(chosen.machine.name) else {}
    refused: dict[Combination, None] = {}
    for engine in engines_for(requirement):
        offered = checkpoints_for(requirement, engine)
        for found in placements(requirement, site, engine, offered, silicon, outcome.context):
            if isinstance(found, Refused):
                refused[_refused(requirement, found, site)] = None
                continue
            held = best.setdefault(_identity(found), found)
            if held is not chosen and _is_better(found, held):
                best[_identity(found)] = found
    works = sorted((placement for placement in best.values() if placement.failure is None), key=lambda placement: placement.rank)
    fails = sorted((placement for placement in best.values() if placement.failure), key=lambda placement: placement.distance)
    rows = (combination(requirement, placement, site, chosen) for placement in (*works, *fails))
    return (*rows, *refused)


def joined(tables: Iterable[Sequence[Combination]]) -> tuple[Combination, ...]:
    """Several tables as one, with its front: what works, cheapest first and unpriced last, then what does not, then what engines refuse."""
    rows = [row for table in tables for row in table]
    return mark_pareto(sorted(rows, key=_order))


def _order(row: Combination) -> tuple[bool, bool, bool, Decimal]:
    cost = row.monthly_usd
    return row.verdict == UNSUPPORTED, not row.keeps_slo, cost is None, cost.expected if cost else Decimal(0)


def _identity(placement: Placement) -> tuple[str, str, str, int]:
    sized = placement.sized
    return sized.engine.name, sized.checkpoint.quantization, _gpu(placement), sized.devices


def _gpu(placement: Placement) -> str:
    return placement.machine.accelerator if placement.machine.accelerator else CPU


def _is_better(mine: Placement, theirs: Placement) -> bool:
    if mine.failure and theirs.failure:
        return mine.distance < theirs.distance
    return theirs.failure is not None or (mine.failure is None and mine.rank < theirs.rank)


def combination(requirement: Requirement, placement: Placement, site: Site, chosen: Placement) -> Combination:
    """The row of `placement`, beside what was `chosen`."""
    sized, workload = placement.sized, requirement.workload
    verdict, reason = _verdict(requirement, placement, chosen)
    performance = sized.replica.performance if sized.replica else None
    if sized.replica and placement.failure is None:
        performance = at_load(requirement, sized.replica.shape, sized.replica.memory, workload.peak_rps / placement.replicas.max)
    monthly = placement.monthly_usd if placement.failure is None else None
    tokens = Decimal(workload.input_tokens_per_month + workload.output_tokens_per_month)
    return Combination(
        engine=sized.engine.name,
        quantization=sized.checkpoint.quantization,
        bits=catalog.quantization(sized.checkpoint.quantization).bits,
        gpu=_gpu(placement),
        gpus_per_replica=sized.devices,
        cloud=site.cloud.name,
        region=site.target.region,
        capacity_type=requirement.capacity,
        verdict=verdict,
        reason=reason,
        machine_type=placement.machine.name,
        replicas=placement.replicas.max if placement.failure is None else 0,
        monthly_usd=monthly,
        usd_per_million_tokens=monthly.expected / tokens * MILLION if monthly else None,
        performance=performance,
        latency_ms=None if performance is None else _latency_ms(performance, workload.osl),
        tokens_per_second_per_usd_hour=_per_usd_hour(workload, placement, performance),
    )


def _verdict(requirement: Requirement, placement: Placement, chosen: Placement) -> tuple[str, str]:
    sized = placement.sized
    if placement.failure:
        return placement.failure.criterion, placement.failure.reason
    if placement is chosen:
        return CHOSEN, "cheapest that keeps the SLO"
    if not (is_asked_for(requirement) or keeps_quality(requirement, sized.checkpoint)):
        return COARSER, coarse_text(sized.checkpoint.quantization)
    if sized.engine.name != chosen.sized.engine.name:
        return WORKS, f"{chosen.sized.engine.name} is preferred where it works"
    return WORKS, cost_reason(placement, chosen)


def _latency_ms(performance: Performance, osl: int) -> float:
    return performance.ttft_p95_ms.expected + max(0, osl - 1) * performance.tpot_p95_ms.expected


def _per_usd_hour(workload: Workload, placement: Placement, performance: Performance | None) -> float | None:
    """Output at capacity of all replicas over the price of their whole nodes; input where nothing is generated."""
    price = placement.offering.usd_per_hour if placement.offering else None
    if performance is None or placement.failure or not price:
        return None
    each = performance.output_tps.expected if workload.osl else performance.capacity_rps.expected * workload.isl
    return each * placement.replicas.max / float(placement.nodes.max * price)


def _refused(requirement: Requirement, found: Refused, site: Site) -> Combination:
    spread = found.key in SPREAD_KEYS
    subject = found.silicon.device.count if spread else found.checkpoint.quantization
    return Combination(
        engine=found.engine.name,
        quantization=found.checkpoint.quantization,
        bits=catalog.quantization(found.checkpoint.quantization).bits,
        gpu=found.silicon.accelerator.id if found.silicon.accelerator else CPU,
        gpus_per_replica=found.silicon.device.count if spread else None,
        cloud=site.cloud.name,
        region=site.target.region,
        capacity_type=requirement.capacity,
        verdict=UNSUPPORTED,
        reason=f"{subject} {found.refusal.reason}",
    )


def mark_pareto(rows: Sequence[Combination]) -> tuple[Combination, ...]:
    """`rows` with the front of cost against latency marked: what could be chosen and has a price, less what something beats in one of the
    two and equals or beats in the other. Of equals all are on it.
    """
    front: set[int] = set()
    fastest, price = float("inf"), Decimal(0)
    eligible = [
        (row.monthly_usd.expected, row.latency_ms, index)
        for index, row in enumerate(rows)
        if row.verdict in (CHOSEN, WORKS) and row.monthly_usd and row.latency_ms is not None
    ]
    for usd, latency, index in sorted(eligible):
        if latency < fastest or (latency == fastest and usd == price):
            front.add(index)
            fastest, price = latency, usd
    return tuple(replace(row, pareto=index in front) for index, row in enumerate(rows))
