"""llama.cpp: GGUF weights on CPU or on NVIDIA GPUs, through its own server. Flags and images are those of the pinned release."""

from __future__ import annotations

from .. import catalog
from ..catalog.types import Checkpoint, EngineRelease
from ..sizing.types import Estimate, Provenance, Replica, Shape
from . import memory
from .additions import Speculation
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gguf import GgufEngine, on_cpu
from .gpu import secrets
from .hosts import GIB, HostMemory, image_reference
from .kinds import EMBEDDING, EMBEDS, LLM, RERANK, pools
from .probes import probes
from .serving import ServingIdentity
from .spec import CHAT_ROUTES, EngineSpec, Metrics, Port, Volume
from .types import FlagRules, Refusal, Traits
from .weights import WeightSource, weight_source

NAME = "llama.cpp"
CPU_IMAGE = "llama.cpp-cpu"
"""Row of the release without CUDA."""
PORT = 8080
CACHE = "/cache"
HUB_FILE = "https://huggingface.co/{repository}/resolve/{revision}/{file}"
QUANTIZATION_PREFIX = "gguf-"
ROUTES = {LLM: CHAT_ROUTES, EMBEDDING: ("/v1/embeddings",), RERANK: ("/v1/rerank",)}
"""`Model.kind` -> paths of the server."""
SWITCHES = {EMBEDDING: "--embedding", RERANK: "--rerank"}
"""`Model.kind` -> what makes the server answer those paths and no others."""

