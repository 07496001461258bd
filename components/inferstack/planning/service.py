"""From the search's outcome to a service plan: latencies at the real load, container, resources, scaling, decisions with reasons."""

from __future__ import annotations

import math
from dataclasses import replace

from .. import catalog, sizing
from ..catalog.types import NVIDIA_RESOURCE, TASKS
from ..engines import overrides
from ..engines.serving import Elasticity, ServingIdentity
from ..engines.spec import EngineSpec, Metrics
from ..engines.weights import HUB
from ..sizing import ColdStart
from ..sizing.types import Performance, Replica
from ..stackfile.schedule import MINUTES_PER_DAY, minutes
from .additions import parser_of, speculation
from .copies import weight_copy
from .fabric import fabric_of, joined
from .placement import Placement, cold_start_of, host_share, scale_down_seconds
from .pools import pool_name, pool_selector
from .reasons import alternatives, decisions
from .replica import Sized, at_load
from .requirement import CPU, Requirement
from .search import Outcome
from .site import Site
from .sources import loading, options
from .succession import succession
from .types import Resources, Scaling, ScheduledWindow, ServicePlan
from .usual import fallen
from .warnings import keeps_p95_asleep, warnings

CPU_TARGET_PERCENT = 70
KV_TARGET = 0.8
"""KV use above which sequences are soon preempted; one more replica is started before."""
QUEUE_SHARE = 0.1
"""Without a TTFT target: waiting requests per replica that start another, as a part of its batch."""
SHORTEST_TIMEOUT = 60
TIMEOUT_MARGIN = 1.2
GIB = 2**30
DRAIN_LIMIT = 3600
"""Nodes wait at most an hour for a pod to leave."""


def plan_requirement(requirement: Requirement, outcome: Outcome, placement: Placement, site: Site) -> ServicePlan:
    """The plan of a service that the search found a placement for."""
    sized = placement.sized
    assert sized.replica is not None, "a feasible placement has a replica"
    shape, memory = sized.replica.shape, sized.replica.memory
    performance = at_load(requirement, shape, memory, requirement.workload.peak_rps / placement.replicas.max)
    replica = Replica(shape, memory, performance)
    cold_start = cold_start_of(sized, placement.machine, site)
    first_start = cold_start_of(sized, placement.machine, site, first=True)
    longest = _longest_response(requirement, performance, outcome.context)
    fabric = fabric_of(requirement, sized, placement.machine, site)
    spec = joined(_spec(requirement, placement, replica, site, first_start, longest), fabric, requirement)
    network = sizing.network_of(shape)
    cpu, ram = host_share(sized, placement.machine, site)
    found = options(requirement, placement, site)
    lost = fallen(requirement, outcome, placement, site)
    made = ServicePlan(
        name=requirement.service.name,
        server=requirement.service.server,
        namespace=site.target.namespace,
        model=requirement.model.id,
        checkpoint_uri=sized.checkpoint.uri,
        quantization=sized.checkpoint.quantization,
        gpu=placement.machine.accelerator if placement.machine.accelerator else CPU,
        machine_type=placement.machine.name,
        pool=pool_name(placement.machine, requirement.capacity, requirement.service.reservation_id, fabric),
        capacity_type=requirement.capacity,
        replica=replica,
        replicas=placement.replicas,
        task=TASKS[requirement.model.kind],
        spare_replicas=requirement.spare,
        workload=requirement.workload,
        slo=requirement.slo,
        meets_slo=performance.meets(requirement.slo) and keeps_p95_asleep(requirement, placement),
        waiting_share=placement.sleep.waiting_share if placement.sleep else 0.0,
        spec=spec,
        resources=Resources(cpu, ram, *_devices(sized)),
        scaling=_scaling(requirement, placement, performance, cold_start, spec.metrics),
        cold_start_seconds=cold_start.seconds,
        cold_start_parts=cold_start.parts,
        rollout=_rollout(placement, site),
        endpoint=requirement.service.endpoint,
        timeout_seconds=longest,
        node_selector=pool_selector(placement.machine, requirement.capacity, requirement.service.reservation_id, site, fabric),
        copy=weight_copy(placement, site, uses_token=_needs_token(requirement, placement)),
        cold_start_target_seconds=requirement.service.slo.cold_start_seconds,
        fabric=fabric,
        network_tpot_ms=None if network is None else network.decode_s(performance.sequences).scaled(1000),
        decisions=(
            *decisions(requirement, outcome, placement, lost),
            *loading(requirement.service, found, requirement.service.slo.cold_start_seconds),
        ),
        sources=found,
        alternatives=alternatives(requirement, outcome, placement),
        warnings=(*succession(requirement, placement, site), *lost.warnings),
        uses_hugging_face_token=_needs_token(requirement, placement),
        endpoint_annotations=_endpoint_annotations(requirement, site),
    )
    return replace(made, warnings=(*made.warnings, *warnings(requirement, outcome, placement, made, site)))


