"""Models from configs: counts and caches equal those of the catalog, and what is not understood is refused by name."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.catalog.architectures import ARCHITECTURES

CONFIGS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "configs.json").read_text(encoding="utf-8"))
"""Published `config.json` files, cut to the keys that say something about size."""
OTHERS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "other_configs.json").read_text(encoding="utf-8"))["configs"]
"""Dimensions of models that the catalog does not have, with the parameters that their cards state."""
PLAIN = (
    "llama", "mistral", "qwen2", "qwen3", "granite", "phi3", "gemma2", "gemma3_text", "starcoder2", "falcon", "gpt_neox", "bloom",
    "mixtral", "qwen3_moe", "phimoe", "gpt_oss", "minimax_m2", "glm4_moe",
)  # fmt: skip
"""Architectures whose rows in the catalog hold all dimensions of the formula."""


def as_config(model: catalog.Model) -> dict[str, Any]:
    """The config that a catalog row of a plain architecture comes from."""
    window = model.kv.window_tokens if model.kv.kind is catalog.KvKind.WINDOW else None
    config = {
        "model_type": model.architecture,
        "hidden_size": model.hidden_size,
        "num_hidden_layers": model.num_layers,
        "num_attention_heads": model.num_attention_heads,
        "num_key_value_heads": model.num_kv_heads,
        "head_dim": model.head_dim,
        "intermediate_size": model.intermediate_size,
        "vocab_size": model.vocab_size,
        "tie_word_embeddings": model.tied_embeddings,
        "max_position_embeddings": model.max_context,
        "sliding_window": window,
        "num_experts": model.n_experts,
        "num_experts_per_tok": model.top_k,
        "moe_intermediate_size": model.moe_intermediate_size,
        "n_shared_experts": model.n_shared_experts,
        "first_k_dense_replace": model.first_k_dense,
        "use_bidirectional_attention": model.kv.kind is catalog.KvKind.NONE,
    }
    return {key: value for key, value in config.items() if value is not None}


@pytest.mark.parametrize("name", CONFIGS)
def test_published_configs_give_the_catalogs_models(name: str) -> None:
    """A published config gives the parameters of the catalog within 0.5 % (1 % for what one token reads) and the same KV cache."""
    read = catalog.model_from_config(CONFIGS[name], name, "config.json")
    known = catalog.models()[name]
    assert read.params_total - read.params_vision == pytest.approx(known.params_total - known.params_vision, rel=0.005)
    assert read.params_active == pytest.approx(known.params_active, rel=0.01)
    assert read.kv == known.kv
    for column in ("hidden_size", "num_layers", "num_attention_heads", "num_kv_heads", "head_dim", "vocab_size", "n_experts", "top_k"):
        assert getattr(read, column) == getattr(known, column), column


@pytest.mark.parametrize("name", [name for name in CONFIGS if catalog.models()[name].kind != "llm"])
def test_configs_say_what_answers_after_one_pass(name: str) -> None:
    """An encoder's config gives its kind, its class, and the context that can be used: positions behind the padding token's are lost."""
    read = catalog.model_from_config(CONFIGS[name], name, "config.json")
    known = catalog.models()[name]
    assert (read.kind, read.max_context, read.kv, read.remote_code) == (
        known.kind,
        known.max_context,
        known.kv,
        "auto_map" in CONFIGS[name],
    )
    assert read.checkpoint_class == CONFIGS[name]["architectures"][0]


def test_a_class_with_a_score_is_a_reward_model() -> None:
    """A language model whose class ends in a score answers with one; the same config without it generates."""
    llama = CONFIGS["meta-llama/Llama-3.1-8B-Instruct"]
    scored = catalog.model_from_config({**llama, "architectures": ["LlamaForSequenceClassification"]}, "me/judge", "config.json")
    assert (scored.kind, scored.checkpoint_class) == ("reward", "LlamaForSequenceClassification")
    assert catalog.model_from_config(llama, "me/mine", "config.json").kind == "llm"


@pytest.mark.parametrize("name", [name for name, model in catalog.models().items() if model.architecture in PLAIN])
def test_dimensions_of_the_catalog_give_its_parameters(name: str) -> None:
    """The parameters of every plain model follow from its dimensions within 1 %, and so does its KV cache."""
    known = catalog.models()[name]
    read = catalog.model_from_config(as_config(known), name, "catalog")
    language = known.params_total - known.params_vision
    assert read.params_total == pytest.approx(language, rel=0.01)
    assert read.kv == known.kv


def test_every_architecture_is_proved_by_a_model() -> None:
    """Architectures without a model in the tests above are few and named here."""
    proved = {model.architecture for model in catalog.models().values() if model.architecture in PLAIN}
    proved |= {catalog.model_from_config(config, name, "").architecture for name, config in CONFIGS.items()}
    proved |= {config["model_type"] for config in OTHERS.values()}
    alike = {
        "ministral3": "a mistral without window",
        "qwen2_moe": "qwen3_moe with the shared expert of qwen3_5_moe_text",
        "qwen2_5_vl_text": "qwen2",
        "qwen3_vl_moe_text": "qwen3_moe",
        "qwen3_next": "qwen3_5_moe_text",
        "mistral4": "deepseek_v3",
        "gemma4_unified_text": "gemma4_text",
        "roberta": "xlm-roberta",
        "mpnet": "xlm-roberta without token types",
        "jina_embeddings_v3": "xlm-roberta without a vector for each position, and adapters in the checkpoint",
    }
    assert set(ARCHITECTURES) - proved == set(alike)


@pytest.mark.parametrize("name", OTHERS)
def test_architectures_that_the_catalog_has_no_model_of_come_out_at_their_cards(name: str) -> None:
    """Dimensions alone give the parameters that the model's card states, within 1 %."""
    config = dict(OTHERS[name])
    stated = config.pop("billions")
    assert catalog.model_from_config(config, name, "config.json").params_total / 1e9 == pytest.approx(stated, rel=0.01)


