"""An engine's own flags, variables and image in the stack file: they enter the plan or are refused at their key."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import manifests
from inferstack.errors import InputError
from inferstack.planning.types import ServicePlan
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
    assert problem.startswith(f"{AT}.engineArgs.parallel: 4096 ")
    assert "in the KV cache, not 4096" in problem
    held = int(problem.partition("with parallel ")[2].split(" ")[0])
    assert f"with parallel {held} it works: " in problem
    within = {"engine": "llama.cpp", "gpu": "l4", "quantization": "gguf-q4_k_m", "context": 16384}
    assert plan_one(**within, engineArgs={"parallel": held}).replica.shape.max_sequences == held


@pytest.mark.parametrize(
    ("engine", "flag"),
    [
        ("vllm", "max-num-seqs"),
        ("sglang", "max-running-requests"),
        ("tensorrt-llm", "max_batch_size"),
        ("ray-serve", "max_num_seqs"),
        ("tgi", "max-batch-size"),
    ],
)
def test_a_batch_far_beyond_memory_is_warned_of_or_refused(engine: str, flag: str) -> None:
    """Sampler, token budget and graphs of the whole batch are taken before a request comes: what fits beside them is named, and the
    largest batch that the KV cache holds works without a word."""

    def warned(batch: int) -> list[str]:
        made = plan_one(model="Qwen/Qwen3-8B", engine=engine, gpu="l4", engineArgs={flag: batch})
        return [warning for warning in made.warnings if flag in warning]

    (problem,) = refused(model="Qwen/Qwen3-8B", engine=engine, gpu="l4", engineArgs={flag: 100_000})
    assert problem.startswith(f"{AT}.engineArgs.{flag}: 100000 is more than memory holds: ")
    enough = int(problem.partition(f"with {flag} ")[2].split(" ")[0])
    assert warned(enough) == []
    (said,) = warned(3_000)
    assert "a batch of 3,000 takes " in said


def test_a_batch_of_inputs_that_are_not_kept_is_bound_by_memory_too() -> None:
    """An encoder keeps no KV cache, and its batch is computed at once."""
    wanted: dict[str, Any] = {"model": "BAAI/bge-m3", "engine": "vllm", "traffic": {"requestsPerSecond": 10.0, "isl": 500}, "slo": None}
    (problem,) = refused(**wanted, engineArgs={"max-num-seqs": 100_000})
    enough = int(problem.partition("with max-num-seqs ")[2].split(" ")[0])
    assert enough > 256
    plan_one(**wanted, engineArgs={"max-num-seqs": enough})


def test_offloaded_kv_cache_is_main_memory() -> None:
    """A KV cache in main memory that the node does not have leaves no placement on it."""
    assert plan_one(engine="vllm", machineType="g6.xlarge").spec.engine == "vllm"
    (problem,) = refused(engine="vllm", machineType="g6.xlarge", engineArgs={"kv-offloading-size": 64})
    assert "of main memory" in problem


def kept(made: ServicePlan) -> str:
    """What the plan says of main memory that flags take."""
    return next(f"{decision.value}; {decision.reason}" for decision in made.decisions if decision.key == "engineArgs")


SHARED: dict[str, Any] = {"model": "Qwen/Qwen2.5-32B-Instruct", "gpu": "l40s", "quantization": "bf16", "tensorParallel": 4, "slo": None}


@pytest.mark.parametrize(
    ("engine", "args", "gib"),
    [
        ("vllm", {"kv-offloading-size": 64}, 64),
        ("sglang", {"enable-hierarchical-cache": True, "hicache-size": 20}, 4 * 20e9 / 2**30 + 10),
        ("tensorrt-llm", {"kv_cache_config.host_cache_size": 16 * 2**30}, 4 * 16),
        ("ray-serve", {"kv_offloading_size": 64}, 64),
    ],
)
def test_kv_cache_in_main_memory_is_counted_as_the_engine_means_it(engine: str, args: dict[str, Any], gib: float) -> None:
    """For all GPUs of a group, or for each GPU; in GiB, GB or bytes; with what the engine insists on leaving free."""
    made = plan_one(**SHARED, engine=engine, engineArgs=args)
    assert kept(made).startswith(f"{gib:,.0f} GiB in main memory; ")
    (problem,) = refused(
        **SHARED,
        engine=engine,
        engineArgs={name: value * 100 for name, value in args.items() if value is not True}
        | ({"enable-hierarchical-cache": True} if engine == "sglang" else {}),
    )
    assert "of main memory" in problem


def test_a_ratio_is_of_the_planned_kv_cache() -> None:
    """`hicache-ratio` takes so many times what the plan leaves on each GPU."""
    made = plan_one(**SHARED, engine="sglang", engineArgs={"enable-hierarchical-cache": True, "hicache-ratio": 2})
    assert kept(made).startswith(f"{2 * 4 * made.replica.memory.kv_bytes / 2**30 + 10:,.0f} GiB in main memory; ")
    assert {"--enable-hierarchical-cache", "--hicache-ratio=2"} <= set(made.spec.args)


def test_the_engine_writes_what_has_no_flag() -> None:
    """TensorRT-LLM's file of options says the KV cache in main memory, in bytes of each rank."""
    made = plan_one(**SHARED, engine="tensorrt-llm", engineArgs={"kv_cache_config.host_cache_size": 16 * 2**30})
    assert "host_cache_size: 17179869184" in dict(made.spec.files)["/etc/tensorrt-llm/options.yaml"]
    assert "host_cache_size" not in " ".join(made.spec.args)


