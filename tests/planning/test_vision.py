"""Images in requests of vision-language models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inferstack.errors import InputError
from tests.planning.stacks import plan_one

MODEL = {"model": "Qwen/Qwen3-VL-8B-Instruct", "gpu": "l4", "slo": {"ttftP95Ms": 9000}}
TEXT = {"requestsPerSecond": 0.2, "isl": 200, "osl": 100}


def seeing(**images: object) -> dict[str, object]:
    return {**MODEL, "traffic": {**TEXT, "images": {"perRequest": 1, "width": 1024, "height": 768, **images}}}


def refused(**changes: object) -> str:
    with pytest.raises(InputError) as error:
        plan_one(**changes)
    return str(error.value.problems[0]).removeprefix("inferstack:services[0].")


def test_tokens_follow_from_the_size() -> None:
    """An image of 1024 x 768 is 32 x 24 tokens of 32 pixels each; they come on top of the text."""
    made = plan_one(**seeing())
    assert made.replica.shape.additions.images is not None
    assert made.replica.shape.additions.images.tokens == 32 * 24
    assert made.workload.isl == 200 + 32 * 24
    assert made.workload.image_tokens == 32 * 24


def test_images_take_memory_and_time() -> None:
    """Their cache and their encoding come out of the KV cache, a prefill takes the tower's work too, and shared memory is counted."""
    text, images = plan_one(**MODEL, traffic={**TEXT, "isl": 200 + 32 * 24}), plan_one(**seeing())
    assert images.replica.memory.added_bytes > 8192 * 4096 * 2
    assert images.replica.performance.ttft_p95_ms.expected > text.replica.performance.ttft_p95_ms.expected
    assert images.spec.host_memory_bytes - text.spec.host_memory_bytes == 4 * 2**30
    (shared,) = [volume for volume in images.spec.volumes if volume.path == "/dev/shm"]
    assert shared.memory
    assert shared.size_gib == 4


def test_the_engine_is_told_of_them() -> None:
    """More images than planned are refused by the server, videos too; text-only services keep the tower switched off."""
    words = plan_one(**seeing(mostPerRequest=3)).spec.args
    assert '--limit-mm-per-prompt={"image":3,"video":0}' in words
    assert "--mm-processor-cache-type=shm" in words
    assert "--language-model-only" not in words
    assert "--language-model-only" in plan_one(**MODEL, traffic=TEXT).spec.args
    words = plan_one(**seeing(mostPerRequest=3), engine="sglang").spec.args
    assert '--limit-mm-data-per-request={"image":3}' in words
    assert "--enable-multimodal" in words


def test_the_context_holds_the_most_images() -> None:
    """A request with as many images as are allowed is within the context."""
    made = plan_one(**seeing(mostPerRequest=20))
    assert made.replica.shape.context >= 200 + 20 * 32 * 24 + 100


def test_some_models_make_the_same_of_every_image() -> None:
    """Gemma 3 needs no size: 256 tokens."""
    made = plan_one(model="google/gemma-3-12b-it", gpu="h100-80", slo=None, traffic={**TEXT, "images": {"perRequest": 2}})
    assert made.workload.isl == 200 + 2 * 256


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"model": "google/gemma-4-31B-it", "traffic": {**TEXT, "images": {"perRequest": 1}}},
            "traffic.images.tokens: is needed: how many tokens google/gemma-4-31B-it makes of an image",
        ),
        (
            {"model": "Qwen/Qwen3-VL-8B-Instruct", "traffic": {**TEXT, "images": {"perRequest": 1}}},
            "traffic.images.tokens: is needed: how many tokens Qwen/Qwen3-VL-8B-Instruct makes of an image depends on its size",
        ),
        (
            {"model": "Qwen/Qwen3-8B", "traffic": {**TEXT, "images": {"perRequest": 1, "tokens": 500}}},
            "traffic.images: is for models with a vision tower, and none of Qwen/Qwen3-8B is known here; give its config.json as "
            "model.config where it has one, or use one that is known, such as Qwen/Qwen",
        ),
        (
            seeing(mostPerRequest=1000, width=4000, height=4000),
            "traffic: 15625300 tokens per request are beyond the 262,144 that Qwen/Qwen3-VL-8B-Instruct was made for; allow fewer images",
        ),
        (seeing(mostPerRequest=1, perRequest=2), "traffic.images.mostPerRequest: 1 is below the mean of 2; use at least 2"),
        (seeing(height=None), "traffic.images.height: is needed beside `width`; pixels of a usual image"),
        ({**seeing(), "engine": "tensorrt-llm"}, "traffic.images: is not planned with tensorrt-llm; use vllm or sglang"),
    ],
)
def test_images_that_cannot_be(changes: dict[str, object], said: str) -> None:
    """What is not known is asked for, and what cannot be names the nearest that can."""
    assert refused(**changes).startswith(said)


def test_unknown_towers_say_so(tmp_path: Path) -> None:
    """With stated tokens a model whose tower is not known is planned, and the plan says what is not counted."""
    text = {"model_type": "cohere2", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8}
    tower = {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27}
    whole = {"model_type": "aya_vision", "text_config": {**text, "intermediate_size": 14336, "vocab_size": 256000}, "vision_config": tower}
    (tmp_path / "config.json").write_text(json.dumps(whole), encoding="utf-8")
    model = {"id": "me/aya", "config": str(tmp_path / "config.json")}
    made = plan_one(model=model, gpu="h100-80", slo=None, traffic={**TEXT, "images": {"perRequest": 1, "tokens": 280}})
    assert any("vision tower" in text for text in made.warnings)
