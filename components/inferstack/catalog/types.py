"""The nouns of the catalog: facts about models, weights, silicon and machines, each row with its source.

Unknown is None, never 0 and never a guess. Bytes are bytes, GiB is 2^30, GB is 10^9, money is USD as Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

LLM, EMBEDDING, RERANK, REWARD = "llm", "embedding", "rerank", "reward"
"""`Model.kind`."""
TASKS = {LLM: "generate", EMBEDDING: "embed", RERANK: "rerank", REWARD: "reward"}
"""Kind -> `task` of the stack file."""
NO_FACTS: Mapping[str, Any] = MappingProxyType({})


class CapacityType(StrEnum):
    """How machines are bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"


class KvKind(StrEnum):
    """How a model keeps its past."""

    FULL = "full"
    """Every layer keeps K and V for every token (MHA, GQA, MQA)."""
    LATENT = "latent"
    """MLA: one latent vector per layer and token, replicated on every tensor-parallel rank."""
    WINDOW = "window"
    """Some or all layers keep only a sliding window or a chunk."""
    STATE = "state"
    """Some layers keep a constant recurrent state (linear attention, Mamba); the others are full."""
    NONE = "none"
    """Encoder: nothing is kept."""


@dataclass(frozen=True, slots=True)
class KvCache:
    """The shape of a model's KV cache for one sequence, in elements, before any division over GPUs."""

    kind: KvKind
    full_layers: int = 0
    """Layers that keep every token."""
    window_layers: int = 0
    window_tokens: int = 0
    """Tokens that each window layer keeps."""
    elements_full: int = 0
    """Elements (K and V together) per token over all full layers; for MLA the latent width times layers."""
    elements_window: int = 0
    """Elements (K and V together) per token over all window layers."""
    full_heads: int = 0
    """KV heads of full layers where they differ from those of window layers; 0: as the model's."""
    state_bytes: int = 0
    """Constant bytes per sequence of recurrent layers."""
    state_layers: int = 0
    """Layers that keep such a state."""
    extra_bytes_per_token: int = 0
    """Bytes per token that do not follow the KV dtype, such as a sparse-attention indexer."""


@dataclass(frozen=True, slots=True)
class Model:
    """An architecture with its dimensions. `id` is the Hugging Face repository of the reference weights."""

    id: str
    kind: str
    """llm, or what answers after one pass: embedding, rerank or reward."""
    architecture: str
    """Hugging Face `model_type`."""
    params_total: int
    params_active: int
    """Parameters that one token reads; equal to `params_total` for dense models."""
    hidden_size: int
    num_layers: int
    num_attention_heads: int
    num_kv_heads: int
    head_dim: int
    """Width of a query and key head; with MLA its part with and its part without position together."""
    vocab_size: int
    kv: KvCache
    source: str
    intermediate_size: int | None = None
    tied_embeddings: bool = False
    """True where there is one matrix of embeddings: input and output share it, or there is no output."""
    max_context: int | None = None
    native_dtype: str = "bfloat16"
    native_quantization: str | None = None
    """Quantization of the reference weights themselves (gpt-oss: mxfp4, DeepSeek: fp8)."""
    n_experts: int | None = None
    top_k: int | None = None
    moe_intermediate_size: int | None = None
    n_shared_experts: int | None = None
    shared_expert_intermediate_size: int | None = None
    first_k_dense: int | None = None
    params_vision: int = 0
    """Vision tower and projector, loaded beside the language model; part of `params_total`."""
    multimodal: str | None = None
    """`model_type` of the whole where a vision tower stands before a language model; None where that says it as well."""
    mtp_layers: int = 0
    """Layers for multi-token prediction that the checkpoint carries beside the model; engines load them on request only."""
    sliding_window: int | None = None
    gated: bool | None = None
    """True where the hub asks for an accepted licence and a token; None where unknown."""
    license: str | None = None
    checkpoint_class: str | None = None
    """Of what answers after one pass: the class that its config names, by which engines know it; None where it is a language model's."""
    remote_code: bool = False
    """True where engines need the model's own code, which its repository brings."""
    config_overrides: str | None = None
    """JSON that engines must be told in place of what its config.json says, where that does not say what the model is for."""

    def __hash__(self) -> int:
        """By the name alone, which tells nearly all apart: hashing every field takes as long as the figures that are kept by it."""
        return hash(self.id)

    @property
    def is_moe(self) -> bool:
        return bool(self.n_experts)


