"""What engines around llama.cpp's kernels share: GGUF weights, layers that GPUs hold in turn, and a slot of full context per sequence."""

from __future__ import annotations

from typing import ClassVar

from .. import catalog
from ..catalog.types import Accelerator, Checkpoint, Model
from ..sizing.types import Estimate, MemoryLayout, Parallelism, Shape
from . import memory
from .base import BaseEngine
from .matrix import verdict
from .silicon import capability_of, refuse_silicon
from .types import Refusal
from .weights import IMAGE


class GgufEngine(BaseEngine):
    """One such engine. Several GPUs hold the layers in turn: more memory, no lower latency."""

    paged_kv = False
    most_sequences = 8
    """Slots; each reserves the full context. Believed: llama.cpp's own automatic choice is 4."""
    cpu_runtime: ClassVar[Estimate]
    """What the process takes on CPU, where there is no CUDA context."""

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        if (unserved := self.refuse_model(model)) is not None:
            return unserved
        quantization = catalog.quantization(checkpoint.quantization)
        if quantization.format != "gguf":
            return Refusal(f"does not run on {self.title}, which loads GGUF only", "use gguf-q4_k_m")
        unreachable = self.refuse_source(checkpoint)
        if unreachable is not None or accelerator is None:
            return unreachable
        return refuse_silicon(accelerator, self.release)

    def refuse_source(self, checkpoint: Checkpoint) -> Refusal | None:
        """Why the engine cannot fetch those weights; None where it can."""
        if checkpoint.uri.startswith(IMAGE):
            return Refusal("is in an image, of which nobody tells the GGUF file", "use hf://, s3://, gs:// or pvc:// with the file's name")
        return None

    def notes(self, shape: Shape) -> tuple[str, ...]:
        capability = capability_of(shape.device.compute_capability)
        inferred = capability is not None and not verdict(catalog.engine_support(self.name), "gguf", capability).own
        sentences = (
            (inferred, f"that {self.title} runs on {shape.device.id} is believed, from what it does on older silicon"),
            (
                shape.parallel.devices > 1,
                f"layers are split over {shape.parallel.devices} GPUs: they hold more, and one request is no faster",
            ),
            (shape.model.params_vision > 0, "text only: the image projector is not loaded"),
            *self.remarks(shape),
        )
        return tuple(sentence for holds, sentence in sentences if holds)

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint in known if catalog.quantization(checkpoint.quantization).format == "gguf")

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        if parallel.pipeline <= model.num_layers:
            return None
        return Refusal(f"is more than the {model.num_layers} layers that can be split over GPUs", f"use {model.num_layers}")

    def spread(self, degree: int) -> Parallelism:
        """Stages, not tensor parallelism: one GPU runs after the other (splitting tensors is experimental upstream)."""
        return Parallelism(pipeline=degree)

    def memory(self, shape: Shape) -> MemoryLayout:
        """Memory less weights, compute buffer and runtime; on CPU the prompt cache counts as runtime, on GPUs it is main memory."""
        return memory.layout(shape, self.cpu_runtime if on_cpu(shape) else None)

    def host_memory_bytes(self, shape: Shape) -> int:
        """On CPU all that the service keeps; on GPUs the process, the prompt cache and the token embedding, which stays in main memory."""
        if not on_cpu(shape):
            return self.host.bytes_for(shape.parallel.devices, ()) + _embedding_bytes(shape.model, shape.checkpoint)
        layout = self.memory(shape)
        slots = shape.max_sequences * memory.sequence_bytes(shape)
        needed = layout.weight_bytes + layout.activation_bytes + layout.runtime_bytes + slots
        return round(needed * layout.visible_bytes / layout.usable_bytes)


def on_cpu(shape: Shape) -> bool:
    """True where no accelerator holds the weights."""
    return shape.device.kind == "cpu"


def _embedding_bytes(model: Model, checkpoint: Checkpoint) -> int:
    return round(model.vocab_size * model.hidden_size * catalog.quantization(checkpoint.quantization).bits / 8)
