"""The escape hatch: what users may say to an engine in its own words, and what is refused with a way out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from inferstack import catalog
from inferstack.engines import Tuning, engine, engines, overrides
from tests.engines import shapes
from tests.engines.command_lines import problems

NAMED = pytest.mark.parametrize("name", [name for name, found in engines().items() if found.flags.program is not None])

LAST_WINS = ("--attention-backend", "--sampling-backend")
"""Fallbacks for old silicon that users may replace: the parser takes what comes last."""


def read(name: str, args: dict[str, Any] | None = None, env: dict[str, Any] | None = None) -> overrides.Overrides:
    made, wrong = overrides.read(engine(name), args or {}, env or {}, None)
    assert [str(problem) for problem in wrong] == []
    return made


def refused(name: str, args: dict[str, Any] | None = None, env: dict[str, Any] | None = None) -> str:
    _, wrong = overrides.read(engine(name), args or {}, env or {}, None)
    assert len(wrong) == 1
    return str(wrong[0])


@pytest.mark.parametrize(
    ("name", "written", "value", "words"),
    [
        ("vllm", "tool-call-parser", "hermes", ("--tool-call-parser=hermes",)),
        ("vllm", "--tool-call-parser", "hermes", ("--tool-call-parser=hermes",)),
        ("vllm", "tool_call_parser", "hermes", ("--tool-call-parser=hermes",)),
        ("vllm", "enable-auto-tool-choice", True, ("--enable-auto-tool-choice",)),
        ("vllm", "enable-prefix-caching", False, ("--no-enable-prefix-caching",)),
        ("vllm", "no-enable-prefix-caching", True, ("--no-enable-prefix-caching",)),
        ("vllm", "max-num-queued-reqs", 100, ("--max-num-queued-reqs=100",)),
        ("vllm", "default-chat-template-kwargs", {"enable_thinking": False}, ('--default-chat-template-kwargs={"enable_thinking":false}',)),
        ("vllm", "allowed-origins", ["*"], ('--allowed-origins=["*"]',)),
        ("vllm", "allowed-origins", '["*"]', ('--allowed-origins=["*"]',)),
        ("llama.cpp", "timeout", 60, ("--timeout", "60")),
        ("llama.cpp", "jinja", False, ("--no-jinja",)),
    ],
)
def test_flags_are_said_in_the_words_of_their_program(name: str, written: str, value: Any, words: tuple[str, ...]) -> None:
    """Dashes and underscores do not matter, true and false switch, mappings become JSON; the program gets its own spelling."""
    made = read(name, {written: value})
    assert made.args == words
    assert problems(name, (*(["model"] if name == "vllm" else []), *made.args)) == []


@pytest.mark.parametrize(
    ("name", "written", "value", "clause"),
    [
        ("vllm", "num-shards", 8, "use tensorParallel"),
        ("vllm", "tensor-parallel-degree", 8, "use tensorParallel"),
        ("vllm", "--swap-space", 4, "use kv-offloading-size"),
        ("vllm", "guided-decoding-backend", "xgrammar", "use structured-outputs-config"),
        ("vllm", "tensor-parallel-size", 2, "use tensorParallel"),
        ("vllm", "max-model-len", 8192, "use context"),
        ("vllm", "gpu-memory-utilization", 0.95, "memory is divided by the plan"),
        ("vllm", "data-parallel-size", 2, "use pipelineParallel, dataParallel and expertParallel"),
        ("vllm", "lora-modules", ["a=b"], "use adapters of the service"),
        ("vllm", "speculative-config", {"method": "eagle3"}, "use speculation of the service"),
        ("vllm", "max-num-sqs", 8, "did you mean max-num-seqs?"),
        ("vllm", "renderer-num-workers", "many", "is not a whole number"),
        ("vllm", "max-num-queued-reqs", [1, 2], "takes one value"),
        ("vllm", "runner", "generate", "use task of the service"),
        ("vllm", "enable-auto-tool-choice", "yes", "write true or false"),
        ("vllm", "tool-call-parser", None, "takes a value"),
        ("vllm", "safetensors-load-strategy", True, "takes a value"),
        ("vllm", "kv-cache-dtype", "nvfp4", "use auto, fp8 or fp8_e4m3"),
        ("vllm", "max-num-seqs", 0, "use at least 1"),
        ("vllm", "max-num-seqs", 2.5, "is not a whole number"),
        ("vllm", "tool-call-parser", "a\nb", "write it on one line"),
        ("vllm", "max-log-len", float("inf"), "is not a finite number"),
        ("vllm", "default-chat-template-kwargs", {"a": float("nan")}, "not finite"),
        ("vllm", "tp", 2, "use tensorParallel"),
        ("vllm", "headless", False, "one machine"),
        ("llama.cpp", "ctx-size", 8192, "use context"),
        ("llama.cpp", "cache-ram", 8192, "memory is divided by the plan"),
        ("llama.cpp", "n-gpu-layers", 10, "use tensorParallel"),
        ("llama.cpp", "swa-full", True, "memory is divided by the plan"),
        ("llama.cpp", "special", False, "leave it out"),
        ("vllm", "hf-token", "a-secret", "use inferstack:huggingFaceToken"),
        ("vllm", "enforce-eager", True, "CUDA graphs"),
        ("vllm", "kv-transfer-config", {"kv_role": "kv_both"}, "planned in one server"),
        ("vllm", "allowed-local-media-path", "/", "callers could"),
        ("sglang", "enable-custom-logit-processor", True, "callers could"),
        ("sglang", "kt-num-gpu-experts", 4, "does not count what it moves"),
        ("sglang", "moe-a2a-backend", "deepep", "more is not planned"),
        ("llama.cpp", "tools", "all", "callers could"),
        ("tensorrt-llm", "kv_cache_config", {"host_cache_size": 10**9}, "use kv_cache_config.host_cache_size"),
        ("tensorrt-llm", "kv_cache_config", {"max_tokens": 10}, "use kv_cache_config.host_cache_size"),
        ("llama.cpp", "rope-scale", 4, "use context of the service"),
    ],
)
def test_flags_that_cannot_be_are_refused_with_a_way_out(name: str, written: str, value: Any, clause: str) -> None:
    """Removed spellings name their successor, planned flags the key to use, misspelt ones the nearest, and values what they must be."""
    text = refused(name, {written: value})
    assert text.startswith(f"engineArgs.{written}: ")
    assert clause in text


@pytest.mark.parametrize(
    ("name", "variable", "clause"),
    [
        ("vllm", "HF_TOKEN", "inferstack:huggingFaceToken"),
        ("vllm", "VLLM_API_KEY", "inferstack:apiKey"),
        ("vllm", "MY_PASSWORD", "holds a secret"),
        ("vllm", "HOME", "is set by the plan"),
        ("vllm", "A-B", "use letters, digits and _"),
        ("vllm", "PYTHONPATH", "KServe"),
        ("llama.cpp", "LLAMA_ARG_CTX_SIZE", "use engineArgs.ctx-size"),
        ("llama.cpp", "LLAMA_ARG_CTX_SIZES", "is not a variable of llama.cpp"),
        ("vllm", "VLLM_LOGGING_LEVL", "did you mean VLLM_LOGGING_LEVEL?"),
        ("vllm", "VLLM_USE_V1", "is not a variable of vllm 0.33.0; remove it"),
        ("llama.cpp", "GGML_CUDA_ENABLE_UNIFIED_MEMORY", "memory is divided by the plan"),
        ("vllm", "VLLM_ALLOW_LONG_MAX_MODEL_LEN", "use context of the service"),
        ("vllm", "VLLM_DP_SIZE", "use tensorParallel"),
        ("vllm", "VLLM_LOGGING_LEVEL_", "did you mean VLLM_LOGGING_LEVEL?"),
        ("vllm", "CUDA_VISIBLE_DEVICES", "would hide devices"),
        ("vllm", "MASTER_ADDR", "would make ranks"),
        ("vllm", "HF_HUB_CACHE", "would keep files outside"),
        ("vllm", "NCCL_BUFFSIZE", "takes memory of every GPU"),
        ("sglang", "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN", "use context of the service"),
        ("sglang", "SGLANG_MAMBA_SSM_DTYPE", "memory is divided by the plan"),
        ("sglang", "SGLANG_PP_LAYER_PARTITION", "use tensorParallel"),
        ("sglang", "SGLANG_PP_LAYER_PARTITON", "did you mean SGLANG_PP_LAYER_PARTITION? use tensorParallel"),
        ("sglang", "SGLANG_IMAGE_MAX_PIXELS", "use traffic.images"),
        ("sglang", "SGLANG_EXPOSE_OWN_ENV_VARS", "callers could run or read"),
        ("ray-serve", "VLLM_PP_LAYER_PARTITION", "use tensorParallel"),
        ("ray-serve", "RAY_OVERRIDE_RESOURCES", "use replicas, gpu and tensorParallel"),
        ("ray-serve", "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES", "memory of pods is divided by the plan"),
        ("ray-serve", "RAY_JOB_SUBMIT_HOOK", "callers could run or read"),
        ("tensorrt-llm", "TRTLLM_KVCACHE_TRANSFER_BUFFER_SIZE", "planned in one server"),
        ("tensorrt-llm", "FORCE_ALLREDUCE_KERNEL_WORKSPACE_SIZE", "memory is divided by the plan"),
        ("triton", "TRITON_CLOUD_CREDENTIAL_PATH", "holds a secret"),
        ("triton", "TRITON_AWS_MOUNT_DIRECTORY", "use model and modelUri"),
        ("triton", "VLLM_PP_LAYER_PARTITION", "use tensorParallel"),
        ("vllm", "TRITON_CACHE_DIR", "would keep files outside"),
        ("ollama", "LLAMA_ARG_CTX_SIZE", "memory is divided by the plan"),
        ("ollama", "OLLAMA_REMOTES", "a service has one model"),
        ("tgi", "MAX_TOTAL_TOKENS", "use engineArgs.max-total-tokens"),
        ("tgi", "HUGGING_FACE_HUB_TOKEN", "inferstack:huggingFaceToken"),
    ],
)
def test_variables_that_cannot_be_are_refused(name: str, variable: str, clause: str) -> None:
    """Secrets go elsewhere and are not repeated, what the plan sets stays, and options have one spelling."""
    text = refused(name, env={variable: "value-of-it"})
    assert clause in text
    assert "secret" not in text or "value-of-it" not in text


def test_a_secret_in_a_flag_is_not_repeated() -> None:
    """What stands at a flag that takes a token is not shown."""
    assert "a-secret" not in refused("vllm", {"hf-token": "a-secret"})


@NAMED
def test_every_option_is_classified(name: str) -> None:
    """Each is planned, enters the plan, is refused, is passed with a warning, or is known to leave the plan as it is, and only one of
    these: an option of a new release has to be looked at."""
    rules = engine(name).flags
    table = catalog.engine_flags(rules.program or name)
    for option in table.flags:
        planned = any(overrides.fnmatchcase(option, pattern) for pattern in rules.planned) or option in rules.planned_env
        left = (option in table.refused, option in table.warned, option in table.passes)
        assert [planned or option in rules.tunes, *left].count(True) == 1, option
    assert {*table.refused, *table.warned, *table.passes} <= {*table.flags}


def test_an_option_that_nobody_looked_at_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new release brings is refused until it is known to leave the plan as it is."""
    table = catalog.engine_flags("vllm")
    unknown = replace(table, passes=table.passes - {"--tool-call-parser"})
    monkeypatch.setattr(catalog, "engine_flags", lambda _: unknown)
    assert "is not known to leave the plan as it is; remove it" in refused("vllm", {"tool-call-parser": "hermes"})


