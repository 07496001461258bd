"""Every rendered command line is one that the pinned release accepts, whatever the shape."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.engines import EngineSpec, engine, engines
from inferstack.sizing.types import Parallelism
from tests.engines import shapes
from tests.engines.command_lines import problems

GPUS = ("t4", "l4", "a10g", "a100-80", "h100-80", "b200-180", "rtx-pro-6000")
TOKEN = "hf_abcdefghijklmnop"


def rendered(name: str, shape_facts: dict[str, object], **facts: object) -> EngineSpec:
    """The container of `name` for a small model; `shape_facts` replace fields of its shape, `facts` those of the service."""
    quantization = shapes.usual(name)
    device = shapes.gpus(shapes.home(name))
    shape = replace(shapes.shape_of(name, shapes.checkpoint(shapes.SMALL, quantization), device), **shape_facts)  # type: ignore[arg-type]
    service = replace(shapes.SERVICE, **facts)  # type: ignore[arg-type]
    return engine(name).spec(shapes.replica_of(shape), service)


def value(spec: EngineSpec, flag: str) -> str | None:
    """What follows `flag`, in the same word or in the next; None where it is not given."""
    for word, following in zip(spec.args, (*spec.args[1:], ""), strict=True):
        if word == flag:
            return following
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None


vllm_weights = st.sampled_from(
    [
        shapes.checkpoint(shapes.SMALL),
        shapes.checkpoint(shapes.SMALL, "fp8", quantized_at_load=True),
        shapes.checkpoint(shapes.SMALL, "awq", "s3://bucket/models/qwen"),
        shapes.checkpoint(shapes.SMALL, "bf16", revision="0123456789abcdef"),
        shapes.checkpoint(shapes.VISION),
        shapes.checkpoint(shapes.NATIVE_MXFP4, "mxfp4", "pvc://models/gpt-oss"),
    ]
)
gguf_weights = st.sampled_from(
    [
        shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", "hf://Qwen/Qwen3-8B-GGUF"),
        shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", "hf://Qwen/Qwen3-8B-GGUF", file="Qwen3-8B-Q4_K_M.gguf"),
        shapes.checkpoint(shapes.SMALL, "gguf-q8_0", "hf://Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q8_0.gguf", revision="0123456789abcdef"),
        shapes.checkpoint(shapes.SMALL, "gguf-q6_k", "pvc://models/qwen/Qwen3-8B-Q6_K.gguf"),
        shapes.checkpoint(shapes.VISION, "gguf-q4_k_m", "gs://bucket/gemma.gguf"),
    ]
)
services = st.builds(
    lambda startup, longest, cpu, token, key: replace(
        shapes.SERVICE,
        startup_seconds=startup,
        longest_response_seconds=longest,
        cpu_millicores=cpu,
        needs_hugging_face_token=token,
        needs_api_key=key,
    ),
    st.integers(1, 7200),
    st.integers(1, 7200),
    st.integers(100, 192_000),
    st.booleans(),
    st.booleans(),
)


@given(
    weights=vllm_weights,
    gpu=st.sampled_from(GPUS),
    count=st.sampled_from([1, 2, 4, 8]),
    stages=st.sampled_from([1, 2]),
    context=st.integers(1, 1_000_000),
    sequences=st.integers(1, 2048),
    kv_dtype=st.sampled_from(["bf16", "fp8"]),
    service=services,
)
def test_vllm_is_given_only_what_its_parser_knows(weights, gpu, count, stages, context, sequences, kv_dtype, service) -> None:
    """Over weights, GPUs, degrees, contexts, batches and services: no unknown flag, no illegal value, no missing value."""
    shape = shapes.shape_of("vllm", weights, shapes.gpus(gpu, count), context, sequences, kv_dtype)
    shape = replace(shape, parallel=Parallelism(count, stages))
    assert problems("vllm", engine("vllm").spec(shapes.replica_of(shape), service).args) == []


@given(
    weights=vllm_weights,
    gpu=st.sampled_from(GPUS),
    count=st.sampled_from([1, 2, 4, 8]),
    context=st.integers(1, 1_000_000),
    sequences=st.integers(1, 2048),
    kv_dtype=st.sampled_from(["bf16", "fp8"]),
    service=services,
)
def test_sglang_is_given_only_what_its_parser_knows(weights, gpu, count, context, sequences, kv_dtype, service) -> None:
    """The same for SGLang, whatever its own matrix says of the combination."""
    shape = shapes.shape_of("sglang", weights, shapes.gpus(gpu, count), context, sequences, kv_dtype)
    assert problems("sglang", engine("sglang").spec(shapes.replica_of(shape), service).args) == []


@given(
    weights=gguf_weights,
    gpu=st.sampled_from([*GPUS, None]),
    count=st.integers(1, 8),
    context=st.integers(1, 1_000_000),
    sequences=st.integers(1, 64),
    kv_dtype=st.sampled_from(["bf16", "q8_0"]),
    service=services,
)
def test_llamacpp_is_given_only_what_its_parser_knows(weights, gpu, count, context, sequences, kv_dtype, service) -> None:
    """The same for llama.cpp, on CPU and on GPUs, with flag and value as two words."""
    device = shapes.cpus() if gpu is None else shapes.gpus(gpu, count)
    shape = shapes.shape_of("llama.cpp", weights, device, context, sequences, kv_dtype)
    assert problems("llama.cpp", engine("llama.cpp").spec(shapes.replica_of(shape), service).args) == []


@pytest.mark.parametrize("name", list(engines()))
def test_secrets_are_named_and_never_held(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token and key come from Kubernetes secrets by name; a token in the planner's own environment reaches neither args nor env."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    spec = rendered(name, {})
    assert TOKEN not in repr(spec)
    asks = set() if engine(name).traits.open_api else {"api-key"}
    entries = (*spec.secret_env, *(entry for init in spec.init for entry in init.secret_env))
    assert {secret.secret for secret in entries} == {"hugging-face-token", *asks}
    assert not {secret.name for secret in spec.secret_env} & {key for key, _ in spec.env}
    assert rendered(name, {}, needs_hugging_face_token=False, needs_api_key=False).secret_env == ()
    assert spec.open_api == engine(name).traits.open_api


@pytest.mark.parametrize("name", list(engines()))
def test_arguments_survive_go_templates(name: str) -> None:
    """KServe reads containers as Go templates, so no argument or variable may hold two braces."""
    spec = rendered(name, {"model": catalog.model(shapes.VISION)})
    assert not [word for word in (*spec.args, *(text for _, text in spec.env)) if "{{" in word]


def test_vllm_is_told_the_kv_cache_of_the_plan() -> None:
    """The KV cache is fixed per GPU at what the plan counted, so nothing is profiled away from it."""
    shape = shapes.shape_of("vllm", shapes.checkpoint(shapes.LARGE), shapes.gpus("h100-80", 4), 16_384, 64)
    replica = shapes.replica_of(shape)
    spec = engine("vllm").spec(replica, shapes.SERVICE)
    assert value(spec, "--kv-cache-memory-bytes") == str(replica.memory.kv_bytes)
    assert value(spec, "--gpu-memory-utilization") is None
    assert (value(spec, "--tensor-parallel-size"), value(spec, "--max-model-len"), value(spec, "--max-num-seqs")) == ("4", "16384", "64")


def test_vllm_casts_where_the_gpu_has_no_bfloat16() -> None:
    """A T4 gets float16, an A10G keeps the dtype of the weights."""
    weights = shapes.checkpoint(shapes.SMALL)
    specs = {
        name: engine("vllm").spec(shapes.replica_of(shapes.shape_of("vllm", weights, shapes.gpus(name))), shapes.SERVICE)
        for name in ("t4", "a10g")
    }
    assert value(specs["t4"], "--dtype") == "float16"
    assert value(specs["a10g"], "--dtype") is None


def test_vllm_quantizes_only_what_is_to_be_quantized_at_load() -> None:
    """A ready-made FP8 checkpoint says itself what it is."""
    ready = rendered("vllm", {"checkpoint": shapes.checkpoint(shapes.SMALL, "fp8", "hf://Qwen/Qwen3-8B-FP8")})
    online = rendered("vllm", {"checkpoint": shapes.checkpoint(shapes.SMALL, "fp8", quantized_at_load=True)})
    assert value(ready, "--quantization") is None
    assert value(online, "--quantization") == "fp8_per_tensor"


def test_vllm_drains_as_long_as_the_longest_response() -> None:
    """Running requests outlive SIGTERM, which vLLM would otherwise abort, and Kubernetes waits longer than they take."""
    spec = rendered("vllm", {}, longest_response_seconds=300)
    assert value(spec, "--shutdown-timeout") == "300"
    assert spec.drain.pre_stop + 300 < spec.drain.grace


def test_llamacpp_waits_before_sigterm() -> None:
    """llama.cpp never finishes requests after SIGTERM: it is awaited idle first, for as long as the longest response."""
    spec = rendered("llama.cpp", {}, longest_response_seconds=300)
    assert spec.drain.pre_stop >= 300
    assert spec.drain.grace > spec.drain.pre_stop
    assert spec.drain.command[:2] == ("timeout", str(spec.drain.pre_stop))
    script = spec.drain.command[-1]
    assert "$LLAMA_API_KEY" in script
    assert spec.metrics.path in script


def test_llamacpp_slots_share_the_context_that_is_given() -> None:
    """The server divides its context among slots, so that each has what one request may use."""
    spec = rendered("llama.cpp", {"context": 4096, "max_sequences": 6})
    assert (value(spec, "--ctx-size"), value(spec, "--parallel")) == (str(6 * 4096), "6")


def test_llamacpp_threads_are_those_of_the_container() -> None:
    """Whole cores of the container, at least one; the node's cores are not ours."""
    assert value(rendered("llama.cpp", {}, cpu_millicores=3500), "--threads") == "3"
    assert value(rendered("llama.cpp", {}, cpu_millicores=300), "--threads") == "1"


