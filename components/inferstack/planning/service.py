"""From the search's outcome to a service plan: latencies at the real load, container, resources, scaling, decisions with reasons."""

from __future__ import annotations

import math

from .. import engines, sizing
from ..catalog.types import CapacityType
from ..costs import money
from ..engines.types import EngineSpec, ServingIdentity
from ..sizing.types import Estimate, Performance, Replica
from .placement import Placement, at_load, host_share
from .pools import pool_name, pool_selector
from .requirement import CPU, Requirement, replicas_text
from .search import CONTEXT_HEADROOM, KEEPS_QUALITY_BITS, RUNNERS_UP, Outcome, keeps_quality
from .site import Site
from .types import Alternative, Decision, Resources, Scaling, ServicePlan

CPU_TARGET_PERCENT = 70
KV_TARGET = 0.8
"""KV use above which sequences are soon preempted; one more replica is started before."""
QUEUE_SHARE = 0.1
"""Without a TTFT target: waiting requests per replica that start another, as a part of its batch."""
SCALE_DOWN_OVER_COLD_START = 1.5
SHORTEST_SCALE_DOWN = 300
SHORTEST_TIMEOUT = 60
TIMEOUT_MARGIN = 1.2
DRAIN_LIMIT = 3600
"""Nodes wait at most an hour for a pod to leave."""


def plan_requirement(requirement: Requirement, outcome: Outcome, placement: Placement, site: Site) -> ServicePlan:
    """The plan of a service that the search found a placement for."""
    sized = placement.sized
    assert sized.replica is not None, "a feasible placement has a replica"
    shape, memory = sized.replica.shape, sized.replica.memory
    performance = at_load(requirement, shape, memory, requirement.workload.peak_rps / placement.replicas.max)
    replica = Replica(shape, memory, performance)
    cold_start = _cold_start(placement, site)
    longest = _longest_response(requirement, performance, outcome.context)
    spec = _spec(requirement, placement, replica, site, cold_start, longest)
    cpu, ram = host_share(sized, placement.machine, site)
    return ServicePlan(
        name=requirement.service.name,
        namespace=site.target.namespace,
        model=requirement.model.id,
        checkpoint_uri=sized.checkpoint.uri,
        quantization=sized.checkpoint.quantization,
        gpu=placement.machine.accelerator if placement.machine.accelerator else CPU,
        machine_type=placement.machine.name,
        pool=pool_name(placement.machine, requirement.capacity, requirement.service.reservation_id),
        capacity_type=requirement.capacity,
        replica=replica,
        replicas=placement.replicas,
        workload=requirement.workload,
        slo=requirement.slo,
        meets_slo=performance.meets(requirement.slo),
        spec=spec,
        resources=Resources(cpu_millicores=cpu, memory_bytes=ram, gpus=sized.tensor if placement.machine.accelerator else 0),
        scaling=_scaling(requirement, placement, performance, cold_start),
        cold_start_seconds=cold_start,
        rollout=_rollout(placement, site),
        endpoint=requirement.service.endpoint,
        timeout_seconds=longest,
        node_selector=pool_selector(placement.machine, requirement.capacity, requirement.service.reservation_id, site),
        decisions=_decisions(requirement, outcome, placement),
        alternatives=_alternatives(requirement, outcome, placement),
        warnings=(*_warnings(requirement, placement, performance), *_on_cpu(requirement, placement, site), *_cut_off(requirement, longest, site)),
        uses_hugging_face_token=_needs_token(requirement, placement),
        endpoint_annotations=_endpoint_annotations(requirement, site),
    )


def _endpoint_annotations(requirement: Requirement, site: Site) -> tuple[tuple[str, str], ...]:
    balancer = site.cloud.internal_balancer()
    return balancer.annotations if balancer and requirement.service.endpoint == "internal" else ()


def _cold_start(placement: Placement, site: Site) -> Estimate:
    sized, machine = placement.sized, placement.machine
    assert sized.replica is not None
    shape = sized.replica.shape
    weights = sizing.weight_bytes_per_device(shape) * shape.parallel.devices
    return sizing.cold_start(
        weight_bytes=weights,
        image_gib=sized.engine.release_for(shape.device.kind).image_gib,
        source_kind=sized.checkpoint.uri.partition("://")[0],
        disk_mb_s=machine.disk_mb_s,
        network_gbps=machine.network_gbps,
        provisions_node=site.target.scales_nodes,
    )


def _longest_response(requirement: Requirement, performance: Performance, context: int) -> int:
    """Seconds that the longest planned response may take: prefill and a context full of output, at the top of the band; half minutes."""
    tokens = max(requirement.workload.osl, context - requirement.workload.isl)
    seconds = (performance.ttft_p95_ms.high + tokens * performance.tpot_p95_ms.high) / 1000
    return max(SHORTEST_TIMEOUT, 30 * math.ceil(seconds * TIMEOUT_MARGIN / 30))


