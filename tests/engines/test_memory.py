"""How a device's memory is divided: sums, and what follows when one of the terms grows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.engines import engine, engines, memory
from inferstack.sizing.types import MemoryLayout, Provenance, Shape
from tests.engines import shapes

GIB = 2**30
GENERATORS = sorted(model.id for model in catalog.models().values() if model.kind == "llm")


@st.composite
def planned(draw: st.DrawFn) -> Shape:
    """Any shape of any language model on any of our engines, on CPU too where the engine runs there."""
    name = draw(st.sampled_from(list(engines())))
    weights = shapes.checkpoint(draw(st.sampled_from(GENERATORS)), shapes.usual(name))
    gpu = draw(st.sampled_from(["t4", "l4", "a100-80", "h100-80", "b200-180", None]))
    if gpu is None and engine(name).supports(shapes.model_of(weights), weights, None) is not None:
        gpu = "h100-80"
    device = shapes.cpus(16, draw(st.floats(1, 512))) if gpu is None else shapes.gpus(gpu, draw(st.sampled_from([1, 2, 4, 8])))
    return shapes.shape_of(name, weights, device, draw(st.integers(1, 131_072)), draw(st.integers(1, 1024)))


def layout(shape: Shape) -> MemoryLayout:
    return engine(shape.engine).memory(shape)


@given(planned())
def test_the_parts_sum_to_what_the_engine_may_take(shape: Shape) -> None:
    """Usable memory is weights, activations, runtime and KV cache, and nothing else; it never exceeds what is visible."""
    parts = layout(shape)
    assert parts.weight_bytes + parts.activation_bytes + parts.runtime_bytes + parts.kv_bytes == parts.usable_bytes
    assert 0 < parts.usable_bytes <= parts.visible_bytes == shape.device.memory_bytes
    assert min(parts.weight_bytes, parts.activation_bytes, parts.runtime_bytes) > 0


@given(planned())
def test_sequences_are_never_negative_and_always_fit(shape: Shape) -> None:
    """What is said to fit does fit, and one sequence more would not."""
    parts, one = layout(shape), memory.sequence_bytes(shape)
    assert parts.max_sequences >= 0
    assert parts.kv_tokens >= 0
    assert parts.max_sequences * one <= max(0, parts.kv_bytes)
    assert (parts.max_sequences + 1) * one > parts.kv_bytes


@given(planned(), st.integers(0, 64 * GIB))
def test_more_memory_never_holds_less(shape: Shape, more_bytes: int) -> None:
    """A larger device of the same kind holds at least as many tokens and sequences."""
    larger = replace(shape, device=replace(shape.device, memory_bytes=shape.device.memory_bytes + more_bytes))
    before, after = layout(shape), layout(larger)
    assert after.kv_bytes >= before.kv_bytes
    assert after.max_sequences >= before.max_sequences
    assert after.kv_tokens >= before.kv_tokens


@given(planned(), st.integers(1, 512))
def test_a_larger_batch_never_leaves_more_for_the_cache(shape: Shape, more: int) -> None:
    """Sequences that may run together cost activations, if anything."""
    assert layout(replace(shape, max_sequences=shape.max_sequences + more)).kv_bytes <= layout(shape).kv_bytes


@given(planned(), st.integers(1, 65_536))
def test_a_longer_context_never_holds_more_sequences(shape: Shape, more: int) -> None:
    """Each sequence of the longest length takes at least as much."""
    assert layout(replace(shape, context=shape.context + more)).max_sequences <= layout(shape).max_sequences


@pytest.mark.parametrize("name", list(engines()))
def test_layouts_say_how_sure_they_are(name: str) -> None:
    """Constants of the pinned releases are believed in part, so a layout is never called measured, and it names its source."""
    device = shapes.gpus(shapes.home(name))
    parts = layout(shapes.shape_of(name, shapes.checkpoint(shapes.SMALL, shapes.usual(name)), device))
    assert parts.provenance is Provenance.BELIEVED
    assert name in parts.source or "nearest kin" in parts.source


def test_main_memory_of_a_cpu_service_is_what_its_layout_uses() -> None:
    """On CPU the container's memory holds weights, compute buffer, prompt cache and all slots, and fits wherever the layout fits."""
    shape = shapes.shape_of("llama.cpp", shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m"), shapes.cpus(8, 32), 4096, 4)
    parts = layout(shape)
    host = engine("llama.cpp").host_memory_bytes(shape)
    assert host > parts.weight_bytes + 4 * memory.sequence_bytes(shape)
    assert parts.max_sequences > 4
    assert host < parts.visible_bytes
    full = replace(shape, max_sequences=parts.max_sequences)
    assert engine("llama.cpp").host_memory_bytes(full) <= layout(full).visible_bytes


def test_main_memory_of_a_gpu_service_leaves_the_weights_on_the_gpu() -> None:
    """A 70B model on GPUs needs main memory for processes, not for its weights."""
    for name in (name for name in engines() if shapes.home(name) == "h100-80"):
        weights = shapes.checkpoint(shapes.LARGE, shapes.usual(name))
        shape = shapes.shape_of(name, weights, shapes.gpus("h100-80", 4))
        assert GIB < engine(name).host_memory_bytes(shape) < 40 * GIB