def test_llamacpp_keeps_layers_where_they_were_planned() -> None:
    """All layers on GPUs, none offered to them on CPU, and another image for each."""
    on_gpu = rendered("llama.cpp", {})
    on_cpu = rendered("llama.cpp", {"device": shapes.cpus()})
    assert value(on_gpu, "--gpu-layers") == "all"
    assert value(on_cpu, "--gpu-layers") is None
    assert on_gpu.image != on_cpu.image


def test_llamacpp_metrics_ask_for_the_key_where_there_is_one() -> None:
    """Its metrics lie behind the API key, vLLM's do not."""
    assert rendered("llama.cpp", {}).metrics.needs_api_key
    assert not rendered("llama.cpp", {}, needs_api_key=False).metrics.needs_api_key
    assert not rendered("vllm", {}).metrics.needs_api_key


def test_a_quantized_kv_cache_of_llamacpp_comes_with_flash_attention() -> None:
    """Both halves are quantized, and without flash attention the server would refuse the V half."""
    spec = rendered("llama.cpp", {"kv_dtype": "q8_0"})
    assert [value(spec, flag) for flag in ("--cache-type-k", "--cache-type-v", "--flash-attn")] == ["q8_0", "q8_0", "on"]


@pytest.mark.parametrize("name", ["vllm", "llama.cpp", "sglang"])
def test_text_models_with_eyes_are_served_blind(name: str) -> None:
    """A vision tower that was not planned for is not loaded."""
    spec = rendered(name, {"model": catalog.model(shapes.VISION)})
    assert {"--language-model-only", "--no-mmproj"} & set(spec.args)
    assert not {"--language-model-only", "--no-mmproj"} & set(rendered(name, {}).args)


