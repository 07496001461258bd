"""What engines of the usual kind share: safetensors weights, NVIDIA GPUs of one machine, tensor parallelism, one pool of KV blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .. import catalog, sizing
from ..catalog.types import Accelerator, Checkpoint, Model
from ..sizing.types import Device, MemoryLayout, Parallelism, Replica, Shape
from . import memory, parallelism
from .additions import LoraRules
from .base import BaseEngine
from .confinement import Confinement
from .hosts import image_reference, shared_memory_gib
from .matrix import Verdict, verdict
from .serving import ServingIdentity
from .silicon import capability_of, refuse_silicon
from .spec import CHAT_ROUTES, Drain, EngineSpec, Metrics, Port, Probes, SecretEnv, Volume, Workers
from .streaming import host_bytes
from .types import Refusal
from .weights import HUB, WeightSource, weight_source

BFLOAT16 = (8, 0)
"""Oldest compute capability that has bfloat16; below it engines cast the weights to float16."""
WHOLE_BITS = 16
WHOLE = Parallelism()
KERNEL_LINKS = Volume("kernel-links", "/usr/local/lib/python3.12/dist-packages/flashinfer_cubin/cubins/flashinfer", 1)
"""FlashInfer links headers of its FP8 and FP4 kernels into its own package, which belongs to root in the images that have it: without a
volume there, such a model ends with a permission error (flashinfer-ai/flashinfer issues 2834 and 2976, ai-dynamo/dynamo pull requests
11154 and 12770). FLASHINFER_CUBIN_DIR moves that since 0.7.2, and leaves the kernels of the image behind. Its size is believed."""

TEXT_ONLY = "text only: image input is switched off, which leaves its memory to the KV cache"
TOWER_UNUSED = "image input is not planned, though its weights are loaded"
RUNS_CODE = "code from the model's repository runs in the server ({flag}): pin it with revision"
"""What remarks say alike."""


class GpuEngine(BaseEngine):
    """One such engine. A subclass names it and renders its container; what it refuses follows from its row of the support matrix."""

    matrix: ClassVar[str | None] = None
    """Row of the support matrix, where it is another engine's."""
    paged_kv = True
    most_sequences = 256
    cache: ClassVar[str]
    """Folder that weights and compiled kernels are kept in."""
    compiled_gib: ClassVar[float]
    """Room for compiled kernels beside the weights."""
    confinement: ClassVar[Confinement]
    scratch: ClassVar[tuple[Volume, ...]] = ()
    """What else its image writes to on disk."""
    plugins: ClassVar[Mapping[str, str]] = {}
    """Schemes that the stock image has no loader for, with the package that would bring it."""
    unstable_in_float16: ClassVar[frozenset[str]] = frozenset()
    """Architectures that must not run in float16."""

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        if (unserved := self.refuse_model(model)) is not None:
            return unserved
        if accelerator is None:
            reason = f"does not run on CPU with {self.title}: its image is built for NVIDIA CUDA"
            return Refusal(reason, "use llama.cpp with a GGUF checkpoint")
        return refuse_silicon(accelerator, self.release) or self._refuse_scheme(model, checkpoint, accelerator)

    def notes(self, shape: Shape) -> tuple[str, ...]:
        quantization, device = shape.checkpoint.quantization, shape.device
        found = capability(device)
        read = self._read(catalog.quantization(quantization).scheme, found)
        narrow = catalog.quantization(quantization).bits < WHOLE_BITS
        sentences = (
            (read.mark == "W" and narrow, f"{quantization} saves memory on {device.id} but computes at 16 bit there"),
            (found < BFLOAT16, f"{device.id} has no bfloat16: weights are cast to float16"),
            (self.confined(shape).is_root, f"{self.title} runs as root: {self.confined(shape).because}"),
            (not read.own, f"that {self.title} runs {quantization} on {device.id} is believed, from what it does on {read.column}"),
            *self.remarks(shape),
        )
        return tuple(sentence for holds, sentence in sentences if holds)

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint in known if self._loads(checkpoint))

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        return parallelism.refuse_tensor(model, checkpoint, parallel)

    def spread(self, degree: int) -> Parallelism:
        return Parallelism(tensor=degree)

    def memory(self, shape: Shape) -> MemoryLayout:
        """The engine's share of visible memory, less weights, the widest forward pass and sampler, the runtime and graphs."""
        return memory.layout(shape)

    def host_memory_bytes(self, shape: Shape) -> int:
        beside = self.host.bytes_for(shape.devices_per_machine, self.volumes(shape, weight_source(shape.checkpoint))) + host_bytes(shape)
        adapters = shape.additions.adapters
        # Every adapter has a copy in main memory, from which it comes to the device.
        return beside + (adapters.count * sizing.adapter_bytes(shape.model, adapters.rank, WHOLE) if adapters is not None else 0)

    def volumes(self, shape: Shape, source: WeightSource) -> tuple[Volume, ...]:
        """What the container may write to: weights and compiled kernels, scratch, and /dev/shm where ranks talk to each other."""
        cache, *shared = cache_volumes(shape, source, self.cache, self.compiled_gib)
        return (cache, *self.scratch, *shared)

    def confined(self, shape: Shape) -> Confinement:
        """How its container is confined in that shape."""
        return self.confinement

    def container(
        self,
        replica: Replica,
        service: ServingIdentity,
        *,
        port: int,
        args: tuple[str, ...],
        env: tuple[tuple[str, str], ...],
        checks: Probes,
        metrics: Metrics,
        drain: Drain,
        model_format: str,
        command: tuple[str, ...] = (),
        files: tuple[tuple[str, str], ...] = (),
        api_key: str | None = None,
        routes: tuple[str, ...] = CHAT_ROUTES,
        workers: Workers | None = None,
        model_name: str | None = None,
    ) -> EngineSpec:
        """The container of `replica`: what a subclass says, and what follows from its class.

        `api_key` is the variable that the server reads the callers' key from.
        """
        shape, release = replica.shape, self.release
        source = weight_source(shape.checkpoint)
        return EngineSpec(
            engine=self.name,
            version=release.version,
            image=image_reference(release),
            command=command,
            args=args,
            env=env,
            secret_env=secrets(service, api_key),
            ports=(Port("http", port),),
            probes=checks,
            volumes=self.volumes(shape, source),
            files=files,
            metrics=metrics,
            drain=drain,
            model_format=model_format,
            model_name=model_name,
            confinement=self.confined(shape),
            host_memory_bytes=self.host_memory_bytes(shape),
            storage_uri=source.storage_uri,
            open_api=self.traits.open_api,
            routes=routes,
            adapters=adapter_names(service, self.traits.lora),
            mounts=tuple((adapter.uri, adapter.path) for adapter in service.adapters if not adapter.uri.startswith(HUB)),
            workers=workers,
        )

    def _loads(self, checkpoint: Checkpoint) -> bool:
        quantization = catalog.quantization(checkpoint.quantization)
        return quantization.format == "safetensors" and quantization.scheme not in self.plugins

    def _refuse_scheme(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator) -> Refusal | None:
        capability = capability_of(accelerator.compute_capability)
        assert capability is not None, "silicon is checked first"
        scheme = catalog.quantization(checkpoint.quantization).scheme
        if scheme in self.plugins:
            reason = f"does not run on {self.title}'s stock image, which lacks {self.plugins[scheme]}"
            return Refusal(reason, "use llama.cpp, or an awq or fp8 checkpoint")
        if not self._loads(checkpoint):
            return Refusal(f"is not loaded by {self.title}, which is given safetensors", "use llama.cpp, or an awq or fp8 checkpoint")
        where = f"does not run on {accelerator.name} with {self.title}"
        if capability < BFLOAT16 and model.architecture in self.unstable_in_float16:
            reason = f"{where}: {model.architecture} is numerically unstable in float16, and the GPU has no bfloat16"
            return Refusal(reason, "use an L4 or A10G")
        read = self._read(scheme, capability)
        if checkpoint.quantized_at_load and read.mark != "Y":
            reason = f"{where}: quantizing at load is not verified on a GPU that does not compute in FP8"
            return Refusal(reason, "use bf16 or an awq checkpoint")
        if read.mark in ("Y", "W"):
            return None
        known = "has no kernel" if read.mark == "N" else "is not known to have a kernel"
        found = f"{checkpoint.quantization} at compute capability {accelerator.compute_capability}"
        return Refusal(f"{where}, which {known} for {found}", self._native_quantizations(capability))

    def _read(self, scheme: str, capability: tuple[int, int]) -> Verdict:
        # bf16 weights are cast below compute capability 8.0, so they are as good as fp16 there.
        row = "fp16" if scheme == "bf16" and capability < BFLOAT16 else scheme
        return verdict(catalog.engine_support(self.name if self.matrix is None else self.matrix), row, capability)

    def _native_quantizations(self, capability: tuple[int, int]) -> str:
        """What else runs on that silicon, or where this engine does."""
        safetensors = [quantization for quantization in catalog.quantizations().values() if quantization.format == "safetensors"]
        native = [found.name for found in safetensors if self._read(found.scheme, capability).mark == "Y"]
        return f"there it runs {', '.join(native)}" if native else "use a newer GPU, such as an L4, or another engine"