@pytest.mark.parametrize(
    ("engine", "args", "said"),
    [
        ("sglang", {"enable-hierarchical-cache": True}, "give one of hicache-size or hicache-ratio with it"),
        ("sglang", {"enable-hierarchical-cache": True, "hicache-size": 8, "hicache-ratio": 2}, "more than one"),
        ("sglang", {"hicache-size": 8}, "give enable-hierarchical-cache with it"),
        ("sglang", {"cpu-offload-gb": 8}, "use engine vllm"),
        ("vllm", {"offload-group-size": 8}, "use cpu-offload-gb"),
        ("vllm", {"kv-offloading-backend": "lmcache"}, "LMCache keeps its own memory"),
        ("tensorrt-llm", {"kv_cache_config.host_cache_size": "much"}, "is not a number"),
    ],
)
def test_main_memory_that_cannot_be_planned_is_refused(engine: str, args: dict[str, Any], said: str) -> None:
    """Each such flag says what to give instead, or with it."""
    assert said in refused(**SHARED, engine=engine, engineArgs=args)[0]


def test_weights_in_main_memory_are_planned() -> None:
    """They leave GPUs to the KV cache, take main memory and slow each step by PCIe; where they fit anyhow the plan says so."""
    large = {**SHARED, "engine": "vllm"}
    usual, moved = plan_one(**large), plan_one(**large, engineArgs={"cpu-offload-gb": 4})
    assert usual.replica.memory.weight_bytes - moved.replica.memory.weight_bytes == 4 * 2**30
    assert moved.replica.memory.kv_bytes - usual.replica.memory.kv_bytes == pytest.approx(4 * 2**30, rel=0.05)
    assert moved.replica.performance.tpot_p95_ms.expected > usual.replica.performance.tpot_p95_ms.expected + 100
    assert "they would fit without" in kept(moved)
    assert kept(moved).startswith("16 GiB in main memory; ")
    assert moved.replica.performance.tpot_p95_ms.provenance == "believed"
    bare = {**large, "gpu": "a10g", "tensorParallel": 2}
    assert "exceed" in refused(**bare)[0]
    assert "would fit" not in kept(plan_one(**bare, machineType="g5.12xlarge", engineArgs={"cpu-offload-gb": 16}))


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