def _spec(requirement: Requirement, placement: Placement, replica: Replica, site: Site, cold_start: Estimate, longest: int) -> EngineSpec:
    cpu, _ = host_share(placement.sized, placement.machine, site)
    return placement.sized.engine.spec(
        replica,
        ServingIdentity(
            name=requirement.service.name,
            startup_seconds=math.ceil(cold_start.high),
            longest_response_seconds=min(longest, DRAIN_LIMIT),
            needs_hugging_face_token=_needs_token(requirement, placement),
            needs_api_key=requirement.service.endpoint != "cluster",
            cpu_millicores=cpu,
        ),
    )


def _needs_token(requirement: Requirement, placement: Placement) -> bool:
    """True where the hub asks for an accepted licence, and where it may ask and the stack brings a token."""
    checkpoint = placement.sized.checkpoint
    if not checkpoint.uri.startswith("hf://"):
        return False
    gated = checkpoint.gated if checkpoint.gated is not None else requirement.model.gated
    return requirement.has_token if gated is None else gated


def _scaling(requirement: Requirement, placement: Placement, performance: Performance, cold_start: Estimate) -> Scaling:
    """Thresholds from the plan; down more slowly than a replica comes up, or the load that made it would start it again."""
    down = max(SHORTEST_SCALE_DOWN, 60 * math.ceil(cold_start.high * SCALE_DOWN_OVER_COLD_START / 60))
    if not placement.replicas.scales:
        return Scaling(signal="none", scale_down_seconds=down)
    if placement.machine.accelerator is None:
        return Scaling(signal="cpu", cpu_percent=CPU_TARGET_PERCENT, scale_down_seconds=down)
    return Scaling(
        signal="queue",
        waiting_per_replica=_tolerable_queue(requirement, placement, performance),
        kv_usage_per_replica=KV_TARGET,
        scale_down_seconds=down,
    )


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


def _decisions(requirement: Requirement, outcome: Outcome, placement: Placement) -> tuple[Decision, ...]:
    service, sized, machine = requirement.service, placement.sized, placement.machine
    assert sized.replica is not None
    cheapest = f"cheapest of {outcome.considered} placements considered"

    def decide(key: str, value: object, pinned: object, reason: str) -> Decision:
        return Decision(key, str(value), "pinned in the stack file" if pinned is not None else reason, pinned is not None)

    limit = sized.replica.performance.limited_by
    capacity = sized.replica.performance.capacity_rps.expected
    wish = replicas_text(requirement)
    bounds = "" if wish is None else f"{wish} in the stack file; "
    return (
        decide("engine", f"{sized.engine.name} {sized.engine.release.version}", service.engine, _engine_reason(placement)),
        decide("quantization", sized.checkpoint.quantization, service.quantization, _quantization_reason(requirement, placement)),
        decide("modelUri", sized.checkpoint.uri, service.model_uri, f"known checkpoint ({sized.checkpoint.source})"),
        decide("gpu", machine.accelerator if machine.accelerator else CPU, service.gpu, f"{cheapest} that keeps the SLO"),
        decide("machineType", machine.name, service.machine_type, _machine_reason(placement)),
        decide("tensorParallel", sized.tensor, service.tensor_parallel, "fewest GPUs per replica at that cost"),
        Decision(
            "replicas",
            f"{placement.replicas.min}-{placement.replicas.max}",
            f"{bounds}{requirement.workload.peak_rps:,.2f} requests per second at peak, {capacity:,.2f} per replica, limited by {limit}",
            service.replicas is not None,
        ),
        decide("context", outcome.context, service.context, _context_reason(requirement, outcome)),
        decide("capacityType", requirement.capacity.value, service.capacity_type, "not interrupted; spot only where asked"),
    )


def _engine_reason(placement: Placement) -> str:
    kind = placement.machine.accelerator if placement.machine.accelerator else "CPU"
    first = next(iter(engines.engines().values()))
    if placement.machine.accelerator and placement.sized.engine.name != first.name:
        return f"{first.name} has no placement that works here"
    return f"first of the engines that run this model on {kind}"


def _quantization_reason(requirement: Requirement, placement: Placement) -> str:
    checkpoint = placement.sized.checkpoint
    if checkpoint.quantized_at_load:
        return "the engine quantizes the 16-bit weights while loading them; cheaper than serving them whole"
    if checkpoint.quantization == requirement.model.native_quantization:
        return "the precision that the model was published in"
    if not keeps_quality(requirement, checkpoint):
        return f"nothing of {KEEPS_QUALITY_BITS} bits or more works here"
    return f"cheapest that keeps {KEEPS_QUALITY_BITS} bits or more; at equal cost the whole weights"


def _machine_reason(placement: Placement) -> str:
    count = placement.machine.accelerator_count
    offering = placement.offering
    price = offering.usd_per_hour if offering else None
    cost = "price not known" if price is None else f"{money(price)} an hour"
    return f"{count} x {placement.machine.accelerator}, {cost}" if count else cost


