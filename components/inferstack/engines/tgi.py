"""Text Generation Inference: maintained for those who run it already. Flags, image and probes are those of the last release."""

from __future__ import annotations

from ..sizing.types import Replica, Shape
from . import memory
from .confinement import Confinement
from .drain import drains_on_sigterm
from .gpu import TOWER_UNUSED, GpuEngine
from .hosts import HostMemory
from .probes import probes
from .serving import ServingIdentity
from .spec import EngineSpec, Metrics
from .types import FlagRules, Superseded, Traits
from .weights import WeightSource, weight_source

NAME = "tgi"
PORT = 8080
"""The image's own 80 is a port that a process without privileges may not open everywhere."""
CACHE = "/data"
"""Where the image keeps what it downloads."""
COMPILED_GIB = 4
"""Room for compiled kernels beside the weights; believed."""
CONFINEMENT = Confinement(
    user=None,
    group=None,
    read_only_root=False,
    source="TGI 3.3.7 Dockerfile, which puts Python into /root/.local/share/uv; text-generation-inference issue 3082, open since 2025-03",
    because="its launcher loads libpython from /root, which no other user may enter",
)
KV_DTYPES = {"fp8": "fp8_e4m3fn"}
"""Our name of a KV cache dtype -> value of --kv-cache-dtype, which is left out for 16 bit."""

HOST = HostMemory(base_gib=4, per_device_gib=5, source="believed: router, launcher and a shard with a CUDA context per GPU, as vLLM")
METRICS = Metrics(
    path="/metrics",
    requests_waiting="tgi_queue_size",
    requests_running="tgi_batch_current_size",
    kv_usage=None,
    tpot="tgi_request_mean_time_per_token_duration",
)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--model-id": "use model or modelUri of the service",
        "--revision": "use revision of the service",
        "--num-shard": "use tensorParallel of the service",
        "--sharded": "use tensorParallel of the service",
        **dict.fromkeys(("--max-input-tokens", "--max-input-length", "--max-total-tokens"), "use context of the service"),
        **dict.fromkeys(("--quantize", "--dtype"), "use quantization of the service"),
        **dict.fromkeys(("--hostname", "--port", "--prometheus-port"), "remove it: probes and the Service are made for it"),
        "--api-key": "use inferstack:apiKey with endpoint internal",
        "--ngrok*": "remove it: endpoints are made by the stack",
        **dict.fromkeys(
            ("--cuda-memory-fraction", "--max-batch-total-tokens", "--max-batch-prefill-tokens", "--cuda-graphs"),
            "remove it: memory is divided by the plan; context, quantization, gpu and max-batch-size change that",
        ),
        **dict.fromkeys(("--master-*", "--shard-uds-path"), "remove it: a replica is planned on one machine"),
        **dict.fromkeys(("--huggingface-hub-cache", "--weights-cache-override"), "remove it: the plan sizes the volume of the cache"),
        "--lora-adapters": "use engine vllm, and adapters of the service",
        "--speculate": "use engine vllm, and speculation of the service",
        "--graceful-termination-timeout": "remove it: it follows from the longest planned response",
        "--usage-stats": "remove it: they are off",
        "--env": "remove it: the server would end",
    },
    tunes={"--max-batch-size": "max_sequences", "--kv-cache-dtype": "kv_dtype"},
    kv_dtypes={"fp8_e4m3fn": "fp8"},
    planned_env=("HF_HOME",),
)


class Tgi(GpuEngine):
    """TGI's launcher on one or several NVIDIA GPUs of a machine."""

    name = NAME
    title = "TGI"
    aliases = ("text-generation-inference",)
    traits = Traits(superseded=Superseded("vllm", "is in maintenance mode since 2025-12-11, and its makers recommend vLLM or SGLang"))
    flags = FLAGS
    most_sequences = 128
    """Requests that it takes at once by its own default; more wait outside."""
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        return ((shape.model.params_vision > 0, TOWER_UNUSED),)

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        return self.container(
            replica,
            service,
            port=PORT,
            args=_args(replica, service, source),
            env=(("HF_HOME", CACHE),),
            api_key="API_KEY",
            checks=probes("/health", PORT, service.startup_seconds),
            metrics=METRICS,
            drain=drains_on_sigterm(service.longest_response_seconds),
            model_format="tgi",
        )


def _args(replica: Replica, service: ServingIdentity, source: WeightSource) -> tuple[str, ...]:
    """The image's entry point is the launcher; flag and value are two words. Quantization is read from the checkpoint."""
    shape, layout = replica.shape, replica.memory
    flags: dict[str, object] = {
        "model-id": source.location,
        "hostname": "0.0.0.0",
        "port": PORT,
        "num-shard": shape.parallel.tensor,
        # One token at least is output.
        "max-input-tokens": max(1, shape.context - 1),
        "max-total-tokens": shape.context,
        "max-batch-size": shape.max_sequences,
        "max-batch-prefill-tokens": max(memory.batched_tokens(shape), shape.context),
        "max-batch-total-tokens": max(layout.kv_tokens, shape.context),
        "cuda-memory-fraction": f"{layout.usable_bytes / layout.visible_bytes:.2f}",
        "graceful-termination-timeout": service.longest_response_seconds,
        "usage-stats": "off",
    }
    if shape.kv_dtype in KV_DTYPES:
        flags["kv-cache-dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        flags["revision"] = source.revision
    return tuple(word for flag, value in flags.items() for word in (f"--{flag}", str(value)))
