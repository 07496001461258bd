"""vLLM: the general engine on NVIDIA GPUs. Flags, image and probes are those of the pinned release."""

from __future__ import annotations

import json
from dataclasses import replace

from ..catalog.types import Checkpoint, Model
from ..sizing.types import Replica, Shape
from . import memory
from .additions import Adapter, LoraRules, Speculation
from .confinement import Confinement
from .drain import drains_on_sigterm
from .gang import LEADER_ADDRESS, WORKER_INDEX, sockets, workers
from .gpu import BFLOAT16, KERNEL_LINKS, RUNS_CODE, TEXT_ONLY, GpuEngine, capability, hub_env, text_only
from .hosts import HostMemory
from .kinds import EMBEDDING, EVERY, LLM, RERANK, REWARD, encodes, pools
from .probes import probes, startup_limit_seconds
from .serving import ServingIdentity
from .spec import CHAT_ROUTES, EngineSpec, Metrics, Volume
from .streaming import streaming
from .types import FlagRules, Traits
from .weights import WeightSource, weight_source

NAME = "vllm"
PORT = 8000
GANG_PORT = 29501
"""Where the pods of a replica on several machines meet: the program's own default for --master-port."""
RPC_PORT = 29550
"""Where the engines of other machines report to the first: the program's own default for --data-parallel-rpc-port."""
ALL_TO_ALL = "allgather_reducescatter"
"""How tokens come to experts on other machines: by NCCL alone, on any network and with nothing beside the image. The program's default."""
CACHE = "/cache"
"""Home of the process: with a read-only root file system this, /tmp and the folder of linked kernels are all that it can write."""

UNSTABLE_IN_FLOAT16 = frozenset({"gemma2", "gemma3", "gemma3_text", "glm4", "plamo2"})
"""Architectures that vLLM refuses to run in float16 (vllm/config/model.py, _FLOAT16_NOT_SUPPORTED_MODELS)."""

ONLINE_FP8 = "fp8_per_tensor"
"""vLLM's name of FP8 quantization while loading (docs/features/quantization/online.md)."""
PLUGIN_FORMATS = {"gguf": "vllm-gguf-plugin", "bnb_nf4": "vllm-bnb-plugin"}
"""Schemes that the stock image has no loader for, with the package that would bring it."""
KV_DTYPES = {"bf16": "auto", "fp16": "auto", "fp8": "fp8"}
"""Our name of a KV cache dtype -> value of --kv-cache-dtype."""

HOST = HostMemory(
    base_gib=4,
    per_device_gib=5,
    source="believed: API server, engine core, and a worker with a CUDA context per GPU; upstream's 7B sample asks for 6 GB, at most 20 GB",
)
COMPILED_GIB = 8
"""Room for torch.compile and kernel caches beside the weights; believed."""
SCRATCH_GIB = 4
"""Size of /tmp: sockets and compiler scratch; believed."""
CONFINEMENT = Confinement(
    user=2000,
    group=0,
    read_only_root=True,
    source="vLLM 0.33.0 docker/Dockerfile, whose user vllm is 2000:0; that nothing else is written is believed",
)
ROUTES = {
    LLM: CHAT_ROUTES,
    EMBEDDING: ("/v1/embeddings",),
    RERANK: ("/v1/rerank", "/v1/score"),
    REWARD: ("/classify", "/v1/score"),
}
"""`Model.kind` -> paths of the server (vLLM docs, pooling models: classification models answer classify and score)."""
LORA = LoraRules(frozenset({"bf16", "fp16", "fp8", "awq", "gptq", "w8a8_int8"}), (1, 8, 16, 32, 64, 128, 256, 320, 512))
"""Ranks: choices of --max-lora-rank. Schemes: its linear layers that adapters wrap; believed for 8 bits."""
SPECULATION = {"draft": "draft_model", "eagle3": "eagle3", "ngram": "ngram", "mtp": "mtp"}
"""Our name of a method -> `method` of --speculative-config."""
IMAGE_CACHE_GIB = 4
"""Processed images that are kept in /dev/shm, shared by the API server and the engine: vLLM's own default."""
LOOKUP_TOKENS = 4
"""Tokens at the end of the text that are searched for in the prompt, at most: the length in vLLM's own examples."""
ENGINE_READY_SECONDS = 600
"""vLLM's own default for VLLM_ENGINE_READY_TIMEOUT_S, never lowered."""

