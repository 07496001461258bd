"""vLLM: the general engine on NVIDIA GPUs. Flags, image and probes are those of the pinned release."""

from __future__ import annotations

from dataclasses import replace

from .. import catalog
from ..catalog.types import Accelerator, Checkpoint, EngineRelease, Model
from ..sizing.types import Device, MemoryLayout, Parallelism, Replica, Shape
from . import memory, parallelism
from .drain import drains_on_sigterm
from .hosts import HostMemory, image_reference, shared_memory_gib
from .matrix import Verdict, verdict
from .probes import probes, startup_limit_seconds
from .silicon import capability_of, refuse_silicon
from .types import EngineSpec, FlagRules, Metrics, Port, Refusal, SecretEnv, ServingIdentity, Volume
from .weights import WeightSource, weight_source

NAME = "vllm"
PORT = 8000
CACHE = "/cache"
"""Home of the process: with a read-only root file system this, /tmp and the folder below are all that it can write."""
KERNEL_LINKS = "/usr/local/lib/python3.12/dist-packages/flashinfer_cubin/cubins/flashinfer"
"""FlashInfer links headers of its FP8 and FP4 kernels into its own package, which belongs to root in the image, and no variable moves
that: without a volume there, such a model ends with a permission error (flashinfer-ai/flashinfer issues 2834 and 2976)."""

BFLOAT16 = (8, 0)
"""Oldest compute capability that has bfloat16; below it the weights are cast to float16."""
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
KERNEL_LINKS_GIB = 1
"""Room for links and headers; believed."""
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
            ("--*cudagraph-capture-size*", "--enable-sleep-mode", "--sleep-*", "--cpu-offload-*", "--offload-*"),
            "remove it: the plan does not count what it moves",
        ),
        **dict.fromkeys(
            ("--pipeline-parallel-size", "--data-parallel-*", "--*-context-parallel-size", "--enable-expert-parallel", "--nnodes"),
            "use tensorParallel and replicas of the service: other parallelism is not planned yet",
        ),
        **dict.fromkeys(("--node-rank", "--master-*", "--headless"), "remove it: a replica is planned on one machine"),
        **dict.fromkeys(("--enable-lora", "--*lora*"), "remove it: adapters are not planned yet"),
        **dict.fromkeys(("--speculative-*", "--spec-*"), "remove it: speculation is not planned yet"),
        **dict.fromkeys(("--runner", "--convert"), "remove it: text generation is all that is planned yet"),
        **dict.fromkeys(("--language-model-only", "--limit-mm-per-prompt", "--*mm-*"), "remove it: image input is not planned yet"),
    },
    tunes={"--max-num-seqs": "max_sequences", "--kv-cache-dtype": "kv_dtype", "--kv-offloading-size": "host_gib"},
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


