"""The checker of command lines itself: what it lets pass and what it catches."""

from __future__ import annotations

import pytest

from tests.engines.command_lines import problems


@pytest.mark.parametrize(
    ("engine", "args", "complaint"),
    [
        ("vllm", ["model", "--swap-space=4"], "--swap-space is not an option of vllm"),
        ("vllm", ["model", "--tensor-parallel-degree=8"], "--tensor-parallel-degree is not an option of vllm"),
        ("vllm", ["model", "--max-num-seqs=many"], "--max-num-seqs has many, not of type int"),
        ("vllm", ["model", "--max-model-len"], "--max-model-len has no value"),
        ("vllm", ["model", "--dtype=int8"], "--dtype has int8, not one of"),
        ("vllm", ["model", "--language-model-only=1"], "--language-model-only takes no value"),
        ("vllm", ["--port=8000"], "0 words without an option, vllm takes 1"),
        ("vllm", ["model", "--port=1", "--port=2"], "--port comes twice"),
        ("llama.cpp", ["--ctx-size=4096"], "--ctx-size=4096 is not an option of llama.cpp"),
        ("llama.cpp", ["--ctx-size"], "--ctx-size has no value"),
        ("llama.cpp", ["--gpu-layers", "most"], "--gpu-layers has most, not of type int"),
        ("llama.cpp", ["--cache-type-k", "fp8"], "--cache-type-k has fp8, not one of"),
    ],
)
def test_what_a_parser_would_refuse_is_found(engine: str, args: list[str], complaint: str) -> None:
    """Removed options, wrong types, illegal values and the wrong way to give a value are each named."""
    assert any(complaint in found for found in problems(engine, args))


def test_what_a_parser_accepts_passes() -> None:
    """Aliases, flags without value, words in place of numbers and human-readable numbers are all right."""
    assert problems("vllm", ["model", "--max-model-len=32k", "--no-enable-prefix-caching", "--language-model-only"]) == []
    assert problems("llama.cpp", ["--gpu-layers", "all", "--no-webui", "--metrics", "--n-predict", "-1"]) == []