FLAGS = FlagRules(
    program=NAME,
    planned={
        "--model": "use model or modelUri of the service",
        "--served-model-name": "it is the name of the service",
        "--tensor-parallel-size": "use tensorParallel of the service",
        "--max-model-len": "use context of the service",
        "--quantization*": "use quantization of the service",
        "--dtype": "use quantization of the service",
        "--revision": "use revision of the service",
        "--load-format": "use modelUri and loading of the service",
        "--model-loader-extra-config": "use loading of the service",
        "--api-key": "use inferstack:apiKey with endpoint internal",
        "--host": "remove it: probes and the Service are made for it",
        "--port": "remove it: probes and the Service are made for it",
        "--uds": "remove it: probes and the Service are made for a port",
        "--ssl-*": "remove it: probes and the Service speak HTTP",
        "--root-path": "remove it: probes and clients ask without it",
        "--shutdown-timeout": "remove it: it follows from the longest planned response",
        "--config": "write its flags here, where they are checked",
        **dict.fromkeys(
            (
                "--gpu-memory-utilization",
                "--kv-cache-memory-bytes",
                "--num-gpu-blocks-override",
                "--block-size",
                "--max-num-batched-tokens",
            ),
            "remove it: memory is divided by the plan; context, quantization, gpu and max-num-seqs change that",
        ),
        **dict.fromkeys(
            ("--*cudagraph-capture-size*", "--enable-sleep-mode", "--sleep-*"), "remove it: the plan does not count what it moves"
        ),
        **dict.fromkeys(("--cpu-offload-params", "--offload-*"), "use cpu-offload-gb, whose cost is planned"),
        "--kv-offloading-backend": "remove it: LMCache keeps its own memory, which is not planned",
        **dict.fromkeys(
            ("--data-parallel-*", "--enable-expert-parallel", "--pipeline-parallel-size"),
            "use pipelineParallel, dataParallel and expertParallel of the service",
        ),
        "--*-context-parallel-size": "use tensorParallel of the service: context parallelism is not planned yet",
        **dict.fromkeys(
            ("--nnodes", "--node-rank", "--master-*", "--headless"),
            "remove it: pipelineParallel or dataParallel beyond the GPUs of one machine spans machines",
        ),
        **dict.fromkeys(("--enable-lora", "--*lora*"), "use adapters of the service"),
        **dict.fromkeys(("--speculative-*", "--spec-*"), "use speculation of the service"),
        "--runner": "use task of the service",
        **dict.fromkeys(("--language-model-only", "--limit-mm-per-prompt", "--*mm-*"), "use traffic.images of the service"),
    },
    tunes={
        "--max-num-seqs": "max_sequences",
        "--kv-cache-dtype": "kv_dtype",
        "--kv-offloading-size": "host_gib",
        "--cpu-offload-gb": "host_weight_gib",
    },
    kv_dtypes={"auto": "bf16", "fp8": "fp8", "fp8_e4m3": "fp8"},
    planned_env=("HOME", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY", "VLLM_CACHE_ROOT", "VLLM_ENGINE_READY_TIMEOUT_S", "VLLM_NO_USAGE_STATS"),
)

METRICS = Metrics(
    path="/metrics",
    requests_waiting="vllm:num_requests_waiting",
    requests_running="vllm:num_requests_running",
    kv_usage="vllm:kv_cache_usage_perc",
    ttft="vllm:time_to_first_token_seconds",
    tpot="vllm:request_time_per_output_token_seconds",
)


class Vllm(GpuEngine):
    """vLLM's OpenAI server on one or several NVIDIA GPUs of a machine. A Kubernetes Service named `vllm` would break it by VLLM_PORT."""

    name = NAME
    title = "vLLM"
    aliases = ("vllm-openai",)
    traits = Traits(
        unasked=True,
        kinds=EVERY,
        images=True,
        # The streamer and its parts for both are in the image.
        streams=frozenset({"s3", "gs"}),
        lora=LORA,
        speculation=frozenset(SPECULATION),
        spreads=frozenset({"pipeline", "expert", "data", "machines"}),
    )
    flags = FLAGS
    most_sequences = 256
    """vLLM's own default on GPUs below 70 GiB; each sequence more takes sampler memory from the KV cache."""
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT
    scratch = (Volume("tmp", "/tmp", SCRATCH_GIB), KERNEL_LINKS)
    plugins = PLUGIN_FORMATS
    unstable_in_float16 = UNSTABLE_IN_FLOAT16

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        return (
            (shape.checkpoint.quantized_at_load, "vLLM quantizes to FP8 while loading: it downloads the 16-bit weights"),
            (shape.model.remote_code, RUNS_CODE.format(flag="--trust-remote-code")),
            (text_only(shape), TEXT_ONLY),
        )

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        loadable = super().checkpoints(model, known)
        if model.native_quantization is not None or any(checkpoint.quantization == "fp8" for checkpoint in loadable):
            return loadable
        reference = next((checkpoint for checkpoint in loadable if checkpoint.quantization in ("bf16", "fp16")), None)
        return loadable if reference is None else (*loadable, _online_fp8(reference))

    def volumes(self, shape: Shape, source: WeightSource) -> tuple[Volume, ...]:
        on_disk = [volume for volume in super().volumes(shape, source) if not volume.memory]
        shared = [volume for volume in super().volumes(shape, source) if volume.memory]
        if shape.additions.images is not None:
            room = sum(volume.size_gib for volume in shared) + IMAGE_CACHE_GIB
            shared = [Volume("shm", "/dev/shm", room, memory=True)]
        return (*on_disk, *shared)

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        drain = drains_on_sigterm(service.longest_response_seconds)
        checks = probes("/health", PORT, service.startup_seconds)
        return self.container(
            replica,
            service,
            port=PORT,
            args=_args(replica, service, source, "0"),
            env=(*_env(max(ENGINE_READY_SECONDS, startup_limit_seconds(checks))), *sockets(shape.device.machines)),
            api_key="VLLM_API_KEY",
            checks=checks,
            metrics=METRICS,
            drain=drain,
            workers=workers(shape.device.machines, _args(replica, service, source, WORKER_INDEX), GANG_PORT, drain),
            model_format="vLLM",
            routes=ROUTES[shape.model.kind],
        )


def _online_fp8(reference: Checkpoint) -> Checkpoint:
    """FP8 from 16-bit files; `weight_bytes` stays that of the files, which is what is downloaded."""
    return replace(reference, quantization="fp8", quantized_at_load=True)


def _args(replica: Replica, service: ServingIdentity, source: WeightSource, rank: str) -> tuple[str, ...]:
    """The image's entry point is `vllm serve`: the model, then one `--flag=value` token each. `rank` is the pod's place in its group."""
    shape = replica.shape
    flags: dict[str, object] = {
        "served-model-name": service.name,
        "port": PORT,
        "tensor-parallel-size": shape.parallel.tensor,
        "max-model-len": shape.context,
        "max-num-seqs": shape.max_sequences,
        "max-num-batched-tokens": memory.batched_tokens(shape),
        # Per GPU. It fixes the KV cache at what was planned and switches --gpu-memory-utilization off, so that no profile can
        # take less or more than the plan says.
        "kv-cache-memory-bytes": replica.memory.kv_bytes,
        "shutdown-timeout": service.longest_response_seconds,
    }
    if pools(shape.model):
        flags["runner"] = "pooling"
    if shape.model.config_overrides is not None:
        flags["hf-overrides"] = shape.model.config_overrides
    if encodes(shape.model):
        # It keeps nothing: there is no cache to size.
        del flags["kv-cache-memory-bytes"]
    flags |= _spread(shape, rank)
    if capability(shape.device) < BFLOAT16:
        flags["dtype"] = "float16"
    if shape.checkpoint.quantized_at_load:
        flags["quantization"] = ONLINE_FP8
    if KV_DTYPES[shape.kv_dtype] != "auto":
        flags["kv-cache-dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        flags["revision"] = source.revision
    if source.streamed:
        flags |= streaming(shape.parallel.tensor)
    words = [source.location]
    words += [f"--{flag}={value}" for flag, value in flags.items()]
    if rank != "0":
        words.append("--headless")
    if shape.parallel.expert is not None:
        words.append("--enable-expert-parallel")
    if shape.model.remote_code:
        words.append("--trust-remote-code")
    if text_only(shape):
        words.append("--language-model-only")
    if (images := shape.additions.images) is not None:
        # A video would be profiled at its longest, and nothing of it is planned.
        limits = json.dumps({"image": images.most, "video": 0}, separators=(",", ":"))
        words += [f"--limit-mm-per-prompt={limits}", "--mm-processor-cache-type=shm", f"--mm-processor-cache-gb={IMAGE_CACHE_GIB}"]
    if service.tool_parser is not None:
        words += ["--enable-auto-tool-choice", f"--tool-call-parser={service.tool_parser}"]
    if service.reasoning_parser is not None:
        words.append(f"--reasoning-parser={service.reasoning_parser}")
    if service.speculation is not None:
        words.append(f"--speculative-config={_speculative_config(service.speculation, shape)}")
    return (*words, *_adapters(shape, service.adapters))


def _spread(shape: Shape, rank: str) -> dict[str, object]:
    """What makes several GPUs one replica beside tensor parallelism: stages, groups of attention, other machines."""
    flags: dict[str, object] = {}
    if shape.parallel.pipeline > 1:
        flags["pipeline-parallel-size"] = shape.parallel.pipeline
    if shape.parallel.data > 1:
        flags["data-parallel-size"] = shape.parallel.data
    if shape.device.machines > 1:
        flags |= {"nnodes": shape.device.machines, "node-rank": rank, "master-addr": LEADER_ADDRESS, "master-port": GANG_PORT}
    if shape.experts_span:
        flags |= _data_parallel(shape, first=rank == "0")
    return flags


def _data_parallel(shape: Shape, first: bool) -> dict[str, object]:
    """Groups of attention on each machine; which ones they are follows from --node-rank. The first machine answers for all, with as many
    front ends as it has groups, as on one machine."""
    local = shape.parallel.data // shape.device.machines
    flags: dict[str, object] = {
        "data-parallel-size-local": local,
        "data-parallel-address": LEADER_ADDRESS,
        "data-parallel-rpc-port": RPC_PORT,
        "all2all-backend": ALL_TO_ALL,
    }
    return flags | ({"api-server-count": local} if first else {})


def _speculative_config(said: Speculation, shape: Shape) -> str:
    config: dict[str, object] = {"method": SPECULATION[said.method], "num_speculative_tokens": said.tokens}
    if said.repository is not None:
        config |= {"model": said.repository, "draft_tensor_parallel_size": shape.parallel.tensor}
    if said.method == "ngram":
        config["prompt_lookup_max"] = LOOKUP_TOKENS
    return json.dumps(config, separators=(",", ":"))


def _adapters(shape: Shape, adapters: tuple[Adapter, ...]) -> tuple[str, ...]:
    """Last, because --lora-modules takes every word that follows."""
    held = shape.additions.adapters
    if held is None:
        return ()
    room = LORA.room_for(held.rank)
    counts = (f"--max-loras={held.slots}", f"--max-cpu-loras={held.count}", f"--max-lora-rank={room}")
    return ("--enable-lora", *counts, "--lora-modules", *(f"{adapter.name}={adapter.path}" for adapter in adapters))


def _env(ready_seconds: int) -> tuple[tuple[str, str], ...]:
    return (
        *hub_env(CACHE),
        ("VLLM_CACHE_ROOT", f"{CACHE}/vllm"),
        ("VLLM_ENGINE_READY_TIMEOUT_S", str(ready_seconds)),
        ("VLLM_NO_USAGE_STATS", "1"),
    )