def text_only(shape: Shape) -> bool:
    """True where a vision tower is there and no image is planned, so that an engine that can leaves the tower out."""
    return shape.model.params_vision > 0 and shape.additions.images is None


def capability(device: Device) -> tuple[int, int]:
    """CUDA compute capability of a device that a `GpuEngine` runs on."""
    found = capability_of(device.compute_capability)
    assert found is not None, f"{device.id} is refused: it has no CUDA compute capability"
    return found


def adapter_names(service: ServingIdentity, rules: LoraRules | None) -> tuple[str, ...]:
    """The model names of the service's adapters at the endpoint."""
    prefix = f"{service.name}:" if rules is not None and rules.by_base else ""
    return tuple(f"{prefix}{adapter.name}" for adapter in service.adapters)


def cache_volumes(shape: Shape, source: WeightSource, path: str, compiled_gib: float) -> tuple[Volume, ...]:
    """A volume for weights and compiled kernels at `path`, and /dev/shm where ranks talk to each other."""
    weights_gib = memory.download_gib(shape) if source.downloads else 0
    cache = Volume("cache", path, weights_gib + compiled_gib)
    if shape.parallel.devices == 1:
        return (cache,)
    return (cache, Volume("shm", "/dev/shm", shared_memory_gib(shape.devices_per_machine), memory=True))


def hub_env(cache: str) -> tuple[tuple[str, str], ...]:
    """Variables that keep home and downloads of a process in `cache`, and its use of the hub to itself."""
    return (("HOME", cache), ("HF_HOME", f"{cache}/huggingface"), ("HF_HUB_DISABLE_TELEMETRY", "1"))


def named_env(cache: str) -> tuple[tuple[str, str], ...]:
    """`hub_env`, and a user name for libraries that would ask /etc/passwd, where the user may be missing (kserve issue 5666: torch)."""
    return (*hub_env(cache), ("USER", "server"))


def secrets(service: ServingIdentity, api_key: str | None) -> tuple[SecretEnv, ...]:
    """The Hugging Face token and, as `api_key`, the key that callers present, where they are needed."""
    wanted = [(service.needs_hugging_face_token, SecretEnv("HF_TOKEN", "hugging-face-token"))]
    if api_key is not None:
        wanted.append((service.needs_api_key, SecretEnv(api_key, "api-key")))
    return tuple(secret for needed, secret in wanted if needed)
