"""Hand-built models, silicon and shapes, so that tests of physics do not move when the catalog does."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from inferstack.catalog.types import Accelerator, Checkpoint, KvCache, KvKind, Model
from inferstack.sizing import device_for, memory_constants, sequence_bytes, weight_bytes_per_device
from inferstack.sizing.types import Device, MemoryLayout, Parallelism, Provenance, Shape

GIB = 2**30

LLAMA_8B = Model(
    id="test/llama-8b", kind="llm", architecture="llama", params_total=8_030_261_248, params_active=8_030_261_248,
    hidden_size=4096, num_layers=32, num_attention_heads=32, num_kv_heads=8, head_dim=128, vocab_size=128_256,
    kv=KvCache(KvKind.FULL, full_layers=32, elements_full=32 * 2 * 8 * 128), intermediate_size=14_336,
    max_context=131_072, source="config.json",
)  # fmt: skip
LLAMA_70B = replace(
    LLAMA_8B, id="test/llama-70b", params_total=70_553_706_496, params_active=70_553_706_496, hidden_size=8192, num_layers=80,
    num_attention_heads=64, kv=KvCache(KvKind.FULL, full_layers=80, elements_full=80 * 2 * 8 * 128), intermediate_size=28_672,
)  # fmt: skip
QWEN_30B_A3B = Model(
    id="test/qwen3-30b-a3b", kind="llm", architecture="qwen3_moe", params_total=30_532_122_624, params_active=3_353_032_704,
    hidden_size=2048, num_layers=48, num_attention_heads=32, num_kv_heads=4, head_dim=128, vocab_size=151_936,
    kv=KvCache(KvKind.FULL, full_layers=48, elements_full=48 * 2 * 4 * 128), intermediate_size=6144,
    n_experts=128, top_k=8, moe_intermediate_size=768, max_context=40_960, source="config.json",
)  # fmt: skip
GEMMA_27B = Model(
    id="test/gemma-3-27b", kind="llm", architecture="gemma3_text", params_total=27_432_406_640, params_active=27_009_346_304,
    hidden_size=5376, num_layers=62, num_attention_heads=32, num_kv_heads=16, head_dim=128, vocab_size=262_208,
    kv=KvCache(
        KvKind.WINDOW, full_layers=10, window_layers=52, window_tokens=1024, elements_full=10 * 4096, elements_window=52 * 4096
    ),
    intermediate_size=21_504, tied_embeddings=True, params_vision=423_060_336, max_context=131_072, source="config.json",
)  # fmt: skip
KIMI_K2 = Model(
    id="test/kimi-k2", kind="llm", architecture="deepseek_v3", params_total=1_026_408_232_448, params_active=32_861_500_928,
    hidden_size=7168, num_layers=61, num_attention_heads=64, num_kv_heads=64, head_dim=192, vocab_size=163_840,
    kv=KvCache(KvKind.LATENT, full_layers=61, elements_full=61 * 576), intermediate_size=18_432,
    n_experts=384, top_k=8, moe_intermediate_size=2048, first_k_dense=1, max_context=131_072, source="config.json",
)  # fmt: skip
QWEN_HYBRID = Model(
    id="test/qwen3.5-27b", kind="llm", architecture="qwen3_5", params_total=26_895_998_464, params_active=26_895_998_464,
    hidden_size=5120, num_layers=64, num_attention_heads=24, num_kv_heads=4, head_dim=256, vocab_size=248_320,
    kv=KvCache(KvKind.STATE, full_layers=16, elements_full=16 * 2 * 4 * 256, state_bytes=153_944_064, state_layers=48),
    intermediate_size=17_408, source="config.json",
)  # fmt: skip
GPT_OSS_120B = Model(
    id="test/gpt-oss-120b", kind="llm", architecture="gpt_oss", params_total=116_829_156_672, params_active=5_711_982_912,
    hidden_size=2880, num_layers=36, num_attention_heads=64, num_kv_heads=8, head_dim=64, vocab_size=201_088,
    kv=KvCache(
        KvKind.WINDOW, full_layers=18, window_layers=18, window_tokens=128, elements_full=18 * 1024, elements_window=18 * 1024
    ),
    intermediate_size=2880, n_experts=128, top_k=4, native_quantization="mxfp4", source="config.json",
)  # fmt: skip
ENCODER = Model(
    id="test/bge-m3", kind="embedding", architecture="xlm-roberta", params_total=567_754_752, params_active=567_754_752,
    hidden_size=1024, num_layers=24, num_attention_heads=16, num_kv_heads=16, head_dim=64, vocab_size=250_002,
    kv=KvCache(KvKind.NONE), intermediate_size=4096, tied_embeddings=True, max_context=8192, source="config.json",
)  # fmt: skip
MODELS = (LLAMA_8B, LLAMA_70B, QWEN_30B_A3B, GEMMA_27B, KIMI_K2, QWEN_HYBRID, GPT_OSS_120B)

H100 = Accelerator(
    id="h100-80", name="NVIDIA H100 SXM5 80GB", vendor="nvidia", architecture="Hopper", compute_capability="9.0", memory_gib=79.18,
    bandwidth_gb_s=3350, dense_tflops=MappingProxyType({"fp16": 989, "bf16": 989, "fp8": 1979, "int8": 1979, "fp4": None}),
    nvlink_gb_s=450, pcie_gb_s=64, tdp_w=700, source="datasheet", verified=True,
)  # fmt: skip
L4 = replace(
    H100, id="l4", name="NVIDIA L4", architecture="Ada", compute_capability="8.9", memory_gib=22.3, bandwidth_gb_s=300,
    dense_tflops=MappingProxyType({"fp16": 121, "bf16": 121, "fp8": 242, "int8": 242, "fp4": None}), nvlink_gb_s=None, pcie_gb_s=32,
    verified=False,
)  # fmt: skip


def checkpoint(model: Model, quantization: str = "bf16", weight_bytes: int | None = None, quantized_at_load: bool = False) -> Checkpoint:
    return Checkpoint(model.id, quantization, f"hf://{model.id}", "test", weight_bytes=weight_bytes, quantized_at_load=quantized_at_load)


def device(accelerator: Accelerator = H100, count: int = 1, link: str = "nvlink") -> Device:
    found = device_for(accelerator, count, link)
    assert found is not None
    return found


def shape(
    model: Model = LLAMA_8B, quantization: str = "bf16", tensor: int = 1, pipeline: int = 1, accelerator: Accelerator = H100,
    engine: str = "vllm", max_sequences: int = 256, kv_dtype: str = "bf16", context: int = 8192,
) -> Shape:  # fmt: skip
    link = "nvlink" if accelerator.nvlink_gb_s else "pcie"
    silicon = device(accelerator, tensor * pipeline, link)
    return Shape(
        engine, "0.33.0", model, checkpoint(model, quantization), silicon, Parallelism(tensor, pipeline), context, max_sequences, kv_dtype
    )


def memory(shape: Shape, kv_gib: float | None = None) -> MemoryLayout:
    """A layout with `kv_gib` for the KV cache, or 90 % of the device without the weights."""
    weights = weight_bytes_per_device(shape)
    kv = round(shape.device.memory_bytes * 0.9) - weights if kv_gib is None else round(kv_gib * GIB)
    rules = memory_constants(shape.engine, shape.engine_version).kv
    longest = sequence_bytes(
        shape.model, shape.context, shape.kv_dtype, shape.parallel.tensor, shape.parallel.pipeline, batched_tokens=2048, rules=rules
    )
    held = shape.max_sequences if not longest else max(0, min(shape.max_sequences, kv // longest))
    return MemoryLayout(
        visible_bytes=shape.device.memory_bytes,
        usable_bytes=shape.device.memory_bytes,
        weight_bytes=weights,
        activation_bytes=0,
        runtime_bytes=0,
        kv_bytes=kv,
        kv_bytes_per_token=longest / shape.context,
        kv_tokens=round(kv / longest * shape.context) if longest else 0,
        max_sequences=held,
        provenance=Provenance.FITTED,
        source="test",
    )