@NAMED
def test_variables_are_classified_once(name: str) -> None:
    """No variable is both refused and passed, and none of them is a secret that would be refused anyway."""
    known = catalog.engine_flags(engine(name).flags.program or name).variables
    assert not set(known.refused) & known.passes
    assert not any(overrides.SECRET_WORDS.search(variable) for variable in (*known.refused, *known.passes))
    assert all(known.prefix_of(variable) for variable in known.passes)
    planned = set(engine(name).flags.planned_env)
    assert not planned & {*known.refused, *known.passes}


@pytest.mark.parametrize(
    ("name", "prefix", "near", "meant"),
    [
        ("vllm", "VLLM_", "VLLM_LOGGING_LEVL", "VLLM_LOGGING_LEVEL"),
        ("sglang", "SGLANG_", "SGLANG_LOG_GCC", "SGLANG_LOG_GC"),
        ("ray-serve", "RAY_", "RAY_DEDUP_LOG", "RAY_DEDUP_LOGS"),
        ("ray-serve", "VLLM_", "VLLM_LOGGING_LEVL", "VLLM_LOGGING_LEVEL"),
        ("tensorrt-llm", "TRTLLM_", "TRTLLM_ENABLE_PDLL", "TRTLLM_ENABLE_PDL"),
        ("tensorrt-llm", "TLLM_", "TLLM_LOG_LEVL", "TLLM_LOG_LEVEL"),
        ("triton", "VLLM_", "VLLM_LOGGING_LEVL", "VLLM_LOGGING_LEVEL"),
        ("triton-tensorrt-llm", "TRTLLM_", "TRTLLM_ENABLE_PDLL", "TRTLLM_ENABLE_PDL"),
    ],
)
def test_variables_of_a_program_that_nobody_looked_at_are_not_passed_on(name: str, prefix: str, near: str, meant: str) -> None:
    """One that is nearly another is told which, one that is like none is to go, and what is listed goes through."""
    assert f"did you mean {meant}?" in refused(name, env={near: "1"})
    assert "remove it" in refused(name, env={f"{prefix}QZX_JWQ": "1"})
    _, problems = overrides.read(engine(name), {}, {meant: "1"}, None)
    assert not problems


