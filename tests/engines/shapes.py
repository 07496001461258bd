"""Shapes, replicas and services as a plan would hold them, made from the real catalog."""

from __future__ import annotations

from dataclasses import replace

from inferstack import catalog, sizing
from inferstack.catalog.types import Checkpoint, Model
from inferstack.engines import Engine, ServingIdentity, engine
from inferstack.sizing.types import Device, Estimate, Parallelism, Performance, Provenance, Replica, Shape

SMALL = "Qwen/Qwen3-8B"
LARGE = "meta-llama/Llama-3.3-70B-Instruct"
VISION = "google/gemma-3-27b-it"
NATIVE_MXFP4 = "openai/gpt-oss-20b"

SERVICE = ServingIdentity(
    name="chat",
    startup_seconds=400,
    longest_response_seconds=120,
    needs_hugging_face_token=True,
    needs_api_key=True,
    cpu_millicores=3500,
)
KINDS = ("bf16", "gguf-q4_k_m")
HOMES = ("h100-80", "inferentia2")
_NOTHING = Estimate(0.0, 0.0, 0.0, Provenance.BELIEVED, "a test")
IDLE = Performance(0.0, _NOTHING, _NOTHING, _NOTHING, _NOTHING, 0.0, "ttft")


def checkpoint(model: str, quantization: str = "bf16", uri: str | None = None, **facts: object) -> Checkpoint:
    """Weights of `model`, on the hub under its own name where nothing else is said."""
    made = Checkpoint(model, quantization, f"hf://{model}" if uri is None else uri, "a test")
    return replace(made, **facts)  # pyright: ignore[reportArgumentType]


def usual(engine_name: str) -> str:
    """A quantization that the engine runs on every GPU that it knows: whole weights, or GGUF."""
    found = engine(engine_name)
    runs = catalog.accelerator(home(engine_name))
    return next(kind for kind in KINDS if found.supports(catalog.model(SMALL), checkpoint(SMALL, kind), runs) is None)


def home(engine_name: str) -> str:
    """Silicon that the engine is made for."""
    found = engine(engine_name)
    weights = [checkpoint(SMALL, kind) for kind in KINDS]
    runs = [any(found.supports(catalog.model(SMALL), each, catalog.accelerator(gpu)) is None for each in weights) for gpu in HOMES]
    return HOMES[runs.index(True)]


def gpus(name: str, count: int = 1, link: str = "nvlink") -> Device:
    device = sizing.device_for(catalog.accelerator(name), count, link)
    assert device is not None
    return device


def cpus(vcpus: float = 8, memory_gib: float = 32) -> Device:
    return sizing.cpu_device(vcpus, memory_gib, None, None)


def shape_of(
    engine_name: str, weights: Checkpoint, device: Device, context: int = 8192, sequences: int = 8, kv_dtype: str = "bf16"
) -> Shape:
    found = engine(engine_name)
    return Shape(
        engine=found.name,
        engine_version=found.release.version,
        model=model_of(weights),
        checkpoint=weights,
        device=device,
        parallel=found.spread(device.count),
        context=context,
        max_sequences=sequences,
        kv_dtype=kv_dtype,
    )


def spanning(engine_name: str, parallel: Parallelism, machines: int = 2) -> Shape:
    """DeepSeek-V3 in the precision that it was published in, on so many machines of eight H100."""
    device = sizing.device_for(catalog.accelerator("h100-80"), parallel.devices, "nvlink", machines, 3200)
    assert device is not None
    shape = shape_of(engine_name, checkpoint("deepseek-ai/DeepSeek-V3", "fp8-block"), device, 16_384, 64)
    return replace(shape, parallel=parallel)


def model_of(weights: Checkpoint) -> Model:
    return catalog.model(weights.model)


def replica_of(shape: Shape, by: Engine | None = None) -> Replica:
    sizer = engine(shape.engine) if by is None else by
    return Replica(shape, sizer.memory(shape), IDLE)
