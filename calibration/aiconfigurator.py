"""Makes `data/aiconfigurator.csv` from `silicon_sample.csv` of the PyPI package aiconfigurator-core (Apache-2.0): aggregated serving only.

    python -m calibration.aiconfigurator PATH/aiconfigurator_core/systems/silicon_sample.csv

Its columns do not agree on what a degree means where attention is data-parallel over several nodes, so rows stay out unless at most eight
GPUs take part, expert degrees multiply to the GPUs, and the degree in the row's own id agrees. Runs of one configuration on different days
become one row, their geometric mean.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections import defaultdict
from pathlib import Path

ENGINES = {"vllm": "vLLM", "sglang": "SGLang", "trtllm": "TensorRT-LLM"}
SYSTEMS = {
    "h100_sxm": "H100-SXM-80GB", "h200_sxm": "H200-SXM-141GB", "b200_sxm": "B200-180GB", "b300_sxm": "B300-288GB",
    "gb200": "GB200-192GB", "gb300": "GB300-288GB",
}  # fmt: skip
QUANTIZATIONS = {"fp8": "fp8", "fp4": "nvfp4", "int4": "int4-g32", "bf16": "bf16"}
UNDATED = {"TensorRT-LLM": "1.1", "vLLM": "0.19", "SGLang": "0.5.9"}
"""Builds without a version number, by the month of their runs; believed."""
MODELS = {
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen/Qwen3-235B-A22B", "meta-llama/Llama-3.1-70B": "meta-llama/Llama-3.1-70B-Instruct",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Llama-3.1-8B-Instruct", "nvidia/DeepSeek-R1-NVFP4": "deepseek-ai/DeepSeek-R1",
    "nvidia/DeepSeek-V3.1-NVFP4": "deepseek-ai/DeepSeek-V3", "nvidia/Qwen3-32B-NVFP4": "Qwen/Qwen3-32B", "zhipuai/GLM-5": "zai-org/GLM-5",
}  # fmt: skip
MOST_GPUS = 8
COLUMNS = (
    "id", "engine", "version", "model", "gpu", "quantization", "tp", "dp", "ep", "isl", "osl", "concurrency", "ttft_ms", "tpot_ms", "runs",
)  # fmt: skip


def main(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8", newline="") as lines:
        grouped: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
        for line in csv.DictReader(lines):
            key = _configuration(line)
            if key is not None:
                grouped[key].append((float(line["silicon_ttft_ms"]), float(line["silicon_tpot_ms"])))
    with target.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        for number, (key, runs) in enumerate(sorted(grouped.items(), key=lambda item: [str(part) for part in item[0]]), 1):
            means = (f"{math.exp(sum(math.log(run[at]) for run in runs) / len(runs)):.5g}" for at in (0, 1))
            table.writerow([f"aic-{number}", *key, *means, len(runs)])


def _configuration(line: dict[str, str]) -> tuple[object, ...] | None:
    concurrency = re.search(r"silicon_concurrency=(\d+)", line["silicon_data_source"])
    if line["mode"] != "agg" or concurrency is None or not line["precision"]:
        return None
    tensor, data, expert_tensor, expert = (
        int(float(line[name] or 0)) for name in ("tp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size")
    )
    data = max(1, data)
    mixture = not any(name in line["model_path"] for name in ("Llama", "Qwen3-32B"))
    stated = re.search(r"_tp(\d+)_", line["id"])
    if tensor * data > MOST_GPUS or (mixture and expert_tensor * expert != tensor * data):
        return None
    if stated is not None and int(stated.group(1)) not in (0, tensor * data):
        return None
    engine = ENGINES[line["backend"]]
    version = line["backend_version"] if re.match(r"\d", line["backend_version"]) else UNDATED[engine]
    # SGLang and TensorRT-LLM state the whole group as tensor-parallel, vLLM the data-parallel ranks beside it.
    whole = tensor if engine == "vLLM" else tensor * data
    quantization = "mxfp4" if "gpt-oss" in line["model_path"] else QUANTIZATIONS[line["precision"]]
    return (
        engine,
        version,
        MODELS.get(line["model_path"], line["model_path"]),
        SYSTEMS[line["system"]],
        quantization,
        whole,
        data,
        max(1, expert) if mixture else 1,
        line["isl"],
        line["osl"],
        int(concurrency.group(1)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("data") / "aiconfigurator.csv")
