"""TensorRT-LLM: NVIDIA's engine through `trtllm-serve` and its PyTorch backend. What has no flag stands in a YAML file."""

from __future__ import annotations

import math
import re

from ..sizing.types import MemoryLayout, Replica, Shape
from . import memory, mpi
from .additions import Speculation
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gang import sockets
from .gpu import TOWER_UNUSED, GpuEngine, named_env
from .hosts import GIB, HostMemory
from .probes import probes
from .serving import ServingIdentity
from .spec import EngineSpec, Metrics, Volume
from .types import FlagRules, Traits
from .weights import WeightSource, weight_source

NAME = "tensorrt-llm"
PORT = 8000
CACHE = "/cache"
PROGRAM = "trtllm-serve"
LAUNCHER = "trtllm-llmapi-launch"
"""Runs its program on the first rank of an MPI job, and the engine's ranks on all."""
OPTIONS = "/etc/tensorrt-llm/options.yaml"
"""The file that says what has no flag; it also overrides flags, so that what it says stands nowhere else."""
FULL_NAMES = (1, 3)
"""Release from which options have their full names, metrics tell how many requests wait, and a model can be given a name."""
SHORT = {
    "tensor_parallel_size": "tp_size",
    "pipeline_parallel_size": "pp_size",
    "moe_expert_parallel_size": "ep_size",
    "config": "extra_llm_api_options",
    "hf_revision": "revision",
}
"""Today's name of an option -> the only one that older releases know."""
COMPILED_GIB = 4
"""Room for compiled kernels beside the weights; believed."""
SCRATCH_GIB = 4
"""Size of /tmp: sessions of Open MPI, sockets and compiler scratch; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="TensorRT-LLM docker/release.md and docker/Dockerfile.user: `ngc-release_run LOCAL_USER=1` runs the release image as any user, "
    "who gets a home and nothing else; pull request 5373; that only home and /tmp are written is believed",
)
SPECULATION = {"draft": "DraftTarget", "eagle3": "Eagle3", "ngram": "NGram", "mtp": "MTP"}
"""Our name of a method -> `decoding_type`."""
OLDER_EAGLE = "Eagle"
"""`decoding_type` of EAGLE-3 before release 1.3."""
FRACTION_STEPS = 1000
HOST_CACHE = "kv_cache_config.host_cache_size"
"""Bytes of KV cache in main memory, of each rank; an option without a flag."""
TAG = re.compile(r":v?(\d+)\.(\d+)")

HOST = HostMemory(base_gib=6, per_device_gib=6, source="believed: HTTP server, an MPI rank with a CUDA context per GPU, pinned buffers")
METRICS = Metrics(
    path="/prometheus/metrics",
    requests_waiting=None,
    requests_running=None,
    kv_usage="trtllm_kv_cache_utilization",
    ttft="trtllm_time_to_first_token_seconds",
    tpot="trtllm_time_per_output_token_seconds",
)
NEWER_METRICS = Metrics(
    path=METRICS.path,
    requests_waiting="trtllm_num_requests_waiting",
    requests_running="trtllm_num_requests_running",
    kv_usage=METRICS.kv_usage,
    ttft=METRICS.ttft,
    tpot=METRICS.tpot,
)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--served_model_name": "it is the name of the service, where the release can be told one",
        "--tensor_parallel_size": "use tensorParallel of the service",
        "--max_seq_len": "use context of the service",
        "--hf_revision": "use revision of the service",
        "--config": "remove it: the plan writes that file",
        "--backend": "remove it: checkpoints are served by the PyTorch backend, and others are gone",
        **dict.fromkeys(("--host", "--port", "--grpc"), "remove it: probes and the Service are made for it"),
        **dict.fromkeys(
            ("--free_gpu_memory_fraction", "--max_num_tokens"),
            "remove it: memory is divided by the plan; context, quantization, gpu and max_batch_size change that",
        ),
        "--max_beam_width": "remove it: beams multiply the KV cache that was planned",
        **dict.fromkeys(
            ("--pipeline_parallel_size", "--moe_expert_parallel_size"), "use pipelineParallel and expertParallel of the service"
        ),
        **dict.fromkeys(
            ("--context_parallel_size", "--moe_*_parallel_size", "--enable_attention_dp", "--gpus_per_node"),
            "use tensorParallel and replicas of the service: it is not planned yet",
        ),
        **dict.fromkeys(
            ("--disagg_cluster_uri", "--server_role", "--metadata_server_config_file"), "remove it: a replica is planned on one machine"
        ),
        **dict.fromkeys(
            ("--enable_visual_gen", "--visual_gen_args", "--media*", "--video_*", "--agent_*"),
            "remove it: text generation is all that is planned yet",
        ),
    },
    tunes={"--max_batch_size": "max_sequences", "--kv_cache_dtype": "kv_dtype"},
    options={HOST_CACHE: "host_gib_each"},
    gib={HOST_CACHE: 1 / GIB},
    kv_dtypes={"auto": "bf16", "fp8": "fp8"},
    planned_env=("HOME", "USER", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY"),
)


class TensorRtLlm(GpuEngine):
    """TensorRT-LLM's server on one or several NVIDIA GPUs, as an MPI job where they are of several machines. It asks nobody for a key."""

    name = NAME
    title = "TensorRT-LLM"
    aliases = ("trtllm", "trt-llm", "trtllm-serve")
    traits = Traits(open_api=True, speculation=frozenset(SPECULATION), spreads=frozenset({"pipeline", "expert", "machines"}))
    flags = FLAGS
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT
    scratch = (Volume("tmp", "/tmp", SCRATCH_GIB),)

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        unnamed = f"TensorRT-LLM {self.release.version} cannot be told the service's name: callers ask for the model by its repository"
        return (
            (not _has_full_names(_version(self.release.version)), unnamed),
            (shape.model.params_vision > 0, TOWER_UNUSED),
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        newer = _has_full_names(_image_version(service.image) or _version(self.release.version))
        machines, drain = shape.device.machines, stops_on_sigterm(service.longest_response_seconds)
        spanning = machines > 1
        return self.container(
            replica,
            service,
            port=PORT,
            command=(*mpi.launch(machines, shape.devices_per_machine), LAUNCHER, PROGRAM) if spanning else (PROGRAM,),
            args=_args(shape, service, source, newer),
            env=(*named_env(CACHE), *sockets(machines)),
            checks=probes("/health", PORT, service.startup_seconds),
            files=((OPTIONS, _options(replica, service, newer)), *(mpi.FILES if spanning else ())),
            metrics=NEWER_METRICS if newer else METRICS,
            drain=drain,
            workers=mpi.fetching(machines, PORT, drain),
            model_format="tensorrt-llm",
            model_name=None if newer else source.location,
        )


def free_fraction(layout: MemoryLayout) -> float:
    """Part of the memory that is free after weights and buffers that the KV cache takes by the plan, rounded down."""
    free = layout.visible_bytes - layout.weight_bytes - layout.added_bytes - layout.activation_bytes - layout.runtime_bytes
    return math.floor(max(0, layout.kv_bytes) / max(1, free) * FRACTION_STEPS) / FRACTION_STEPS


def _args(shape: Shape, service: ServingIdentity, source: WeightSource, newer: bool) -> tuple[str, ...]:
    """The model, then flag and value as two words, spelt as the release spells them."""
    flags: dict[str, object] = {
        # Its default is the loopback address.
        "host": "0.0.0.0",
        "port": PORT,
        "tensor_parallel_size": shape.parallel.tensor,
        **({"pipeline_parallel_size": shape.parallel.pipeline} if shape.parallel.pipeline > 1 else {}),
        **({"moe_expert_parallel_size": shape.parallel.expert} if shape.parallel.expert is not None else {}),
        "max_batch_size": shape.max_sequences,
        "max_num_tokens": memory.batched_tokens(shape),
        "max_seq_len": shape.context,
        "config": OPTIONS,
    }
    if source.revision is not None:
        flags["hf_revision"] = source.revision
    if newer:
        flags["served_model_name"] = service.name
    words = [source.location]
    for flag, value in flags.items():
        words += [f"--{flag if newer else SHORT.get(flag, flag)}", str(value)]
    return tuple(words)


def _options(replica: Replica, service: ServingIdentity, newer: bool) -> str:
    """The YAML file: the KV cache of the plan, structured output, and the metrics that Prometheus reads."""
    import yaml  # only where a container is rendered

    cache: dict[str, object] = {"enable_block_reuse": True, "free_gpu_memory_fraction": free_fraction(replica.memory)}
    if replica.shape.kv_dtype == "fp8":
        cache["dtype"] = "fp8"
    if service.tuning.host_gib_each:
        cache["host_cache_size"] = round(service.tuning.host_gib_each * GIB)
    options: dict[str, object] = {
        "kv_cache_config": cache,
        "guided_decoding_backend": "xgrammar",
        "return_perf_metrics": True,
        "enable_iter_perf_stats": True,
    }
    if service.speculation is not None:
        options["speculative_config"] = _speculative_config(service.speculation, newer)
    return yaml.safe_dump(options, sort_keys=False)


def _speculative_config(said: Speculation, newer: bool) -> dict[str, object]:
    kind = OLDER_EAGLE if said.method == "eagle3" and not newer else SPECULATION[said.method]
    length = "num_nextn_predict_layers" if said.method == "mtp" else "max_draft_len"
    config: dict[str, object] = {"decoding_type": kind, length: said.tokens}
    if said.repository is not None:
        config["speculative_model" if newer else "speculative_model_dir"] = said.repository
    return config


def _version(text: str) -> tuple[int, int]:
    major, minor, *_ = (int(number) for number in re.findall(r"\d+", text))
    return major, minor


def _image_version(image: str | None) -> tuple[int, int] | None:
    """The release that the tag of a user's own image says; None where it says none."""
    found = TAG.search(image) if image is not None else None
    return (int(found[1]), int(found[2])) if found else None


def _has_full_names(version: tuple[int, int]) -> bool:
    return version >= FULL_NAMES
