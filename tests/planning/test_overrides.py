"""An engine's own flags, variables and image in the stack file: they enter the plan or are refused at their key."""

from __future__ import annotations

import pytest

from inferstack import manifests
from inferstack.errors import InputError
from tests.planning.stacks import plan_one

AT = "inferstack:services[0]"


def refused(**changes: object) -> list[str]:
    with pytest.raises(InputError) as error:
        plan_one(**changes)
    return [str(problem) for problem in error.value.problems]


def test_flags_that_size_the_engine_change_the_plan() -> None:
    """A smaller batch and an 8-bit KV cache are planned for, and the container says them once."""
    usual, tuned = plan_one(), plan_one(engine="vllm", gpu="l4", engineArgs={"max-num-seqs": 4, "kv-cache-dtype": "fp8"})
    assert usual.replica.shape.max_sequences > 4
    assert (tuned.replica.shape.max_sequences, tuned.replica.shape.kv_dtype) == (4, "fp8")
    assert [word for word in tuned.spec.args if "max-num-seqs" in word or "kv-cache-dtype" in word] == [
        "--max-num-seqs=4",
        "--kv-cache-dtype=fp8",
    ]


def test_slots_that_do_not_fit_are_no_plan() -> None:
    """llama.cpp reserves the full context per slot: a number of slots that memory does not hold is refused with what it holds."""
    (problem,) = refused(engine="llama.cpp", gpu="l4", quantization="gguf-q4_k_m", context=16384, engineArgs={"parallel": 4096})
    assert problem.startswith(f"{AT}.engineArgs: parallel ")
    assert "in the KV cache, not 4096" in problem
    assert "without engineArgs it works" in problem


def test_offloaded_kv_cache_is_main_memory() -> None:
    """A KV cache in main memory that the node does not have leaves no placement on it."""
    assert plan_one(engine="vllm", machineType="g6.xlarge").spec.engine == "vllm"
    (problem,) = refused(engine="vllm", machineType="g6.xlarge", engineArgs={"kv-offloading-size": 64})
    assert "of main memory" in problem


def test_every_problem_is_reported_at_its_key() -> None:
    """Flags, variables and names that are wrong come together, each under its own key."""
    found = refused(engine="vllm", gpu="l5", engineArgs={"num-shards": 8, "max-model-len": 1}, env={"API_KEY": "x"})
    assert {problem.partition(":")[0] + ":" + problem.split(":")[1] for problem in found} == {
        f"{AT}.gpu",
        f"{AT}.engineArgs.num-shards",
        f"{AT}.engineArgs.max-model-len",
        f"{AT}.env.API_KEY",
    }
    assert not any(word == "x" for problem in found for word in problem.split())


@pytest.mark.parametrize("key", [{"engineArgs": {"jinja": True}}, {"image": "own/vllm:1"}])
def test_what_is_one_engines_own_needs_the_engine(key: dict[str, object]) -> None:
    """Flags and an image without `engine` are refused, as the planner may choose another."""
    (problem,) = refused(**key)
    assert "say which with `engine`" in problem


@pytest.mark.parametrize("image", ["own/vllm", "own/vllm:latest", "Own/vllm:1", "registry:5000/vllm"])
def test_images_have_a_version(image: str) -> None:
    """An image without tag or digest, or one whose tag moves, is refused."""
    (problem,) = refused(engine="vllm", image=image)
    assert problem.startswith(f"{AT}.image: ")


def test_the_image_is_run_and_its_contents_are_not_vouched_for() -> None:
    """The user's image stands in the container, and a warning says what is taken for granted."""
    made = plan_one(engine="vllm", image="registry:5000/own/vllm:0.33.0-1", env={"NCCL_DEBUG": "INFO"})
    (runtime,) = [item for item in manifests.service_objects(made) if item["kind"] == "ServingRuntime"]
    container = runtime["spec"]["containers"][0]
    assert container["image"] == "registry:5000/own/vllm:0.33.0-1"
    assert {"name": "NCCL_DEBUG", "value": "INFO"} in container["env"]
    assert any("taken for vllm 0.33.0" in warning for warning in made.warnings)


def test_variables_need_no_engine() -> None:
    """A variable that every engine takes may stand without one, and one that some engine sets by itself may not."""
    assert ("NCCL_DEBUG", "INFO") in plan_one(env={"NCCL_DEBUG": "INFO"}).spec.env
    (problem,) = refused(env={"LLAMA_CACHE": "/x"})
    assert "is set by the plan" in problem