def test_nominal_sizes_of_other_architectures() -> None:
    """Models whose count is not published exactly come out at the size in their name."""
    sizes = {
        "Qwen/Qwen3-Next-80B-A3B-Instruct": (80e9, 3e9, 0.35),
        "mistralai/Mistral-Small-4-119B-2603": (119e9, None, 0.02),
        "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16": (120e9, 12e9, 0.1),
        "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16": (550e9, 55e9, 0.05),
    }
    for name, (total, active, tolerance) in sizes.items():
        model = catalog.models()[name]
        assert model.params_total == pytest.approx(total, rel=0.02), name
        assert active is None or model.params_active == pytest.approx(active, rel=tolerance), name


def test_plain_dimensions_are_the_same_path() -> None:
    """A model by plain dimensions equals the model of the config with the same numbers."""
    known = catalog.models()["meta-llama/Llama-3.1-8B-Instruct"]
    dimensions = {
        "architecture": "llama",
        "hidden_size": 4096,
        "num_layers": 32,
        "num_attention_heads": 32,
        "num_kv_heads": 8,
        "head_dim": None,
        "intermediate_size": 14336,
        "vocab_size": 128256,
        "tied_embeddings": False,
        "max_context": 131072,
    }
    model = catalog.model_from_dimensions("me/mine", dimensions, gated=False)
    assert (model.id, model.gated, model.head_dim, model.max_context) == ("me/mine", False, 128, 131072)
    assert model.kv == known.kv
    assert model.params_total == pytest.approx(known.params_total, rel=0.001)


def test_unknown_architecture_is_refused_by_name() -> None:
    """A config of an architecture that is not known names it and those that are, instead of taking it for a Llama."""
    config = {**CONFIGS["meta-llama/Llama-3.1-8B-Instruct"], "model_type": "mamba9"}
    with pytest.raises(catalog.BadConfig, match=r"is of architecture mamba9, which is not known; known are .*llama"):
        catalog.model_from_config(config, "me/mine", "config.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "lacks `hidden_size`"),
        ({"vocab_size": "many"}, "has vocab_size 'many', which is not a positive whole number"),
        ({"num_hidden_layers": -1}, "has num_hidden_layers -1"),
        ({"num_attention_heads": 0, "head_dim": None}, "has num_attention_heads 0"),
        ({"model_type": None}, "names no `model_type`"),
    ],
)
def test_broken_config_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    """A missing or senseless dimension is named with its value."""
    with pytest.raises(catalog.BadConfig) as refused:
        catalog.model_from_config({**CONFIGS["Qwen/Qwen3-8B"], **change}, "me/mine", "config.json")
    assert message in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """All bad fields of a config are in one refusal, of the language model inside and of the vision tower as well, none of them twice."""
    config = {
        "model_type": "qwen3_vl",
        "text_config": {**CONFIGS["Qwen/Qwen3-8B"], "hidden_size": None, "vocab_size": "many", "num_hidden_layers": -1},
        "vision_config": {"hidden_size": 1.5},
    }
    with pytest.raises(catalog.BadConfig) as refused:
        catalog.model_from_config(config, "me/mine", "config.json")
    assert str(refused.value) == (
        "lacks `hidden_size`; has num_hidden_layers -1, which is not a positive whole number;"
        " has vocab_size 'many', which is not a positive whole number; has hidden_size 1.5, which is not a whole number"
    )


