"""Triton with its vLLM backend behind its OpenAI front end: a model repository that the plan writes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from .. import catalog
from ..sizing.types import Replica, Shape
from .confinement import Confinement
from .gpu import RUNS_CODE, TOWER_UNUSED
from .hosts import HostMemory
from .kinds import EMBEDDING, LLM
from .serving import ServingIdentity
from .sharing import POD, Sharing
from .spec import CHAT_ROUTES, EngineSpec, Metrics
from .triton_server import TritonServer
from .triton_several import together
from .types import Traits
from .vllm import NAME as VLLM
from .vllm_inside import VllmInside, batch_arguments, model_arguments, number_arguments, sized_as_vllm
from .weights import WeightSource

NAME = "triton"
COMPILED_GIB = 8
"""Room for compiled kernels beside the weights; believed."""
FRACTION_STEPS = 100
LINKED = frozenset({"fp8", "nvfp4", "mxfp4"})
"""Schemes whose kernels FlashInfer links into its own package, which is root's where the image has it (see `gpu.KERNEL_LINKS`)."""
AS_ROOT = Confinement(
    user=None,
    group=None,
    read_only_root=False,
    source="flashinfer-ai/flashinfer issue 2976; Triton build.py, which starts from nvcr.io/nvidia/vllm",
    because="FlashInfer may link FP8 and FP4 kernels into its own package, and where its image keeps that is not known here",
)

ROUTES = {LLM: CHAT_ROUTES, EMBEDDING: ("/v1/embeddings",)}
"""`Model.kind` -> paths of the front end (triton-inference-server/server: python/openai/README.md of 26.07)."""

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


class Triton(VllmInside, TritonServer):
    """Triton on one or several NVIDIA GPUs of a machine; its silicon and its size are vLLM's."""

    name = NAME
    title = "Triton"
    aliases = ("tritonserver", "triton-inference-server")
    backend = "vllm"
    metrics = METRICS
    host = HOST
    compiled_gib = COMPILED_GIB

    @property
    def traits(self) -> Traits:
        return Traits(
            open_api=True,
            kinds=frozenset(ROUTES),
            shares=Sharing(POD, together, most_devices=1),
            sized_as=sized_as_vllm(),
        )

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        bundled = f"which vLLM Triton {self.release.version} brings is not known here: what it runs and how fast is taken from {VLLM}"
        return (
            (True, f"{bundled} {catalog.engine_release(VLLM).version}"),
            (shape.model.remote_code, RUNS_CODE.format(flag="trust_remote_code")),
            (shape.model.params_vision > 0, TOWER_UNUSED),
        )

    def confined(self, shape: Shape) -> Confinement:
        return AS_ROOT if catalog.quantization(shape.checkpoint.quantization).scheme in LINKED else self.confinement

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        return replace(super().spec(replica, service), routes=ROUTES[replica.shape.model.kind])

    def repository(self, replica: Replica, service: str, source: WeightSource) -> dict[str, str]:
        return {f"{service}/config.pbtxt": CONFIG, f"{service}/1/model.json": _model(replica, source)}


def _model(replica: Replica, source: WeightSource) -> str:
    """`model.json`: arguments of vLLM's engine, of those that every release has had since the backend exists."""
    shape, layout = replica.shape, replica.memory
    arguments = {
        "model": source.location,
        **batch_arguments(shape),
        "gpu_memory_utilization": math.floor(layout.usable_bytes / layout.visible_bytes * FRACTION_STEPS) / FRACTION_STEPS,
        **model_arguments(shape),
        **number_arguments(shape, source),
    }
    return json.dumps(arguments, indent=2) + "\n"
