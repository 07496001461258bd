"""What the plan of a service must say beside its figures: what is at risk, what is not known, and what would be cheaper alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..catalog.types import CapacityType
from ..costs import money
from ..engines.spec import EngineSpec
from ..errors import join_names
from ..sizing.types import Estimate, Performance
from . import additions, batch
from .fabric import between_machines
from .placement import Placement
from .quality import coarse_text, keeps_quality
from .requirement import Requirement
from .search import Outcome
from .site import Site
from .types import ServicePlan

GIB = 2**30
SLOWEST_SHARE = 0.05
"""Part of the requests that a 95th percentile leaves out."""


def warnings(requirement: Requirement, outcome: Outcome, placement: Placement, made: ServicePlan, site: Site) -> Iterator[str]:
    """The warnings of `made`, which is planned on `placement`, as sentences."""
    yield from batch.warnings(requirement, placement.sized)
    yield from _at_risk(requirement, placement, made.replica.performance, made.cold_start_seconds)
    yield from additions.warnings(requirement.service, requirement.beside.physics)
    yield from requirement.overrides.warnings
    yield from _asleep(requirement, placement, made.cold_start_seconds)
    yield from between_machines(requirement, placement, made.fabric, site)
    yield from _on_cpu(requirement, placement, site)
    yield from _cut_off(requirement, made.timeout_seconds, site)
    yield from _led(made.spec, requirement.service.server, site)
    yield from _dearer(requirement, outcome, placement)


def keeps_p95_asleep(requirement: Requirement, placement: Placement) -> bool:
    """False where more requests wait for a cold start than a target at the 95th percentile leaves out."""
    return requirement.slo.ttft_p95_ms is None or placement.sleep is None or placement.sleep.waiting_share <= SLOWEST_SHARE


def _at_risk(requirement: Requirement, placement: Placement, performance: Performance, cold_start_seconds: Estimate) -> tuple[str, ...]:
    """What the engine remarks, what the SLO leaves open, and what may go wrong with the machines."""
    assert placement.sized.replica is not None
    found = list(placement.sized.engine.notes(placement.sized.replica.shape))
    slo = requirement.slo
    if slo.ttft_p95_ms is None and slo.tpot_p95_ms is None:
        found.append("no SLO is stated: replicas are filled to their throughput, whatever the latency")
    first = "TTFT" if requirement.workload.osl else "latency"
    for name, target, estimate in ((first, slo.ttft_p95_ms, performance.ttft_p95_ms), ("TPOT", slo.tpot_p95_ms, performance.tpot_p95_ms)):
        if target is not None and estimate.high > target >= estimate.expected:
            found.append(
                f"{name} p95 is expected at {estimate.expected:,.0f} ms, its band reaches {estimate.high:,.0f} ms, above {target:,.0f} ms"
            )
    found += _late(requirement, cold_start_seconds)
    if requirement.capacity is CapacityType.SPOT and placement.replicas.min == 1:
        when = "" if placement.replicas.max == 1 else ", as at low load"
        found.append(f"one replica on spot{when}: an interruption takes the service away for a cold start")
    engine = placement.sized.engine
    if engine.traits.open_api:
        found.append(f"{engine.name} asks nobody for a key: a network policy lets in pods of its own namespace only")
    release = engine.release
    if (image := requirement.overrides.image) not in (None, release.image):
        found.append(f"{image} is taken for {release.engine} {release.version}: what it holds and how large it is are not known here")
    if requirement.commitment is not None and not placement.nodes.min:
        found.append(f"commitment {requirement.commitment} buys nothing: no machine always stands")
    schedule = requirement.service.schedule
    if schedule is not None and schedule.outside_replicas == 0:
        window = f"{', '.join(schedule.days)} {schedule.start} to {schedule.end} {schedule.timezone}"
        found.append(f"outside {window} no replica runs: requests fail, and the first minutes after the window opens are a cold start")
    together = math.ceil(placement.replicas.max / max(1, int(placement.nodes.max)))
    if 0 < requirement.spare < together:
        found.append(
            f"a lost node takes {together} replicas with it, and {requirement.spare} spare: `spareReplicas: {together}` outlasts that"
        )
    if requirement.calibration is not None and placement.sized.replica.shape.measured is None:
        others = join_names([setup.words for setup in requirement.calibration.measured], "and")
        found.append(f"{requirement.service.calibration} measured {others}, not what is planned: the bands are those without it")
    checkpoint = placement.sized.checkpoint
    if requirement.quantization is None and not keeps_quality(requirement, checkpoint):
        found.append(f"{checkpoint.quantization} {coarse_text(checkpoint.quantization)}")
    return tuple(found)


def _late(requirement: Requirement, seconds: Estimate) -> Iterator[str]:
    """What the band of the cold start says of its target."""
    target = requirement.service.slo.cold_start_seconds
    if target is not None and seconds.high > target:
        yield f"a cold start is expected at {seconds.expected:,.0f} s, its band reaches {seconds.high:,.0f} s, above {target:,.0f} s"


def _asleep(requirement: Requirement, placement: Placement, seconds: Estimate) -> tuple[str, ...]:
    """What going to zero does to who asks."""
    if placement.sleep is None:
        return ()
    share = placement.sleep.waiting_share
    part = "fewer than 0.1 %" if share < 0.001 else f"{share:.1%}".replace("%", " %")
    kept = "" if requirement.slo.ttft_p95_ms is None else " within" if keeps_p95_asleep(requirement, placement) else " past"
    slo = f",{kept} what TTFT p95 leaves out" if kept else ""
    return (
        f"{part} of the requests find no replica and wait for a cold start of {seconds.expected / 60:.0f} minutes (up to "
        f"{seconds.high / 60:.0f}){slo}: callers must wait that long",
    )


def _on_cpu(requirement: Requirement, placement: Placement, site: Site) -> tuple[str, ...]:
    """A region without GPUs leaves CPUs, which nobody may have meant."""
    if (
        requirement.gpu is not None
        or requirement.machine is not None
        or placement.machine.accelerator
        or placement.machine.count is not None
    ):
        return ()
    return (f"no GPU is known to be sold in {site.region}: planned on CPU; say `gpu: cpu` if that is meant, or take another region",)


def _cut_off(requirement: Requirement, longest: int, site: Site) -> tuple[str, ...]:
    """A load balancer cuts connections that are silent for too long; a response that is not streamed is silent until it is whole."""
    balancer = site.cloud.internal_balancer()
    if balancer is None or requirement.service.endpoint != "internal" or longest <= balancer.idle_seconds:
        return ()
    return (f"the load balancer cuts silent connections after {balancer.idle_seconds} s: stream responses that may take longer",)


def _led(spec: EngineSpec, server: str | None, site: Site) -> tuple[str, ...]:
    """The head of a Ray cluster is planned onto system nodes; a cluster that is there already must have room for it elsewhere."""
    if spec.served is None or site.cloud.system_pool(site.target) is not None:
        return ()
    head = spec.served.head
    amounts = f"{head.cpu_millicores / 1000:g} CPU and {head.memory_bytes / GIB:g} GiB"
    cluster = "the Ray cluster" if server is None else f"the Ray cluster {server}"
    return (f"the head of {cluster} takes {amounts} on a node that no replica fills: keep one, it is not counted here",)


def _dearer(requirement: Requirement, outcome: Outcome, placement: Placement) -> tuple[str, ...]:
    """One machine type for several services suits none of them as well as its own."""
    if outcome.alone is None or placement.monthly_usd is None:
        return ()
    own = outcome.alone if requirement.service.schedule is not None else outcome.alone.standing
    if own.monthly_usd is None or own.monthly_usd.expected >= placement.monthly_usd.expected:
        return ()
    part, alone = money(placement.monthly_usd.expected), money(own.monthly_usd.expected)
    machines = f"{own.nodes.max} x {own.machine.name}"
    return (f"its part of the pods of {requirement.service.server} costs {part} a month; on {machines} of its own it would be {alone}",)