def _endpoint_annotations(requirement: Requirement, site: Site) -> tuple[tuple[str, str], ...]:
    balancer = site.cloud.internal_balancer()
    return balancer.annotations if balancer and requirement.service.endpoint == "internal" else ()


def _longest_response(requirement: Requirement, performance: Performance, context: int) -> int:
    """Seconds that the longest planned response may take: prefill and a context full of output, at the top of the band; half minutes."""
    tokens = max(requirement.workload.osl, context - requirement.workload.isl)
    seconds = (performance.ttft_p95_ms.high + tokens * performance.tpot_p95_ms.high) / 1000
    return max(SHORTEST_TIMEOUT, 30 * math.ceil(seconds * TIMEOUT_MARGIN / 30))


def _spec(requirement: Requirement, placement: Placement, replica: Replica, site: Site, first_start: ColdStart, longest: int) -> EngineSpec:
    """What the container is told; its probes wait for `first_start`, the longest of its starts."""
    cpu, _ = host_share(placement.sized, placement.machine, site)
    made = placement.sized.engine.spec(
        replica,
        ServingIdentity(
            name=requirement.service.name,
            startup_seconds=math.ceil(first_start.container_seconds.high),
            longest_response_seconds=min(longest, DRAIN_LIMIT),
            needs_hugging_face_token=_fetches_with_token(requirement, placement),
            needs_api_key=requirement.service.endpoint != "cluster",
            cpu_millicores=cpu,
            image=requirement.overrides.image,
            elasticity=Elasticity(
                least=placement.replicas.min,
                most=placement.replicas.max,
                requests_each=max(1, math.ceil(replica.performance.sequences)),
                down_seconds=scale_down_seconds(cold_start_of(placement.sized, placement.machine, site)),
            ),
            adapters=requirement.beside.adapters,
            speculation=speculation(placement.sized.engine, requirement.service),
            tool_parser=parser_of(placement.sized.engine, requirement.model, catalog.TOOLS, requirement.service.tool_calls),
            reasoning_parser=parser_of(placement.sized.engine, requirement.model, catalog.REASONING, requirement.service.reasoning),
            tuning=requirement.overrides.tuning,
        ),
    )
    return overrides.apply(made, requirement.overrides)


def _needs_token(requirement: Requirement, placement: Placement) -> bool:
    """True where the hub asks for an accepted licence, and where it may ask and the stack brings a token."""
    checkpoint = placement.sized.checkpoint.published
    if requirement.has_token and _fetches_beside(requirement):
        return True
    if not checkpoint.uri.startswith(HUB):
        return False
    gated = checkpoint.gated
    if gated is None and checkpoint.uri == f"{HUB}{requirement.model.id}":
        # What other people made of the weights has a gate of its own, or none.
        gated = requirement.model.gated
    return requirement.has_token if gated is None else gated


def _fetches_with_token(requirement: Requirement, placement: Placement) -> bool:
    """True where the engine itself may need the token; weights on a volume are fetched by the Job that copies them."""
    if placement.sized.checkpoint.origin is None:
        return _needs_token(requirement, placement)
    return requirement.has_token and _fetches_beside(requirement)


