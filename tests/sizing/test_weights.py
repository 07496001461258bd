"""Bytes of weights: against checkpoints and engine logs, and what must hold for any model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inferstack import catalog
from inferstack.sizing import fetched_bytes, file_width, stored_bytes, weight_bytes, weight_bytes_per_device
from inferstack.sizing.types import Parallelism
from inferstack.sizing.weights import expert_params, expert_share, rotary_bytes

from .cases import ENCODER, GEMMA_27B, GIB, GPT_OSS_120B, KIMI_K2, LLAMA_8B, LLAMA_70B, MODELS, QWEN_30B_A3B, checkpoint, shape

OBSERVED = [
    # model in the catalog, quantization, TP, PP, GiB per GPU, tolerance; engine logs and checkpoint sizes
    ("meta-llama/Meta-Llama-3-8B-Instruct", "fp8", 1, 1, 8.4596, 0.001),
    ("Qwen/Qwen3-8B", "fp8", 1, 1, 8.8011, 0.002),
    ("Qwen/Qwen3-8B", "awq", 1, 1, 5.68, 0.01),
    ("meta-llama/Llama-3.3-70B-Instruct", "fp8", 2, 1, 33.88, 0.002),
    ("meta-llama/Llama-3.3-70B-Instruct", "bf16", 1, 1, 131.42, 0.001),
    ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 1, 1, 14.99, 0.003),
    ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 4, 1, 3.77, 0.01),
    ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 1, 4, 4.26, 0.01),
    ("Qwen/Qwen3-32B", "bf16", 1, 1, 61.03, 0.001),
    ("Qwen/Qwen3-30B-A3B", "bf16", 4, 1, 14.2474, 0.003),
    ("microsoft/phi-4", "bf16", 1, 1, 27.39, 0.001),
    ("Qwen/Qwen2.5-7B-Instruct", "bf16", 1, 1, 14.25, 0.002),
    ("google/gemma-3-27b-it", "bf16", 1, 1, 51.45, 0.006),
    ("meta-llama/Llama-2-7b-hf", "gguf-q4_0", 1, 1, 3.56, 0.005),
    ("meta-llama/Llama-2-13b-hf", "gguf-f16", 1, 1, 24.24, 0.001),
    ("Qwen/Qwen3-30B-A3B", "gguf-q4_k_m", 1, 1, 17.28, 0.01),
    ("openai/gpt-oss-120b", "mxfp4", 1, 1, 64.38, 0.003),
]

STORED = [
    # model in the catalog, quantization, GiB of its repository, tolerance
    ("microsoft/phi-4", "bf16", 27.31, 0.001),
    ("google/gemma-3-27b-it", "bf16", 51.10, 0.001),
    ("deepseek-ai/DeepSeek-R1-0528", "fp8-block", 641.3, 0.002),
    ("Qwen/Qwen3.5-122B-A10B", "bf16", 232.99, 0.001),
    ("Qwen/Qwen3.6-27B", "bf16", 51.75, 0.001),
    ("Qwen/Qwen3.5-397B-A17B", "gptq-int4", 219.56, 0.006),
    ("zai-org/GLM-5.2", "fp8", 703.75, 0.001),
]


@pytest.mark.parametrize(("name", "quantization", "gib", "within"), STORED)
def test_files_hold_the_layers_for_multi_token_prediction(name: str, quantization: str, gib: float, within: float) -> None:
    """A checkpoint is as large as its repository, with the layers beside the model that engines only load on request."""
    model = catalog.model(name)
    assert stored_bytes(model, checkpoint(model, quantization)) / GIB == pytest.approx(gib, rel=within)


def test_attention_data_parallelism_copies_attention_and_shares_experts() -> None:
    """Eight devices with a group each hold an eighth of the experts and all of the attention: more than a share, less than the whole."""
    single = shape(QWEN_30B_A3B)
    spread = replace(single, parallel=Parallelism(data=8))
    whole, each = weight_bytes_per_device(single), weight_bytes_per_device(spread)
    assert whole / 8 < each < whole / 4
    assert weight_bytes_per_device(replace(shape(LLAMA_8B), parallel=Parallelism(data=8))) == weight_bytes_per_device(shape(LLAMA_8B))


@pytest.mark.parametrize(("name", "quantization", "tensor", "pipeline", "gib", "within"), OBSERVED)
def test_weights_agree_with_logs(name: str, quantization: str, tensor: int, pipeline: int, gib: float, within: float) -> None:
    """Predicted weights per GPU are within the stated tolerance of what was loaded."""
    loaded = shape(catalog.model(name), quantization, tensor, pipeline)
    assert weight_bytes_per_device(loaded) / GIB == pytest.approx(gib, rel=within)


def test_embeddings_and_lm_head_stay_wide_in_safetensors() -> None:
    """An FP8 checkpoint stores linears in one byte and both ends of the model in two."""
    ends = 2 * LLAMA_8B.vocab_size * LLAMA_8B.hidden_size
    assert weight_bytes(LLAMA_8B, checkpoint(LLAMA_8B, "fp8")) == LLAMA_8B.params_total - ends + 2 * ends


def test_tied_embeddings_are_stored_once() -> None:
    """A tied lm_head adds no wide parameters of its own."""
    tied = replace(LLAMA_8B, tied_embeddings=True)
    one_end = LLAMA_8B.vocab_size * LLAMA_8B.hidden_size
    assert weight_bytes(tied, checkpoint(tied, "fp8")) == LLAMA_8B.params_total + one_end


def test_only_experts_are_mxfp4() -> None:
    """gpt-oss keeps everything but the routed experts at 16 bit."""
    experts = expert_params(GPT_OSS_120B)
    expected = (GPT_OSS_120B.params_total - experts) * 2 + experts * 4.25 / 8
    assert weight_bytes(GPT_OSS_120B, checkpoint(GPT_OSS_120B, "mxfp4")) == pytest.approx(expected, abs=1)


def test_gguf_bits_cover_the_whole_language_model() -> None:
    """GGUF bits count for embeddings too, and the vision tower is a file of its own."""
    language = GEMMA_27B.params_total - GEMMA_27B.params_vision
    assert weight_bytes(GEMMA_27B, checkpoint(GEMMA_27B, "gguf-q8_0")) == round(language * 8.5 / 8)


def test_vision_tower_stays_wide() -> None:
    """Quantizing a model with a vision tower leaves the tower at 16 bit."""
    without = replace(GEMMA_27B, params_total=GEMMA_27B.params_total - GEMMA_27B.params_vision, params_vision=0)
    difference = weight_bytes(GEMMA_27B, checkpoint(GEMMA_27B, "awq")) - weight_bytes(without, checkpoint(without, "awq"))
    assert difference == 2 * GEMMA_27B.params_vision


def test_known_file_size_wins_unless_the_engine_quantizes_it() -> None:
    """A checkpoint's known bytes are what is loaded; a 16-bit file that is quantized while loading is not."""
    assert weight_bytes(LLAMA_8B, checkpoint(LLAMA_8B, "gguf-q4_k_m", weight_bytes=4_920_000_000)) == 4_920_000_000
    online = checkpoint(LLAMA_8B, "fp8", weight_bytes=16_060_000_000, quantized_at_load=True)
    assert weight_bytes(LLAMA_8B, online) == weight_bytes(LLAMA_8B, checkpoint(LLAMA_8B, "fp8"))


