"""Bytes of GGUF files, against published sizes."""

from __future__ import annotations

import pytest

from inferstack import catalog
from inferstack.sizing import gguf_bytes

GIB = 2**30


@pytest.mark.parametrize(
    ("name", "quantization", "gib", "within"),
    [
        ("meta-llama/Llama-2-7b-hf", "gguf-q4_0", 3.56, 0.002),
        ("Qwen/Qwen3-30B-A3B", "gguf-q4_k_m", 17.28, 0.005),
        ("meta-llama/Llama-2-7b-hf", "gguf-f16", 12.55, 0.001),
    ],
)
def test_presets_reproduce_the_sizes_that_llama_cpp_logs(name: str, quantization: str, gib: float, within: float) -> None:
    """Bits per kind of tensor give the file's size within half a percent."""
    assert gguf_bytes(catalog.model(name), catalog.quantization(quantization)) / GIB == pytest.approx(gib, rel=within)


def test_old_files_keep_experts_narrow() -> None:
    """Mixtral files of 2023 are smaller than newer ones of the same name: 24.63 GiB as Q4_K_M."""
    model, preset = catalog.model("mistralai/Mixtral-8x7B-Instruct-v0.1"), catalog.quantization("gguf-q4_k_m")
    old, new = gguf_bytes(model, preset, experts_widened=False), gguf_bytes(model, preset)
    assert old / GIB == pytest.approx(24.63, rel=0.006)
    assert new > old * 1.05
