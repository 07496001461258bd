"""What a replica holds beside its model: LoRA adapters, what proposes tokens, encoded images. And what that adds to its steps.

adapter  = sum over linear layers of rank x (inputs + outputs) x 2 B, a slot for each; ranks of a tensor-parallel group share one side
draft    = its parameters x 2 B, and KV cache of its own layers for each token
images   = token budget of the encoder x hidden size x 2 B
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .. import catalog
from ..catalog.types import Checkpoint, KvKind, Model
from .constants import constants
from .kv import kv_bytes_per_token
from .types import NO_ADDITIONS, Additions, Draft, Images, Parallelism, Provenance, Shape, Techniques
from .weights import expert_params, weight_bytes

BYTES_16_BIT = 2
DRAFT_QUANTIZATION = "bf16"
WHOLE = Parallelism()


def added_bytes(shape: Shape, batched_tokens: int) -> int:
    """Bytes per device of what is held whatever the load; the KV cache of a draft comes with each sequence."""
    model, added, parallel = shape.model, shape.additions, shape.parallel
    total = draft_bytes(shape) / parallel.tensor
    if added.adapters is not None:
        total += added.adapters.slots * adapter_bytes(model, added.adapters.rank, parallel)
    if added.images is not None:
        total += encoder_cache_bytes(model, added.images.tokens, batched_tokens)
        total += encoding_bytes(added.images, min(batched_tokens, shape.max_sequences * added.images.most * added.images.tokens))
    return round(total)


def file_bytes(shape: Shape) -> int:
    """Bytes of the files that come beside the model's own: all adapters, and a draft model of its own."""
    added = shape.additions
    adapters = added.adapters.count * adapter_bytes(shape.model, added.adapters.rank, WHOLE) if added.adapters is not None else 0
    return adapters + (round(draft_bytes(shape)) if added.draft is not None and not added.draft.own else 0)


def draft_bytes(shape: Shape) -> float:
    """Bytes of the weights of what proposes tokens, over all devices."""
    draft = shape.additions.draft
    if draft is None:
        return 0.0
    bits = catalog.quantization(shape.checkpoint.quantization).bits if draft.own else 16
    # Formats of 4 bits leave such layers at 16 bit, FP8 ones store them like the others.
    return draft.params * (bits / 8 if bits >= 8 else BYTES_16_BIT)


def adapter_bytes(model: Model, rank: int, parallel: Parallelism) -> int:
    """Bytes of one adapter of `rank` on all linear layers, per device.

    Of a matrix that is split by its outputs the outputs' side is divided, of one that is split by its inputs the inputs' side; the other
    side stands whole on every device (vLLM, lora/layers; `--fully-sharded-loras` is left off).
    """
    tensor, hidden = parallel.tensor, model.hidden_size
    heads, kv_heads = model.num_attention_heads * model.head_dim, model.num_kv_heads * model.head_dim
    by_outputs = [(hidden, heads), (hidden, kv_heads), (hidden, kv_heads)]
    by_inputs = [(heads, hidden)]
    width, copies = model.intermediate_size, 1
    if expert_params(model) and model.moe_intermediate_size and model.n_experts:
        width, copies = model.moe_intermediate_size, model.n_experts
    attention = _sides(by_outputs, by_inputs, tensor)
    feed_forward = copies * _sides([(hidden, width or 0)] * 2, [(width or 0, hidden)], tensor)
    return round(rank * (attention + feed_forward) * model.num_layers / parallel.pipeline * BYTES_16_BIT)


def encoder_cache_bytes(model: Model, image_tokens: int, batched_tokens: int) -> int:
    """Bytes of the cache that encoded images wait in: the token budget of a step, and at least one image (vLLM, encoder_cache_manager)."""
    return max(batched_tokens, image_tokens) * model.hidden_size * BYTES_16_BIT


def encoding_bytes(images: Images, step_tokens: int) -> float:
    """Bytes of the tower's widest layer while it encodes images of `step_tokens`; 0 where its widths are not known."""
    if images.tower_columns is None or images.patches_per_token is None:
        return 0.0
    return max(step_tokens, images.tokens) * images.patches_per_token * images.tower_columns * BYTES_16_BIT


def draft_sequence_bytes(additions: Additions, tokens: float, kv_dtype: str, parallel: Parallelism) -> float:
    """Bytes per device that one sequence of `tokens` takes in the KV cache of what proposes."""
    draft = additions.draft
    if draft is None or draft.kv_model is None or draft.kv_model.kv.kind is KvKind.NONE:
        return 0.0
    per_layer = kv_bytes_per_token(draft.kv_model, kv_dtype, parallel.tensor) / max(1, draft.kv_model.kv.full_layers)
    return per_layer * draft.layers * tokens


def techniques_of(shape: Shape, asked: Techniques, draft_cost: float) -> Techniques:
    """`asked`, with what the shape itself does: a cached prefix, and drafts where their acceptance is known.

    `draft_cost` is the time of one draft over the time of one step of the model.
    """
    added = shape.additions
    hits = max(asked.prefix_hit_rate, added.prefix_hit_rate)
    draft = added.draft
    if draft is None or draft.acceptance is None:
        return asked if hits == asked.prefix_hit_rate else replace(asked, prefix_hit_rate=hits)
    return Techniques(hits, draft.tokens, draft.acceptance, draft_cost, speculation_step_s(draft))


def speculation_step_s(draft: Draft) -> float:
    """Seconds that a step takes longer for verifying at all, and for each pass of a head: launches and sampling that no batch shares.

    A draft model of its own has its passes timed as any model has.
    """
    data = constants("techniques")["speculation"]
    return data["verify_s"] + (data["draft_s"] * draft.tokens if is_head(draft) else 0.0)


