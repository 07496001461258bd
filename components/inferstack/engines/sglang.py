"""SGLang: the second general engine on NVIDIA GPUs. Flags, image and probes are those of the pinned release."""

from __future__ import annotations

import json
import math

from ..sizing.types import MemoryLayout, Replica, Shape
from . import memory
from .additions import Adapter, LoraRules, Speculation
from .confinement import Confinement
from .drain import drains_on_sigterm
from .gang import LEADER_ADDRESS, WORKER_INDEX, sockets, workers
from .gpu import BFLOAT16, KERNEL_LINKS, RUNS_CODE, TEXT_ONLY, GpuEngine, capability, named_env, text_only
from .hosts import GIB, HostMemory
from .kinds import EMBEDDING, EVERY, LLM, RERANK, REWARD, encodes, pools
from .probes import probes
from .serving import ServingIdentity
from .spec import CHAT_ROUTES, EngineSpec, Metrics, Volume
from .streaming import streaming
from .types import FlagRules, Traits
from .weights import WeightSource, weight_source

NAME = "sglang"
PORT = 30000
GANG_PORT = 20000
"""Where the pods of a replica on several machines meet; upstream's samples take it."""
CACHE = "/cache"
API_KEY = "SGLANG_SERVER_KEY"
"""Variable that carries the key into the flag: the program has no variable of its own for it."""
HEALTH_TIMEOUT = 25
"""`/health` generates a token and takes up to 20 s (SGLANG_HEALTH_CHECK_TIMEOUT) before it says that it failed."""
KV_DTYPES = {"bf16": "auto", "fp16": "auto", "fp8": "fp8_e4m3"}
"""Our name of a KV cache dtype -> value of --kv-cache-dtype."""
COMPILED_GIB = 8
"""Room for compiled kernels beside the weights; believed."""
SCRATCH_GIB = 4
"""Size of /tmp: sockets and compiler scratch; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="ai-dynamo/dynamo container/templates/sglang_runtime.Dockerfile, which runs SGLang of lmsysorg/sglang as 1000 and leaves all "
    "but home and FlashInfer's links to root; sglang 0.5.23 srt/environ.py, which keeps the caches of Triton, Inductor, CUDA, TileLang, "
    "FlashInfer and DeepGEMM below SGLANG_CACHE_DIR; that nothing else is written is believed",
)
ROUTES = {LLM: CHAT_ROUTES, EMBEDDING: ("/v1/embeddings",), RERANK: ("/v1/rerank",), REWARD: ("/classify",)}
"""`Model.kind` -> paths of the server."""
LORA = LoraRules(frozenset({"bf16", "fp16", "fp8"}), by_base=True)
"""Schemes that adapters are believed to work on."""
SPECULATION = {"draft": "STANDALONE", "eagle3": "EAGLE3", "ngram": "NGRAM", "mtp": "NEXTN"}
"""Our name of a method -> --speculative-algorithm."""
GB = 1e9
"""Unit of --hicache-size, for each rank (mem_cache/pool_host/base.py)."""
FRACTION_STEPS = 1000
"""--mem-fraction-static is rounded down to a thousandth."""

HOST = HostMemory(
    base_gib=4, per_device_gib=5, source="believed: HTTP server, scheduler and detokenizer, and a CUDA context per GPU, as vLLM"
)
METRICS = Metrics(
    path="/metrics",
    requests_waiting="sglang:num_queue_reqs",
    requests_running="sglang:num_running_reqs",
    kv_usage="sglang:token_usage",
    ttft="sglang:time_to_first_token_seconds",
    tpot="sglang:request_time_per_output_token_seconds",
)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--model-path": "use model or modelUri of the service",
        "--served-model-name": "it is the name of the service",
        "--tp-size": "use tensorParallel of the service",
        "--context-length": "use context of the service",
        "--quantization*": "use quantization of the service",
        "--dtype": "use quantization of the service",
        "--revision": "use revision of the service",
        "--api-key": "use inferstack:apiKey with endpoint internal",
        "--admin-api-key": "remove it: a secret never stands in a plan",
        "--config": "write its flags here, where they are checked",
        "--enable-metrics": "remove it: the plan sets it",
        **dict.fromkeys(("--host", "--port", "--grpc-port"), "remove it: probes and the Service are made for it"),
        "--ssl-*": "remove it: probes and the Service speak HTTP",
        **dict.fromkeys(
            ("--mem-fraction-static", "--max-total-tokens", "--chunked-prefill-size", "--max-prefill-tokens", "--page-size"),
            "remove it: memory is divided by the plan; context, quantization, gpu and max-running-requests change that",
        ),
        **dict.fromkeys(("--offload-*", "--cuda-graph-*", "--enable-memory-saver"), "remove it: the plan does not count what it moves"),
        "--cpu-offload-gb": "use engine vllm, which reads weights in place: here each layer is copied before it runs, which is not planned",
        **dict.fromkeys(
            ("--hicache-storage-*", "--hicache-host-memory-*"),
            "remove it: say with hicache-size or hicache-ratio how much main memory it takes",
        ),
        **dict.fromkeys(
            ("--pp-size", "--dp-size", "--attn-dp-size", "--moe-dp-size", "--ep-size", "--enable-dp-attention"),
            "use pipelineParallel, dataParallel and expertParallel of the service",
        ),
        **dict.fromkeys(
            ("--dcp-size", "--attn-cp-size", "--dwdp-size", "--enable-dp-*"),
            "use tensorParallel of the service: it is not planned yet",
        ),
        **dict.fromkeys(
            ("--nnodes", "--node-rank", "--dist-init-addr"),
            "remove it: pipelineParallel or dataParallel beyond the GPUs of one machine spans machines",
        ),
        "--disaggregation-*": "remove it: prefill and decode are planned on one machine",
        "--*lora*": "use adapters of the service",
        "--speculative-*": "use speculation of the service",
        "--is-embedding": "use task of the service",
        **dict.fromkeys(("--enable-multimodal", "--language-*", "--mm-*"), "use traffic.images of the service"),
    },
    tunes={
        "--max-running-requests": "max_sequences",
        "--kv-cache-dtype": "kv_dtype",
        "--hicache-size": "host_gib_each",
        "--hicache-ratio": "host_kv_ratio",
    },
    gib={"--hicache-size": GB / GIB},
    host_reserve_gib=10,
    needs={
        "--enable-hierarchical-cache": ("--hicache-size", "--hicache-ratio"),
        "--hicache-size": ("--enable-hierarchical-cache",),
        "--hicache-ratio": ("--enable-hierarchical-cache",),
    },
    kv_dtypes={"auto": "bf16", "fp8_e4m3": "fp8"},
    planned_env=("HOME", "USER", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY", "SGLANG_CACHE_DIR"),
)


class Sglang(GpuEngine):
    """SGLang's server on one or several NVIDIA GPUs of a machine."""

    name = NAME
    title = "SGLang"
    aliases = ("sgl",)
    traits = Traits(
        kinds=EVERY,
        images=True,
        lora=LORA,
        speculation=frozenset(SPECULATION),
        spreads=frozenset({"pipeline", "expert", "data", "machines"}),
        # The image has the streamer, tried with Cloud Storage (sgl-project/sglang, pull request 22537); nobody says whether it has the part
        # for S3 too.
        streams=frozenset({"gs"}),
    )
    flags = FLAGS
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT
    scratch = (Volume("tmp", "/tmp", SCRATCH_GIB), KERNEL_LINKS)

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        return (
            (shape.model.remote_code, RUNS_CODE.format(flag="--trust-remote-code")),
            (text_only(shape), TEXT_ONLY),
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        drain = drains_on_sigterm(service.longest_response_seconds)
        return self.container(
            replica,
            service,
            port=PORT,
            # The image has no entry point.
            command=("python3", "-m", "sglang.launch_server"),
            args=_args(replica, service, source, "0"),
            env=(*named_env(CACHE), ("SGLANG_CACHE_DIR", f"{CACHE}/sglang"), *sockets(shape.device.machines)),
            api_key=API_KEY,
            # `/ready` is cheap, and says no while the server drains; `/health` generates.
            checks=probes("/health", PORT, service.startup_seconds, readiness_path="/ready", timeout=HEALTH_TIMEOUT),
            metrics=METRICS,
            # It finishes every running request, however long that takes: the grace period is the only bound.
            drain=drain,
            workers=workers(shape.device.machines, _args(replica, service, source, WORKER_INDEX), GANG_PORT, drain),
            model_format="sglang",
            routes=ROUTES[shape.model.kind],
        )


def static_fraction(layout: MemoryLayout) -> float:
    """Part of what is free at the start that weights, what is held beside them and the KV cache take by the plan, rounded down:
    activations and graphs get the rest."""
    free = layout.visible_bytes - layout.runtime_bytes
    return math.floor((layout.weight_bytes + layout.added_bytes + layout.kv_bytes) / free * FRACTION_STEPS) / FRACTION_STEPS


def _args(replica: Replica, service: ServingIdentity, source: WeightSource, rank: str) -> tuple[str, ...]:
    """One `--flag=value` token each, with full names: the parser takes unique beginnings, and they change from release to release.

    `rank` is the pod's place in its group.
    """
    shape = replica.shape
    flags: dict[str, object] = {
        "model-path": source.location,
        "served-model-name": service.name,
        # Its default is the loopback address.
        "host": "0.0.0.0",
        "port": PORT,
        # Of all GPUs of a stage: groups of attention are inside of it.
        "tp-size": shape.parallel.tensor * shape.parallel.data,
        "context-length": shape.context,
        # Both are shared out among the groups of attention.
        "max-running-requests": shape.max_sequences * shape.parallel.data,
        "chunked-prefill-size": memory.batched_tokens(shape) * shape.parallel.data,
        "mem-fraction-static": static_fraction(replica.memory),
    }
    if shape.parallel.pipeline > 1:
        flags["pp-size"] = shape.parallel.pipeline
    if shape.device.machines > 1:
        flags |= {"nnodes": shape.device.machines, "node-rank": rank, "dist-init-addr": f"{LEADER_ADDRESS}:{GANG_PORT}"}
    if shape.parallel.data > 1:
        flags["attn-dp-size"] = shape.parallel.data
    if shape.parallel.expert is not None:
        flags["ep-size"] = shape.parallel.expert
    if capability(shape.device) < BFLOAT16:
        # Its own kernels need newer silicon.
        flags |= {"dtype": "half", "attention-backend": "triton", "sampling-backend": "pytorch"}
    if encodes(shape.model):
        # As its documentation starts BGE models: no prefix is reused and no prompt is cut.
        flags |= {"attention-backend": "triton", "chunked-prefill-size": -1}
    if KV_DTYPES[shape.kv_dtype] != "auto":
        flags["kv-cache-dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        flags["revision"] = source.revision
    if source.streamed:
        flags |= streaming(shape.parallel.tensor)
    if service.needs_api_key:
        flags["api-key"] = f"$({API_KEY})"
    switches = (
        ("enable-metrics", True),
        ("is-embedding", pools(shape.model)),
        ("trust-remote-code", shape.model.remote_code),
        ("disable-radix-cache", encodes(shape.model)),
        ("enable-multimodal", shape.additions.images is not None),
        ("language-model-only", text_only(shape)),
    )
    if (images := shape.additions.images) is not None:
        flags["limit-mm-data-per-request"] = json.dumps({"image": images.most}, separators=(",", ":"))
    if service.tool_parser is not None:
        flags["tool-call-parser"] = service.tool_parser
    if service.reasoning_parser is not None:
        flags["reasoning-parser"] = service.reasoning_parser
    flags |= _speculation(service.speculation)
    words = [*(f"--{flag}={value}" for flag, value in flags.items()), *(f"--{switch}" for switch, on in switches if on)]
    return (*words, *_adapters(shape, service.adapters))


def _speculation(said: Speculation | None) -> dict[str, object]:
    """A chain of drafts, not a tree: one branch, and the token before it is verified with them."""
    if said is None:
        return {}
    flags: dict[str, object] = {"speculative-algorithm": SPECULATION[said.method], "speculative-num-draft-tokens": said.tokens + 1}
    if said.method != "ngram":
        flags |= {"speculative-num-steps": said.tokens, "speculative-eagle-topk": 1}
    if said.repository is not None:
        flags["speculative-draft-model-path"] = said.repository
    return flags


def _adapters(shape: Shape, adapters: tuple[Adapter, ...]) -> tuple[str, ...]:
    """Last, because --lora-paths takes every word that follows."""
    held = shape.additions.adapters
    if held is None:
        return ()
    counts = (f"--max-loras-per-batch={held.slots}", f"--max-loaded-loras={held.count}", f"--max-lora-rank={held.rank}")
    return ("--enable-lora", *counts, "--lora-paths", *(f"{adapter.name}={adapter.path}" for adapter in adapters))