class Vllm:
    """vLLM's OpenAI server on one or several NVIDIA GPUs of a machine. A Kubernetes Service named `vllm` would break it by VLLM_PORT."""

    name = NAME
    aliases: tuple[str, ...] = ("vllm-openai",)
    unasked = True
    flags = FLAGS
    paged_kv = True
    most_sequences = 256
    """vLLM's own default on GPUs below 70 GiB; each sequence more takes sampler memory from the KV cache."""

    @property
    def release(self) -> EngineRelease:
        return catalog.engine_release(NAME)

    def release_for(self, device_kind: str) -> EngineRelease:
        return self.release

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        if model.kind != "llm":
            return Refusal(f"is not planned: {model.id} is of kind {model.kind}, and this release plans text generation only")
        if accelerator is None:
            return Refusal("does not run on CPU with vLLM: its image is built for NVIDIA CUDA", "use llama.cpp with a GGUF checkpoint")
        scheme = catalog.quantization(checkpoint.quantization).scheme
        return refuse_silicon(accelerator, self.release) or _refuse_scheme(model, checkpoint, scheme, accelerator)

    def notes(self, shape: Shape) -> tuple[str, ...]:
        quantization, device = shape.checkpoint.quantization, shape.device
        capability = _capability(device)
        read = _read(catalog.quantization(quantization).scheme, capability)
        sentences = (
            (read.mark == "W", f"{quantization} saves memory on {device.id} but computes at 16 bit there"),
            (capability < BFLOAT16, f"{device.id} has no bfloat16: weights are cast to float16"),
            (not read.own, f"that vLLM runs {quantization} on {device.id} is believed, from what it does on {read.column}"),
            (shape.checkpoint.quantized_at_load, "vLLM quantizes to FP8 while loading: it downloads the 16-bit weights"),
            (shape.model.params_vision > 0, "text only: image input is switched off, which leaves its memory to the KV cache"),
        )
        return tuple(sentence for holds, sentence in sentences if holds)

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        loadable = tuple(checkpoint for checkpoint in known if _safetensors(checkpoint))
        if model.native_quantization is not None or any(checkpoint.quantization == "fp8" for checkpoint in loadable):
            return loadable
        reference = next((checkpoint for checkpoint in loadable if checkpoint.quantization in ("bf16", "fp16")), None)
        return loadable if reference is None else (*loadable, _online_fp8(reference))

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, tensor: int) -> Refusal | None:
        return parallelism.refuse_tensor(model, checkpoint, tensor)

    def spread(self, degree: int) -> Parallelism:
        return Parallelism(tensor=degree)

    def memory(self, shape: Shape) -> MemoryLayout:
        """`--gpu-memory-utilization` times visible memory, less weights, the profiled forward pass and sampler, the runtime and graphs."""
        return memory.layout(shape)

    def host_memory_bytes(self, shape: Shape) -> int:
        return HOST.bytes_for(shape.parallel.devices, _volumes(shape, weight_source(shape.checkpoint)))

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        shape = replica.shape
        source = weight_source(shape.checkpoint)
        checks = probes("/health", PORT, service.startup_seconds)
        release = self.release
        return EngineSpec(
            engine=NAME,
            version=release.version,
            image=image_reference(release),
            command=(),
            args=_args(replica, service, source),
            env=_env(max(ENGINE_READY_SECONDS, startup_limit_seconds(checks))),
            secret_env=_secrets(service),
            ports=(Port("http", PORT),),
            probes=checks,
            volumes=_volumes(shape, source),
            files=(),
            metrics=METRICS,
            drain=drains_on_sigterm(service.longest_response_seconds),
            model_format="vLLM",
            run_as_user=2000,
            run_as_group=0,
            host_memory_bytes=self.host_memory_bytes(shape),
            storage_uri=source.storage_uri,
        )


# --- what it refuses --------------------------------------------------------------------------------------------------------


def _refuse_scheme(model: Model, checkpoint: Checkpoint, scheme: str, accelerator: Accelerator) -> Refusal | None:
    capability = capability_of(accelerator.compute_capability)
    assert capability is not None, "silicon is checked first"
    if scheme in PLUGIN_FORMATS:
        return Refusal(
            f"does not run on vLLM's stock image, which lacks {PLUGIN_FORMATS[scheme]}", "use llama.cpp, or an awq or fp8 checkpoint"
        )
    where = f"does not run on {accelerator.name} with vLLM"
    if capability < BFLOAT16 and model.architecture in UNSTABLE_IN_FLOAT16:
        return Refusal(
            f"{where}: {model.architecture} is numerically unstable in float16, and the GPU has no bfloat16", "use an L4 or A10G"
        )
    read = _read(scheme, capability)
    if checkpoint.quantized_at_load and read.mark != "Y":
        return Refusal(
            f"{where}: quantizing at load is not verified on a GPU that does not compute in FP8", "use bf16 or an awq checkpoint"
        )
    if read.mark in ("Y", "W"):
        return None
    known = "has no kernel" if read.mark == "N" else "is not known to have a kernel"
    found = f"{checkpoint.quantization} at compute capability {accelerator.compute_capability}"
    return Refusal(f"{where}, which {known} for {found}", _native_quantizations(capability))


