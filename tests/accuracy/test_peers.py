"""The formulas of other tools, against figures worked out by hand."""

from __future__ import annotations

import pytest

from accuracy import peers
from inferstack import catalog, sizing
from inferstack.sizing.types import Parallelism, Shape

LLAMA_70B = "meta-llama/Llama-3.3-70B-Instruct"


def _shape(model_id: str, accelerator: str, tensor: int = 1) -> Shape:
    model = catalog.model(model_id)
    device = sizing.device_for(catalog.accelerator(accelerator), tensor, "nvlink")
    assert device is not None
    whole = next(known for known in catalog.checkpoints(model.id) if known.quantization == "bf16")
    return Shape("vllm", "0.19.0", model, whole, device, Parallelism(tensor), 4096, 256)


def test_kv_of_llama_70b() -> None:
    """2 x 80 layers x 8 heads x 128 x 2 bytes are 320 KiB."""
    assert peers.llm_d_kv_bytes_per_token(catalog.model(LLAMA_70B), 2) == 320 * 1024


def test_rule_of_thumb() -> None:
    """70.6 billion parameters times 2 bytes times 1.2 are 169 GB."""
    assert peers.rule_of_thumb_weight_gb(catalog.model(LLAMA_70B)) == pytest.approx(169, abs=1)


def test_the_roofline_has_no_efficiency() -> None:
    """One sequence on one GPU takes weights over bandwidth, and its prompt 2 P ISL over peak FLOPS."""
    shape = _shape("meta-llama/Llama-3.1-8B-Instruct", "h100-80")
    figures = peers.roofline(shape, peers.Load(1, 1000, 2))
    weights = sizing.weight_bytes(shape.model, shape.checkpoint)
    assert figures.tpot_ms == pytest.approx((weights + 1001 * 128 * 1024) / shape.device.bandwidth_bytes_s * 1e3)
    assert figures.ttft_ms == pytest.approx(2 * shape.model.params_active * 1000 / shape.device.flops["bf16"] * 1e3)
    assert figures.output_tps == pytest.approx(1e3 / figures.tpot_ms)


def test_blis_knows_three_accelerators() -> None:
    """Where no MFU is published, there is no figure."""
    assert peers.blis(_shape("meta-llama/Llama-3.1-8B-Instruct", "l40s"), peers.Load(8, 100, 100)) is not None
    assert peers.blis(_shape("meta-llama/Llama-3.1-8B-Instruct", "rtx-4090"), peers.Load(8, 100, 100)) is None


def test_the_pool_of_llm_d_planner() -> None:
    """util x memory - weights / GPUs - activation / GPUs - 2.10 GiB with tensor parallelism."""
    shape = _shape(LLAMA_70B, "h100-80", tensor=4)
    weights = sizing.weight_bytes(shape.model, shape.checkpoint) / 2**30 / 4
    assert peers.llm_d_kv_gib_per_gpu(shape, 80, 0.9) == pytest.approx(72 - weights - 1.89 / 4 - 2.10)


def test_kaito_reserves_a_fixed_part() -> None:
    """0.84 of the memory less 2.3 GiB, less 1.071 times the files."""
    shape = _shape("meta-llama/Llama-3.1-8B-Instruct", "a100-80")
    assert peers.kaito_kv_gib_per_gpu(shape, 80, 16 * 2**30) == pytest.approx(0.84 * 80 - 2.3 - 16 * 1.071)
