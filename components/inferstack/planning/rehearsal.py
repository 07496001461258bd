"""A plan put to the test: its service simulated request by request at the planned peak, beside what the closed form promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import engines, sizing
from ..engines.memory import batched_tokens
from ..errors import InputError, Problem, join_names, nearest_name
from ..plain import plain
from ..sizing.queueing import server
from ..sizing.simulation import POLICIES, Distribution, Lengths, Outcome, Requests, StepCosts, generate, read_trace, simulate, step_costs
from ..sizing.types import Estimate, Performance, Slo, Variability
from .rehearsal_work import EDGE_STEPS, KNEE_REQUESTS, KNEE_SHARES, check_work
from .task import GENERATE
from .types import ServicePlan, StackPlan

SHORTEST_S = 1e-3
"""Time that a trace spans at least: clocks of logs are not finer."""
BINS = 12
"""Bars of a histogram."""


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """Latencies at one load."""

    rps: float
    share: float
    """Of the rate at which every slot of every replica is taken."""
    ttft_ms: Distribution
    tpot_ms: Distribution
    holds: bool
    """True where both targets are kept at the 95th percentile."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One target: what the closed form expects and what the simulation found, at the 95th percentile, in milliseconds."""

    metric: str
    """ttft or tpot."""
    target_ms: float | None
    closed_form: Estimate
    simulated_ms: float

    @property
    def holds(self) -> bool:
        return self.target_ms is None or self.simulated_ms <= self.target_ms


