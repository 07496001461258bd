"""What one replica does under load: latencies at a request rate. Closed forms; the largest rate that keeps an SLO is in `capacity.py`.

A replica batches continuously. Seen by one request among N others, a token takes decode(1 + N) plus the prefills that N arrivals push in
between, N x prefill / OSL; by Little's law N = rate x OSL x TPOT. The number of others varies as in G/G/infinity: its 95th percentile is
N + 1.645 sqrt(V N), where V is 1 for Poisson arrivals. TTFT adds the steps that the chunks of the prompt take, the wait for other
prompts (GI/G/1) and the wait for a slot (many servers, Sakasegawa). How far this is from a simulation: docs/simulation.md.

A model that answers after one pass decodes nothing and has no slots: its prompts come in batches (`batches.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .additions import draft_sequence_bytes
from .batches import FULL, TAIL, Z95, Batches, chance_to_wait, wait
from .constants import constants, memory_constants
from .kv import sequence_bytes
from .performance import PLAIN, prompts_per_step, step_times
from .times import StepTimes
from .types import POISSON, MemoryLayout, Shape, Techniques, Variability
from .work import generates

MS = 1000.0
NEWTON_STEPS = 40
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies at a load, expected values; infinite where the load exceeds what the replica can finish."""

    ttft_mean_ms: float
    ttft_p95_ms: float
    tpot_mean_ms: float
    tpot_p95_ms: float
    sequences: float
    """Sequences in flight, mean."""
    utilisation: float
    """Load over the rate at which every slot is taken."""


@dataclass(frozen=True, slots=True)
class Server:
    """A replica as queueing sees it."""

    times: StepTimes
    osl: float
    """Output tokens; 0 where the model does not decode."""
    slots: float
    """Sequences that decode at once on average, with their prompts admitted as fast as they leave; 0 where not even one fits."""
    bound: str
    """What sets `slots`: kv-cache, max-sequences, or throughput where prompts would need every token of every step."""
    chunks: float
    """Tokens of a prompt over the token budget of a step."""
    variability: Variability = POISSON
    batches: Batches | None = None
    """How prompts share steps where they are computed whole and are the answer; None where the model decodes."""

    @property
    def http_s(self) -> float:
        """Added to TTFT by the way to the engine and back."""
        return self.times.http_s

    @property
    def saturated_rps(self) -> float:
        """Requests per second with every slot taken: c / (OSL x decode(c) + c x prefill)."""
        return self.saturated_with(self.slots)

    def saturated_with(self, slots: float) -> float:
        """The same with other slots. Below one where prompts fill most steps, so that on average less than one sequence decodes."""
        if slots <= 0:
            return 0.0
        return slots / (self.osl * self.times.decode_s(slots) + slots * self.times.prefill_busy_s)

    def tpot_s(self, others: float) -> float:
        """Seconds per output token of a request among `others`: their decode and the prefills that come in between."""
        return self.times.decode_s(1 + others) + others * self.times.prefill_busy_s / self.osl if self.osl else 0.0

    def rate(self, others: float) -> float:
        """Request rate that keeps `others` in flight: N / (OSL x TPOT(N)), rising with N."""
        return others / (self.osl * self.tpot_s(others))


def server(
    shape: Shape, memory: MemoryLayout, isl: int, osl: int, variability: Variability = POISSON, techniques: Techniques = PLAIN
) -> Server:
    """`shape` as a server for requests of `isl` input and `osl` output tokens on average."""
    data = constants("performance")
    decodes = generates(shape.model)
    # Of those in the batch at a moment the long ones are more, because they stay longer.
    longer = 1 + variability.length_spread**2
    rules = memory_constants(shape.engine, shape.engine_version)
    held = isl + data["live_output_share"]["value"] * osl * longer
    live = draft_sequence_bytes(shape.additions, held, shape.kv_dtype, shape.parallel) + sequence_bytes(
        shape.model,
        held,
        shape.kv_dtype,
        shape.parallel.tensor,
        shape.parallel.pipeline,
        batched_tokens=1,
        rules=rules.kv,
    )
    budget = max(rules.batched_tokens, shape.max_sequences)
    ranks = shape.parallel.data
    slots, bound = min(
        (ranks * memory.kv_bytes / live if decodes and live else math.inf, "kv-cache"),
        (ranks * shape.max_sequences, "max-sequences"),
        (ranks * decoding(budget, isl, osl) if decodes else math.inf, "throughput"),
    )
    times = _times(shape, isl, osl, longer, techniques)
    return Server(
        times=times,
        osl=osl if decodes else 0,
        slots=slots if memory.fits else 0.0,
        bound=bound,
        chunks=isl / budget,
        variability=variability,
        batches=None if decodes else _batches(shape, times, isl),
    )