def _fetches_beside(requirement: Requirement) -> bool:
    """True where adapters or a head come from the hub too: whether they ask for a token is not known here."""
    said = requirement.service.speculation
    return any(adapter.uri.startswith(HUB) for adapter in requirement.beside.adapters) or (said is not None and said.method == "eagle3")


def _scaling(requirement: Requirement, placement: Placement, performance: Performance, cold_start: ColdStart, metrics: Metrics) -> Scaling:
    """Thresholds from the plan."""
    down = scale_down_seconds(cold_start)
    if placement.sleep is not None:
        return Scaling(signal="requests", in_flight_per_replica=_in_flight(requirement, placement, performance), scale_down_seconds=down)
    window = _window(requirement, placement)
    floor = placement.replicas.min if window is None else window.replicas
    if floor == placement.replicas.max:
        return Scaling(signal="none" if window is None else "schedule", scale_down_seconds=down, window=window)
    if placement.sized.engine.traits.scales_itself:
        return Scaling(signal="own", scale_down_seconds=down)
    if placement.machine.accelerator is None:
        return Scaling(signal="cpu", cpu_percent=CPU_TARGET_PERCENT, scale_down_seconds=down, window=window)
    return Scaling(
        signal="queue",
        waiting_per_replica=_tolerable_queue(requirement, placement, performance),
        kv_usage_per_replica=KV_TARGET if metrics.kv_usage is not None and requirement.workload.osl else None,
        scale_down_seconds=down,
        window=window,
    )


def _window(requirement: Requirement, placement: Placement) -> ScheduledWindow | None:
    """The schedule of the stack file as KEDA takes it. What lies between the busiest hours and the window keeps the window's replicas."""
    schedule = requirement.service.schedule
    if schedule is None or placement.replicas.min == placement.replicas.max:
        return None
    days = ",".join(dict.fromkeys(schedule.days))
    hour, minute = divmod(minutes(schedule.start), 60)
    last = minutes(schedule.end)
    # Midnight is the first minute of the next day; a cron of this day ends in its last.
    last_hour, last_minute = divmod(min(last, MINUTES_PER_DAY - 1), 60)
    return ScheduledWindow(
        f"{minute} {hour} * * {days}", f"{last_minute} {last_hour} * * {days}", schedule.timezone, placement.levels[-2].replicas
    )


def _in_flight(requirement: Requirement, placement: Placement, performance: Performance) -> int:
    """Requests in flight on one replica at what it serves within the SLO (Little's law), within its batch."""
    assert placement.sized.replica is not None
    output = max(0, requirement.workload.osl - 1)
    seconds = (performance.ttft_p95_ms.expected + output * performance.tpot_p95_ms.expected) / 1000
    most = placement.sized.replica.shape.max_sequences
    return min(most, max(1, math.floor(performance.capacity_rps.expected * seconds)))


def _tolerable_queue(requirement: Requirement, placement: Placement, performance: Performance) -> int:
    """Requests that may wait for one replica: what it serves within the TTFT target, or a tenth of its batch where there is none."""
    assert placement.sized.replica is not None
    if requirement.slo.ttft_p95_ms is None:
        return max(1, round(placement.sized.replica.shape.max_sequences * QUEUE_SHARE))
    return max(1, math.floor(performance.capacity_rps.expected * requirement.slo.ttft_p95_ms / 1000))


def _rollout(placement: Placement, site: Site) -> str:
    """A spare replica first where a node comes for it or has room; otherwise one replica goes before its successor comes."""
    room = int(placement.nodes.max) * placement.replicas_per_node - placement.replicas.max
    return "surge" if room >= 1 or (site.target.scales_nodes and placement.machine.accelerator is None) else "recreate"


def _devices(sized: Sized) -> tuple[int, str]:
    """Accelerators of one pod, and what the cluster calls them."""
    return (sized.device.per_machine, sized.accelerator.resource) if sized.accelerator else (0, NVIDIA_RESOURCE)