@dataclass(frozen=True, slots=True)
class Histogram:
    """Requests by latency: `counts[i]` lie between `edges_ms[i]` and `edges_ms[i + 1]`; the last also holds what is longer."""

    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a service would have done with some traffic."""

    service: str
    task: str
    """generate, or what answers after one pass: then TTFT is the latency of the whole answer, and TPOT is 0."""
    traffic: str
    """In words: where the requests come from."""
    requests: int
    refused: int
    """Requests of a trace that are longer than the planned context."""
    rps: float
    isl: int
    osl: int
    seed: int | None
    replicas: int
    """Without spare ones."""
    policy: str
    """How requests find a replica: one of `sizing.simulation.POLICIES`."""
    saturated_rps: float
    """All replicas together, every slot taken."""
    ttft_ms: Distribution
    tpot_ms: Distribution
    e2e_ms: Distribution
    ttft_histogram: Histogram
    tpot_histogram: Histogram
    input_tps: float
    output_tps: float
    """0 where nothing is generated."""
    preemptions: int
    promises: tuple[Promise, ...]
    knee: tuple[LoadPoint, ...]
    holds_up_to_rps: float | None
    """The largest load that keeps the targets; None where the lightest of the knee does not."""

    @property
    def holds(self) -> bool:
        return all(promise.holds for promise in self.promises)


def costs_of(service: ServicePlan, lengths: Lengths | None = None) -> StepCosts:
    """The planned replica as the scheduler meets it, around requests of `lengths` (default: the planned ones)."""
    shape, memory = service.replica.shape, service.replica.memory
    isl, osl = (lengths.isl, lengths.osl) if lengths else (service.workload.isl, service.workload.osl)
    return step_costs(
        shape,
        memory,
        isl,
        osl,
        lambda at_isl, at_osl: sizing.step_times(shape, at_isl, at_osl),
        http_s=server(shape, memory, isl, osl).http_s,
        budget=batched_tokens(shape),
        paged=engines.engine(shape.engine).paged_kv,
    )


def rehearse(service: ServicePlan, requests: int, seed: int, trace: Requests | None = None, policy: str | None = None) -> Rehearsal:
    """Simulate `service` without its spare replicas: `requests` random ones at the planned peak, or those of a `trace`.

    The knee is drawn with the same kind of traffic at other rates. A trace keeps its order and lengths and only runs faster or slower;
    at least two of its requests must fit the context and not come at once. `policy`: how requests are balanced; None for what stands before
    the replicas of its engine.
    """
    policy = policy or service.spec.balancing
    shape, memory, workload = service.replica.shape, service.replica.memory, service.workload
    replicas = max(1, service.replicas.max - service.spare_replicas)
    decodes = sizing.generates(shape.model)
    if trace is None:
        lengths = Lengths(workload.isl, workload.osl, workload.variability.length_spread)
        drawn = lengths if decodes else replace(lengths, osl=1)
        made, refused = generate(requests, workload.peak_rps, drawn, seed, workload.variability.burstiness, shape.context), 0
    else:
        made = (trace if decodes else trace.answered_at_once()).within(shape.context)
        refused = len(trace) - len(made)
        lengths = made.lengths
    if not decodes:
        made, lengths = made.answered_at_once(), replace(lengths, osl=0)
    costs = costs_of(service, lengths)
    rps = workload.peak_rps if trace is None else made.rps
    saturated = replicas * server(shape, memory, lengths.isl, lengths.osl).saturated_rps
    outcome = simulate(made, costs, replicas, policy)
    ramp = _Ramp(made.first(KNEE_REQUESTS), costs, saturated, service.slo, replicas, policy)
    knee = tuple(ramp.point(share) for share in KNEE_SHARES)
    variability = workload.variability if trace is None else Variability(length_spread=lengths.spread)
    expected = sizing.size_replica(shape, memory, lengths.isl, lengths.osl, service.slo, rps / replicas, variability=variability)
    return Rehearsal(
        service=service.name,
        task=service.task,
        traffic=_in_words(variability) if trace is None else "a trace",
        requests=len(made),
        refused=refused,
        rps=rps,
        isl=lengths.isl,
        osl=lengths.osl,
        seed=None if trace else seed,
        replicas=replicas,
        policy=policy,
        saturated_rps=saturated,
        ttft_ms=outcome.ttft,
        tpot_ms=outcome.tpot,
        e2e_ms=outcome.e2e,
        ttft_histogram=_histogram(outcome.ttft_values_ms, outcome.ttft),
        tpot_histogram=_histogram(outcome.tpot_values_ms, outcome.tpot),
        input_tps=outcome.input_tps,
        output_tps=outcome.output_tps if decodes else 0.0,
        preemptions=outcome.preemptions,
        promises=_promises(service.slo, expected, outcome, decodes),
        knee=knee,
        holds_up_to_rps=_edge(ramp, knee),
    )


def _in_words(variability: Variability) -> str:
    arrivals = "Poisson arrivals" if variability.burstiness == 1 else f"arrivals of burstiness {variability.burstiness:g}"
    return f"{arrivals}, {f'lengths that vary by {variability.length_spread:.0%}' if variability.length_spread else 'equal lengths'}"


def _promises(slo: Slo, expected: Performance, outcome: Outcome, decodes: bool) -> tuple[Promise, ...]:
    first = Promise("ttft", slo.ttft_p95_ms, expected.ttft_p95_ms, outcome.ttft.p95)
    return (first, Promise("tpot", slo.tpot_p95_ms, expected.tpot_p95_ms, outcome.tpot.p95)) if decodes else (first,)


@dataclass(frozen=True, slots=True)
class _Ramp:
    """The same requests at any load."""

    requests: Requests
    costs: StepCosts
    saturated_rps: float
    slo: Slo
    replicas: int
    policy: str

    def point(self, share: float) -> LoadPoint:
        rps = share * self.saturated_rps
        outcome = simulate(self.requests.at_rate(rps), self.costs, self.replicas, self.policy)
        checks = ((self.slo.ttft_p95_ms, outcome.ttft), (self.slo.tpot_p95_ms, outcome.tpot))
        holds = all(target is None or found.p95 <= target for target, found in checks)
        return LoadPoint(rps, share, outcome.ttft, outcome.tpot, holds)


def _edge(ramp: _Ramp, knee: Sequence[LoadPoint]) -> float | None:
    """The load up to which the targets hold, found between the last point of `knee` that holds and the next."""
    broken = next((index for index, point in enumerate(knee) if not point.holds), None)
    if broken is None:
        return knee[-1].rps
    if broken == 0:
        return None
    low, high = knee[broken - 1].share, knee[broken].share
    for _ in range(EDGE_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if ramp.point(middle).holds else (low, middle)
    return low * ramp.saturated_rps


def _histogram(values: list[float], of: Distribution) -> Histogram:
    """Bars of equal width from the shortest to the 99th percentile."""
    least = min(values, default=0.0)
    width = (of.p99 - least) / BINS or 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int((value - least) / width))] += 1
    return Histogram(tuple(least + width * edge for edge in range(BINS + 1)), tuple(counts))


def simulation_document(
    plan: StackPlan, service: str | None, trace: Path | None, requests: int, seed: int, balancer: str | None = None
) -> dict[str, Any]:
    """The rehearsals of `service` (None: of all) as JSON data; `broken` says in a sentence each which targets do not hold.

    Raises `InputError` for a service that is not there, a balancer that is not known, and a trace that is wrong or fits no single service.
    """
    if balancer is not None and balancer not in POLICIES:
        names = tuple(POLICIES)
        near = nearest_name(balancer, names) or join_names(names)
        raise InputError([Problem("--balancer", "is not a way to balance that is simulated", balancer, f"use {near}")])
    chosen = [each for each in plan.services if service in (None, each.name)]
    names = [each.name for each in plan.services]
    if not chosen:
        near = nearest_name(service or "", names)
        raise InputError([Problem("--service", "is not a service of this stack", service, f"use {near or join_names(names)}")])
    if trace is not None and len(chosen) > 1:
        raise InputError(
            [Problem("--trace", f"is the traffic of one service, the stack has {len(chosen)}", nearest=f"add --service {names[0]}")]
        )
    played = read_trace(trace) if trace is not None else None
    check_work(chosen, *((requests, None, "--requests") if played is None else (len(played), played.lengths.isl, "--trace")), balancer)
    done = [rehearse(each, requests, seed, _playable(played, each, str(trace)), balancer) for each in chosen]
    return {
        "stack": plan.stack,
        "services": [{**plain(each), "holds": each.holds} for each in done],
        "broken": [sentence for each in done for sentence in _broken(each)],
    }


def _playable(trace: Requests | None, service: ServicePlan, name: str) -> Requests | None:
    """`trace`, after checking that the service can play it: at least two requests that fit and do not all come at once."""
    if trace is None or _is_timed(trace.within(service.replica.shape.context)):
        return trace
    if _is_timed(trace):
        reason, nearest = f"has no two requests within the planned context of {service.replica.shape.context:,} tokens", "set `context`"
    else:
        reason, nearest = "spans no time: a rate needs two requests that come one after the other", "give a longer trace"
    raise InputError([Problem(name, reason, nearest=nearest)])


def _is_timed(trace: Requests) -> bool:
    """True where two requests are far enough apart to make a rate."""
    return len(trace) > 1 and trace.arrival_s[-1] - trace.arrival_s[0] >= SHORTEST_S


def _name(promise: Promise, done: Rehearsal) -> str:
    return promise.metric.upper() if done.task == GENERATE else "latency"


def _broken(done: Rehearsal) -> Iterator[str]:
    for promise in done.promises:
        if not promise.holds:
            yield (
                f"{done.service}: {_name(promise, done)} p95 is {promise.simulated_ms:,.0f} ms in the simulation, "
                f"above {promise.target_ms:,.0f} ms at {done.rps:,.2f} requests per second over {done.replicas} "
                f"{'replica' if done.replicas == 1 else 'replicas'}"
            )