def test_code_of_a_repository_is_said() -> None:
    """Some models need it, so that it is passed on, and the plan says what it does."""
    made = read("vllm", {"trust-remote-code": True})
    assert made.args == ("--trust-remote-code",)
    assert len(made.warnings) == 1
    assert "runs code that the repository of the model brings" in made.warnings[0]


def test_a_flag_is_said_once() -> None:
    """Two spellings of one flag are refused at the second."""
    assert "once more" in refused("vllm", {"max-num-seqs": 8, "max_num_seqs": 9})


def test_flags_of_memory_enter_the_plan() -> None:
    """Batch and KV cache dtype become part of the shape, and only main memory is also said by the flag itself."""
    made = read("vllm", {"max-num-seqs": 32, "kv-cache-dtype": "fp8", "kv-offloading-size": 16})
    assert made.tuning == Tuning(max_sequences=32, kv_dtype="fp8", host_gib=16)
    assert made.args == ("--kv-offloading-size=16",)


def test_the_users_words_stand_behind_the_planned_ones() -> None:
    """A container keeps what is planned and gains flags, variables and the image."""
    spec = engine("vllm").spec(
        shapes.replica_of(shapes.shape_of("vllm", shapes.checkpoint(shapes.SMALL), shapes.gpus("l4"))), shapes.SERVICE
    )
    given, _ = overrides.read(engine("vllm"), {"enable-auto-tool-choice": True}, {"NCCL_DEBUG": "INFO", "N": 3, "B": True}, "own/vllm:1")
    made = overrides.apply(spec, given)
    assert made.args == (*spec.args, "--enable-auto-tool-choice")
    assert made.env == (*spec.env, ("NCCL_DEBUG", "INFO"), ("N", "3"), ("B", "true"))
    assert made.image == "own/vllm:1"