@dataclass(frozen=True, slots=True)
class IncompleteModel:
    """A model that is known by name, with what is known of it; a dimension without a source is None. It cannot be sized."""

    id: str
    kind: str
    source: str
    architecture: str | None = None
    params_total: int | None = None
    params_active: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_attention_heads: int | None = None
    num_kv_heads: int | None = None
    head_dim: int | None = None
    vocab_size: int | None = None
    kv: KvCache | None = None
    native_quantization: str | None = None
    gated: bool | None = None
    license: str | None = None
    checkpoint_class: str | None = None


@dataclass(frozen=True, slots=True)
class Quantization:
    """How weights are stored: one row of the quantization table."""

    name: str
    """bf16, fp16, fp8, int8, awq, gptq-int4, nvfp4, mxfp4, gguf-q4_k_m, ..."""
    bits: float
    """Bits per parameter on quantized linears (GGUF: on the whole file), scales and zeros included."""
    format: str
    """safetensors or gguf."""
    scheme: str
    """Row of the engine x quantization x compute-capability matrix: bf16, fp16, fp8, w8a8_int8, awq, gptq, nvfp4, mxfp4, gguf."""
    compute_dtype: str
    """Key of `Accelerator.dense_tflops` that its matrix products run at where the silicon has it: bf16, fp16, fp8, int8, fp4."""
    group_size: int | None
    """Columns that share one scale; limits tensor parallelism."""
    whole_model: bool
    """True where `bits` covers embeddings too (GGUF), False where embedding and lm_head stay 16-bit."""
    source: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights that exist and can be named to an engine."""

    model: str
    """`Model.id`."""
    quantization: str
    """`Quantization.name` as served."""
    uri: str
    """`hf://owner/repository`, `s3://...`, `gs://...`, `pvc://claim/path`, `oci://image:tag`."""
    source: str
    revision: str | None = None
    file: str | None = None
    """The one file to load where a repository holds several (GGUF)."""
    weight_bytes: int | None = None
    """Bytes of the files that are loaded, where known."""
    gated: bool | None = None
    quantized_at_load: bool = False
    """True where the engine quantizes 16-bit weights while loading them."""
    streamed: bool = False
    """True where the engine reads a bucket into memory, past the node's disk."""
    origin: Checkpoint | None = None
    """What the files on a volume of the stack are copied from; None where the weights are where their owner has put them."""

    @property
    def published(self) -> Checkpoint:
        """The weights where their owner has put them, whatever copy of them is served."""
        return self if self.origin is None else self.origin

    def __hash__(self) -> int:
        """As `Model`, by what tells nearly all apart."""
        return hash((self.uri, self.quantization))


NVIDIA_RESOURCE = "nvidia.com/gpu"
DEVICE_RESOURCES = {"nvidia": NVIDIA_RESOURCE, "aws": "aws.amazon.com/neuron", "amd": "amd.com/gpu"}
"""Vendor -> extended resource of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One GPU (or other device) as software sees it."""

    id: str
    """Short name used everywhere: l4, h100-80, ..."""
    name: str
    vendor: str
    architecture: str
    compute_capability: str | None
    """CUDA compute capability such as `8.9`; None for other vendors."""
    memory_gib: float | None
    """Visible memory: what the driver reports, not the marketing figure."""
    bandwidth_gb_s: float | None
    dense_tflops: Mapping[str, float | None]
    """Dense (not sparse) TFLOPS by dtype: fp16, bf16, fp8, int8, fp4."""
    nvlink_gb_s: float | None
    """GPU-to-GPU, one direction, where the part has NVLink."""
    pcie_gb_s: float | None
    tdp_w: float | None
    source: str
    verified: bool
    """True where memory, bandwidth and FLOPS were cross-checked; False where any of them is believed."""
    aliases: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """What pods request of it, by its maker's device plugin."""
        return DEVICE_RESOURCES.get(self.vendor.lower(), NVIDIA_RESOURCE)


