"""Makes `data/specforge.csv` from `docs/spec_bundle/public/raw_data/data.json` of sgl-project/SpecForge (MIT): chains of EAGLE-3 drafts.

    python -m calibration.specforge PATH/data.json

Trees of drafts stay out: what is rendered here proposes a chain. So does a model of which one run verifies in less time than it decodes
without speculation, because its two halves cannot be of one setup. How many GPUs of an H200 machine served is not published: it is the
degree at which the library's own step without speculation is nearest the measured one.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from inferstack.evaluation import throughput_rows
from inferstack.evaluation.rows import ThroughputRow
from inferstack.evaluation.throughput import throughput_shape
from inferstack.sizing.performance import step_times

MODELS = {
    "Llama-3.1-8B-Instruct": ("meta-llama/Llama-3.1-8B-Instruct", "bf16"),
    "Llama-3.3-70B-Instruct": ("meta-llama/Llama-3.3-70B-Instruct", "bf16"),
    "Llama-4-Scout-17B-16E-Instruct": ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "bf16"),
    "Qwen3-30B-A3B-Instruct-2507": ("Qwen/Qwen3-30B-A3B", "bf16"),
    "Qwen3-Coder-30B-A3B-Instruct": ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "bf16"),
    "Qwen3-235B-A22B-Instruct-2507": ("Qwen/Qwen3-235B-A22B", "bf16"),
    "Qwen3-Next-80B-A3B-Instruct-FP8": ("Qwen/Qwen3-Next-80B-A3B-Instruct", "fp8"),
    "Qwen3-Coder-480B-A35B-Instruct": ("Qwen/Qwen3-Coder-480B-A35B-Instruct", "bf16"),
    "Kimi-K2-Instruct": ("moonshotai/Kimi-K2-Instruct", "fp8-block"),
}  # fmt: skip
"""Published name -> model and quantization."""
BASELINE = "Wihtout EAGLE3"
"""As the file spells it."""
GPU, ENGINE, VERSION = "H200-SXM-141GB", "SGLang", "0.5.6"
"""The release by the month of the runs, December 2025; believed."""
LENGTH = 512
"""Tokens of a prompt and of an answer, where a row does not say: what of a step depends on them is small at these batches."""
DEGREES = (1, 2, 4, 8)
COLUMNS = (
    "id", "engine", "version", "model", "gpu", "quantization", "tp", "batch", "drafts", "task", "accept_length", "without_tps", "with_tps",
)  # fmt: skip


def main(source: Path, target: Path) -> None:
    document = json.loads(source.read_text(encoding="utf-8"))
    with target.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        number = 0
        for name, (model, quantization) in MODELS.items():
            runs = list(_chains(document[name]))
            if any(run["accept_length"] * run["without"] < run["with"] for run in runs):
                continue
            step = median(run["batch"] / run["without"] for run in runs)
            degree = _degree(model, quantization, runs[0]["batch"], step)
            for run in runs:
                number += 1
                figures = (f"{run[key]:.5g}" for key in ("accept_length", "without", "with"))
                row = (ENGINE, VERSION, model, GPU, quantization, degree, run["batch"], run["drafts"], run["task"])
                table.writerow([f"specforge-{number}", *row, *figures])


def _chains(tasks: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The runs of one model without a tree, each with the rate of the same setup without speculation."""
    for task, found in tasks.items():
        for run in found["results"]:
            rates = {one["Name"]: one for one in run["metrics"]}
            if run["topk"] != 1 or BASELINE not in rates:
                continue
            for draft, measured in rates.items():
                if draft != BASELINE and measured.get("output_throughput"):
                    yield {
                        "task": task,
                        "batch": run["batch_size"],
                        "drafts": run["steps"],
                        "accept_length": measured["accept_length"],
                        "without": rates[BASELINE]["output_throughput"],
                        "with": measured["output_throughput"],
                    }


def _degree(model: str, quantization: str, batch: int, step_s: float) -> int:
    """GPUs at which a step of the library is nearest `step_s`."""

    def distance(degree: int) -> float:
        raw = {
            "id": 1, "model": model, "engine": ENGINE, "version": VERSION, "gpu": GPU, "quantization": quantization, "tp": degree,
            "isl": LENGTH, "osl": LENGTH, "concurrency": batch, "load": "closed-loop",
        }  # fmt: skip
        (row,) = throughput_rows([raw])
        assert isinstance(row, ThroughputRow), row
        return abs(math.log(step_times(throughput_shape(row), LENGTH, LENGTH).decode_s(batch) / step_s))

    return min(DEGREES, key=distance)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("data") / "specforge.csv")
