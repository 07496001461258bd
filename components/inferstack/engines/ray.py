"""Ray Serve LLM: vLLM inside a Ray cluster of the service's own. KubeRay runs it, Ray follows the traffic, and KServe is not involved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import catalog
from ..catalog.types import Accelerator, Checkpoint, Model
from ..sizing.types import Replica, Shape
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gpu import RUNS_CODE, TEXT_ONLY, GpuEngine, cache_volumes, text_only
from .hosts import HostMemory
from .kinds import EMBEDDING, LLM, encodes
from .serving import Elasticity, ServingIdentity
from .sharing import CLUSTER, Member, Sharing, Told, longest_drain
from .spec import CHAT_ROUTES, EngineSpec, HeadPod, HttpProbe, Metrics, Port, Probes, ServedModel, Volume
from .types import FlagRules, Refusal, Traits
from .vllm import NAME as VLLM
from .vllm_inside import VllmInside, batch_arguments, model_arguments, number_arguments, sized_as_vllm
from .weights import CLAIM, IMAGE, WeightSource, weight_source

NAME = "ray-serve"
PORT = 8000
METRICS_PORT = 8080
AGENT_PORT = 52365
"""Where every Ray node answers for its own health (ray 2.60: dashboard/modules/reporter/healthz_agent.py)."""
CONFINEMENT = Confinement(
    user=1000,
    group=100,
    read_only_root=False,
    source="ray docker/base-deps/Dockerfile: user ray is 1000:100, and owns its home with the Python environment",
    because="what Ray, its agents and the vLLM that it brings write to their home is not known here",
)
CACHE = "/cache"
COMPILED_GIB = 8
"""Room for compiled kernels beside the weights; believed."""
SESSION_GIB = 4
"""Logs and sockets of a Ray node below /tmp/ray; believed."""
OBJECT_STORE_GIB = 1
"""Shared memory of Ray's own: responses pass through it, weights do not; believed. Left out it would be 30 % of the node."""
START_SECONDS = 3600
"""Ray's own default for RAYLLM_ENGINE_START_TIMEOUT_S, never lowered."""
START_MARGIN = 2
"""Over the upper end of the planned cold start, as for startup probes."""
OWN_RESOURCE = 0.001
"""Part of the resource of its own name that each GPU of a replica takes; a worker offers 1."""
UP_SECONDS = 30
"""How long the load must be higher before a replica is started for it; as elsewhere in a plan."""
BALANCING = "two-choices"
"""Ray Serve's own router (ray 2.60: serve/_private/request_router/pow_2_router.py)."""

ROUTES = {LLM: CHAT_ROUTES, EMBEDDING: ("/v1/embeddings",)}
"""`Model.kind` -> paths that its ingress answers (ray 2.60: llm/_internal/serve/core/ingress/ingress.py)."""
HEAD = HeadPod(
    cpu_millicores=1000,
    memory_bytes=4 * 2**30,
    source="believed: KubeRay's samples give a head without work 1 to 2 CPUs and 2 to 8 GiB; 500m and 512 MiB of it are its autoscaler",
)
HOST = HostMemory(
    base_gib=7,
    per_device_gib=5,
    source="believed: vLLM's own, and a Ray node with its agents, the Serve proxy and an ingress replica",
)
METRICS = Metrics(
    path="/metrics",
    requests_waiting="ray_vllm_num_requests_waiting",
    requests_running="ray_vllm_num_requests_running",
    kv_usage="ray_vllm_kv_cache_usage_perc",
    ttft="ray_vllm_time_to_first_token_seconds",
    tpot="ray_vllm_request_time_per_output_token_seconds",
    port="metrics",
)
PLANNED_BY_VLLM_KEYS = "remove it: memory is divided by the plan; context, quantization, gpu and max_num_seqs change that"
FLAGS = FlagRules(
    program=NAME,
    planned={
        "model": "use model or modelUri of the service",
        "served_model_name": "it is the name of the service",
        "tensor_parallel_size": "use tensorParallel of the service",
        "max_model_len": "use context of the service",
        "quantization*": "use quantization of the service",
        "dtype": "use quantization of the service",
        "revision": "use revision of the service",
        "distributed_executor_backend": "remove it: it is Ray here",
        **dict.fromkeys(
            ("host", "port", "uds", "ssl_*", "root_path", "api_key", "middleware"), "remove it: Ray Serve answers, not vLLM's own server"
        ),
        "shutdown_timeout": "remove it: it follows from the longest planned response",
        **dict.fromkeys(
            ("gpu_memory_utilization", "kv_cache_memory_bytes", "num_gpu_blocks_override", "block_size", "max_num_batched_tokens"),
            PLANNED_BY_VLLM_KEYS,
        ),
        **dict.fromkeys(
            ("*cudagraph_capture_size*", "enable_sleep_mode", "cpu_offload_params", "offload_*"),
            "remove it: the plan does not count what it moves",
        ),
        **dict.fromkeys(
            (
                *("pipeline_parallel_size", "data_parallel_*", "*_context_parallel_size", "enable_expert_parallel"),
                *("nnodes", "node_rank", "master_*"),
            ),
            "use tensorParallel and replicas of the service: other parallelism is not planned with Ray Serve",
        ),
        "*lora*": "remove it: adapters are not planned with Ray Serve",
        **dict.fromkeys(("speculative_*", "spec_*"), "remove it: speculation is not planned with Ray Serve"),
        **dict.fromkeys(("runner", "convert"), "remove it: the kind of the model decides"),
        **dict.fromkeys(("language_model_only", "limit_mm_per_prompt", "*mm_*"), "remove it: image input is not planned with Ray Serve"),
        "disable_log_stats": "remove it: scaling and dashboards read them",
    },
    tunes={
        "max_num_seqs": "max_sequences",
        "kv_cache_dtype": "kv_dtype",
        "kv_offloading_size": "host_gib",
        "cpu_offload_gb": "host_weight_gib",
    },
    kv_dtypes={"auto": "bf16", "fp8": "fp8", "fp8_e4m3": "fp8"},
    planned_env=(
        "HF_HOME",
        "HF_HUB_DISABLE_TELEMETRY",
        "VLLM_CACHE_ROOT",
        "VLLM_NO_USAGE_STATS",
        "RAYLLM_ENGINE_START_TIMEOUT_S",
        "RAY_SERVE_LLM_ROUTER_HTTP_TIMEOUT",
    ),
)


