"""NVIDIA's aiconfigurator on the same rows, where somebody ran it: an opt-in development tool that is no dependency of anything here.

    pip install aiconfigurator && python -m accuracy.aiconfigurator

writes `aiconfigurator.json` beside this file; the report reads that file where it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from .data import Throughput, observed, throughput
from .errors import Pair, errors

RESULTS = Path(__file__).parent / "aiconfigurator.json"
SYSTEMS = {
    "h100-80": "h100_sxm",
    "h200-141": "h200_sxm",
    "a100-80": "a100_sxm",
    "a100-pcie-80": "a100_pcie",
    "h100-pcie-80": "h100_pcie",
    "b200-180": "b200_sxm",
    "gb200-186": "gb200",
    "gb300-288": "gb300",
    "b300-288": "b300_sxm",
    "l40s": "l40s",
    "rtx-pro-6000": "rtx_pro_6000_server",
}
BACKENDS = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "trtllm"}
MODELS = {
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Meta-Llama-3-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.1-70B-Instruct": "meta-llama/Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.3-70B-Instruct": "meta-llama/Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-405B-Instruct": "meta-llama/Meta-Llama-3.1-405B",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "mistralai/Mixtral-8x7B-v0.1",
    "mistralai/Mixtral-8x22B-Instruct-v0.1": "mistralai/Mixtral-8x22B-v0.1",
}
"""Ours -> the configuration that it ships; others are asked for by their own name."""
ASKED = ("offline, dense", "offline, mixture of experts", "batch 1", "closed loop")
"""Loads that are a batch; it takes no request rate."""
BATCHES = (512, 256, 128, 64, 32, 16, 8)
GEMM = {"bf16": "bfloat16", "fp16": "bfloat16", "fp8": "fp8", "nvfp4": "nvfp4", "int8": "sq"}


def comparison() -> str:
    """A paragraph: its median error beside ours on the rows that it answered, or how to get it."""
    if not RESULTS.is_file():
        return "aiconfigurator was not run for this page.\n"
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    by_id = {str(case.row.id): case for case in throughput()}
    ours: list[Pair] = []
    theirs: list[Pair] = []
    for row_id, predicted in document["output_tps"].items():
        case = by_id.get(row_id)
        mine = None if case is None else case.pair("output_tps", observed(case.row, "output_tps"))
        if case is None or mine is None:
            continue
        ours.append(mine)
        theirs.append(Pair(predicted, mine.measured))
    mine, its = errors(ours), errors(theirs)
    if mine is None or its is None:
        return "aiconfigurator answered none of the rows.\n"
    return (
        f"aiconfigurator {document['version']} ({document['as_of']}), which looks operations up in tables measured on each GPU, answered "
        f"{its.n} of these rows: median error {its.median:.0%}, {its.within_2:.0%} within x2; on the same rows inferstack "
        f"{mine.median:.0%} and {mine.within_2:.0%}. "
        "It was told the batch that was measured; offline, where sources name none, the largest that it says fits.\n"
    )


def main() -> None:
    """Ask it for every row that it can answer, and keep the answers."""
    import datetime
    import logging
    from importlib.metadata import version

    logging.disable(logging.WARNING)
    answers = {str(case.row.id): found for case in throughput() if (found := _ask(case)) is not None}
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    document = {"version": version("aiconfigurator"), "as_of": today, "output_tps": answers}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _ask(case: Throughput) -> float | None:
    """Output tokens per second at the batch that was measured; offline, at the largest batch that it says fits."""
    shape, row = case.shape, case.row
    system, backend = SYSTEMS.get(shape.device.id), BACKENDS.get(shape.engine)
    gemm = GEMM.get(shape.checkpoint.quantization)
    if system is None or backend is None or gemm is None or not row.isl or not row.osl or case.regime not in ASKED:
        return None
    data = shape.parallel.data
    settings: dict[str, object] = {
        "model_path": MODELS.get(shape.model.id, shape.model.id),
        "system_name": system,
        "backend_name": backend,
        "isl": round(row.isl),
        "osl": max(2, round(row.osl)),
        "tp_size": shape.parallel.tensor,
        "pp_size": shape.parallel.pipeline,
        "attention_dp_size": data,
        "gemm_quant_mode": gemm,
    }
    if shape.model.is_moe:
        settings |= {"moe_tp_size": shape.parallel.tensor * data, "moe_ep_size": 1}
    stated = 1 if case.regime == "batch 1" else row.concurrency
    for batch in BATCHES if stated is None else (max(1, stated // data),):
        if (rate := _rate(batch, row.osl, settings)) is not None:
            return rate * data
    return None


def _rate(batch: int, osl: float, settings: dict[str, object]) -> float | None:
    from aiconfigurator.cli.api import cli_estimate  # pyright: ignore[reportMissingImports]

    try:
        answer = cli_estimate(batch_size=batch, **settings)
    except Exception:  # noqa: BLE001  it refuses what it has no table for and what does not fit, in many ways
        return None
    return batch * osl / (answer.ttft + (osl - 1) * answer.tpot) * 1e3


if __name__ == "__main__":
    main()
