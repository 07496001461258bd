"""transformers serve: the baseline to develop against, on CPU or one GPU. Flags and routes are those of the pinned release."""

from __future__ import annotations

from .. import catalog
from ..catalog.types import Accelerator, Checkpoint, Model
from ..sizing.types import Parallelism, Replica, Shape
from . import memory
from .confinement import Confinement
from .drain import drains_on_sigterm
from .gpu import BFLOAT16, GpuEngine, named_env
from .hosts import HostMemory
from .probes import probes
from .serving import ServingIdentity
from .silicon import capability_of
from .spec import EngineSpec, Metrics, Volume
from .types import FlagRules, Refusal, Traits
from .weights import WeightSource, weight_source

NAME = "transformers"
PORT = 8000
CACHE = "/cache"
COMPILED_GIB = 2
"""Room for compiled kernels beside the weights; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="believed: Python packages that anybody may read; home, where caches are, and /tmp are all that the library writes",
)

HOST = HostMemory(base_gib=4, per_device_gib=4, source="believed: one Python process with torch and a CUDA context")
METRICS = Metrics(path=None, requests_waiting=None, requests_running=None, kv_usage=None)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--quantization": "use quantization of the service",
        "--dtype": "use quantization of the service",
        "--device": "use gpu of the service",
        **dict.fromkeys(("--host", "--port"), "remove it: probes and the Service are made for it"),
        "--continuous-batching": "remove it: it is on",
        "--cb-*": "remove it: memory is divided by the plan",
        "--model-timeout": "remove it: the model stays loaded",
    },
    planned_env=("HOME", "USER", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_DISABLE_TELEMETRY"),
)


class Transformers(GpuEngine):
    """The server of the transformers library. It asks nobody for a key, has no metrics, and nobody publishes an image of it."""

    name = NAME
    title = "transformers"
    aliases = ("transformers-serve",)
    traits = Traits(
        open_api=True,
        own_image="build one from python:3.12 with `pip install transformers[serving]==5.23.0 torch accelerate`, and name it",
    )
    flags = FLAGS
    most_sequences = 32
    """Believed: the library is no server for many."""
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT
    scratch = (Volume("tmp", "/tmp", 1),)

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        if accelerator is not None or model.kind != "llm":
            return super().supports(model, checkpoint, accelerator)
        scheme = catalog.quantization(checkpoint.quantization).scheme
        if self._loads(checkpoint) and catalog.engine_support(NAME).get(scheme, {}).get("cpu") == "Y":
            return None
        return Refusal("is not known to run on CPU with transformers", "use bf16, or llama.cpp with a GGUF checkpoint")

    def notes(self, shape: Shape) -> tuple[str, ...]:
        if capability_of(shape.device.compute_capability) is not None:
            return super().notes(shape)
        return tuple(sentence for holds, sentence in self.remarks(shape) if holds)

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        return (
            (True, "transformers serve cannot be told the service's name: callers ask for the model by what it was loaded from"),
            (True, "transformers serve is for development: no metrics, one device; vllm serves the same weights in production"),
            (True, "it is sized as vLLM, which is faster: its own speed is not known here"),
        )

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        return (
            None if parallel.devices == 1 else Refusal("is more than the one GPU that transformers serve uses", "use 1, or another engine")
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        return self.container(
            replica,
            service,
            port=PORT,
            command=("transformers", "serve"),
            args=_args(shape, source),
            # It lists its models out of this folder, which has to be there: the default is made by the first download.
            env=(*named_env(CACHE), ("HF_HUB_CACHE", CACHE)),
            checks=probes("/health", PORT, service.startup_seconds),
            metrics=METRICS,
            # Uvicorn answers what it has begun: seen of the pinned release (tests/engines/test_smoke_transformers.py).
            drain=drains_on_sigterm(service.longest_response_seconds),
            model_format="huggingface",
            model_name=source.location,
        )

    def host_memory_bytes(self, shape: Shape) -> int:
        """On CPU all that the service keeps is main memory."""
        if shape.device.kind != "cpu":
            return super().host_memory_bytes(shape)
        layout = self.memory(shape)
        cache = min(max(0, layout.kv_bytes), shape.max_sequences * memory.sequence_bytes(shape))
        needed = layout.weight_bytes + layout.activation_bytes + layout.runtime_bytes + cache
        return round(needed * layout.visible_bytes / layout.usable_bytes)


def _args(shape: Shape, source: WeightSource) -> tuple[str, ...]:
    capability = capability_of(shape.device.compute_capability)
    dtype = "float16" if capability is not None and capability < BFLOAT16 else "auto"
    return (source.location, "--host", "0.0.0.0", "--port", str(PORT), "--continuous-batching", "--dtype", dtype)
