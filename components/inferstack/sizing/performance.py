"""How long a prefill and a decode step take: the work at peak rates over the parts of them that are reached, summed.

    decode(B)  = fixed + B x sequence + experts x (1 - (1 - k/E)^B)
    fixed      = dense weights / e_b + launches + latency of links
    sequence   = products / e_d + attention / e_a + KV cache / e_kv + links + host
    prefill(I) = products / e_p + attention / e_a + links + launches

A sum fits measurements better than the larger of compute and memory. Work: `work.py`. Efficiencies: `efficiency.py`. Seconds throughout.
"""

from __future__ import annotations

from dataclasses import replace

from .additions import (
    adapter_prefill_share,
    adapter_times,
    additions_provenance,
    draft_shape,
    draft_share,
    encoding_flops,
    fitted_techniques,
    front_end_s,
    image_times,
    techniques_of,
)
from .bands import spread_of
from .constants import constants, memory_constants
from .devices import link_kind, peak_flops
from .efficiency import Efficiency, efficiency_of
from .host_weights import from_host
from .network import network_of, over_network
from .times import StepTimes
from .types import NO_ADDITIONS, Correction, Estimate, Provenance, Shape, Techniques, worst
from .work import Work, generates, work_of

PLAIN = Techniques()
EXPERT_OF_LAYER = 3 / 7
"""Products of one expert over those of a layer: gate, up and down; beside them q, k, v and o."""


def step_times(shape: Shape, isl: float, osl: float, techniques: Techniques = PLAIN) -> StepTimes:
    """Times of `shape` at `isl` input and `osl` output tokens; pipeline stages are in a row for one token, side by side for several."""
    work = work_of(shape, isl, osl)
    efficiency = efficiency_of(shape).efficiency
    times = in_place(times_of(work, efficiency), shape, work, efficiency)
    if not generates(shape.model):
        busy = times.prefill_busy_s + step_share_s(shape, isl, times.fixed_s)
        # One process takes requests in, and the engine works meanwhile: the slower of the two is what a replica reaches.
        times = replace(times, prefill_busy_s=max(busy, front_end_s(shape)))
    if shape.measured is not None:
        times = _corrected(times, shape.measured)
    if shape.additions is not NO_ADDITIONS:
        times = _with_images(times, shape, work, efficiency)
        techniques = techniques_of(shape, techniques, _draft_cost(shape, isl, osl, times))
    if techniques is not PLAIN:
        times = _with_techniques(times, work, efficiency, techniques)
    return _with_adapters(times, shape, techniques)


def _draft_cost(shape: Shape, isl: float, osl: float, times: StepTimes) -> float:
    """Time of one proposed token over the time of one step of the model, both for one sequence."""
    small = draft_shape(shape)
    return draft_share(shape) if small is None else step_times(small, isl, osl).decode_s(1) / times.decode_s(1)


def _with_images(times: StepTimes, shape: Shape, work: Work, efficiency: Efficiency) -> StepTimes:
    """Images lengthen each prefill."""
    wide = shape.parallel.tensor * shape.parallel.data * peak_flops(shape.device, "bf16")
    encoding, added = encoding_flops(shape) / wide / efficiency.prefill, image_times(shape)
    return replace(
        times,
        prefill_s=times.prefill_s + encoding + added.latency_s,
        prefill_busy_s=times.prefill_busy_s + encoding / work.stages + added.busy_s,
    )


def _with_adapters(times: StepTimes, shape: Shape, techniques: Techniques) -> StepTimes:
    """Adapters lengthen each prefill, and each step: what it verifies passes through them, what proposes does not."""
    added = adapter_times(shape)
    if added is None:
        return times
    made, longer = techniques.tokens_per_step, 1 + adapter_prefill_share()
    mixed_s = added.mixed_s / made
    hit_s = times.experts_s + mixed_s
    return replace(
        times,
        prefill_s=times.prefill_s * longer,
        prefill_busy_s=times.prefill_busy_s * longer,
        fixed_s=times.fixed_s + added.fixed_s / made,
        sequence_s=times.sequence_s + added.sequence_s * (techniques.draft_tokens + 1) / made,
        experts_s=hit_s,
        # Experts and adapters are both hit the more the larger the batch: one term, exact for the first sequence.
        expert_miss=(times.experts_s * times.expert_miss + mixed_s * added.miss) / hit_s if hit_s else times.expert_miss,
    )