def test_sglang_takes_the_memory_of_the_plan() -> None:
    """Weights and KV cache are the planned part of what is free when the server starts, rounded down, and never all of it."""
    shape = shapes.shape_of("sglang", shapes.checkpoint(shapes.LARGE), shapes.gpus("h100-80", 4), 16_384, 64)
    replica = shapes.replica_of(shape)
    share = float(value(engine("sglang").spec(replica, shapes.SERVICE), "--mem-fraction-static") or 0)
    free = replica.memory.visible_bytes - replica.memory.runtime_bytes
    planned = (replica.memory.weight_bytes + replica.memory.kv_bytes) / free
    assert planned - 0.001 < share <= planned < 0.9


def test_sglang_is_reached_from_outside_its_container() -> None:
    """It listens on all addresses, keeps metrics, and gets its key from the secret through the kubelet, never in the plan."""
    spec = rendered("sglang", {})
    assert value(spec, "--host") == "0.0.0.0"
    assert "--enable-metrics" in spec.args
    key = next(secret.name for secret in spec.secret_env if secret.secret == "api-key")
    assert value(spec, "--api-key") == f"$({key})"
    assert value(rendered("sglang", {}, needs_api_key=False), "--api-key") is None


def test_sglang_is_ready_before_it_generates_and_alive_while_it_does() -> None:
    """Readiness asks the cheap path, which says no while draining; the others wait longer than the server's own check takes."""
    probes = rendered("sglang", {}).probes
    assert (probes.startup.path, probes.readiness.path, probes.liveness.path) == ("/health", "/ready", "/health")
    assert min(probes.startup.timeout, probes.liveness.timeout) > 20


def test_sglang_on_turing_falls_back() -> None:
    """A T4 gets float16 and the kernels that run there; newer GPUs choose by themselves."""
    old, new = rendered("sglang", {"device": shapes.gpus("t4")}), rendered("sglang", {})
    assert (value(old, "--dtype"), value(old, "--attention-backend"), value(old, "--sampling-backend")) == ("half", "triton", "pytorch")
    assert not {"--dtype", "--attention-backend"} & {word.partition("=")[0] for word in new.args}