@NAMED
def test_every_rendered_flag_and_variable_is_the_plans(name: str) -> None:
    """What a container says by itself is refused from users or enters the plan, so that nothing is said twice."""
    rules = engine(name).flags
    table = catalog.engine_flags(rules.program or name)
    for model, quantization, gpu, count in itertools.product(
        (shapes.SMALL, shapes.VISION), ("bf16", "fp8", "gguf-q4_k_m"), ("t4", "h100-80", None), (1, 2)
    ):
        weights = shapes.checkpoint(model, quantization, revision="c0ffee", file="a.gguf" if "gguf" in quantization else None)
        if engine(name).supports(catalog.model(model), weights, None if gpu is None else catalog.accelerator(gpu)) is not None:
            continue
        shape = shapes.shape_of(name, weights, shapes.cpus() if gpu is None else shapes.gpus(gpu, count))
        spec = engine(name).spec(shapes.replica_of(shape), shapes.SERVICE)
        assert {variable for variable, _ in spec.env} <= set(rules.planned_env)
        for word in spec.args:
            flag = table.find(word.partition("=")[0]) if word.startswith("--") else None
            if flag is not None and flag.name not in (*rules.tunes, *LAST_WINS):
                _, wrong = overrides.read(engine(name), {flag.name: True}, {}, None)
                assert "is for the plan to decide" in str(wrong[0]), flag.name


@NAMED
def test_rules_name_flags_that_exist(name: str) -> None:
    """Every pattern of an engine's rules covers an option of its program, and no removed spelling is an option."""
    rules = engine(name).flags
    table = catalog.engine_flags(rules.program or name)
    names = [*table.flags]
    assert [
        pattern for pattern in (*rules.planned, *rules.tunes) if not any(overrides.fnmatchcase(known, pattern) for known in names)
    ] == []
    assert not set(table.removed) & set(names)
    assert table.version
    assert table.source
