"""Where the automatic choice falls below the usual one, the plan says why, at which key, and what would bring the usual one back."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.errors import InputError, Problem
from tests.planning.stacks import GKE, plan, plan_one, service

L4 = {"gpu": "l4", "gpusPerNode": 1, "count": 8, "cpu": 16, "memoryGib": 64, "usdPerHour": 0.5}
QUIET = {"requestsPerSecond": 0.1, "isl": 500, "osl": 200}
IMAGE = "runs as vllm/vllm-openai:v0.33.0, built on CUDA 13.0.3, which needs driver 580, and the nodes have 550"


def nodes(**changes: Any) -> dict[str, Any]:
    return {"cloud": "existing", "nodes": [{**L4, **changes}]}


def reason(target: dict[str, Any], key: str, **changes: Any) -> str:
    return next(decision.reason for decision in plan_one(target, slo=None, **changes).decisions if decision.key == key)


def refused(target: dict[str, Any], **changes: Any) -> Problem:
    with pytest.raises(InputError) as caught:
        plan(service(slo=None, **changes), target=target)
    (problem,) = caught.value.problems
    return problem


def test_a_driver_that_leaves_a_worse_engine_is_named_with_the_plan_of_a_newer_one() -> None:
    """Image, driver that it needs, driver of the nodes and their key; the plan that is promised is the plan of such nodes."""
    old = plan_one(nodes(driver=550), model="Qwen/Qwen3-8B", slo=None)
    assert old.spec.engine == "llama.cpp"
    assert reason(nodes(driver=550), "engine", model="Qwen/Qwen3-8B") == f"vllm is turned down by target.nodes[0].driver: {IMAGE}"
    (said,) = [warning for warning in old.warnings if "turned down" in warning]
    new = plan_one(nodes(driver=580), model="Qwen/Qwen3-8B", slo=None)
    replicas, quantization = new.replicas.max, new.quantization
    assert f"with driver 580 it works: {new.spec.engine}, {replicas} x {quantization} on 1 x l4" in said
    assert not any("turned down" in warning for warning in new.warnings)


def test_what_is_in_the_way_beside_a_driver_is_said_too() -> None:
    """On one L4 a newer driver would not bring vLLM: 32 billion weights leave no room there."""
    target = nodes(driver=550, count=1)
    (engine, weights) = [
        warning
        for warning in plan_one(target, model="Qwen/Qwen2.5-32B-Instruct", traffic=QUIET, slo=None).warnings
        if "turned down" in warning
    ]
    assert engine.startswith(f"vllm is turned down by target.nodes[0].driver: {IMAGE}; with driver 580 by target.nodes: ")
    assert weights.startswith("gguf-q3_k_m is turned down by target.nodes[0].count: needs 2 nodes")
    assert reason(target, "quantization", model="Qwen/Qwen2.5-32B-Instruct", traffic=QUIET).startswith(
        "nothing finer works here: gguf-q3_k_m"
    )


def test_silicon_that_is_too_old_is_named_at_the_nodes() -> None:
    """No pin brings vLLM to Volta."""
    said = reason(nodes(gpu="v100-32", gpusPerNode=4), "engine", model="Qwen/Qwen2.5-32B-Instruct", traffic=QUIET)
    assert said.startswith("vllm is turned down by target.nodes: ")
    assert "needs compute capability 7.5" in said


def test_a_driver_is_to_blame_where_no_engine_is_left() -> None:
    """awq is for vLLM alone: the refusal stands at the driver, and its change is the plan that it promises."""
    problem = refused(nodes(driver=550), model="Qwen/Qwen2.5-7B-Instruct", quantization="awq")
    assert problem.path == "inferstack:target.nodes[0].driver"
    assert problem.value == 550
    assert IMAGE in problem.reason
    assert problem.change == {"inferstack:target.nodes[0].driver": 580}
    made = plan_one(nodes(driver=580), model="Qwen/Qwen2.5-7B-Instruct", quantization="awq", slo=None)
    assert f"with driver 580 it works: vllm, {made.replicas.max} x awq on 1 x l4" in str(problem.nearest)


def test_a_driver_that_is_not_enough_is_named_beside_what_is() -> None:
    """405 billion weights fit no L4, whatever its driver."""
    problem = refused(nodes(driver=550, count=1), model="meta-llama/Llama-3.1-405B-Instruct", traffic=QUIET)
    assert "the weights alone exceed l4" in problem.reason
    assert f"with driver 580 beside that: vllm {IMAGE}" in str(problem.nearest)


def test_weights_that_one_machine_is_too_small_for_are_offered_on_several() -> None:
    """405 billion weights of 16 bits on GKE's H100 machines, joined by TCP: offered, not taken unasked."""
    pins = {"model": "meta-llama/Llama-3.1-405B-Instruct", "quantization": "bf16", "gpu": "h100-80"}
    problem = refused(GKE, **pins)
    assert "with pipelineParallel 2 it works: 1 x bf16 on 16 x h100-80 on 2 x a3-highgpu-8g" in str(problem.nearest)
    assert "without quantization it works" in str(problem.nearest)
    made = plan_one(GKE, slo=None, pipelineParallel=2, **pins)
    assert (made.replica.shape.device.machines, made.quantization) == (2, "bf16")


def test_several_machines_are_the_change_where_no_pin_is_in_the_way() -> None:
    """Nodes of an existing cluster are not joined unasked, since nothing is known of their network; the way is named."""
    target = nodes(gpu="h100-80", gpusPerNode=8, count=2, cpu=96, memoryGib=1024)
    coarse = plan_one(target, model="deepseek-ai/DeepSeek-V3", traffic=QUIET, slo=None)
    assert coarse.quantization == "awq"
    (said,) = [warning for warning in coarse.warnings if "turned down" in warning]
    assert said.startswith("fp8-block is turned down by target.nodes: ")
    assert "with pipelineParallel 2 it works: 1 x fp8-block on 16 x h100-80" in said
    problem = refused(target, model="deepseek-ai/DeepSeek-V3", traffic=QUIET, quality={"minBits": 8})
    assert "with pipelineParallel 2 it works: " in str(problem.nearest)
    made = plan_one(target, model="deepseek-ai/DeepSeek-V3", traffic=QUIET, slo=None, pipelineParallel=2, quality={"minBits": 8})
    assert made.replica.shape.device.machines == 2
