"""Service plans made by hand, one per thing that changes the objects; figures are plausible and otherwise without meaning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inferstack.catalog.types import CapacityType, Checkpoint, KvCache, KvKind, Model
from inferstack.clouds.types import Fabric
from inferstack.engines.confinement import Confinement
from inferstack.engines.spec import Drain, EngineSpec, HttpProbe, Metrics, Port, Probes, SecretEnv, Volume, Workers
from inferstack.planning.types import ReplicaRange, Resources, Scaling, ServicePlan
from inferstack.sizing.types import (
    Device,
    Estimate,
    MemoryLayout,
    Parallelism,
    Performance,
    Provenance,
    Replica,
    Shape,
    Slo,
    Workload,
)

GIB = 2**30

MODEL = Model(
    id="Qwen/Qwen2.5-7B-Instruct",
    kind="llm",
    architecture="qwen2",
    params_total=7_615_616_512,
    params_active=7_615_616_512,
    hidden_size=3584,
    num_layers=28,
    num_attention_heads=28,
    num_kv_heads=4,
    head_dim=128,
    vocab_size=152064,
    kv=KvCache(KvKind.FULL, full_layers=28, elements_full=28672),
    source="test",
)
CHECKPOINT = Checkpoint(model=MODEL.id, quantization="bf16", uri=f"hf://{MODEL.id}", source="test")
DEVICE = Device("l4", "gpu", 1, 23 * GIB, 300e9, {"bf16": 121e12}, "pcie", 25e9, "8.9", Provenance.BELIEVED, "test")

VLLM = EngineSpec(
    engine="vllm",
    version="0.33.0",
    image="vllm/vllm-openai:v0.33.0",
    command=(),
    args=(MODEL.id, "--served-model-name=chat", "--port=8000", "--max-model-len=8192"),
    env=(("HOME", "/cache"), ("HF_HOME", "/cache/huggingface")),
    secret_env=(SecretEnv("HF_TOKEN", "hugging-face-token"),),
    ports=(Port("http", 8000),),
    probes=Probes(HttpProbe("/health", 8000, 10, 90, 10), HttpProbe("/health", 8000, 5, 3, 10), HttpProbe("/health", 8000, 10, 6, 10)),
    volumes=(Volume("cache", "/cache", 22.5), Volume("tmp", "/tmp", 4), Volume("shm", "/dev/shm", 2, memory=True)),
    files=(),
    metrics=Metrics("/metrics", "vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:kv_cache_usage_perc"),
    drain=Drain(10, 340),
    model_format="vLLM",
    confinement=Confinement(2000, 0, read_only_root=True, source="test"),
    host_memory_bytes=11 * GIB,
)
LLAMA_CPP = replace(
    VLLM,
    engine="llama.cpp",
    version="b1",
    image="ghcr.io/ggml-org/llama.cpp:server",
    args=("--port", "8080", "--metrics"),
    secret_env=(),
    ports=(Port("http", 8080),),
    volumes=(Volume("cache", "/cache", 3),),
    metrics=Metrics("/metrics", "llamacpp:requests_deferred", "llamacpp:requests_processing", None, needs_api_key=True),
    model_format="gguf",
    confinement=Confinement(None, None, read_only_root=False, source="test", because="it is a test"),
)


def _estimate(value: float) -> Estimate:
    return Estimate(value * 0.8, value, value * 1.2, Provenance.BELIEVED, "test")


REPLICA = Replica(
    shape=Shape("vllm", "0.33.0", MODEL, CHECKPOINT, DEVICE, Parallelism(), 8192, 64),
    memory=MemoryLayout(23 * GIB, 21 * GIB, 15 * GIB, GIB, GIB, 4 * GIB, 57344, 74898, 9, Provenance.BELIEVED, "test"),
    performance=Performance(0.3, _estimate(400), _estimate(45), _estimate(1.5), _estimate(300), 4, "tpot"),
)


def gpu_plan(**changes: Any) -> ServicePlan:
    """A vLLM service on one L4 that scales on its queue between 1 and 3 replicas, with `changes`."""
    plan = ServicePlan(
        name="chat",
        namespace="inference",
        model=MODEL.id,
        checkpoint_uri=CHECKPOINT.uri,
        quantization="bf16",
        gpu="l4",
        machine_type="g2-standard-8",
        pool="l4-x1-spot",
        capacity_type=CapacityType.SPOT,
        replica=REPLICA,
        replicas=ReplicaRange(1, 1.4, 3),
        workload=Workload(0.2, 0.6, 600, 200),
        slo=Slo(3000, 120),
        meets_slo=True,
        spec=VLLM,
        resources=Resources(cpu_millicores=6500, memory_bytes=26 * GIB, gpus=1),
        scaling=Scaling("queue", waiting_per_replica=6, kv_usage_per_replica=0.8, scale_down_seconds=900),
        cold_start_seconds=_estimate(420),
        rollout="recreate",
        endpoint="cluster",
        timeout_seconds=300,
        node_selector=(("inferstack.dev/pool", "l4-x1-spot"),),
        decisions=(),
        alternatives=(),
        warnings=(),
        uses_hugging_face_token=True,
        monitored=True,
    )
    return replace(plan, **changes)


def cpu_plan(**changes: Any) -> ServicePlan:
    """A llama.cpp service on CPU that scales on CPU use between 2 and 4 replicas, with `changes`."""
    plan = gpu_plan(
        name="titles",
        gpu="cpu",
        spec=LLAMA_CPP,
        replicas=ReplicaRange(2, 2.5, 4),
        resources=Resources(cpu_millicores=4000, memory_bytes=6 * GIB, gpus=0),
        scaling=Scaling("cpu", cpu_percent=70, scale_down_seconds=7200),
        rollout="surge",
        node_selector=(),
        uses_hugging_face_token=False,
    )
    return replace(plan, **changes)


def fixed_plan() -> ServicePlan:
    """A service whose number of replicas never changes."""
    return cpu_plan(name="fixed", replicas=ReplicaRange(1, 1, 1), scaling=Scaling("none"), monitored=False)


def internal_plan() -> ServicePlan:
    """A service behind an internal load balancer, whose metrics ask for the key as well."""
    spec = replace(LLAMA_CPP, secret_env=(SecretEnv("LLAMA_API_KEY", "api-key"),))
    annotations = (("networking.gke.io/load-balancer-type", "Internal"),)
    return cpu_plan(name="desk", spec=spec, endpoint="internal", endpoint_annotations=annotations)


def mounted_plan() -> ServicePlan:
    """A service with files of its own, whose weights KServe mounts, with braces where KServe would read a template."""
    spec = replace(
        VLLM,
        command=("serve",),
        args=("/mnt/models", "--chat-template={{ messages }}"),
        env=(("TEMPLATE", "{{{x}}}"),),
        files=(("/etc/engine/template.jinja", "{{ messages }}"), ("/etc/engine/more/template.jinja", "{% endif %}")),
        storage_uri="s3://models/chat",
        secret_env=(),
    )
    return gpu_plan(name="mounted", spec=spec)


def woken_plan() -> ServicePlan:
    """A service of which no replica runs while nobody asks."""
    scaling = Scaling("requests", in_flight_per_replica=12, scale_down_seconds=900)
    return gpu_plan(name="rare", replicas=ReplicaRange(0, 0.2, 2), scaling=scaling, waiting_share=0.4)


def group_plan(**changes: Any) -> ServicePlan:
    """A service of which each replica is two machines joined by EFA, between 1 and 2 replicas, with `changes`."""
    device = replace(REPLICA.shape.device, count=16, machines=2, network_bytes_s=5e10)
    shape = replace(REPLICA.shape, device=device, parallel=Parallelism(tensor=8, pipeline=2))
    shared = (*VLLM.args, "--nnodes=2", "--master-addr=$(LWS_LEADER_ADDRESS)")
    wait = Drain(160, 160, ("timeout", "160", "bash", "-c", "while (exec 3<>/dev/tcp/$LWS_LEADER_ADDRESS/29501); do sleep 1; done"))
    workers = Workers(1, (*shared, "--node-rank=$(LWS_WORKER_INDEX)", "--headless"), 29501, wait)
    plan = gpu_plan(
        name="giant",
        gpu="h100-80",
        machine_type="p5.48xlarge",
        pool="p5-48xlarge-fabric",
        replica=replace(REPLICA, shape=shape),
        replicas=ReplicaRange(1, 1.5, 2),
        spec=replace(VLLM, args=(*shared, "--node-rank=0"), workers=workers),
        resources=Resources(cpu_millicores=180_000, memory_bytes=1800 * GIB, gpus=8),
        fabric=Fabric(
            "EFA", (("vpc.amazonaws.com/efa", "32"), ("hugepages-2Mi", "5120Mi")), None, "efa-device-plugin", "a note", "a plugin"
        ),
        node_selector=(("inferstack.dev/pool", "p5-48xlarge-fabric"),),
    )
    return replace(plan, **changes)


ALL = (gpu_plan(), cpu_plan(), fixed_plan(), internal_plan(), mounted_plan(), woken_plan(), group_plan())
ON_KSERVE = tuple(plan for plan in ALL if plan.machines == 1)