def _read(scheme: str, capability: tuple[int, int]) -> Verdict:
    # bf16 weights are cast below compute capability 8.0, so they are as good as fp16 there.
    row = "fp16" if scheme == "bf16" and capability < BFLOAT16 else scheme
    return verdict(catalog.engine_support(NAME), row, capability)


def _native_quantizations(capability: tuple[int, int]) -> str:
    safetensors = [quantization for quantization in catalog.quantizations().values() if quantization.format == "safetensors"]
    return f"there it runs {', '.join(found.name for found in safetensors if _read(found.scheme, capability).mark == 'Y')}"


def _safetensors(checkpoint: Checkpoint) -> bool:
    quantization = catalog.quantization(checkpoint.quantization)
    return quantization.format == "safetensors" and quantization.scheme not in PLUGIN_FORMATS


def _online_fp8(reference: Checkpoint) -> Checkpoint:
    """FP8 from 16-bit files; `weight_bytes` stays that of the files, which is what is downloaded."""
    return replace(reference, quantization="fp8", quantized_at_load=True)


# --- what it is told --------------------------------------------------------------------------------------------------------


def _args(replica: Replica, service: ServingIdentity, source: WeightSource) -> tuple[str, ...]:
    """The image's entry point is `vllm serve`: the model, then one `--flag=value` token each."""
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
    if shape.parallel.pipeline > 1:
        flags["pipeline-parallel-size"] = shape.parallel.pipeline
    if _capability(shape.device) < BFLOAT16:
        flags["dtype"] = "float16"
    if shape.checkpoint.quantized_at_load:
        flags["quantization"] = ONLINE_FP8
    if KV_DTYPES[shape.kv_dtype] != "auto":
        flags["kv-cache-dtype"] = KV_DTYPES[shape.kv_dtype]
    if source.revision is not None:
        flags["revision"] = source.revision
    words = [source.mounted_path if source.repository is None else source.repository]
    words += [f"--{flag}={value}" for flag, value in flags.items()]
    if shape.model.params_vision:
        words.append("--language-model-only")
    return tuple(words)


def _capability(device: Device) -> tuple[int, int]:
    found = capability_of(device.compute_capability)
    assert found is not None, f"{device.id} is refused: it has no CUDA compute capability"
    return found


def _env(ready_seconds: int) -> tuple[tuple[str, str], ...]:
    return (
        ("HOME", CACHE),
        ("HF_HOME", f"{CACHE}/huggingface"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("VLLM_CACHE_ROOT", f"{CACHE}/vllm"),
        ("VLLM_ENGINE_READY_TIMEOUT_S", str(ready_seconds)),
        ("VLLM_NO_USAGE_STATS", "1"),
    )


def _secrets(service: ServingIdentity) -> tuple[SecretEnv, ...]:
    wanted = (
        (service.needs_hugging_face_token, SecretEnv("HF_TOKEN", "hugging-face-token")),
        (service.needs_api_key, SecretEnv("VLLM_API_KEY", "api-key")),
    )
    return tuple(secret for needed, secret in wanted if needed)


def _volumes(shape: Shape, source: WeightSource) -> tuple[Volume, ...]:
    weights_gib = memory.download_gib(shape) if source.repository is not None else 0
    volumes = [
        Volume("cache", CACHE, weights_gib + COMPILED_GIB),
        Volume("tmp", "/tmp", SCRATCH_GIB),
        Volume("kernel-links", KERNEL_LINKS, KERNEL_LINKS_GIB),
    ]
    if shape.parallel.devices > 1:
        volumes.append(Volume("shm", "/dev/shm", shared_memory_gib(shape.parallel.devices), memory=True))
    return tuple(volumes)