@dataclass(frozen=True, slots=True)
class Cpu:
    """One socket of a server processor."""

    id: str
    name: str
    bandwidth_gb_s: float
    source: str


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a machine costs that is bought for a term: paid in every hour of it, used or not."""

    term: str
    """1y or 3y."""
    usd_per_hour: Decimal | None
    """None: not known."""
    source: str
    as_of: str
    basis: str


@dataclass(frozen=True, slots=True)
class Offering:
    """Where and how a machine can be had, and at what price."""

    region: str
    capacity_type: CapacityType
    usd_per_hour: Decimal | None
    """Planning price. Spot: the top of the known range, capped at on-demand. None: not known."""
    low_usd_per_hour: Decimal | None = None
    """Bottom of a spot range."""
    source: str = ""
    as_of: str = ""
    """ISO date; where a source only bounds it, the earliest that it can be. Empty where the source bears none."""
    basis: str = "listed"
    """listed, derived, belief, or user."""
    paid_nodes: int = 0
    """Machines that the user has paid for already: so many cost nothing further."""
    commitment: Commitment | None = None
    """How machines that always stand are bought; None: as all others."""

    def monthly_usd(self, nodes: Decimal, hours: Decimal, standing: Decimal = Decimal(0)) -> Decimal | None:
        """What `nodes` machines cost in a month of `hours`, `standing` of them always; None where one that is not paid yet has no price."""
        billed = max(Decimal(0), nodes - self.paid_nodes)
        kept = max(Decimal(0), standing - self.paid_nodes) if self.commitment else Decimal(0)
        total = Decimal(0)
        for count, usd in ((billed - kept, self.usd_per_hour), (kept, self.commitment.usd_per_hour if self.commitment else None)):
            if count:
                if usd is None:
                    return None
                total += count * usd * hours
        return total


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type: what one node has, and its offerings. Nodes of an existing cluster are machines too."""

    cloud: str
    """eks, gke or existing."""
    name: str
    vcpus: int
    memory_gib: float
    accelerator: str | None
    """`Accelerator.id`; None for a CPU machine."""
    accelerator_count: int
    link: str
    """nvlink, pcie or none: how its accelerators reach each other."""
    offerings: tuple[Offering, ...]
    """What is known of its prices. Sold in one of `regions` without an offering there: the price is not known. A reserved offering of a
    machine that is not sold on-demand holds its list price, which a reservation is billed at.
    """
    source: str
    regions: tuple[str, ...] = ()
    """Where it is sold, priced or not; () where nothing is known."""
    arch: str = "x86_64"
    cpu: str | None = None
    """`Cpu.id`."""
    cpu_share: float | None = None
    """Part of a socket's bandwidth that the machine owns; above 1 where it spans sockets."""
    local_nvme_gib: float = 0
    network_gbps: float | None = None
    disk_mb_s: float | None = None
    """Baseline throughput of its network disks."""
    count: int | None = None
    """How many there are, on an existing cluster; None where the cloud's quota is the limit."""
    commitments: tuple[tuple[str, Commitment], ...] = ()
    """Region and what the user pays there for a term, where a price file says so."""
    facts: Mapping[str, Any] = field(default_factory=lambda: NO_FACTS)
    """Columns that only its own cloud reads. Both: `zones` (region -> zone letters, where known), `burstable`. EKS: `ami_types`,
    `usage_classes`, `max_enis` and `ipv4_per_eni` (pods), `efa_interfaces`. GKE: `accelerator_label`, `gpudirect`, `sold_as`.
    """

    def offering(self, region: str, capacity_type: CapacityType) -> Offering | None:
        """The offering in `region` of that kind; None where it is not sold so."""
        return next((o for o in self.offerings if o.region == region and o.capacity_type is capacity_type), None)


@dataclass(frozen=True, slots=True)
class Fee:
    """A unit price that is not a machine: control plane, disk, NAT, load balancer."""

    name: str
    unit: str
    usd: Decimal | None
    source: str
    as_of: str | None
    basis: str = "listed"
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EngineRelease:
    """A pinned release of an engine: the image that is run."""

    engine: str
    version: str
    image: str
    """Repository and tag."""
    digest: str | None
    """`sha256:...` where known."""
    image_gib: float
    """Size unpacked on the node's disk, for disks and cold starts."""
    source: str
    as_of: str
    cuda: str | None = None
    networks: Mapping[str, bool] = field(default_factory=lambda: NO_FACTS)
    """Network between accelerators of several machines (`EFA`) -> whether the image holds what NCCL needs for it; absent: not known."""
    networks_sources: Mapping[str, str] = field(default_factory=lambda: NO_FACTS)
    """Where each of `networks` is known from."""