def test_spellings_of_tensorrt_llm_follow_the_release() -> None:
    """1.2 knows short names only and no name of the service; an image whose tag says 1.3 or later gets full names and tells its queue."""
    old, new = rendered("tensorrt-llm", {}), rendered("tensorrt-llm", {}, image="nvcr.io/nvidia/tensorrt-llm/release:1.4.0rc1")
    assert {"--tp_size", "--extra_llm_api_options"} <= set(old.args)
    assert {"--tensor_parallel_size", "--config", "--served_model_name"} <= set(new.args)
    assert "--served_model_name" not in old.args
    assert old.metrics.requests_waiting is None
    assert new.metrics.requests_waiting == "trtllm_num_requests_waiting"
    assert problems("tensorrt-llm", old.args) == problems("tensorrt-llm", new.args) == []
    assert rendered("tensorrt-llm", {}, image="own/trtllm@sha256:" + "0" * 64).args == old.args


def test_what_has_no_flag_in_tensorrt_llm_stands_in_its_file() -> None:
    """KV cache, structured output and metrics are in the YAML that the argument names, by the plan; nothing of it is also a flag."""
    shape = shapes.shape_of("tensorrt-llm", shapes.checkpoint(shapes.LARGE), shapes.gpus("h100-80", 4), 16_384, 64, "fp8")
    replica = shapes.replica_of(shape)
    spec = engine("tensorrt-llm").spec(replica, shapes.SERVICE)
    ((path, text),) = spec.files
    options = yaml.safe_load(text)
    assert path in spec.args
    layout = replica.memory
    free = layout.visible_bytes - layout.weight_bytes - layout.activation_bytes - layout.runtime_bytes
    assert options["kv_cache_config"]["free_gpu_memory_fraction"] == pytest.approx(layout.kv_bytes / free, abs=0.001)
    assert options["kv_cache_config"]["dtype"] == "fp8"
    assert options["return_perf_metrics"] is True
    assert not any("fraction" in word for word in spec.args)


def test_tgi_is_told_the_plan() -> None:
    """Shards, lengths and batch are the planned ones, the port is one that needs no privilege, and it drains as long as responses take."""
    spec = rendered("tgi", {"context": 4096, "max_sequences": 6}, longest_response_seconds=77)
    assert (value(spec, "--max-total-tokens"), value(spec, "--max-input-tokens"), value(spec, "--max-batch-size")) == ("4096", "4095", "6")
    assert int(value(spec, "--port") or 0) > 1024
    assert value(spec, "--graceful-termination-timeout") == "77"


def test_ollama_has_its_model_before_it_is_ready() -> None:
    """Another image fetches the model under the service's name, the server keeps it loaded, and the pod waits until it is."""
    spec = rendered("ollama", {"context": 4096, "max_sequences": 3})
    (fetch,) = spec.init
    assert fetch.image.startswith("python:")
    assert fetch.image != spec.image
    assert fetch.command[1] == spec.files[0][0]
    assert fetch.args[-2:] == ("chat", dict(spec.env)["OLLAMA_MODELS"])
    assert spec.post_start[:2] == ("sh", "-c")
    assert spec.post_start[2].endswith("done; ollama run chat ''"), "the server may not listen yet when the hook begins"
    environment = dict(spec.env)
    assert (environment["OLLAMA_CONTEXT_LENGTH"], environment["OLLAMA_NUM_PARALLEL"], environment["OLLAMA_KEEP_ALIVE"]) == (
        "4096",
        "3",
        "-1",
    )
    assert spec.drain.pre_stop > shapes.SERVICE.longest_response_seconds


def test_ollama_spreads_where_it_was_planned_to() -> None:
    """Several GPUs are said, one is not."""
    assert "OLLAMA_SCHED_SPREAD" in dict(rendered("ollama", {"device": shapes.gpus("l4", 2), "parallel": Parallelism(1, 2)}).env)
    assert "OLLAMA_SCHED_SPREAD" not in dict(rendered("ollama", {}).env)


def test_the_repository_of_triton_is_one_model_by_the_plan() -> None:
    """Its folder is the service's name, its engine is told shape and memory of the plan, and the front end reads that repository."""
    spec = rendered("triton", {"context": 4096, "max_sequences": 6})
    files = dict(spec.files)
    root = value(spec, "--model-repository")
    assert set(files) == {f"{root}/chat/config.pbtxt", f"{root}/chat/1/model.json"}
    told = json.loads(files[f"{root}/chat/1/model.json"])
    assert (told["model"], told["max_model_len"], told["max_num_seqs"]) == (shapes.SMALL, 4096, 6)
    assert 0.85 < told["gpu_memory_utilization"] < 0.95
    assert value(spec, "--default-max-tokens") == "4096"
    config = files[f"{root}/chat/config.pbtxt"]
    assert config.count("{") == config.count("}") == 1
    assert 'backend: "vllm"' in config