def is_head(draft: Draft) -> bool:
    """True for an EAGLE-3 head and for layers of the checkpoint: one layer, run once for each token that is proposed."""
    return draft.layers == 1 and draft.params > 0


def draft_share(shape: Shape) -> float:
    """What a head or a layer of the checkpoint takes of a step: its part of the bytes, or of the layers where that is more."""
    draft = shape.additions.draft
    if draft is None or not draft.layers:
        return 0.0
    return max(draft_bytes(shape) / weight_bytes(shape.model, shape.checkpoint), draft.layers / shape.model.num_layers)


def draft_shape(shape: Shape) -> Shape | None:
    """The shape of a draft model of its own on the same devices; None where something else proposes."""
    draft = shape.additions.draft
    if draft is None or draft.kv_model is None or draft.kv_model == shape.model:
        return None
    weights = Checkpoint(draft.kv_model.id, DRAFT_QUANTIZATION, shape.checkpoint.uri, draft.source)
    return replace(shape, model=draft.kv_model, checkpoint=weights, additions=NO_ADDITIONS, measured=None, host_weight_bytes=0)


@dataclass(frozen=True, slots=True)
class AdapterTimes:
    """What adapters add to a decode step, in seconds."""

    fixed_s: float
    """Kernels of each layer, and looking at each slot."""
    sequence_s: float
    """For each sequence."""
    mixed_s: float
    """For all adapters that are on the device, when a batch asks for each of them."""
    miss: float
    """Chance that a sequence does not ask for a given adapter, each being asked for equally."""


def adapter_times(shape: Shape) -> AdapterTimes | None:
    """step = layers x (layer + slots x slot + sequences x token + (adapters in the batch - 1) x mixed), fitted; None without adapters."""
    adapters = shape.additions.adapters
    if adapters is None:
        return None
    data, layers, slots = constants("techniques")["lora"], shape.model.num_layers, adapters.slots
    mixed_s = data["mixed_s"] if slots > 1 else 0.0
    return AdapterTimes(
        fixed_s=layers * (data["layer_s"] + slots * data["slot_s"] - mixed_s),
        sequence_s=layers * data["token_s"] / shape.parallel.pipeline,
        mixed_s=layers * mixed_s * slots,
        miss=1 - 1 / slots,
    )


def adapter_prefill_share() -> float:
    """What adapters add to a prefill, over the prefill; believed."""
    return constants("techniques")["lora"]["prefill_share"]["expected"]


def fitted_techniques(shape: Shape) -> tuple[str, ...]:
    """What of the additions has a spread of its own in `techniques.json`."""
    if shape.additions is NO_ADDITIONS:
        return ()
    draft = shape.additions.draft
    found = (
        "lora" if shape.additions.adapters is not None else None,
        "speculation" if draft is not None and draft.acceptance is not None else None,
    )
    return tuple(name for name in found if name)


def additions_spread(shape: Shape, quantity: str) -> float:
    """By how much, as a factor to either side, pairs of runs with the techniques lie off what was fitted; 1 without them.

    Of adapters and speculation only steps are fitted; images have one factor for a first token and one for all else.
    """
    if shape.additions is NO_ADDITIONS:
        return 1.0
    data, first = constants("techniques"), quantity == "ttft"
    spreads = [] if first else [data[name]["spread"] for name in fitted_techniques(shape)]
    if shape.additions.images is not None:
        spreads.append(data["vision"]["spread" if first else "busy_spread"])
    return math.exp(math.hypot(*map(math.log, spreads)))


def additions_provenance(shape: Shape) -> Provenance:
    """Measured without additions: they take nothing away. Adapters and EAGLE-3 heads are fitted, all else is believed."""
    added = shape.additions
    if added is NO_ADDITIONS or added == NO_ADDITIONS:
        return Provenance.MEASURED
    draft = added.draft
    drafts = draft is None or draft.acceptance is None or (is_head(draft) and not draft.own)
    return Provenance.FITTED if drafts and added.images is None and not added.prefix_hit_rate else Provenance.BELIEVED


@dataclass(frozen=True, slots=True)
class ImageTimes:
    """What the images of one request take beside the encoder's work: decoding, resizing, handing over, launches."""

    latency_s: float
    """Before the first token."""
    busy_s: float
    """Of the engine's time."""


def image_times(shape: Shape) -> ImageTimes:
    """Seconds per megapixel as sent; believed."""
    images = shape.additions.images
    if images is None:
        return ImageTimes(0.0, 0.0)
    data = constants("techniques")["vision"]
    megapixels = images.megapixels if images.megapixels is not None else constants("additions")["megapixels"]["value"]
    whole = images.per_request * megapixels
    return ImageTimes(whole * data["latency_s"], whole * data["busy_s"])


def front_end_s(shape: Shape) -> float:
    """Seconds that the process in front of the engine takes for one text that is answered after one pass; believed."""
    data = constants("techniques")["one_pass"]
    return data["request_s"] if shape.engine in data["engines"] else 0.0


def encoding_flops(shape: Shape) -> float:
    """Operations of the vision tower for the images of one request: 2 per parameter and patch."""
    images = shape.additions.images
    if images is None:
        return 0.0
    known = images.patches_per_token
    patches = images.tokens * (constants("additions")["patches_per_token"]["value"] if known is None else known)
    return 2.0 * shape.model.params_vision * images.per_request * patches


def _sides(by_outputs: list[tuple[int, int]], by_inputs: list[tuple[int, int]], tensor: int) -> float:
    """Sum of both sides of a low-rank pair over matrices of (inputs, outputs)."""
    split_outputs = sum(inputs + outputs / tensor for inputs, outputs in by_outputs)
    return split_outputs + sum(inputs / tensor + outputs for inputs, outputs in by_inputs)
