"""Rules of thumb that everybody quotes, computed: which hold, when, and which do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inferstack import catalog, sizing
from inferstack.catalog.types import Checkpoint, Model
from inferstack.sizing.types import Parallelism, Shape

from .peers import GB, GIB, rule_of_thumb_weight_gb

KIB = 2**10
CONTEXT = 4096
FULL_BATCH = 256
"""Sequences of a well filled batch: the default limit of a vLLM server on a 40 GB card."""


@dataclass(frozen=True, slots=True)
class Verdict:
    claim: str
    source: str
    ours: str
    holds: str
    """A sentence that begins with yes, no or partly."""


def verdicts() -> list[Verdict]:
    return [check() for check in CHECKS]


def weights_of_70b() -> Verdict:
    model = catalog.model("meta-llama/Llama-3.3-70B-Instruct")
    weights = sizing.weight_bytes(model, _whole(model)) / GB
    thumb = rule_of_thumb_weight_gb(model)
    per_sequence = sizing.sequence_bytes(model, CONTEXT, "bf16", 1) / GB
    room = (thumb - weights) / per_sequence
    return Verdict(
        "2 bytes x parameters x 1.2: a 70B model needs 168 GB",
        "common sizing guides",
        f"weights {weights:.1f} GB; the 20 % on top, {thumb - weights:.0f} GB, hold {room:.0f} sequences of {CONTEXT:,} tokens",
        f"partly: right for bf16 weights and about {room:.0f} sequences at once. What is needed beside the weights is set by traffic, "
        f"not by the parameters: {FULL_BATCH} such sequences take {FULL_BATCH * per_sequence:.0f} GB",
    )


def kv_of_70b() -> Verdict:
    model = catalog.model("meta-llama/Llama-3.3-70B-Instruct")
    per_token = sizing.kv_bytes_per_token(model, "bf16", 1)
    batch = 32 * CONTEXT * per_token
    return Verdict(
        "320 KiB of KV cache per token for Llama-70B; 32 x 4,096 tokens take 40 GB",
        "common sizing guides: 2 x 80 layers x 8 KV heads x 128 x 2 bytes",
        f"{per_token / KIB:.0f} KiB per token at 16 bit, {per_token / KIB / 2:.0f} KiB at 8 bit; "
        f"the batch takes {batch / GIB:.1f} GiB, {batch / GB:.1f} GB",
        "yes, for a model with grouped queries and full attention in every layer; the batch is 40 GiB, not 40 GB",
    )


def batching_gain() -> Verdict:
    alone, full = _rate("a100-40", 1, 512, 256), _rate("a100-40", FULL_BATCH, 512, 256)
    return Verdict(
        "a serving engine gives 793 tok/s where a desktop runner gives 41",
        "https://developers.redhat.com/articles/2025/08/08/ollama-vs-vllm-deep-dive-performance-benchmarking "
        "(Llama-3.1-8B, A100-PCIE-40GB)",
        f"vLLM with one sequence {alone:,.0f} tok/s, with {FULL_BATCH} {full:,.0f} tok/s: x{full / alone:.0f}",
        f"partly: a gain of x{793 / 41:.0f} from batching is {'within' if full / alone > 793 / 41 else 'beyond'} the silicon's, but it "
        "compares an engine that batches with one that was left at a few slots: no property of the model or the GPU",
    )


def paged_attention() -> Verdict:
    model = catalog.model("meta-llama/Llama-2-13b-hf")
    shape = _shape(model, "a100-40")
    free = 0.9 * shape.device.memory_bytes - sizing.weight_bytes(model, shape.checkpoint)
    reserved = free / sizing.sequence_bytes(model, 2048, "bf16", 1)
    paged = free / sizing.sequence_bytes(model, 161 + 338 / 2, "bf16", 1)
    times = sizing.step_times(shape, 161, 338)
    one, few, many = (batch / times.decode_s(batch) for batch in (1.0, reserved, paged))
    return Verdict(
        "paged attention gives 24 times the throughput",
        "vLLM announcement, June 2023: against Hugging Face Transformers, which decoded one static batch at a time",
        f"Llama-2-13B on A100-40, requests as in ShareGPT: {reserved:.0f} sequences with full reservation, {paged:.0f} with paging; "
        f"decode x{many / few:.1f}, against one sequence x{many / one:.0f}",
        f"no, not paging alone: paging lets {paged / reserved:.1f} times as many sequences in and gives about x{many / few:.1f}. The "
        "factor of 24 is against a baseline without continuous batching; every engine here batches, so nothing is multiplied by it",
    )


CHECKS: tuple[Callable[[], Verdict], ...] = (weights_of_70b, kv_of_70b, batching_gain, paged_attention)


def _rate(accelerator: str, batch: int, isl: int, osl: int) -> float:
    shape = _shape(catalog.model("meta-llama/Llama-3.1-8B-Instruct"), accelerator)
    times = sizing.step_times(shape, isl, osl)
    return osl / (times.prefill_busy_s + osl * times.decode_s(batch) / batch)


def _whole(model: Model) -> Checkpoint:
    """The model's weights at 16 bit."""
    return next(known for known in catalog.checkpoints(model.id) if catalog.quantization(known.quantization).bits == 16)


def _shape(model: Model, accelerator: str) -> Shape:
    device = sizing.device_for(catalog.accelerator(accelerator), 1, "none")
    assert device is not None, f"{accelerator} has no bandwidth or FLOPS in the catalog"
    return Shape("vllm", "0.33.0", model, _whole(model), device, Parallelism(), CONTEXT, FULL_BATCH)