def _batches(shape: Shape, times: StepTimes, isl: int) -> Batches:
    """Steps of whole prompts, each of which takes its own time and, with a full batch, its share of the step's."""
    step_s, most = times.fixed_s / shape.parallel.pipeline, prompts_per_step(shape, isl)
    return Batches(step_s, max(0.0, times.prefill_busy_s - step_s / most), most)


def decoding(budget: float, isl: float, osl: float) -> float:
    """Most sequences that decode at once where steps of `budget` tokens take prompts and decoded tokens: a request needs ISL + OSL of
    them and decodes for OSL steps."""
    return budget * osl / (isl + osl)


def _times(shape: Shape, isl: int, osl: int, longer: float, techniques: Techniques) -> StepTimes:
    """Step times over lengths whose mean square is `longer` times the square of the mean: prefill is quadratic in the prompt."""
    if longer == 1:
        return step_times(shape, isl, osl, techniques)
    prompt = step_times(shape, round(isl * longer), osl, techniques)
    return replace(
        step_times(shape, isl, round(osl * longer), techniques),
        prefill_s=prompt.prefill_s / longer,
        prefill_busy_s=prompt.prefill_busy_s / longer,
    )


def latency_at(shape: Shape, memory: MemoryLayout, isl: int, osl: int, rps: float, variability: Variability = POISSON) -> Latency:
    """Expected latencies of one replica at `rps` requests per second."""
    return latency(server(shape, memory, isl, osl, variability), rps)


def output_to_input_ratio(shape: Shape, isl: int, osl: int, memory: MemoryLayout | None = None) -> float:
    """Time that an output token takes over the time that an input token takes, with the batch full; 0.0 where nothing is decoded.

    Splits a replica's cost into input and output tokens. Without `memory` the batch is `shape.max_sequences`.
    """
    if not generates(shape.model):
        return 0.0
    times = step_times(shape, isl, osl)
    batch = shape.max_sequences if memory is None else max(1.0, server(shape, memory, isl, osl).slots)
    return times.decode_s(batch) / batch / (times.prefill_busy_s / isl)


def latency(one: Server, rps: float) -> Latency:
    """Expected latencies at `rps` requests per second."""
    return latency_among(one, rps, others_at(one, rps))


def latency_among(one: Server, rps: float, others: float) -> Latency:
    """Expected latencies at a rate that keeps `others` in flight."""
    saturated = one.saturated_rps
    if rps >= saturated or math.isinf(others):
        return Latency(math.inf, math.inf, math.inf, math.inf, math.inf, rps / saturated if saturated else math.inf)
    if one.batches is not None:
        return _of_one_pass(one, one.batches, rps)
    step = one.times.decode_s(1 + others)
    high = _high(one, others)
    high_step = one.times.decode_s(1 + high)
    alone = one.http_s + one.times.prefill_s
    steps = max(1.0, one.chunks)
    prefill_mean, prefill_p95 = _prefill_wait(rps, one, step)
    slot_mean, slot_p95 = _slot_wait(rps, saturated, one)
    residual = min(1.0, others)
    return Latency(
        ttft_mean_ms=(alone + (steps + residual / 2) * step + prefill_mean + slot_mean) * MS,
        ttft_p95_ms=(alone + (steps + residual) * high_step + max(prefill_p95, _own_p95(one)) + slot_p95) * MS,
        tpot_mean_ms=one.tpot_s(others) * MS,
        tpot_p95_ms=one.tpot_s(high) * MS,
        sequences=others + rps * one.times.prefill_busy_s,
        utilisation=rps / saturated,
    )


