"""Why this and not the next: what was decided with its reason, and the placements that were turned down with theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .. import sizing
from ..costs import money
from ..costs.money import exact
from .placement import Placement
from .quality import floor_text, is_asked_for, keeps_quality, loss_text
from .replica import GIB, Sized, at_load, offloaded_bytes
from .requirement import CPU, Requirement
from .search import CONTEXT_HEADROOM, RUNNERS_UP, Outcome, longest_request, mean_request, power_of_two
from .spread import SpreadPins
from .types import Alternative, Decision
from .usual import Fallen, TurnedDown, finest

STAGES = "stages hold the layers in turn"
OWN_SEQUENCES = "each GPU keeps the KV cache of its own sequences, where tensor parallelism would copy one"
GROUPS = "each group of GPUs keeps the KV cache of its own sequences"
MILLION = 1_000_000


def decisions(requirement: Requirement, outcome: Outcome, placement: Placement, lost: Fallen) -> tuple[Decision, ...]:
    service, sized, machine = requirement.service, placement.sized, placement.machine
    assert sized.replica is not None
    cheapest = f"cheapest of {outcome.considered} placements considered"

    def decide(key: str, value: object, pinned: object, reason: str) -> Decision:
        return Decision(key, str(value), "pinned in the stack file" if pinned is not None else reason, pinned is not None)

    limit = sized.replica.performance.limited_by
    capacity = sized.replica.performance.capacity_rps.expected
    replicas = placement.replicas
    return (
        decide(
            "engine",
            f"{sized.engine.name} {sized.engine.release.version}",
            service.named_engine,
            _engine_reason(requirement, outcome, placement, lost.engine),
        ),
        decide(
            "quantization",
            sized.checkpoint.quantization,
            service.named_quantization,
            _quantization_reason(requirement, outcome, placement, lost.weights),
        ),
        *_quality(requirement, sized),
        decide("modelUri", sized.checkpoint.published.uri, service.model_uri, f"known checkpoint ({sized.checkpoint.source})"),
        decide("gpu", machine.accelerator if machine.accelerator else CPU, service.gpu, f"{cheapest} that keeps the SLO"),
        decide("machineType", machine.name, service.machine_type, _machine_reason(placement)),
        *_spread(sized, decide, requirement.spread, _why_many(outcome, placement)),
        Decision(
            "replicas",
            f"{replicas.min}-{replicas.max}" if replicas.scales else str(replicas.max),
            f"{requirement.workload.peak_rps:,.2f} requests per second at peak, {capacity:,.2f} per replica, limited by {limit}"
            + _spare_reason(requirement),
            service.replicas is not None,
        ),
        decide("context", outcome.context, service.context, _context_reason(requirement, outcome)),
        decide("capacityType", requirement.capacity.value, service.capacity_type, "not interrupted; spot only where asked"),
        *_main_memory(requirement, placement),
    )


def _main_memory(requirement: Requirement, placement: Placement) -> Iterator[Decision]:
    """What flags of the user keep in main memory, and what weights that wait there cost."""
    sized = placement.sized
    assert sized.replica is not None
    shape, memory = sized.replica.shape, sized.replica.memory
    taken = offloaded_bytes(sized.engine, requirement.overrides.tuning, shape, memory)
    if not taken:
        return
    workload = requirement.workload
    read = sizing.host_read_ms(shape, workload.isl, workload.osl)
    slower = f"; reading weights there takes {read.low:,.0f} to {read.high:,.0f} ms of a step, {read.provenance}" if read else ""
    if read and sized.engine.memory(replace(shape, host_weight_bytes=0)).fits:
        slower += ", and they would fit without"
    where = f"of {sized.host_bytes / GIB:,.0f} GiB that a replica takes of {placement.machine.memory_gib:,.0f} GiB of each machine"
    yield Decision("engineArgs", f"{taken / GIB:,.0f} GiB in main memory", f"{where}{slower}", pinned=False)


def _spread(sized: Sized, decide: Callable[[str, object, object, str], Decision], pins: SpreadPins, why_many: str) -> Iterator[Decision]:
    """How the replica is spread; what it does not use and nobody asked for is not mentioned. `why_many`: why on several machines."""
    parallel = sized.parallel
    plain = parallel == sized.engine.spread(sized.devices)
    yield decide("tensorParallel", sized.devices if plain else parallel.tensor, pins.tensor, "fewest GPUs per replica at that cost")
    if pins.pipeline is not None or (parallel.pipeline > 1 and not plain):
        reason = f"{why_many}; stages hand on less than layers that are shared would" if sized.machines > 1 else STAGES
        yield decide("pipelineParallel", parallel.pipeline, pins.pipeline, reason)
    if pins.data is not None or parallel.data > 1:
        reason = OWN_SEQUENCES if parallel.tensor == 1 else GROUPS
        if sized.experts_span:
            reason = f"{why_many}; they share the experts, and {reason}"
        yield decide("dataParallel", parallel.data, pins.data, reason)
    if pins.expert is not None or parallel.expert is not None:
        reason = "experts stay whole, " + ("which attention for own sequences asks for" if parallel.data > 1 else "as their width asks for")
        yield decide("expertParallel", str(parallel.expert is not None).lower(), pins.expert, reason)


def _why_many(outcome: Outcome, chosen: Placement) -> str:
    """Why a replica spans machines, and what becomes of the other way to do it: stages, or experts that all share."""
    sized = chosen.sized
    if sized.machines == 1:
        return ""
    alone = next((other for other in outcome.feasible if other.sized.machines == 1), None)
    dearer = f"replicas of one machine each cost {cost_reason(alone, chosen)}" if alone else None
    said = dearer or f"{sized.machines} machines hold what one does not"
    for placement in _nearest_first(outcome):
        other = placement.sized
        same = (other.engine.name, other.device.id) == (sized.engine.name, sized.device.id)
        if same and other.machines > 1 and other.experts_span is not sized.experts_span:
            name = "experts that machines share" if other.experts_span else "stages"
            return f"{said}; {name} instead: {placement.failure.reason if placement.failure else cost_reason(placement, chosen)}"
    return said


def _spare_reason(requirement: Requirement) -> str:
    spare = requirement.spare
    return f"; {spare} spare, so that the SLO holds while {'one is' if spare == 1 else 'as many are'} lost or replaced" if spare else ""


def _quality(requirement: Requirement, sized: Sized) -> Iterator[Decision]:
    """What the weights cost in quality, where they are reduced, or a floor is set."""
    floor = requirement.quality
    if floor is None and not sized.is_reduced:
        return
    unasked = (
        "as named" if is_asked_for(requirement) else floor_text(None) if keeps_quality(requirement, sized.checkpoint) else "whatever works"
    )
    lost = loss_text(sized.checkpoint.quantization) if sized.is_reduced else "the weights are as they were published, or of 16 bits"
    asked = "" if floor is None else "the floor of the stack file; "
    yield Decision("quality", unasked if floor is None else floor_text(floor), f"{asked}{lost}", pinned=False)


def _engine_reason(requirement: Requirement, outcome: Outcome, placement: Placement, usual: TurnedDown | None) -> str:
    if requirement.compares:
        return _comparison(requirement, outcome)
    if usual is not None:
        return usual.cause
    kind = placement.machine.accelerator if placement.machine.accelerator else "CPU"
    return f"first of the engines that run this model on {kind}"


def _comparison(requirement: Requirement, outcome: Outcome) -> str:
    """What a million tokens costs with each engine that was compared, and why it has no placement where it has none."""
    workload = requirement.workload
    millions = exact((workload.input_tokens_per_month + workload.output_tokens_per_month) / MILLION)
    said: list[str] = []
    for engine in outcome.by_engine:
        best = next((placement for placement in outcome.feasible if placement.sized.engine.name == engine), None)
        failed = [placement for placement in outcome.rejected if placement.sized.engine.name == engine]
        if best is not None and best.monthly_usd is not None:
            said.append(f"{engine} {money(best.monthly_usd.expected / millions)}")
        elif best is not None:
            said.append(f"{engine} at no known price")
        elif failed:
            nearest = min(failed, key=lambda placement: placement.distance)
            assert nearest.failure is not None
            said.append(f"{engine} does not ({nearest.failure.reason})")
        else:
            said.append(f"{engine} runs it on nothing here")
    return f"compared by the price of a million tokens within the SLO: {', '.join(said)}; at equal price the first"


def _quantization_reason(requirement: Requirement, outcome: Outcome, placement: Placement, finer: TurnedDown | None) -> str:
    checkpoint = placement.sized.checkpoint
    if outcome.chosen is None or placement.sized is not outcome.chosen.sized:
        return "leaves the services beside it room on the nodes that they share"
    if checkpoint.quantized_at_load:
        return "the engine quantizes the 16-bit weights while loading them; cheaper than serving them whole"
    if checkpoint.quantization == requirement.model.native_quantization:
        return "the precision that the model was published in"
    if not keeps_quality(requirement, checkpoint):
        most = finest(outcome).sized.checkpoint.quantization
        said = "nothing finer works here" if most == checkpoint.quantization else f"cheapest; nothing finer than {most} works here"
        return said if finer is None else f"{said}: {finer.cause}"
    return f"cheapest that keeps {floor_text(requirement.quality)}; at equal cost the whole weights"


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
    headroom = f"{CONTEXT_HEADROOM} times the mean request, as a power of two"
    wanted = power_of_two(CONTEXT_HEADROOM * mean_request(requirement))
    if outcome.context == wanted:
        return headroom
    least = "a request with the most images" if outcome.context == longest_request(requirement) else "the least that is planned"
    return f"{least}, which is more than {headroom}: {wanted:,}"


def alternatives(requirement: Requirement, outcome: Outcome, chosen: Placement) -> tuple[Alternative, ...]:
    """The next three that differ in GPU, weights or parallelism: dearer ones that would work, then those that nearly would."""
    seen = {_kind(chosen)}
    found: list[Alternative] = []
    for placement in _nearest_first(outcome):
        if len(found) == RUNNERS_UP:
            break
        if _kind(placement) not in seen:
            seen.add(_kind(placement))
            found.append(_alternative(requirement, placement, chosen))
    return tuple(found)


def _nearest_first(outcome: Outcome) -> Iterator[Placement]:
    yield from outcome.feasible
    yield from sorted(outcome.rejected, key=lambda rejected: rejected.distance)


def _kind(placement: Placement) -> tuple[str, str | None, str, int]:
    """Two ways to span the same machines are of one kind: the decision about them names both."""
    return placement.sized.engine.name, placement.machine.accelerator, placement.sized.checkpoint.quantization, placement.sized.devices


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
        gpus_per_replica=sized.devices,
        replicas=placement.replicas.max,
        monthly_usd=priced,
        ttft_p95_ms=performance.ttft_p95_ms.expected if performance else None,
        tpot_p95_ms=performance.tpot_p95_ms.expected if performance and requirement.workload.osl else None,
        criterion=failed.criterion if failed else "cost" if priced else "price-unknown",
        reason=failed.reason if failed else cost_reason(placement, chosen),
    )


def cost_reason(placement: Placement, chosen: Placement) -> str:
    mine, theirs = placement.monthly_usd, chosen.monthly_usd
    if placement.rank < chosen.rank:
        return "leaves the services beside it no room on the nodes that they share"
    if mine is None:
        more = placement.nodes.max - chosen.nodes.max
        return "no price is known for it here" if theirs or not more else f"no price is known; it takes {more} more of its nodes"
    if theirs is None:
        return "its price says nothing beside a choice whose own is not known"
    for more, where in ((mine.expected - theirs.expected, ""), (mine.max - theirs.max, " at the top of its range")):
        if more > 0:
            return f"{money(more)} a month more{where}"
    return "same cost; whole weights, fewer GPUs and more capacity are preferred"