def test_experts_follow_from_active_parameters() -> None:
    """Total minus active parameters, scaled by how many experts a token skips, equals layers x experts x width x 3."""
    assert expert_params(QWEN_30B_A3B) == 48 * 128 * 3 * 2048 * 768
    assert expert_params(KIMI_K2) == 60 * 384 * 3 * 7168 * 2048
    assert expert_params(LLAMA_8B) == 0


@pytest.mark.parametrize("quantization", ["bf16", "fp8", "awq", "gguf-q4_k_m"])
def test_expert_share_is_a_share_of_the_bytes(quantization: str) -> None:
    """Experts are most of a mixture's bytes, never all, and none of a dense model's."""
    assert 0.8 < expert_share(QWEN_30B_A3B, checkpoint(QWEN_30B_A3B, quantization)) < 1
    assert expert_share(LLAMA_8B, checkpoint(LLAMA_8B, quantization)) == 0


@pytest.mark.parametrize("model", [*MODELS, ENCODER], ids=lambda model: model.id)
@pytest.mark.parametrize("quantization", ["bf16", "fp8", "awq", "gguf-q4_k_m"])
def test_devices_share_the_weights(model: catalog.Model, quantization: str) -> None:
    """TP divides the weights, no device holds less than its share, and all together hold no less than the whole."""
    total = weight_bytes(model, checkpoint(model, quantization))
    for tensor in (1, 2, 4, 8):
        per_device = weight_bytes_per_device(shape(model, quantization, tensor))
        copied = rotary_bytes(model) + total * 0.01
        assert total / tensor <= per_device <= total / tensor * 1.03 + copied


def test_fullest_stage_bounds_a_pipeline() -> None:
    """A pipeline stage holds more than its share, because one end of the model comes on top of its layers."""
    total = weight_bytes(LLAMA_70B, checkpoint(LLAMA_70B))
    assert total / 4 < weight_bytes_per_device(shape(LLAMA_70B, pipeline=4)) < total / 3


def test_fewer_bits_are_fewer_bytes() -> None:
    """Weights shrink from 16 bit over FP8 to 4 bit for every model."""
    for model in MODELS:
        sizes = [weight_bytes(model, checkpoint(model, name)) for name in ("bf16", "fp8", "nvfp4", "awq")]
        assert sizes == sorted(sizes, reverse=True)


def test_sglang_divides_lm_head_where_attention_is_data_parallel() -> None:
    """With attention data parallelism each rank copies the embedding; SGLang still keeps only its part of lm_head."""
    model = catalog.model("deepseek-ai/DeepSeek-V3.1")
    spread = shape(model, "fp8-block")
    spread = replace(spread, parallel=Parallelism(tensor=1, data=8))
    copied, divided = (weight_bytes_per_device(replace(spread, engine=engine)) for engine in ("vllm", "sglang"))
    head = model.vocab_size * model.hidden_size * 2
    assert copied - divided == pytest.approx(head * 7 / 8, rel=0.01)


def test_files_are_wider_than_what_is_loaded_of_them() -> None:
    """What is quantized while loading is fetched at 16 bit, a model that is stored at 32 is fetched so, others as loaded."""
    stored = checkpoint(LLAMA_8B)
    online = replace(stored, quantization="fp8", quantized_at_load=True)
    assert file_width(LLAMA_8B, stored) == 1
    assert file_width(LLAMA_8B, online) == pytest.approx(weight_bytes(LLAMA_8B, stored) / weight_bytes(LLAMA_8B, online))
    assert file_width(replace(LLAMA_8B, native_dtype="float32"), stored) == 2
    one = shape(LLAMA_8B)
    assert fetched_bytes(replace(one, checkpoint=online)) == pytest.approx(fetched_bytes(one), rel=0.01)
