"""NVIDIA's aiconfigurator on the same rows, where somebody ran it: an opt-in development tool that is no dependency of anything here.

    pip install aiconfigurator && python -m accuracy.aiconfigurator

writes `aiconfigurator.json` beside this file; the report reads that file where it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from inferstack.sizing.layout import limits

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
BATCHES = tuple(size for power in range(11, 3, -1) for size in (2**power, 3 * 2 ** (power - 2)))
"""Tried offline from the largest down."""
EVERY = 9
"""Rows asked for: each ninth, because one answer takes it a minute."""
GEMM = {"bf16": "bfloat16", "fp16": "bfloat16", "fp8": "fp8", "nvfp4": "nvfp4", "int8": "sq"}
KV = {"bf16": "bfloat16", "fp16": "bfloat16", "fp8": "fp8"}


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
        f"aiconfigurator {document['version']} ({document['as_of']}), which looks operations up in tables measured on each GPU, was asked "
        f"for every {document['every']}th of the rows on engines and GPUs that it knows, without pipelines, and answered {its.n}: median "
        f"error {its.median:.0%}, {its.within_2:.0%} within x2; on the same rows inferstack {mine.median:.0%} and {mine.within_2:.0%}. "
        "It was told the batch that was measured, offline the largest that it says fits, formats of weights, experts and KV cache, and the "
        "tokens of a step; its throughput is a full batch over its TTFT and TPOT.\n"
    )


def main() -> None:
    """Ask it for every row that it can answer, and keep the answers."""
    import datetime
    import logging
    from importlib.metadata import version

    logging.disable(logging.WARNING)
    asked = [case for case in throughput() if _settings(case) is not None][::EVERY]
    answers = {str(case.row.id): found for case in asked if (found := _ask(case)) is not None}
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    document = {"version": version("aiconfigurator"), "as_of": today, "every": EVERY, "output_tps": answers}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _settings(case: Throughput) -> dict[str, object] | None:
    """What it is told of a row; None where it does not know engine, GPU or format, or where a batch goes through a pipeline."""
    shape, row = case.shape, case.row
    system, backend, gemm = SYSTEMS.get(shape.device.id), BACKENDS.get(shape.engine), GEMM.get(shape.checkpoint.quantization)
    known = system and backend and gemm and row.isl and row.osl and case.regime in ASKED
    if not known or shape.parallel.pipeline > 1:
        return None
    settings: dict[str, object] = {
        "model_path": MODELS.get(shape.model.id, shape.model.id),
        "system_name": system,
        "backend_name": backend,
        "isl": round(row.isl or 1),
        "osl": max(2, round(row.osl or 2)),
        "tp_size": shape.parallel.tensor,
        "attention_dp_size": shape.parallel.data,
        "gemm_quant_mode": gemm,
        "kvcache_quant_mode": KV.get(shape.kv_dtype),
        "ctx_tokens": limits(shape.engine, shape.engine_version, shape.device).batched_tokens,
    }
    if shape.model.is_moe:
        devices, whole = shape.parallel.tensor * shape.parallel.data, shape.parallel.data > 1 or bool(shape.parallel.expert)
        settings |= {"moe_quant_mode": gemm, "moe_tp_size": 1 if whole else devices, "moe_ep_size": devices if whole else 1}
    return settings


def _ask(case: Throughput) -> float | None:
    """Output tokens per second at the batch that was measured; offline, at the largest batch that it says fits."""
    settings, osl, data = _settings(case), case.row.osl, case.shape.parallel.data
    if settings is None or osl is None:
        return None
    stated = 1 if case.regime == "batch 1" else case.row.concurrency
    if stated is None and _rate(BATCHES[-1], osl, settings) is None:
        return None
    for batch in BATCHES if stated is None else (max(1, stated // data),):
        if (rate := _rate(batch, osl, settings)) is not None:
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