KV_TYPES = {"bf16": "f16", "fp16": "f16", "q8_0": "q8_0"}
"""Our name of a KV cache dtype -> value of --cache-type-k and --cache-type-v; f16 is the default."""
PROMPT_CACHE_MIB = 512
"""Host memory for prompts of idle slots. The server's own default is 8 GiB, taken beside everything that was planned."""
DRAFT_LAYERS = 99
"""More than a draft model has: all of it goes to the GPU."""
PROCESS_GIB = 0.5
"""Server, tokenizer and HTTP threads; believed."""
KERNELS_GIB = 1
"""Room for compiled CUDA kernels beside the weights; believed."""
SCRATCH_GIB = 1
"""Size of /tmp; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="llama.cpp docs/docker.md: programs in /app that anybody may run; it writes LLAMA_CACHE, home and /tmp (believed)",
)

IDLE = (
    f"curl -s -m 5 -H \"Authorization: Bearer $LLAMA_API_KEY\" http://localhost:{PORT}/metrics | grep -q '^llamacpp:requests_processing 0$'"
)
"""Succeeds when no request runs. After SIGTERM the server stops its loop and never finishes them (seen with the pinned release)."""

FLAGS = FlagRules(
    program=NAME,
    planned={
        **dict.fromkeys(
            ("--model*", "--hf-repo", "--hf-file", "--docker-repo", "--*-default", "--fim-*"), "use model or modelUri of the service"
        ),
        "--hf-token": "use inferstack:huggingFaceToken",
        "--alias": "it is the name of the service",
        "--ctx-size": "use context of the service, which is that of one request",
        "--cache-type-v": "use cache-type-k, which sets both",
        **dict.fromkeys(("--host", "--port", "--reuse-port"), "remove it: probes and the Service are made for it"),
        **dict.fromkeys(("--ssl-*", "--api-prefix"), "remove it: probes and clients speak HTTP without a prefix"),
        "--api-key*": "use inferstack:apiKey with endpoint internal",
        **dict.fromkeys(("--metrics", "--ui*", "--threads", "--flash-attn"), "remove it: the plan sets it"),
        **dict.fromkeys(
            (
                "--batch-size",
                "--ubatch-size",
                "--kv-unified*",
                "--kv-offload",
                "--cache-ram",
                "--fit*",
                "--swa-full",
                "--no-host",
                "--op-offload",
            ),
            "remove it: memory is divided by the plan; context, quantization, gpu and parallel change that",
        ),
        **dict.fromkeys(
            ("--gpu-layers", "--split-mode", "--tensor-split", "--main-gpu", "--device", "--override-tensor", "--*cpu-moe", "--n-cpu-ffn"),
            "use tensorParallel of the service: its layers are spread over so many GPUs",
        ),
        "--rpc": "remove it: a replica is planned on one machine",
        **dict.fromkeys(("--lora*", "--control-vector*"), "use engine vllm, whose adapters have names at the endpoint"),
        **dict.fromkeys(("--spec-*", "--draft*", "--lookup-*"), "use speculation of the service"),
        **dict.fromkeys(("--mmproj*", "--image-*", "--mtmd-*", "--video-*"), "use engine vllm, and traffic.images of the service"),
        **dict.fromkeys(("--embedding", "--rerank"), "use task of the service"),
        **dict.fromkeys(("--help", "--version", "--list-devices", "--cache-list", "--completion-*"), "remove it: the server would end"),
    },
    tunes={"--parallel": "max_sequences", "--cache-type-k": "kv_dtype"},
    kv_dtypes={"f16": "bf16", "q8_0": "q8_0"},
    planned_env=("HOME", "LLAMA_CACHE"),
)

CPU_RUNTIME = Estimate(
    (0.3 + PROMPT_CACHE_MIB / 1024) * GIB,
    (PROCESS_GIB + PROMPT_CACHE_MIB / 1024) * GIB,
    (1.0 + PROMPT_CACHE_MIB / 1024) * GIB,
    Provenance.BELIEVED,
    "the process, believed, and --cache-ram",
)
HOST = HostMemory(
    base_gib=PROCESS_GIB + PROMPT_CACHE_MIB / 1024,
    per_device_gib=1,
    source="believed: server process, --cache-ram, and the host side of a CUDA context per GPU",
)


class LlamaCpp(GgufEngine):
    """llama.cpp's server on the CPUs of a machine, or on its GPUs."""

    name = NAME
    title = NAME
    aliases = ("llama-server",)
    traits = Traits(unasked=True, kinds=EMBEDS | {RERANK}, speculation=frozenset({"draft", "ngram"}))
    flags = FLAGS
    host = HOST
    cpu_runtime = CPU_RUNTIME

    def release_for(self, device_kind: str) -> EngineRelease:
        return catalog.engine_release(CPU_IMAGE) if device_kind == "cpu" else self.release

    def refuse_source(self, checkpoint: Checkpoint) -> Refusal | None:
        source = weight_source(checkpoint)
        if (unnamed := super().refuse_source(checkpoint)) is not None:
            return unnamed
        if source.revision is None or source.file is not None:
            return None
        return Refusal(
            "is pinned to a commit, which llama.cpp fetches only by the name of a GGUF file",
            "name it, as in hf://owner/repository/file.gguf",
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        release = self.release_for(shape.device.kind)
        return EngineSpec(
            engine=NAME,
            version=release.version,
            image=image_reference(release),
            command=(),
            args=_args(shape, service, source),
            env=(("HOME", CACHE), ("LLAMA_CACHE", f"{CACHE}/models")),
            secret_env=secrets(service, "LLAMA_API_KEY"),
            ports=(Port("http", PORT),),
            probes=probes("/health", PORT, service.startup_seconds),
            volumes=_volumes(shape, source),
            files=(),
            metrics=_metrics(service),
            drain=stops_on_sigterm(service.longest_response_seconds, IDLE),
            model_format="gguf",
            confinement=CONFINEMENT,
            host_memory_bytes=self.host_memory_bytes(shape),
            storage_uri=source.storage_uri,
            routes=ROUTES[shape.model.kind],
        )


def _args(shape: Shape, service: ServingIdentity, source: WeightSource) -> tuple[str, ...]:
    """The image's entry point is the server. Its parser takes a flag and its value as two words; `--flag=value` is an error to it."""
    words = [*_weights(shape, source), "--alias", service.name, "--host", "0.0.0.0", "--port", str(PORT)]
    # The server divides --ctx-size among its slots.
    words += ["--ctx-size", str(shape.context * shape.max_sequences), "--parallel", str(shape.max_sequences)]
    # Its own choice counts the cores of the node, not of the container.
    words += ["--threads", str(max(1, service.cpu_millicores // 1000))]
    if not on_cpu(shape):
        words += ["--gpu-layers", "all"]
    if shape.parallel.devices > 1:
        words += ["--split-mode", "layer"]
    if (kv := KV_TYPES[shape.kv_dtype]) != "f16":
        # A quantized V cache exists only with flash attention.
        words += ["--cache-type-k", kv, "--cache-type-v", kv, "--flash-attn", "on"]
    # Without --fit off the server would shrink what does not fit and serve less than was planned.
    words += ["--cache-ram", str(PROMPT_CACHE_MIB), "--fit", "off", "--metrics", "--no-ui"]
    if pools(shape.model):
        # An input is computed in one physical batch; longer ones are refused.
        words += [SWITCHES[shape.model.kind], "--batch-size", str(shape.context), "--ubatch-size", str(shape.context)]
    if shape.model.params_vision:
        words.append("--no-mmproj")
    return (*words, *_speculation(shape, service.speculation))


def _speculation(shape: Shape, said: Speculation | None) -> tuple[str, ...]:
    if said is None:
        return ()
    count = ("--spec-draft-n-max", str(said.tokens))
    if said.repository is None:
        return ("--spec-type", "ngram-simple", *count)
    layers = () if on_cpu(shape) else ("--spec-draft-ngl", str(DRAFT_LAYERS))
    return ("--spec-draft-hf", said.repository, *count, *layers)


def _weights(shape: Shape, source: WeightSource) -> tuple[str, ...]:
    if source.repository is None:
        return ("--model", source.mounted_path)
    if source.file is None:
        kind = shape.checkpoint.quantization.removeprefix(QUANTIZATION_PREFIX).upper()
        return ("--hf-repo", f"{source.repository}:{kind}")
    if source.revision is None:
        return ("--hf-repo", source.repository, "--hf-file", source.file)
    # --hf-repo always takes the newest commit.
    return ("--model-url", HUB_FILE.format(repository=source.repository, revision=source.revision, file=source.file))


def _volumes(shape: Shape, source: WeightSource) -> tuple[Volume, ...]:
    weights_gib = memory.download_gib(shape) if source.repository is not None else 0
    return (Volume("cache", CACHE, weights_gib + KERNELS_GIB), Volume("tmp", "/tmp", SCRATCH_GIB))


def _metrics(service: ServingIdentity) -> Metrics:
    return Metrics(
        path="/metrics",
        requests_waiting="llamacpp:requests_deferred",
        requests_running="llamacpp:requests_processing",
        kv_usage=None,
        needs_api_key=service.needs_api_key,
    )
