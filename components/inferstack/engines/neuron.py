"""vLLM on AWS Neuron: Inferentia2 and Trainium on EKS, with NxD Inference. Shapes are compiled before anything is answered."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from .. import catalog
from ..catalog.types import Accelerator, Checkpoint, Model
from ..sizing.types import Estimate, MemoryLayout, Parallelism, Provenance, Replica, Shape
from . import memory, parallelism
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gpu import GpuEngine, hub_env
from .hosts import HostMemory
from .probes import probes
from .serving import ServingIdentity
from .spec import ClaimFolder, EngineSpec, Metrics
from .types import FlagRules, Refusal, Traits
from .weights import WeightSource, claim_of, weight_source

NAME = "neuron"
PORT = 8000
CACHE = "/cache"
COMPILED_GIB = 16
"""Room for compiled graphs beside the weights; believed."""
BLOCK_TOKENS = 32
"""Tokens of a block of KV cache, as the plugin's own examples have it."""
CONFINEMENT = Confinement(
    user=None,
    group=None,
    read_only_root=False,
    source="AWS Neuron documentation 2.32 and its Deep Learning Containers, which say nothing of other users",
    because="nobody documents that its image runs otherwise, or what its compiler writes",
)
CORES = {"NeuronCore-v2": 2, "NeuronCore-v3": 4}
"""NeuronCores of one chip that ranks run on; the eight of a Trainium2 work in pairs by default (Neuron documentation, hardware, LNC)."""
ARCHITECTURES = frozenset({"llama", "mistral", "mixtral", "qwen2", "qwen3"})
"""`model_type` of what NxD Inference compiles on all of these chips (its model reference, 2.28 to 2.32); others are on some, or in beta."""
COMPILE = Estimate(300, 450, 600, Provenance.BELIEVED, "Neuron documentation: a first start typically takes 5 to 10 minutes")
COMPILED = Estimate(15, 40, 120, Provenance.BELIEVED, "believed: graphs that are there are read and loaded")
KEPT, KEPT_FOLDER = "/compiled", ".neuron"
"""Where the container sees the compiled graphs of all services on a volume, and where they lie on it: files are named by what they are
compiled from."""
RUNTIME = Estimate(0.5 * 2**30, 1.5 * 2**30, 3 * 2**30, Provenance.BELIEVED, "believed: NeuronCore runtime, collectives and loaded graphs")