class RayServe(VllmInside, GpuEngine):
    """Ray Serve LLM on one or several NVIDIA GPUs of a machine. It asks nobody for a key; its silicon and its size are vLLM's."""

    name = NAME
    title = "Ray Serve LLM"
    aliases = ("ray", "rayserve", "ray-llm", "ray-serve-llm")
    flags = FLAGS
    host = HOST
    cache = CACHE
    compiled_gib = COMPILED_GIB
    confinement = CONFINEMENT

    @property
    def traits(self) -> Traits:
        return Traits(
            open_api=True,
            scales_itself=True,
            kinds=frozenset(ROUTES),
            shares=Sharing(CLUSTER, _together),
            sized_as=sized_as_vllm(),
        )

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        if checkpoint.uri.startswith((CLAIM, IMAGE)):
            place = "a volume claim" if checkpoint.uri.startswith(CLAIM) else "an image"
            return Refusal(f"is not read from {place} by Ray Serve, which fetches weights itself", "use hf://, s3:// or gs://")
        return super().supports(model, checkpoint, accelerator)

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        brings = f"Ray {self.release.version} brings {catalog.engine_flags(NAME).brings}"
        taken = f"what it runs and how fast is taken from {VLLM} {catalog.engine_release(VLLM).version}"
        return (
            (True, f"{brings}, and models that only later ones know do not load: {taken}"),
            (True, "deployed by KubeRay as a RayService, not by KServe: Ray starts, places and scales its replicas itself"),
            (shape.model.remote_code, RUNS_CODE.format(flag="trust_remote_code")),
            (text_only(shape), TEXT_ONLY),
        )

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint in super().checkpoints(model, known) if not checkpoint.uri.startswith((CLAIM, IMAGE)))

    def volumes(self, shape: Shape, source: WeightSource) -> tuple[Volume, ...]:
        # Weights of a bucket are fetched into the same cache as those of the hub.
        fetched = WeightSource(source.location, None, None, None)
        cache, *shared = cache_volumes(shape, fetched, CACHE, COMPILED_GIB)
        store = sum(volume.size_gib for volume in shared) + OBJECT_STORE_GIB
        return (cache, Volume("session", "/tmp/ray", SESSION_GIB), Volume("shm", "/dev/shm", store, memory=True))

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        made = self.container(
            replica,
            service,
            port=PORT,
            # KubeRay writes `ray start` itself.
            args=(),
            env=_env(service),
            checks=_probes(service),
            metrics=METRICS,
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="ray",
            routes=ROUTES[replica.shape.model.kind],
        )
        ports = (Port("serve", PORT), Port(METRICS.port, METRICS_PORT))
        served = ServedModel(HEAD, self.release.version, _llm_config(replica, service), _ingress(service.elasticity))
        return replace(made, ports=ports, served=served, storage_uri=None, balancing=BALANCING)


