"""Every term of the memory of one device with its numbers put in, for people who check it."""

from __future__ import annotations

from .constants import GIB
from .types import MemoryLayout, Provenance, Shape, Term


def memory_terms(shape: Shape, memory: MemoryLayout) -> list[Term]:
    """What one device holds, in GiB: what may be used, what is taken from it, and the KV cache that the rest makes."""
    device, model, source = shape.device, shape.model, memory.source
    spread = f", divided over {shape.parallel.devices}" if shape.parallel.devices > 1 else ""

    def term(name: str, formula: str, count: float, by: Provenance = memory.provenance, said: str = source) -> Term:
        return Term(name, formula, count / GIB, "GiB", by, said)

    parameters = f"{model.params_total / 1e9:,.2f} G parameters in {shape.checkpoint.quantization}{spread}"
    tokens = f"{_gib(memory.kv_bytes)} / {memory.kv_bytes_per_token:,.0f} B"
    return [
        term("visible", f"{device.id} as software sees it", memory.visible_bytes, device.provenance, device.source),
        term("usable", f"{memory.usable_bytes / memory.visible_bytes:.3f} x {_gib(memory.visible_bytes)}", memory.usable_bytes),
        term("weights", parameters, memory.weight_bytes, Provenance.FITTED, shape.checkpoint.source),
        term("activations", f"peak of a batch of {shape.max_sequences:,} sequences", memory.activation_bytes),
        term("runtime", "context, communication buffers, captured graphs", memory.runtime_bytes),
        term("KV cache", "usable - weights - activations - runtime", memory.kv_bytes),
        Term(
            "KV cache per token",
            f"a sequence of {shape.context:,} tokens in {shape.kv_dtype}, over its tokens",
            memory.kv_bytes_per_token,
            "B",
            memory.provenance,
            source,
        ),
        Term("KV tokens", tokens, memory.kv_tokens, "tokens", memory.provenance, source),
        Term(
            "longest requests at once",
            f"{memory.kv_tokens:,} tokens / {shape.context:,}, whole ones",
            memory.max_sequences,
            "requests",
            memory.provenance,
            source,
        ),
    ]


def _gib(count: int) -> str:
    return f"{count / GIB:.2f} GiB"
