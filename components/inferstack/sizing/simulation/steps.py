"""What a step of the engine costs, by what is in it: from `StepTimes`, which stand for one length, to any mix of lengths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..constants import memory_constants
from ..kv import sequence_bytes
from ..performance import step_share_s
from ..times import StepTimes
from ..types import MemoryLayout, Shape
from ..work import generates

PROBE = 2
"""Lengths at which the quadratic of prefill and the slope of decode are read off, as multiples of the planned ones."""


@dataclass(frozen=True, slots=True)
class StepCosts:
    """One replica as the scheduler meets it. Seconds and tokens."""

    batch_s: tuple[float, ...]
    """Time of a decode step without its KV cache, by sequences in it; [0] is a step of prefill alone."""
    kv_token_s: float
    """Added to a step by each token of context that it reads."""
    request_s: float
    """Added to the step in which a prompt starts."""
    prompt_token_s: float
    prompt_token2_s: float
    """Prefill up to token n takes `prompt_token_s` x n + `prompt_token2_s` x n^2."""
    overhead_s: float
    """Added to every TTFT: HTTP, tokenizer, and pipeline stages beyond the first."""
    slots: int
    """Most sequences at once."""
    budget: int
    """Most tokens in one step, prompts and decodes together."""
    blocks: int | None
    """KV blocks of the replica; None where each slot reserves its own."""
    block_tokens: int
    whole: bool = False
    """True where a prompt is computed at once, in one step with others that fit beside it, and is the answer."""


def step_costs(
    shape: Shape,
    memory: MemoryLayout,
    isl: int,
    osl: int,
    times_at: Callable[[int, int], StepTimes],
    *,
    http_s: float,
    budget: int,
    paged: bool,
) -> StepCosts:
    """The costs of `shape` around requests of `isl` and `osl` tokens. `times_at` gives the step times at other lengths.

    Decode is linear in the context and prefill quadratic in the prompt, which holds exactly but for sliding windows. A model that does not
    decode has steps of whole prompts, each of which takes the fixed time of a step and the work of its prompts.
    """
    slots = shape.parallel.data * (shape.max_sequences if paged else max(1, min(shape.max_sequences, memory.max_sequences)))
    rules = memory_constants(shape.engine, shape.engine_version).kv
    if not generates(shape.model):
        return _of_one_pass(shape, memory, isl, times_at, slots, http_s=http_s, budget=budget, paged=paged)
    here = times_at(isl, osl)
    context, further = isl + osl / 2, PROBE * osl
    slope = max(0.0, (times_at(isl, osl + 2 * further).decode_s(1) - here.decode_s(1)) / further)
    start, linear, square = _quadratic(isl, [times_at(factor * isl, osl).prefill_busy_s for factor in (1, PROBE, PROBE + 1)])
    batch = [here.decode_s(size) - slope * context * size for size in range(1, slots + 1)]
    return StepCosts(
        batch_s=(batch[0], *batch),
        kv_token_s=slope,
        request_s=start,
        prompt_token_s=linear,
        prompt_token2_s=square,
        overhead_s=http_s + max(0.0, here.prefill_s - here.prefill_busy_s),
        slots=slots,
        budget=budget,
        blocks=_blocks(shape, memory, round(context), rules.block_tokens) if paged else None,
        block_tokens=rules.block_tokens,
    )


def _of_one_pass(
    shape: Shape,
    memory: MemoryLayout,
    isl: int,
    times_at: Callable[[int, int], StepTimes],
    slots: int,
    *,
    http_s: float,
    budget: int,
    paged: bool,
) -> StepCosts:
    """Costs where nothing is decoded: what a prompt takes is without its share of a step, which the simulation shares out itself."""

    def own_s(tokens: int) -> float:
        times = times_at(tokens, 0)
        return max(0.0, times.prefill_busy_s - step_share_s(shape, tokens, times.fixed_s))

    here = times_at(isl, 0)
    step = here.fixed_s / shape.parallel.pipeline
    start, linear, square = _quadratic(isl, [own_s(factor * isl) for factor in (1, PROBE, PROBE + 1)])
    rules = memory_constants(shape.engine, shape.engine_version).kv
    return StepCosts(
        batch_s=(step,) * (slots + 1),
        kv_token_s=0.0,
        request_s=start,
        prompt_token_s=linear,
        prompt_token2_s=square,
        overhead_s=http_s + max(0.0, here.prefill_s - own_s(isl) - step),
        slots=slots,
        budget=budget,
        blocks=_blocks(shape, memory, isl, rules.block_tokens) if paged else None,
        block_tokens=rules.block_tokens,
        whole=True,
    )


def _quadratic(step: int, values: list[float]) -> tuple[float, float, float]:
    """Coefficients of c + a n + b n^2 through `values` at one, two and three times `step`; none is negative."""
    one, two, three = values
    square = max(0.0, (three - 2 * two + one) / (2 * step * step))
    linear = max(0.0, (two - one) / step - 3 * square * step)
    return max(0.0, one - linear * step - square * step * step), linear, square


def _blocks(shape: Shape, memory: MemoryLayout, context: int, block_tokens: int) -> int | None:
    """KV blocks that the cache holds when sequences are about `context` tokens long; enough for one of full length."""
    rules = memory_constants(shape.engine, shape.engine_version).kv
    parallel = shape.parallel
    held = sequence_bytes(shape.model, context, shape.kv_dtype, parallel.tensor, parallel.pipeline, batched_tokens=1, rules=rules)
    if not held:
        return None
    whole = math.ceil(shape.context / block_tokens) + 1
    return max(whole, int(parallel.data * memory.kv_bytes / (held / context)) // block_tokens)
