"""Ollama: GGUF weights for development and small teams. It has no flags, no key, no metrics, and loads what is in its own store."""

from __future__ import annotations

from pathlib import Path

from .. import catalog
from ..catalog.types import Checkpoint
from ..sizing.types import Estimate, Provenance, Replica, Shape
from . import memory
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gguf import GgufEngine
from .gpu import secrets
from .hosts import GIB, HostMemory, image_reference
from .kinds import EMBEDDING, EMBEDS, LLM
from .probes import probes, startup_limit_seconds
from .serving import ServingIdentity
from .spec import CHAT_ROUTES, EngineSpec, InitContainer, Metrics, Port, Volume
from .types import FlagRules, Refusal, Traits
from .weights import weight_source

NAME = "ollama"
PORT = 11434
CACHE = "/cache"
STORE = f"{CACHE}/models"
DOWNLOAD = "python"
"""Row of the release whose image fetches the model: the engine's own image runs the server only."""
SCRIPT = "/etc/ollama/fetch.py"
REGISTRY = "https://hf.co"
"""Serves GGUF repositories in the registry protocol that Ollama reads, chat template included."""
LOAD = "until ollama list > /dev/null 2>&1; do sleep 1; done; ollama run {name} '{prompt}'"
"""Waits for the server, then loads the model by a prompt: the pod is not ready before that has ended."""
PROMPTS = {LLM: "", EMBEDDING: "ready"}
"""An empty prompt only loads a model that generates; one that embeds needs some text."""
ROUTES = {LLM: CHAT_ROUTES, EMBEDDING: ("/v1/embeddings",)}
"""`Model.kind` -> paths of the server."""
QUANTIZATION_PREFIX = "gguf-"
KV_TYPES = {"bf16": "f16", "fp16": "f16", "q8_0": "q8_0"}
"""Our name of a KV cache dtype -> value of OLLAMA_KV_CACHE_TYPE."""
PROCESS_GIB = 1.0
"""Server and one runner; believed."""
SCRATCH_GIB = 1
"""Size of /tmp; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="Ollama Dockerfile: a program in /usr/bin that anybody may run; it writes OLLAMA_MODELS, home and /tmp (believed)",
)
SPARE_GIB = 1
"""Room on the volume beside the weights."""

HOST = HostMemory(base_gib=PROCESS_GIB, per_device_gib=1, source="believed: server, runner, and the host side of a CUDA context per GPU")
CPU_RUNTIME = Estimate(0.6 * GIB, PROCESS_GIB * GIB, 1.5 * GIB, Provenance.BELIEVED, "server and runner, believed")
METRICS = Metrics(path=None, requests_waiting=None, requests_running=None, kv_usage=None)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "OLLAMA_CONTEXT_LENGTH": "use context of the service",
        "OLLAMA_HOST": "remove it: probes and the Service are made for it",
        "OLLAMA_MODELS": "remove it: the plan sizes the volume of the store",
        "OLLAMA_KEEP_ALIVE": "remove it: the model stays loaded",
        "OLLAMA_LOAD_TIMEOUT": "remove it: it follows from the cold start",
        "OLLAMA_SCHED_SPREAD": "use tensorParallel of the service",
        "OLLAMA_MAX_LOADED_MODELS": "remove it: a service has one model",
        "OLLAMA_GPU_OVERHEAD": "remove it: memory is divided by the plan",
        "LLAMA_ARG_*": "remove it: memory is divided by the plan",
        "OLLAMA_NUM_PARALLEL": "use replicas of the service",
        "OLLAMA_KV_CACHE_TYPE": "remove it: the KV cache is planned at 16 bit",
        "OLLAMA_FLASH_ATTENTION": "remove it: the server chooses",
    },
    planned_env=("HOME", "OLLAMA_NO_CLOUD"),
)


class Ollama(GgufEngine):
    """Ollama's server on the CPUs of a machine, or on its GPUs."""

    name = NAME
    title = "Ollama"
    traits = Traits(open_api=True, development=True, kinds=EMBEDS)
    flags = FLAGS
    host = HOST
    cpu_runtime = CPU_RUNTIME

    def refuse_source(self, checkpoint: Checkpoint) -> Refusal | None:
        source = weight_source(checkpoint)
        if source.repository is None:
            return Refusal("is not loaded by Ollama, which takes weights from Hugging Face into a store of its own", "use llama.cpp")
        if source.revision is not None:
            return Refusal("is pinned to a commit, while Ollama's registry only knows the newest", "drop revision, or use llama.cpp")
        return None

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        return (
            (True, "whoever reaches Ollama may also pull and delete models"),
            (True, "Ollama closes connections at once when it ends: a pod that leaves waits for the longest response first"),
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        release = self.release
        checks = probes("/api/version", PORT, service.startup_seconds)
        return EngineSpec(
            engine=NAME,
            version=release.version,
            image=image_reference(release),
            command=(),
            # The image's entry point and command are `ollama serve`.
            args=(),
            env=_env(shape, startup_limit_seconds(checks)),
            secret_env=(),
            ports=(Port("http", PORT),),
            probes=checks,
            volumes=(Volume("cache", CACHE, memory.download_gib(shape) + SPARE_GIB), Volume("tmp", "/tmp", SCRATCH_GIB)),
            files=((SCRIPT, Path(__file__).with_name("ollama_fetch.py").read_text(encoding="utf-8")),),
            metrics=METRICS,
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="ollama",
            confinement=CONFINEMENT,
            host_memory_bytes=self.host_memory_bytes(shape),
            init=(_fetch(shape, service),),
            post_start=("sh", "-c", LOAD.format(name=service.name, prompt=PROMPTS[shape.model.kind])),
            open_api=True,
            routes=ROUTES[shape.model.kind],
        )


def _env(shape: Shape, load_seconds: int) -> tuple[tuple[str, str], ...]:
    spread = [("OLLAMA_SCHED_SPREAD", "1")] if shape.parallel.devices > 1 else []
    kv = [("OLLAMA_KV_CACHE_TYPE", KV_TYPES[shape.kv_dtype])] if KV_TYPES[shape.kv_dtype] != "f16" else []
    return (
        ("HOME", CACHE),
        ("OLLAMA_HOST", f"0.0.0.0:{PORT}"),
        ("OLLAMA_MODELS", STORE),
        # Of one request; otherwise the server takes it from the GPU's memory.
        ("OLLAMA_CONTEXT_LENGTH", str(shape.context)),
        ("OLLAMA_NUM_PARALLEL", str(shape.max_sequences)),
        ("OLLAMA_MAX_LOADED_MODELS", "1"),
        ("OLLAMA_KEEP_ALIVE", "-1"),
        ("OLLAMA_LOAD_TIMEOUT", f"{load_seconds}s"),
        ("OLLAMA_NO_CLOUD", "1"),
        *spread,
        *kv,
    )


def _fetch(shape: Shape, service: ServingIdentity) -> InitContainer:
    """Fetches the model into the store under the service's name, before the server starts."""
    source = weight_source(shape.checkpoint)
    tag = shape.checkpoint.quantization.removeprefix(QUANTIZATION_PREFIX).upper()
    return InitContainer(
        name="fetch-model",
        image=image_reference(catalog.engine_release(DOWNLOAD)),
        command=("python3", SCRIPT),
        args=(REGISTRY, str(source.repository), tag, service.name, STORE),
        secret_env=secrets(service, None),
    )