def _corrected(times: StepTimes, correction: Correction) -> StepTimes:
    """The times of a setup that was measured."""
    return replace(
        times,
        prefill_s=times.prefill_s * correction.prefill,
        prefill_busy_s=times.prefill_busy_s * correction.prefill,
        fixed_s=times.fixed_s * correction.decode,
        sequence_s=times.sequence_s * correction.decode,
        experts_s=times.experts_s * correction.decode,
    )


def times_of(work: Work, efficiency: Efficiency) -> StepTimes:
    """Work over efficiency. Arithmetic only: the fit passes arrays."""
    prefill = (
        work.prefill_dense_s / efficiency.prefill
        + work.prefill_expert_s / efficiency.expert_prefill
        + work.prefill_attention_s / efficiency.attention
        + work.isl * work.link_token_s / efficiency.link
    )
    sequence = token_compute_s(work, efficiency) + work.kv_read_s / efficiency.kv_read + work.link_token_s / efficiency.link
    return StepTimes(
        prefill_s=prefill + prompt_launch_s(work, efficiency),
        prefill_busy_s=prefill / work.stages + efficiency.request_s / work.ranks,
        fixed_s=work.dense_read_s / efficiency.weight_read
        + launch_s(work, efficiency)
        + (work.messages + work.hops) * efficiency.message_s,
        sequence_s=sequence / work.stages + efficiency.sequence_s / work.ranks,
        experts_s=work.expert_read_s / efficiency.expert_read,
        expert_miss=work.expert_miss ** (1 / work.stages),
        http_s=efficiency.http_s,
    )


def in_place(times: StepTimes, shape: Shape, work: Work, efficiency: Efficiency) -> StepTimes:
    """With what it costs that a replica spans machines, or that weights wait in main memory; as they are where neither is so."""
    own = replace(times, prefill_s=times.prefill_s + own_prompt_s(shape, work, efficiency))
    return over_network(from_host(own, shape, work, efficiency), network_of(shape), work.isl)


def own_prompt_s(shape: Shape, work: Work, efficiency: Efficiency) -> float:
    """Seconds that a lone prompt takes longer where only the group that it went to attends to it, and machines hold the others.

    On one machine the constants are fitted without it.
    """
    if not shape.experts_span:
        return 0.0
    return (work.ranks - 1) * (work.prefill_dense_s / efficiency.prefill + work.prefill_attention_s / efficiency.attention)


def token_compute_s(work: Work, efficiency: Efficiency) -> float:
    """Seconds of matrix products that one sequence adds to a decode step."""
    products = work.token_dense_s / efficiency.decode + work.token_expert_s / efficiency.expert_decode
    return products + work.token_attention_s / efficiency.attention


def prompt_launch_s(work: Work, efficiency: Efficiency) -> float:
    """Seconds of kernel launches of a prompt that is alone; prompts that share a step share them."""
    return work.layers * efficiency.prompt_layer_s + work.expert_layers * efficiency.prompt_expert_layer_s


def layer_s(work: Work, efficiency: Efficiency) -> float:
    """Seconds of launches of one layer without experts."""
    return efficiency.layer_s + work.unfused * efficiency.unfused_layer_s


def launch_s(work: Work, efficiency: Efficiency) -> float:
    """Seconds of kernel launches and scheduling in one step: L t_layer + L_experts t_expert + PP t_step; experts that are visited
    one after the other are `EXPERT_OF_LAYER` of a layer each."""
    layers = work.layers + EXPERT_OF_LAYER * work.loops
    return layers * layer_s(work, efficiency) + work.expert_layers * efficiency.expert_layer_s + work.stages * efficiency.step_s


