"""How one replica is spread over GPUs: what the planner considers, what pins it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import catalog
from inferstack.engines import engine
from inferstack.errors import InputError
from inferstack.planning.spread import SpreadPins, ways
from inferstack.sizing.types import Parallelism
from tests.planning.stacks import plan_one
from tests.sizing import cases

DEEPSEEK: dict[str, Any] = {"model": "deepseek-ai/DeepSeek-V3", "gpu": "h200-141", "slo": None}
EIGHT = cases.device(count=8)


def refused(**changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        plan_one(**changes)
    return str(caught.value.problems[0])


def flags(**changes: Any) -> set[str]:
    return set(plan_one(**changes).spec.args)


def test_ways_multiply_to_the_devices() -> None:
    """Whatever is pinned, a way uses exactly the devices that it is asked for."""
    for pins in (SpreadPins(), SpreadPins(tensor=4), SpreadPins(data=8), SpreadPins(pipeline=2), SpreadPins(pipeline=2, data=2)):
        for parallel in ways(engine("vllm"), catalog.model("deepseek-ai/DeepSeek-V3"), EIGHT, pins):
            assert parallel.devices == EIGHT.count


def test_latent_attention_may_be_data_parallel() -> None:
    """Where every GPU would copy one latent KV cache, attention for own sequences is considered; with heads to divide it is not."""
    latent = list(ways(engine("vllm"), catalog.model("deepseek-ai/DeepSeek-V3"), EIGHT, SpreadPins()))
    assert Parallelism(tensor=1, data=8, expert=8) in latent
    assert all(parallel.data == 1 for parallel in ways(engine("vllm"), cases.QWEN_30B_A3B, EIGHT, SpreadPins()))


def test_data_parallel_attention_holds_more_sequences() -> None:
    """The same GPUs keep more sequences and take more load where each rank keeps the KV cache of its own."""
    shared, own = plan_one(**DEEPSEEK), plan_one(**DEEPSEEK, dataParallel=8)
    assert own.replica.performance.capacity_rps.expected > shared.replica.performance.capacity_rps.expected
    assert own.replica.memory.weight_bytes > shared.replica.memory.weight_bytes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({**DEEPSEEK, "dataParallel": 8}, {"--tensor-parallel-size=1", "--data-parallel-size=8", "--enable-expert-parallel"}),
        ({**DEEPSEEK, "engine": "sglang", "dataParallel": 8}, {"--tp-size=8", "--attn-dp-size=8", "--ep-size=8"}),
        ({"gpu": "l4", "slo": None, "pipelineParallel": 2}, {"--tensor-parallel-size=1", "--pipeline-parallel-size=2"}),
        ({"gpu": "l4", "slo": None, "engine": "sglang", "pipelineParallel": 2}, {"--tp-size=1", "--pp-size=2"}),
    ],
)
def test_engines_are_told_in_their_own_words(changes: dict[str, Any], expected: set[str]) -> None:
    """Each engine's flags say the degrees as it counts them: SGLang's groups of attention are inside its tensor-parallel group."""
    assert expected <= flags(**changes)


def test_tensorrt_llm_takes_stages_and_whole_experts() -> None:
    """Its options carry both, spelt as the release spells them."""
    made = plan_one(model="Qwen/Qwen3-30B-A3B", gpu="h100-80", engine="tensorrt-llm", slo=None, pipelineParallel=2, expertParallel=True)
    words = dict(zip(made.spec.args[1::2], made.spec.args[2::2], strict=False))
    assert (words["--pp_size"], words["--ep_size"]) == ("2", "1")


def test_whole_experts_where_parts_do_not_divide() -> None:
    """A degree that splits experts below their quantization group is served with whole experts, and the plan says why."""
    made = plan_one(model="Qwen/Qwen3-30B-A3B", gpu="l40s", quantization="fp8", tensorParallel=4, slo=None)
    assert made.replica.shape.parallel.expert == 4
    assert any(decision.key == "expertParallel" and "width" in decision.reason for decision in made.decisions)
    assert "expert width of 768" in refused(
        model="Qwen/Qwen3-30B-A3B", gpu="l40s", quantization="fp8", tensorParallel=4, slo=None, expertParallel=False
    )


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"gpu": "l4", "dataParallel": 2}, "dataParallel", "use replicas"),
        ({"gpu": "l4", "expertParallel": True}, "expertParallel", "mixtures of experts"),
        ({"gpu": "l4", "engine": "tgi", "pipelineParallel": 2}, "pipelineParallel", "use vllm, sglang or tensorrt-llm"),
        ({**DEEPSEEK, "engine": "tensorrt-llm", "dataParallel": 8}, "dataParallel", "use vllm or sglang"),
        ({"gpu": "l4", "pipelineParallel": 64}, "pipelineParallel", "without pipelineParallel it works"),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(changes: dict[str, Any], key: str, said: str) -> None:
    """The error names the key, who has it, and the plan without it with its price."""
    problem = refused(**changes)
    assert f".{key}: " in problem
    assert said in problem
    assert "a month" in problem
