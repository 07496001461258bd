"""Rows as people may send them: nothing breaks, what cannot be predicted says why, and what is predicted is plausible."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from inferstack import catalog, evaluation
from inferstack.evaluation.memory import KEYS

CONFIGS = Path(__file__).parents[1] / "catalog"
ENGINES = ("vllm", "sglang", "tensorrt-llm", "llama.cpp", "checkpoint-size", "lmdeploy")
VERSIONS = (None, "0.2.4", "0.6.3.post1", "0.11.0rc1", "0.33.0", "b6210", "Sep 2025", "nightly")
GPUS = ("NVIDIA H100 80GB HBM3", "MI300X", "2x RTX 3090", "A100-SXM4-40GB", "DGX Spark", "TPU v5e", "Ryzen AI Max+ 395", None)
PACKINGS = ("", "-Instruct", "-AWQ", "-FP8", "-NVFP4", "-GGUF Q4_K_M", " (fine-tune)")
JUNK: tuple[Any, ...] = (None, 0, -1, 1.5, float("nan"), float("inf"), "x", [], {}, True, 10**12)
FIELDS = (
    "tp",
    "pp",
    "dp",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "gpu_total_gib",
    "kv_dtype",
)


def _wrong(row: dict[str, Any]) -> list[str]:
    """What is wrong with the answer to `row`: nothing where it is refused with a reason, or predicted with figures that can be."""
    (found,) = evaluation.evaluate("memory", [row])["rows"]
    json.dumps(found)
    predicted, bands = found["predicted"], found["band"]
    wrong = [] if tuple(predicted) == KEYS else [f"keys are {', '.join(predicted)}"]
    if found["skipped"] is not None:
        wrong += [] if len(found["skipped"]) > 5 else ["refused without a reason"]
        return wrong + [f"refused, and {key} is {value}" for key, value in predicted.items() if value is not None]
    for key, value in predicted.items():
        if value is None:
            continue
        if not math.isfinite(value) or not bands[key]["low"] <= value <= bands[key]["high"]:
            wrong.append(f"{key} is {value}, its band {bands[key]}")
        if value < 0 and key not in ("kv_gib_per_gpu", "fits"):
            wrong.append(f"{key} is {value}")
    weights = predicted["weights_gib_per_gpu"]
    return wrong if 0.0001 < weights < 2500 else [*wrong, f"weights are {weights} GiB"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_model_of_the_catalog_is_predicted_for_every_engine(engine: str) -> None:
    """Whatever model, GPU, version and packing are put together, figures are finite, inside their bands and of the right size."""
    names = [*catalog.models(), *catalog.incomplete_models()]
    choices = zip(names, itertools.cycle(GPUS), itertools.cycle(VERSIONS), itertools.cycle(PACKINGS), itertools.cycle((1, 2, 8)))
    for name, gpu, version, packing, tensor in choices:
        row = {"id": name, "model": name + packing, "engine": engine, "gpu": gpu, "version": version, "tp": tensor}
        assert _wrong(row) == [], row


@pytest.mark.parametrize("field", FIELDS)
def test_a_bad_field_never_breaks_a_row(field: str) -> None:
    """Zero, negative, not finite, of another type or absurdly large: predicted or refused with the reason, never an exception."""
    for value in JUNK:
        assert _wrong({"id": 1, "model": "Qwen/Qwen3-8B", "engine": "vllm", "gpu": "H100", field: value}) == [], value


def test_broken_configs_never_break_a_row() -> None:
    """Configs of every architecture, nested or not, with one to three fields replaced, are predicted or refused."""
    chance = random.Random(1)
    published = json.loads((CONFIGS / "configs.json").read_text(encoding="utf-8"))
    published |= json.loads((CONFIGS / "other_configs.json").read_text(encoding="utf-8"))["configs"]
    for name, config in published.items():
        for _ in range(4):
            inner = dict(next((config[key] for key in ("text_config", "llm_config") if key in config), config))
            for key in chance.sample([*inner, "sliding_window", "layer_types", "q_lora_rank", "head_dim"], chance.randint(0, 3)):
                inner[key] = chance.choice(JUNK)
            whole = chance.choice((inner, {"model_type": "llava", "text_config": inner, "vision_config": chance.choice(JUNK)}))
            row = {"id": name, "model": name, "engine": "vllm", "gpu": "H100", "model_config": whole, "max_model_len": 4096}
            assert _wrong(row) == [], row
