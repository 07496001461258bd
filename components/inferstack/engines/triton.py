"""Triton with its vLLM backend behind its OpenAI front end: a model repository that the plan writes, one model in it."""

from __future__ import annotations

import json
import math

from .. import catalog
from ..sizing.types import Replica, Shape
from . import memory
from .drain import stops_on_sigterm
from .gpu import BFLOAT16, GpuEngine, capability, hub_env
from .hosts import HostMemory
from .probes import probes
from .types import EngineSpec, FlagRules, Metrics, ServingIdentity, Traits
from .vllm import KV_DTYPES, PLUGIN_FORMATS, UNSTABLE_IN_FLOAT16
from .vllm import NAME as VLLM
from .weights import WeightSource, weight_source

NAME = "triton"
PORT = 9000
REPOSITORY = "/models"
FRONT_END = "/opt/tritonserver/python/openai/openai_frontend/main.py"
CACHE = "/cache"
COMPILED_GIB = 8
"""Room for compiled kernels beside the weights; believed."""
FRACTION_STEPS = 100

CONFIG = """\
backend: "vllm"

# The backend's own workers hold the GPUs.
instance_group [
  {
    count: 1
    kind: KIND_MODEL
  }
]
"""
"""`config.pbtxt` of a model of the vLLM backend; inputs and outputs are the backend's own."""

HOST = HostMemory(base_gib=6, per_device_gib=5, source="believed: Triton's core, its Python stub and front end, and vLLM's workers")
METRICS = Metrics(
    path="/metrics",
    requests_waiting=None,
    requests_running=None,
    kv_usage=None,
    ttft="vllm:time_to_first_token_seconds",
    tpot="vllm:time_per_output_token_seconds",
)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--model-repository": "remove it: the plan writes the repository",
        "--tokenizer": "use model or modelUri of the service",
        "--backend": "remove it: the plan sets it",
        **dict.fromkeys(
            ("--host", "--openai-port", "--kserve-*", "--enable-kserve-*"), "remove it: probes and the Service are made for it"
        ),
        **dict.fromkeys(("--model-control-mode", "--load-model"), "remove it: a service has one model, which is loaded at the start"),
        "--openai-restricted-api": "remove it: a secret never stands in a plan",
        "--default-max-tokens": "use context of the service",
        "--lora-separator": "use engine vllm, and adapters of the service",
    },
    planned_env=("HOME", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY"),
)


class Triton(GpuEngine):
    """Triton on one or several NVIDIA GPUs of a machine. It asks nobody for a key; its silicon and its size are vLLM's."""

    name = NAME
    title = "Triton"
    matrix = VLLM
    aliases = ("tritonserver", "triton-inference-server")
    flags = FLAGS
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    plugins = PLUGIN_FORMATS
    unstable_in_float16 = UNSTABLE_IN_FLOAT16

    @property
    def traits(self) -> Traits:
        return Traits(open_api=True, sized_as=(VLLM, catalog.engine_release(VLLM).version))

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        bundled = f"which vLLM Triton {self.release.version} brings is not known here: what it runs and how fast is taken from {VLLM}"
        return (
            (True, f"{bundled} {catalog.engine_release(VLLM).version}"),
            (shape.model.params_vision > 0, "image input is not planned, though its weights are loaded"),
        )

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        folder = f"{REPOSITORY}/{service.name}"
        return self.container(
            replica,
            service,
            port=PORT,
            command=("python3", FRONT_END),
            args=_args(shape, source),
            env=hub_env(CACHE),
            # The front end listens once its models are loaded.
            checks=probes("/health/ready", PORT, service.startup_seconds),
            files=((f"{folder}/config.pbtxt", CONFIG), (f"{folder}/1/model.json", _model(replica, source))),
            metrics=METRICS,
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="triton",
            # The image runs as root; whether its front end runs otherwise is not documented.
            run_as=None,
        )


def _args(shape: Shape, source: WeightSource) -> tuple[str, ...]:
    """Flag and value as two words. Requests that name no limit get the planned context, not the front end's 16 tokens."""
    flags = {
        "model-repository": REPOSITORY,
        "tokenizer": source.location,
        "backend": "vllm",
        "host": "0.0.0.0",
        "openai-port": PORT,
        "default-max-tokens": shape.context,
    }
    return tuple(word for flag, value in flags.items() for word in (f"--{flag}", str(value)))


def _model(replica: Replica, source: WeightSource) -> str:
    """`model.json`: arguments of vLLM's engine, of those that every release has had since the backend exists."""
    shape, layout = replica.shape, replica.memory
    arguments: dict[str, object] = {
        "model": source.location,
        "tensor_parallel_size": shape.parallel.tensor,
        "max_model_len": shape.context,
        "max_num_seqs": shape.max_sequences,
        "max_num_batched_tokens": memory.batched_tokens(shape),
        "gpu_memory_utilization": math.floor(layout.usable_bytes / layout.visible_bytes * FRACTION_STEPS) / FRACTION_STEPS,
    }
    if capability(shape.device) < BFLOAT16:
        arguments["dtype"] = "float16"
    if KV_DTYPES[shape.kv_dtype] != "auto":
        arguments["kv_cache_dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        arguments["revision"] = source.revision
    return json.dumps(arguments, indent=2) + "\n"
