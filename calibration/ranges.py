"""Which versions of an engine are fitted together, and who stands in for whom. Boundaries follow rewrites of the engines, not the data."""

from __future__ import annotations

from collections.abc import Mapping

from inferstack.sizing.constants import version_key

RANGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "vllm": (("0.16", "0.16 and later"), ("0.10", "0.10 to 0.15"), ("0", "before 0.10")),
    "sglang": (("0.5", "0.5 and later"), ("0", "before 0.5")),
    "tensorrt-llm": (("1.0", "1.0 and later, PyTorch runtime"), ("0.12", "0.12 to 0.21, built engines"), ("0", "before 0.12")),
    "llama.cpp": (("0", "all"),),
    "transformers": (("0", "all"),),
}
"""Engine -> (first version, label), newest first."""
KIN: Mapping[str, str] = {
    "ollama": "llama.cpp", "koboldcpp": "llama.cpp", "ik_llama.cpp": "llama.cpp", "nim": "tensorrt-llm", "triton": "tensorrt-llm",
    "ray-serve": "vllm", "*": "vllm",
}  # fmt: skip
GENERATION_KIN: Mapping[str, str] = {
    "10.3": "10.0", "11.0": "10.0", "12.1": "12.0", "8.7": "8.6", "7.5": "8.6", "7.0": "8.0", "CDNA4": "CDNA3", "CDNA2": "CDNA3",
}  # fmt: skip

QUANTIZATION_KIN: Mapping[str, str] = {"fp16": "bf16"}
"""What costs the same: 16 bits are 16 bits."""


def range_of(engine: str, version: str) -> str:
    """The level of an engine's version: `vllm 0.16`."""
    for first, _ in RANGES.get(engine, (("0", "all"),)):
        if version_key(first) <= version_key(version):
            return f"{engine} {first}"
    return f"{engine} {RANGES[engine][-1][0]}"