def provenance_of(shape: Shape) -> Provenance:
    """The worst of constants, device, link and what is beside the model; networks between machines and weights in main memory: believed."""
    parts = [efficiency_of(shape).provenance, shape.device.provenance, additions_provenance(shape)]
    if shape.device.machines > 1 or shape.host_weight_bytes:
        parts.append(Provenance.BELIEVED)
    if shape.parallel.devices > 1:
        parts.append(Provenance(constants("performance")["links"][link_kind(shape.device)]["provenance"]))
    return worst(*parts)


def bands(shape: Shape, *values: tuple[float, str, str]) -> tuple[Estimate, ...]:
    """Each value with the 80 % interval of its load and quantity (as `spread_of` takes them), or of the user's own measurements where
    there are some."""
    common = provenance_of(shape), efficiency_of(shape).source
    return tuple(_banded(value, shape, load, quantity, *common) for value, load, quantity in values)


def _banded(value: float, shape: Shape, load: str, quantity: str, provenance: Provenance, source: str) -> Estimate:
    measured = shape.measured
    around = None if measured is None else measured.ttft_spread if quantity == "ttft" else measured.tpot_spread
    if measured is not None and around is not None:
        return Estimate(value / around, value, value * around, Provenance.MEASURED, measured.source)
    spread = spread_of(shape, load, quantity)
    if shape.device.machines > 1:
        source = f"{source}; believed for the network between machines"
    if shape.host_weight_bytes:
        source = f"{source}; believed for weights in main memory"
    if quantity == "ttft" and shape.additions.adapters is not None:
        source, provenance = f"{source}; believed for prompts through adapters", worst(provenance, Provenance.BELIEVED)
    elif found := fitted_techniques(shape):
        source = "; ".join((source, *(f"{name}: {constants('techniques')[name]['source']}" for name in found)))
    if shape.additions.images is not None:
        source = f"{source}; believed for images"
    return Estimate(value * spread.low, value, value * spread.high, provenance, source)


def _with_techniques(times: StepTimes, work: Work, efficiency: Efficiency, techniques: Techniques) -> StepTimes:
    """A prefix that is cached is not computed. A step that verifies g drafts computes g + 1 tokens and yields (1 - a^(g+1)) / (1 - a)."""
    kept = 1 - techniques.prefix_hit_rate
    request = efficiency.request_s / work.ranks
    times = replace(times, prefill_s=times.prefill_s * kept, prefill_busy_s=(times.prefill_busy_s - request) * kept + request)
    drafts = techniques.draft_tokens
    if not drafts:
        return times
    made = techniques.tokens_per_step
    drafting = 1 + drafts * techniques.draft_cost
    verified = times.sequence_s + drafts * token_compute_s(work, efficiency) / work.stages
    return replace(
        times,
        fixed_s=(times.fixed_s * drafting + techniques.step_s) / made,
        sequence_s=(verified + drafts * techniques.draft_cost * times.sequence_s) / made,
        experts_s=times.experts_s * drafting / made,
        expert_miss=times.expert_miss ** (drafts + 1),
    )


def step_share_s(shape: Shape, isl: float, fixed_s: float) -> float:
    """A prompt's share of a step's fixed time where prompts do not join decode steps; a batch takes as many as its tokens allow."""
    return fixed_s / prompts_per_step(shape, isl) / shape.parallel.pipeline


def prompts_per_step(shape: Shape, isl: float) -> int:
    """Prompts of `isl` tokens that a step computes at most: none is cut, and one that is longer than the step's tokens goes alone."""
    batched_tokens = memory_constants(shape.engine, shape.engine_version).batched_tokens
    return max(1, min(shape.max_sequences, int(batched_tokens / isl)))
