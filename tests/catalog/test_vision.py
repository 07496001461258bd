"""Tokens of an image, held against numbers that the models' authors or their processors' documentation publish."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.catalog.image_rules import RULES
from inferstack.catalog.tables import table

ROWS: dict[str, dict[str, Any]] = table("image_tokens")["rows"]
SAME: dict[str, str] = table("image_tokens")["same"]
SIZES = st.integers(min_value=28, max_value=6000)


def tokens(name: str, width: int, height: int, **changed: int) -> int:
    row = {**ROWS[name], **changed}
    return RULES[row["rule"]](row, width, height)


@pytest.mark.parametrize(
    ("name", "width", "height", "expected", "published"),
    [
        ("qwen2_5_vl_text", 20, 20, 4, "the model card: the default range is 4 to 16384 tokens; a token is 28 x 28 pixels"),
        ("qwen2_5_vl_text", 3584, 3584, 16384, "the same"),
        ("qwen2_vl", 1036, 1036, 37 * 37, "the model card of Qwen2-VL: a token is 28 x 28 pixels"),
        ("qwen3_vl_text", 4096, 4096, 16384, "preprocessor_config.json: at most 16,777,216 pixels; a token is 32 x 32"),
        ("qwen3_vl_text", 32, 32, 64, "preprocessor_config.json: at least 65,536 pixels"),
        ("gemma3_text", 1024, 300, 256, "ai.google.dev/gemma/docs: 256 tokens an image"),
        ("gemma4_text", 1024, 1024, 256, "ai.google.dev/gemma/docs: an image typically is 256 tokens, of a budget of 280"),
        ("mistral3", 224, 224, 8 * (8 + 1), "mistral-common, usage/images: 16 x 16 patches of 14, merged 2 x 2; and an end of each row"),
        ("pixtral", 1024, 1024, 64 * (64 + 1), "arXiv 2410.07073: 16 x 16 pixels a patch, [IMG_BREAK] between rows and [IMG_END]"),
        ("internvl", 448, 448, 256 + 2, "the model card: 256 tokens for a tile of 448 x 448; the processor adds <img> and </img>"),
        ("internvl", 1344, 1792, (12 + 1) * 256 + 2, "the model card: at most 12 tiles and a thumbnail"),
        ("llama4", 336, 336, 144 + 3, "the processor: 24 x 24 patches of a tile, shuffled by 4; start, image and end"),
        ("glm4v", 280, 560, 10 * 20, "the processor: patches of 14, merged 2 x 2"),
        ("llava-hf/llava-1.5-7b-hf", 500, 500, 576, "LLaVA-1.5: 24 x 24 patches"),
    ],
)
def test_published_numbers(name: str, width: int, height: int, expected: int, published: str) -> None:
    """The rule of each family gives what is published of it."""
    assert tokens(name, width, height) == expected, published


def test_every_row_is_tried_above() -> None:
    """No rule without a published number; towers of other widths share their family's."""
    (marks,) = (mark for mark in test_published_numbers.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    tried = {case[0] for case in marks.args[1]}
    alike = {"Qwen/Qwen3.5-0.8B", "Qwen/Qwen3.5-2B", "google/gemma-4-E2B-it"}
    assert set(ROWS) - tried == alike
    assert set(SAME.values()) <= set(ROWS)


def test_llama_4_takes_the_canvas_that_its_processor_documents() -> None:
    """The example of `get_best_fit`: an image of 200 x 300 (height, width) with tiles of 224 goes on a canvas of 224 x 448, two tiles."""
    assert tokens("llama4", 300, 200, tile=224, most_tiles=4) == 2 * 145 + 144 + 3


def test_a_long_strip_keeps_within_its_budget() -> None:
    """A strip whose short side would vanish is one token wide."""
    assert tokens("gemma4_text", 20_000, 28) == 280
    assert tokens("gemma4_text", 28, 28) <= 280


@given(width=SIZES, height=SIZES)
def test_tokens_are_within_what_the_processors_allow(width: int, height: int) -> None:
    """Whatever the size: at least one token, and never more than the limits of the processor make possible."""
    most = {
        "qwen2_vl": 16384, "qwen2_5_vl_text": 16384, "qwen3_vl_text": 16384, "gemma4_text": 280, "mistral3": 55 * 56, "pixtral": 64 * 65,
        "internvl": 13 * 256 + 2, "llama4": 16 * 145 + 144 + 3, "glm4v": 7500,
    }  # fmt: skip
    if max(width, height) <= 200 * min(width, height):
        for name, limit in most.items():
            assert 0 < tokens(name, width, height) <= limit, name


def test_a_model_of_ones_own_is_known_by_its_whole() -> None:
    """A config that joins a tower to a language model of any family is known by the `model_type` of the whole, or of its tower."""
    text = {"model_type": "mistral", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 8}
    text |= {"head_dim": 128, "intermediate_size": 32768, "vocab_size": 131072}
    tower = {"model_type": "pixtral", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
    for whole, name, expected in (("mistral3", "mistral3", 28 * 38), ("llava", "pixtral", 48 * 65), ("aya_vision", "aya_vision", None)):
        model = catalog.model_from_config({"model_type": whole, "text_config": text, "vision_config": tower}, "me/mine", "config.json")
        assert model.multimodal == name
        found = catalog.encoder(model)
        assert (None if found is None else found.tokens_of(1024, 768)) == expected


def test_the_page_says_what_the_rules_give() -> None:
    """The table of docs/shapes.md has the tokens of an image of 1024 x 768 for every family."""
    page = (Path(__file__).parents[2] / "docs" / "shapes.md").read_text(encoding="utf-8")
    said = {int(found.replace(",", "")) for found in re.findall(r"^\| [^|]+ \| ([\d,]+) \| .*$", page, re.MULTILINE)}
    assert said == {tokens(name, 1024, 768) for name in ROWS}