def _together(members: Sequence[Member]) -> tuple[Told, ...]:
    """The models of one application. Its ingress runs on the workers of all of them, so that each pod may carry a response of any."""
    served = [member.spec.served for member in members]
    ingress = _shared_ingress([one.ingress for one in served if one is not None])
    drain = longest_drain(members)
    return tuple(
        Told(replace(member.spec, drain=drain, served=None if one is None else replace(one, ingress=ingress)))
        for member, one in zip(members, served, strict=True)
    )


def _shared_ingress(each: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """As many as all models have replicas. At the largest number in flight that a replica of any takes there are never more of them than
    of models, which would ask for a worker that has no model to serve."""
    fixed = sum(options.get("num_replicas", 0) for options in each)
    scaled = [options["autoscaling_config"] for options in each if "autoscaling_config" in options]
    if not scaled:
        return {"num_replicas": fixed}
    return {
        "autoscaling_config": {
            **{key: fixed + sum(config[key] for config in scaled) for key in ("min_replicas", "max_replicas")},
            **{key: max(config[key] for config in scaled) for key in ("target_ongoing_requests", "upscale_delay_s", "downscale_delay_s")},
        }
    }


def _probes(service: ServingIdentity) -> Probes:
    """Those of KubeRay 1.7 for workers of a RayService: the node is alive, and its Serve proxy routes. The model loads after both, and the
    RayService is not ready before it has."""
    alive = HttpProbe("/api/healthz", AGENT_PORT, period=10, failures=30, timeout=5)
    routes = HttpProbe("/-/healthz", PORT, period=5, failures=1, timeout=5)
    return Probes(startup=alive, readiness=routes, liveness=replace(alive, failures=6))


def _env(service: ServingIdentity) -> tuple[tuple[str, str], ...]:
    return (
        ("HF_HOME", f"{CACHE}/huggingface"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("RAYLLM_ENGINE_START_TIMEOUT_S", str(max(START_SECONDS, START_MARGIN * service.startup_seconds))),
        ("VLLM_CACHE_ROOT", f"{CACHE}/vllm"),
        ("VLLM_NO_USAGE_STATS", "1"),
    )


def _llm_config(replica: Replica, service: ServingIdentity) -> Mapping[str, Any]:
    """One `LLMConfig` (ray 2.60: llm/_internal/serve/core/configs/llm_config.py)."""
    shape = replica.shape
    source = weight_source(shape.checkpoint)
    return {
        "model_loading_config": {
            "model_id": service.name,
            "model_source": shape.checkpoint.uri if source.repository is None else source.repository,
        },
        "engine_kwargs": _engine_kwargs(replica, source),
        # The resource of the service's own name keeps it on its workers where other models share the cluster; one machine holds a replica.
        "placement_group_config": {"bundle_per_worker": {"GPU": 1, service.name: OWN_RESOURCE}, "strategy": "STRICT_PACK"},
        "deployment_config": {
            **_replicas(service.elasticity),
            "max_ongoing_requests": shape.max_sequences,
            "graceful_shutdown_timeout_s": service.longest_response_seconds,
        },
        "log_engine_metrics": True,
    }


def _replicas(elasticity: Elasticity) -> dict[str, Any]:
    if elasticity.least == elasticity.most:
        return {"num_replicas": elasticity.most}
    return {
        "autoscaling_config": {
            "min_replicas": elasticity.least,
            "max_replicas": elasticity.most,
            "target_ongoing_requests": elasticity.requests_each,
            "upscale_delay_s": UP_SECONDS,
            "downscale_delay_s": elasticity.down_seconds,
        }
    }


def _ingress(elasticity: Elasticity) -> Mapping[str, Any]:
    """Options of the deployment that speaks the OpenAI API: as many as there are replicas, so that none is lost with one pod."""
    return _replicas(elasticity)


def _engine_kwargs(replica: Replica, source: WeightSource) -> dict[str, Any]:
    shape = replica.shape
    arguments = batch_arguments(shape)
    if not encodes(shape.model):
        # Per GPU: the KV cache is what was planned, whatever a profile at the start finds. Encoders keep none.
        arguments["kv_cache_memory_bytes"] = replica.memory.kv_bytes
    arguments |= number_arguments(shape, source)
    if text_only(shape):
        arguments["language_model_only"] = True
    return arguments | model_arguments(shape)
