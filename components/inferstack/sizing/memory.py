"""What a device spends besides weights and KV cache, one function per term. `layout` puts them together."""

from __future__ import annotations

from ..catalog.types import Model
from .constants import GIB, MIB, MemoryConstants
from .types import Estimate, Parallelism, Provenance, worst

BYTES_16_BIT = 2
GATHERED_AND_RETURNED = 2
LARGEST_GRAPH = 512
"""Sequences of the largest captured batch."""


def logits_bytes(constants: MemoryConstants, model: Model, max_sequences: int, batched_tokens: int) -> Estimate:
    """Bytes while sampling: rows x vocabulary x bytes per entry, beside the hidden states of the batch; TP does not divide them."""
    rows = max_sequences if constants.logit_rows == "sequences" else batched_tokens
    sampler = constants.logit_bytes.scaled(rows * model.vocab_size)
    return sampler.plus(constants.hidden_bytes.scaled(batched_tokens * model.hidden_size))


def forward_bytes(constants: MemoryConstants, model: Model, batched_tokens: int, parallel: Parallelism) -> Estimate:
    """Bytes of the widest layer's activations at 16 bit: tokens x (feed-forward + 4 x hidden size), with pipeline stages 2 hidden more."""
    hidden = (4 if parallel.pipeline == 1 else 6) * model.hidden_size
    return constants.forward_factor.scaled(batched_tokens * (_feed_forward(model, parallel.tensor) + hidden) * BYTES_16_BIT)


def activation_bytes(
    constants: MemoryConstants, model: Model, max_sequences: int, batched_tokens: int, parallel: Parallelism, samples: bool = True
) -> Estimate:
    """Peak bytes of activations per device: sampler and forward pass come one after the other, so the larger of the two.

    `samples` is False for the pipeline stages before the last.
    """
    forward = forward_bytes(constants, model, batched_tokens, parallel)
    if not samples:
        return forward
    logits = logits_bytes(constants, model, max_sequences, batched_tokens)
    larger = logits if logits.expected >= forward.expected else forward
    return Estimate(
        max(logits.low, forward.low),
        larger.expected,
        max(logits.high, forward.high),
        worst(logits.provenance, forward.provenance),
        larger.source,
    )


def gathered_bytes(model: Model, batched_tokens: int, parallel: Parallelism) -> Estimate:
    """Bytes of the hidden states of all groups of attention, which a device gathers before experts that machines share, and of what goes
    back: groups x tokens x hidden size x 2 B, twice. At most, when all of them fill their steps with prompts at once."""
    most = GATHERED_AND_RETURNED * parallel.data * batched_tokens * model.hidden_size * BYTES_16_BIT
    return Estimate(most / 4, most, most, Provenance.BELIEVED, "all-gather and reduce-scatter of whole steps; not measured")


def runtime_bytes(constants: MemoryConstants, parallel: Parallelism, link: str = "nvlink") -> Estimate:
    """Bytes outside the tensor allocator per device: context, libraries, communication buffers; captured graphs are apart."""
    if parallel.tensor * parallel.data > 1:
        return (constants.runtime_gib_tensor if link == "nvlink" else constants.runtime_gib_pcie).scaled(GIB)
    return (constants.runtime_gib_pipeline if parallel.pipeline > 1 else constants.runtime_gib_single).scaled(GIB)


def graph_bytes(constants: MemoryConstants, model: Model, max_sequences: int, pipeline: int = 1) -> Estimate:
    """Bytes of captured CUDA graphs per device: a fixed part, and a little for each captured batch size and layer."""
    captured = captured_batches(max_sequences) * -(-model.num_layers // pipeline)
    return constants.graph_gib.scaled(GIB).plus(constants.graph_mib_per_layer.scaled(captured * MIB))


def captured_batches(max_sequences: int) -> int:
    """Batch sizes that are captured: 1, 2, 4, steps of 8 to 256, then of 16, up to twice the sequences (vllm/config/vllm.py)."""
    most = min(2 * max_sequences, LARGEST_GRAPH)
    return sum(size <= most for size in (1, 2, 4)) + min(most, 256) // 8 + max(0, most - 256) // 16


def _feed_forward(model: Model, tensor: int) -> float:
    """Columns of the widest feed-forward buffers: gate, up and their product; with experts those of all chosen ones, or their outputs."""
    if model.is_moe and model.moe_intermediate_size and model.top_k:
        width = model.moe_intermediate_size / tensor
        return model.top_k * (max(2 * width, model.hidden_size) + width)
    return 3 * (model.intermediate_size if model.intermediate_size else 4 * model.hidden_size) / tensor