def _of_one_pass(one: Server, batches: Batches, rps: float) -> Latency:
    """Latencies of a model that decodes nothing: the whole answer is there when the batch of its prompt ends."""
    waited = wait(batches, rps, one.variability)
    alone = one.http_s + one.times.prefill_s + one.times.decode_s(1)
    return Latency(
        ttft_mean_ms=(alone + waited.mean_s) * MS,
        ttft_p95_ms=(alone + waited.p95_s) * MS,
        tpot_mean_ms=0.0,
        tpot_p95_ms=0.0,
        sequences=rps * one.times.prefill_busy_s,
        utilisation=rps / one.saturated_rps,
    )


def _high(one: Server, others: float) -> float:
    """95th percentile of the number of others around their mean."""
    return others + Z95 * math.sqrt(others * variance(one.variability))


def variance(variability: Variability) -> float:
    """Variance of the number in G/G/infinity over its mean: arrivals' own for equal stays, half of its excess for exponential ones."""
    return 1 + (variability.burstiness**2 - 1) / (1 + variability.length_spread**2)


def _own_p95(one: Server) -> float:
    """How much longer than the mean one's own prompt takes, at the 95th percentile."""
    return Z95 * one.variability.length_spread * one.times.prefill_s


def _prefill_wait(rps: float, one: Server, step_s: float) -> tuple[float, float]:
    """Mean and 95th percentile of the wait for other prompts, in seconds: GI/G/1; a prompt takes its prefill and its part of steps."""
    each = one.times.prefill_busy_s + step_s * one.chunks
    busy = min(FULL, rps * each)
    arrivals, lengths = one.variability.burstiness**2, one.variability.length_spread**2
    waits = chance_to_wait(busy, arrivals, lengths)
    scale = each * (arrivals + lengths) / (2 * (1 - busy))
    return _exponential(waits, scale)


def _slot_wait(rps: float, saturated: float, one: Server) -> tuple[float, float]:
    """Mean and 95th percentile of the wait for a free slot, in seconds: P(wait) = u^(sqrt(2 (c+1)) - 1), then exponential."""
    if rps <= 0 or math.isinf(one.slots) or one.bound == "throughput":
        return 0.0, 0.0
    waits = (rps / saturated) ** (math.sqrt(2 * (one.slots + 1)) - 1)
    scale = (one.variability.burstiness**2 + one.variability.length_spread**2) / 2 / (saturated - rps)
    return _exponential(waits, scale)


def _exponential(waits: float, scale: float) -> tuple[float, float]:
    """Mean and 95th percentile of a wait that is 0 but for the part `waits`, where it is exponential with mean `scale`."""
    return waits * scale, max(0.0, math.log(waits / TAIL)) * scale if waits > 0 else 0.0


def others_at(one: Server, rps: float) -> float:
    """Sequences that decode at `rps`, the root of N = rate x OSL x TPOT(N); infinite where there is none."""
    if rps <= 0 or not one.osl:
        return 0.0
    times, tokens = one.times, rps * one.osl
    room = 1 - rps * times.prefill_busy_s - tokens * times.sequence_s
    if room <= 0:
        return math.inf
    base = tokens * (times.fixed_s + times.sequence_s)
    if not times.experts_s:
        return base / room
    return _newton(base / room, tokens * times.experts_s / room, times.expert_miss)


def _newton(base: float, experts: float, miss: float) -> float:
    """Root of N = base + experts x (1 - miss^(1+N)); from above, where the function is convex and Newton does not overshoot."""
    others, log_miss = base + experts, math.log(miss) if miss > 0 else 0.0
    for _ in range(NEWTON_STEPS):
        left = miss ** (1 + others)
        step = (others - base - experts * (1 - left)) / (1 + experts * left * log_miss)
        others -= step
        if abs(step) <= CLOSE * others:
            break
    return others