@pytest.mark.parametrize(
    ("stated", "ours"),
    [
        ({"quant_method": "gptq", "bits": 8}, "gptq-int8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}}}, "gptq-int4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "gptq-int4"),
        ({"quant_method": "something-new"}, None),
    ],
)
def test_quantization_configs_of_every_tool_are_read(stated: dict[str, Any], ours: str | None) -> None:
    """What a checkpoint says of its own weights becomes our name for it, whichever tool wrote it."""
    config = {**CONFIGS["Qwen/Qwen3-8B"], "quantization_config": stated}
    assert catalog.model_from_config(config, "me/mine", "config.json").native_quantization == ours


def test_own_quantization_is_read() -> None:
    """Weights that are quantized themselves carry the quantization of their config, block-wise FP8 under its own name."""
    native = {name: catalog.model_from_config(config, name, "").native_quantization for name, config in CONFIGS.items()}
    assert native["deepseek-ai/DeepSeek-V3"] == "fp8-block"
    assert native["openai/gpt-oss-20b"] == "mxfp4"
    assert native["Qwen/Qwen3-8B"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "mixtral"}, "lacks `num_local_experts`; lacks `num_experts_per_tok`"),
        ({"architecture": "qwen3_moe"}, "lacks `num_local_experts`; lacks `num_experts_per_tok`"),
        ({"num_kv_heads": 7}, "has 7 KV heads, which do not divide its 32 attention heads"),
        ({"num_kv_heads": 64}, "has 64 KV heads, which do not divide its 32 attention heads"),
        ({"hidden_size": 4097}, "lacks `head_dim`"),
    ],
)
def test_dimensions_that_no_such_model_has_are_refused(changes: dict[str, Any], message: str) -> None:
    """A mixture of experts without experts, KV heads that divide no heads, and heads without a width are not sized as something else."""
    llama = {"architecture": "llama", "hidden_size": 4096, "num_layers": 32, "num_attention_heads": 32, "num_kv_heads": 8}
    with pytest.raises(catalog.BadConfig) as refused:
        catalog.model_from_dimensions(
            "me/mine", {**llama, "intermediate_size": 14336, "vocab_size": 128256, "max_context": 8192, **changes}
        )
    assert str(refused.value) == message


def test_vision_tower_is_counted() -> None:
    """The vision tower of a multimodal config is counted within 3 % and is part of the total."""
    model = catalog.model_from_config(CONFIGS["Qwen/Qwen3-VL-8B-Instruct"], "me/mine", "")
    assert model.params_vision == pytest.approx(576_388_336, rel=0.03)
    assert model.params_total > model.params_vision + 8e9


@given(
    hidden=st.integers(64, 8192),
    layers=st.integers(1, 100),
    queries=st.integers(1, 16),
    width=st.integers(64, 32768),
    kv=st.integers(1, 64),
    name=st.sampled_from(["llama", "qwen2", "granite", "gemma2", "mixtral"]),
)
def test_more_of_anything_is_more_parameters(hidden: int, layers: int, queries: int, width: int, kv: int, name: str) -> None:
    """One layer more adds parameters and cache; both are positive for any dimensions."""
    config = {
        "model_type": name,
        "hidden_size": hidden,
        "num_attention_heads": queries * kv,
        "num_key_value_heads": kv,
        "head_dim": 64,
        "intermediate_size": width,
        "vocab_size": 1000,
        "num_local_experts": 4 if name == "mixtral" else None,
        "num_experts_per_tok": 2,
    }
    one, more = (catalog.model_from_config({**config, "num_hidden_layers": n}, "m", "") for n in (layers, layers + 1))
    assert 0 < one.params_active <= one.params_total < more.params_total
    assert 0 < one.kv.elements_full + one.kv.elements_window < more.kv.elements_full + more.kv.elements_window


def test_config_gives_every_column_that_it_knows() -> None:
    """A model from a config has the same columns filled as its row in the catalog, licence and gating apart."""
    name = "Qwen/Qwen3-30B-A3B"
    read, known = catalog.model_from_config(CONFIGS[name], name, ""), catalog.models()[name]
    ignored = {"source", "license", "gated", "params_total", "params_active", "intermediate_size"}
    assert {f.name: getattr(read, f.name) for f in fields(read) if f.name not in ignored} == {
        f.name: getattr(known, f.name) for f in fields(known) if f.name not in ignored
    }