HOST = HostMemory(base_gib=8, per_device_gib=2, source="believed: server, compiler and a runtime per chip")
METRICS = Metrics(
    path="/metrics",
    requests_waiting="vllm:num_requests_waiting",
    requests_running="vllm:num_requests_running",
    kv_usage=None,
    ttft="vllm:time_to_first_token_seconds",
    tpot="vllm:time_per_output_token_seconds",
)
FLAGS = FlagRules(
    program=NAME,
    planned={
        "--served-model-name": "it is the name of the service",
        "--port": "remove it: probes and the Service are made for it",
        "--tensor-parallel-size": "use tensorParallel of the service",
        "--max-model-len": "use context of the service",
        "--revision": "use revision of the service",
        **dict.fromkeys(("--block-size", "--num-gpu-blocks-override"), "remove it: memory is divided by the plan"),
        "--enable-prefix-caching": "remove it: it is off, shapes are static",
        "--additional-config": "remove it: the plan sets it",
    },
    tunes={"--max-num-seqs": "max_sequences"},
    planned_env=("HOME", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY", "NEURON_COMPILE_CACHE_URL", "VLLM_NO_USAGE_STATS"),
)


class Neuron(GpuEngine):
    """vLLM's server with the Neuron plugin on one or several chips of a machine. Every slot of its batch reserves the full context."""

    name = NAME
    title = "vLLM on Neuron"
    aliases = ("aws-neuron", "vllm-neuron", "neuronx")
    traits = Traits(compile_s=COMPILE, compiled_s=COMPILED)
    flags = FLAGS
    paged_kv = False
    most_sequences = 32
    """Slots that are compiled; believed, published examples have 1 to 64."""
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        where = f"does not run on {accelerator.name if accelerator else 'CPU'} with {self.title}"
        if (unserved := self.refuse_model(model)) is not None:
            return unserved
        if accelerator is None or accelerator.architecture not in CORES:
            return Refusal(f"{where}: its image is built for Inferentia2 and Trainium", "use gpu inferentia2 or trainium1 on eks, or vllm")
        if model.architecture not in ARCHITECTURES:
            known = ", ".join(sorted(ARCHITECTURES))
            return Refusal(f"{where}, which compiles {known} and no {model.architecture}", "use vllm on an NVIDIA GPU")
        if not self._loads(checkpoint):
            return Refusal(f"{where}, which compiles whole 16-bit weights here", "use bf16")
        return None

    def notes(self, shape: Shape) -> tuple[str, ...]:
        several, claim = shape.parallel.devices > 1, claim_of(shape.checkpoint)
        kept = f"shapes are static: the first pod compiles for 5 to 10 minutes, those after it find the graphs on volume {claim}"
        sentences = (
            (self.confined(shape).is_root, f"{self.title} runs as root: {self.confined(shape).because}"),
            (True, "NxD Inference gets critical fixes only, and leaves Trainium2 with Neuron 2.34: its successor is a beta"),
            (claim is not None, kept),
            (
                claim is None,
                "shapes are static: every new pod compiles for 5 to 10 minutes; restarts of its container find the cache on its volume",
            ),
            (True, "its speed is not in the fit: it is taken from vllm, on what the chip can do, with wide bands"),
            (several, "the link between its chips is not known here: what they exchange is taken to be slow"),
        )
        return tuple(sentence for holds, sentence in sentences if holds)

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        """Ranks are cores: a chip has two at least."""
        ranks = Parallelism(tensor=parallel.tensor * min(CORES.values()))
        found = parallelism.refuse_tensor(model, checkpoint, ranks)
        return None if found is None else Refusal(f"chips are {ranks.tensor} NeuronCores, and that {found.reason}", "use fewer")

    def memory(self, shape: Shape) -> MemoryLayout:
        """As vLLM divides it, with the runtime of NeuronCores in place of CUDA's."""
        return memory.layout(shape, RUNTIME)

    def host_memory_bytes(self, shape: Shape) -> int:
        """Weights are split among the cores in main memory."""
        return super().host_memory_bytes(shape) + self.memory(shape).weight_bytes * shape.parallel.devices

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        source, claim = weight_source(replica.shape.checkpoint), claim_of(replica.shape.checkpoint)
        compiled = f"{CACHE}/neuron" if claim is None else KEPT
        made = self.container(
            replica,
            service,
            port=PORT,
            command=("vllm", "serve"),
            args=_args(replica.shape, service, source),
            env=(*hub_env(CACHE), ("NEURON_COMPILE_CACHE_URL", compiled), ("VLLM_NO_USAGE_STATS", "1")),
            api_key="VLLM_API_KEY",
            checks=probes("/health", PORT, service.startup_seconds),
            metrics=METRICS,
            # Its release has no --shutdown-timeout: what runs at SIGTERM is cut off.
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="vLLM",
        )
        return made if claim is None else replace(made, folders=(ClaimFolder("compiled", KEPT, claim, KEPT_FOLDER),))

    def _loads(self, checkpoint: Checkpoint) -> bool:
        quantization = catalog.quantization(checkpoint.quantization)
        mark = catalog.engine_support(NAME).get(quantization.scheme, {}).get(NAME)
        return mark == "Y" and quantization.bits >= 16 and quantization.format == "safetensors"


def cores(shape: Shape) -> int:
    """Ranks of tensor parallelism: the NeuronCores of all chips of a replica."""
    return shape.parallel.tensor * CORES[shape.device.generation]


def _args(shape: Shape, service: ServingIdentity, source: WeightSource) -> tuple[str, ...]:
    """One `--flag=value` token each. Blocks are as many as all slots fill at the full context: none is shared, and none is missing."""
    flags: dict[str, object] = {
        "served-model-name": service.name,
        "port": PORT,
        "tensor-parallel-size": cores(shape),
        "max-model-len": shape.context,
        "max-num-seqs": shape.max_sequences,
        "block-size": BLOCK_TOKENS,
        "num-gpu-blocks-override": math.ceil(shape.context / BLOCK_TOKENS) * shape.max_sequences,
        # Graphs for several lengths, so that a short prompt does not pay for the longest.
        "additional-config": json.dumps({"override_neuron_config": {"enable_bucketing": True}}, separators=(",", ":")),
    }
    if source.revision is not None:
        flags["revision"] = source.revision
    return (source.location, *(f"--{flag}={value}" for flag, value in flags.items()), "--no-enable-prefix-caching")