def _context_reason(requirement: Requirement, outcome: Outcome) -> str:
    if outcome.context_shortened:
        return "longest that fits: the wanted one leaves no room for the KV cache"
    if outcome.context == requirement.model.max_context:
        return "the model's own limit"
    return f"{CONTEXT_HEADROOM} times the mean request, as a power of two"


def _warnings(requirement: Requirement, placement: Placement, performance: Performance) -> tuple[str, ...]:
    assert placement.sized.replica is not None
    found = list(placement.sized.engine.notes(placement.sized.replica.shape))
    slo = requirement.slo
    if slo.ttft_p95_ms is None and slo.tpot_p95_ms is None:
        found.append("no SLO is stated: replicas are filled to their throughput, whatever the latency")
    for name, target, estimate in (("TTFT", slo.ttft_p95_ms, performance.ttft_p95_ms), ("TPOT", slo.tpot_p95_ms, performance.tpot_p95_ms)):
        if target is not None and estimate.high > target >= estimate.expected:
            found.append(
                f"{name} p95 is expected at {estimate.expected:,.0f} ms, its band reaches {estimate.high:,.0f} ms, above {target:,.0f} ms"
            )
    if requirement.capacity is CapacityType.SPOT and placement.replicas.min == 1:
        when = "" if placement.replicas.max == 1 else ", as at low load"
        found.append(f"one replica on spot{when}: an interruption takes the service away for a cold start")
    checkpoint = placement.sized.checkpoint
    if requirement.quantization is None and not keeps_quality(requirement, checkpoint):
        found.append(f"{checkpoint.quantization} has fewer than {KEEPS_QUALITY_BITS} bits per weight: how much quality it loses is not known here")
    return tuple(found)


def _on_cpu(requirement: Requirement, placement: Placement, site: Site) -> tuple[str, ...]:
    """A region without GPUs leaves CPUs, which nobody may have meant."""
    if requirement.gpu is not None or requirement.machine is not None or placement.machine.accelerator or placement.machine.count is not None:
        return ()
    return (f"no GPU is known to be sold in {site.region}: planned on CPU; say `gpu: cpu` if that is meant, or take another region",)


def _cut_off(requirement: Requirement, longest: int, site: Site) -> tuple[str, ...]:
    """A load balancer cuts connections that are silent for too long; a response that is not streamed is silent until it is whole."""
    balancer = site.cloud.internal_balancer()
    if balancer is None or requirement.service.endpoint != "internal" or longest <= balancer.idle_seconds:
        return ()
    return (f"the load balancer cuts silent connections after {balancer.idle_seconds} s: stream responses that may take longer",)


def _alternatives(requirement: Requirement, outcome: Outcome, chosen: Placement) -> tuple[Alternative, ...]:
    """The next three that differ in GPU, weights or parallelism: dearer ones that would work, then those that nearly would."""
    seen = {_kind(chosen)}
    found: list[Alternative] = []
    for placement in (*outcome.feasible, *sorted(outcome.rejected, key=lambda rejected: rejected.distance)):
        if len(found) == RUNNERS_UP:
            break
        if _kind(placement) not in seen:
            seen.add(_kind(placement))
            found.append(_alternative(requirement, placement, chosen))
    return tuple(found)


def _kind(placement: Placement) -> tuple[str | None, str, int]:
    return placement.machine.accelerator, placement.sized.checkpoint.quantization, placement.sized.tensor


def _alternative(requirement: Requirement, placement: Placement, chosen: Placement) -> Alternative:
    sized = placement.sized
    performance = sized.replica.performance if sized.replica else None
    if sized.replica and placement.failure is None:
        performance = at_load(
            requirement, sized.replica.shape, sized.replica.memory, requirement.workload.peak_rps / placement.replicas.max
        )
    failed = placement.failure
    priced = placement.monthly_usd if placement.replicas.max else None
    return Alternative(
        engine=sized.engine.name,
        quantization=sized.checkpoint.quantization,
        gpu=placement.machine.accelerator if placement.machine.accelerator else CPU,
        machine_type=placement.machine.name,
        tensor_parallel=sized.tensor,
        replicas=placement.replicas.max,
        monthly_usd=priced,
        ttft_p95_ms=performance.ttft_p95_ms.expected if performance else None,
        tpot_p95_ms=performance.tpot_p95_ms.expected if performance else None,
        criterion=failed.criterion if failed else "cost" if priced else "price-unknown",
        reason=failed.reason if failed else _cost_reason(placement, chosen),
    )


def _cost_reason(placement: Placement, chosen: Placement) -> str:
    mine, theirs = placement.monthly_usd, chosen.monthly_usd
    if mine is None:
        more = placement.nodes.max - chosen.nodes.max
        return "no price is known for it here" if theirs or not more else f"no price is known; it takes {more} more of its nodes"
    if theirs is None:
        return "its price says nothing beside a choice whose own is not known"
    for more, where in ((mine.expected - theirs.expected, ""), (mine.max - theirs.max, " at the top of its range")):
        if more > 0:
            return f"{money(more)} a month more{where}"
    return "same cost; whole weights, fewer GPUs and more capacity are preferred"
