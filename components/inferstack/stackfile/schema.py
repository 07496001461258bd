"""The stack file as types: what people write under `inferstack:` in `Pulumi.<stack>.yaml`. The JSON Schema and the docs are made from this.

A service says what is wanted, not how; every field that is left out is decided by the planner. Field rules live at the field, rules
across fields at the model, both as sentences that follow the value. Rules that need the catalog live in the planner.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from ..catalog.types import CapacityType

NAME_PATTERN = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAME_LENGTH = 40
"""KServe appends `-predictor` and Kubernetes allows 63 characters for a Service."""


def _dns_name(name: str) -> str:
    if not NAME_PATTERN.fullmatch(name) or len(name) > NAME_LENGTH:
        wanted = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:NAME_LENGTH].strip("-") or "service"
        raise ValueError(f"is not a DNS name of at most {NAME_LENGTH} characters (a-z, 0-9 and -, a letter first)|use {wanted}")
    return name


def _money(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("is not a number of US dollars|write it without quotes and currency sign")
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return Decimal(str(value))


Name = Annotated[str, AfterValidator(_dns_name)]
Usd = Annotated[Decimal, BeforeValidator(_money), Field(gt=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Base of every part of the stack file: camelCase keys, unknown keys refused, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True, use_attribute_docstrings=True)


# --- target -----------------------------------------------------------------------------------------------------------------


class Network(Section):
    """The network that a new cluster is put into."""

    cidr: str = "10.0.0.0/16"
    """Address range of the VPC (EKS) or of the node subnet (GKE)."""
    nat_gateways: Literal["single", "per-zone"] = "single"
    """EKS: one NAT gateway for all zones (cheaper), or one in each (a lost zone takes no other with it)."""
    api_access_cidrs: tuple[str, ...] = ()
    """Who may reach the Kubernetes API from outside the network; empty: the private endpoint only on EKS, the IAM-guarded DNS endpoint on GKE."""


class Versions(Section):
    """Versions of what is installed. Left out: the version that this release was tested with."""

    kubernetes: str | None = None
    cert_manager: str | None = None
    kserve: str | None = None
    keda: str | None = None
    prometheus: str | None = None
    nvidia_device_plugin: str | None = None
    cluster_autoscaler: str | None = None


class Addons(Section):
    """What is installed into the cluster. Switch off what your cluster already has."""

    nvidia_device_plugin: bool | None = None
    """Left out: installed on EKS and on existing clusters with GPUs, not on GKE, whose nodes bring it."""
    cluster_autoscaler: bool | None = None
    """EKS only. Left out: installed where `nodeScaling` is autoscaler."""
    cert_manager: bool = True
    kserve: bool = True
    keda: bool = True
    prometheus: bool = True


class OwnedHardware(Section):
    """Hardware that is paid for: its hourly price is amortisation plus power."""

    purchase_usd: Usd
    years: Positive
    """Years over which the purchase is written off."""
    watts: Positive
    """Mean draw of one node at the wall, under load."""
    pue: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    """Power usage effectiveness of the room."""
    usd_per_kwh: Usd


class ExistingNodes(Section):
    """Nodes of one kind in an existing cluster."""

    gpu: str | None = None
    """GPU as in the catalog; left out for CPU nodes."""
    gpus_per_node: Annotated[int, Field(ge=0)] = 0
    count: Count = 1
    cpu: Positive
    """Cores (vCPUs) of one node."""
    memory_gib: Positive
    """Main memory of one node."""
    usd_per_hour: Usd | None = None
    """What one node costs per hour; leave it out where it is unknown, and the total will say so."""
    owned: OwnedHardware | None = None
    """In place of `usdPerHour`, for hardware that is owned."""
    labels: dict[str, str] = {}
    """Labels that select these nodes. Left out: none for CPU nodes, `nvidia.com/gpu.present=true` for GPU nodes."""

    @model_validator(mode="after")
    def _consistent(self) -> ExistingNodes:
        if (self.gpu is None) != (self.gpus_per_node == 0):
            raise ValueError("needs `gpu` and `gpusPerNode` together|give both, or neither for CPU nodes")
        if self.usd_per_hour is not None and self.owned is not None:
            raise ValueError("has both `usdPerHour` and `owned`|keep the one that is true")
        return self


class Target(Section):
    """Where the services run."""

    cloud: Literal["eks", "gke", "existing"]
    """eks and gke make a cluster; existing uses the one of a kubeconfig."""
    region: str | None = None
    """Required on eks and gke. Decides which machines are sold and at what price."""
    zones: tuple[str, ...] = ()
    """Zones for nodes. Left out: known zones of the region."""
    cluster_name: Name | None = None
    """Physical name of the cluster. Left out: project and stack. Changing it replaces the cluster."""
    network: Network = Network()
    versions: Versions = Versions()
    addons: Addons = Addons()
    node_scaling: Literal["autoscaler", "none"] | None = None
    """autoscaler: GPU nodes come and go with the replicas, from zero. none: the planned maximum stands always. Left out: autoscaler on eks and gke, none on existing."""
    namespace: Name = "inference"
    """Kubernetes namespace of the services."""
    nodes: tuple[ExistingNodes, ...] = ()
    """existing only: what the cluster has."""
    kubeconfig_context: str | None = None
    """existing only: context of the kubeconfig; left out: its current context."""
    deletion_protection: bool = False
    """Refuse to delete the cluster until this is false again."""

    @model_validator(mode="after")
    def _complete(self) -> Target:
        if self.cloud == "existing":
            if not self.nodes:
                raise ValueError("of cloud existing needs `nodes`|list what the cluster has, such as [{cpu: 8, memoryGib: 32}]")
            return self
        if self.region is None:
            example = "us-east-1" if self.cloud == "eks" else "us-central1"
            raise ValueError(f"of cloud {self.cloud} needs `region`|such as {example}")
        if self.nodes:
            raise ValueError(f"of cloud {self.cloud} takes no `nodes`, they are planned|remove them, or use cloud existing")
        return self

    @property
    def scales_nodes(self) -> bool:
        return (self.node_scaling or ("none" if self.cloud == "existing" else "autoscaler")) == "autoscaler"


# --- services ---------------------------------------------------------------------------------------------------------------


class Traffic(Section):
    """How much is asked: requests per second, or daily users and what each of them uses."""

    requests_per_second: Positive | None = None
    """Mean over the active hours."""
    daily_users: Positive | None = None
    tokens_per_user: Positive | None = None
    """Input and output tokens of one user per day."""
    words_per_user: Positive | None = None
    """In place of `tokensPerUser`; a word is 1.3 tokens."""
    output_share: Share | None = None
    """With `dailyUsers`: part of a user's tokens that are output. With both `isl` and `osl` it follows from them."""
    active_hours: Annotated[float, Field(gt=0, le=24, allow_inf_nan=False)] = 24.0
    """Hours per day in which the traffic comes."""
    peak_factor: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] = 2.0
    """Peak over mean. Replicas are sized for the peak."""
    isl: Count | None = None
    """Input tokens per request. Left out with `dailyUsers`: from `osl` and `outputShare`."""
    osl: Count | None = None
    """Output tokens per request."""

    @model_validator(mode="after")
    def _one_way(self) -> Traffic:
        if (self.requests_per_second is None) == (self.daily_users is None):
            raise ValueError("needs one of `requestsPerSecond` and `dailyUsers`|keep the one that you know")
        if self.requests_per_second is not None:
            extra = [to_camel(key) for key in ("tokens_per_user", "words_per_user", "output_share") if getattr(self, key) is not None]
            if extra:
                raise ValueError(f"has {', '.join(extra)} beside `requestsPerSecond`|they go with `dailyUsers`")
            if self.isl is None or self.osl is None:
                raise ValueError("with `requestsPerSecond` needs `isl` and `osl`|input and output tokens per request")
        else:
            if (self.tokens_per_user is None) == (self.words_per_user is None):
                raise ValueError("with `dailyUsers` needs one of `tokensPerUser` and `wordsPerUser`|keep the one that you know")
            stated = [key for key in ("isl", "osl", "output_share") if getattr(self, key) is not None]
            if len(stated) != 2:
                raise ValueError("with `dailyUsers` needs two of `isl`, `osl` and `outputShare`|the third follows from them")
        return self


class SloTargets(Section):
    """Latency targets at the 95th percentile. What is left out is no target."""

    ttft_p95_ms: Positive | None = None
    """Time to first token."""
    tpot_p95_ms: Positive | None = None
    """Time per output token after the first."""


class ReplicaRange(Section):
    """Bounds of the number of replicas."""

    min: Count
    max: Count

    @model_validator(mode="after")
    def _ordered(self) -> ReplicaRange:
        if self.min > self.max:
            raise ValueError(f"has min {self.min} above max {self.max}|swap them")
        return self


class CustomModel(Section):
    """A model that is not in the catalog, by its dimensions or by its Hugging Face `config.json`."""

    id: str
    """Hugging Face repository, or any name where `modelUri` is given."""
    config: str | None = None
    """Path to its `config.json`, relative to the stack file."""
    architecture: str | None = None
    """`model_type`, such as llama."""
    hidden_size: Count | None = None
    num_layers: Count | None = None
    num_attention_heads: Count | None = None
    num_kv_heads: Count | None = None
    head_dim: Count | None = None
    """Left out: hiddenSize / numAttentionHeads."""
    intermediate_size: Count | None = None
    vocab_size: Count | None = None
    tied_embeddings: bool = False
    max_context: Count | None = None
    gated: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> CustomModel:
        required = ("architecture", "hidden_size", "num_layers", "num_attention_heads", "num_kv_heads", "intermediate_size", "vocab_size", "max_context")
        given = [key for key in required if getattr(self, key) is not None]
        if self.config is not None and given:
            raise ValueError(f"has `config` beside {to_camel(given[0])}|dimensions are read from the config; keep one way")
        if self.config is None and len(given) != len(required):
            missing = [to_camel(key) for key in required if key not in given]
            raise ValueError(f"needs {', '.join(missing)}|or `config`, a path to its config.json")
        return self


class Service(Section):
    """One model behind one endpoint."""

    name: Name
    """Kubernetes name, and the model name at the endpoint. Renaming makes a new service."""
    model: str | CustomModel
    """Hugging Face id of a model in the catalog, or a model by its dimensions."""
    traffic: Traffic
    slo: SloTargets = SloTargets()
    engine: str | None = None
    model_uri: str | None = None
    """Weights to serve: hf://owner/repository, s3://..., gs://... or pvc://claim/path. Needs `quantization` too."""
    revision: str | None = None
    """Commit of the Hugging Face repository."""
    quantization: str | None = None
    gpu: str | None = None
    """GPU as in the catalog, or `cpu`."""
    machine_type: str | None = None
    tensor_parallel: Count | None = None
    replicas: Count | ReplicaRange | None = None
    """A number keeps that many always; {min, max} bounds autoscaling."""
    context: Count | None = None
    """Longest request, input and output together, in tokens."""
    capacity_type: CapacityType | None = None
    """on-demand (default), spot, or reserved."""
    reservation_id: str | None = None
    """With capacity type reserved: the capacity reservation to use."""
    endpoint: Literal["cluster", "internal", "public"] = "cluster"
    """cluster: inside the cluster only. internal: a load balancer inside the network, `inferstack:apiKey` required."""

    @model_validator(mode="after")
    def _consistent(self) -> Service:
        if (self.capacity_type is CapacityType.RESERVED) != (self.reservation_id is not None):
            raise ValueError("needs `capacityType: reserved` and `reservationId` together|give both or neither")
        if self.model_uri is not None and self.quantization is None:
            raise ValueError("with `modelUri` needs `quantization`|say how those weights are stored, such as bf16")
        if self.revision is not None and self.model_uri is not None and not self.model_uri.startswith("hf://"):
            raise ValueError("has `revision` beside a `modelUri` that is not hf://|a revision is a commit of a Hugging Face repository")
        return self


class Budget(Section):
    """What the stack may cost at the top of its autoscaling range; the preview exits with 3 above it."""

    max_monthly_usd: Usd | None = None
    max_hourly_usd: Usd | None = None


class StackFile(Section):
    """Everything under `inferstack:` in one stack file. Secrets never get here: only whether they are set."""

    stack: str
    """Name of the stack: the stem of the file."""
    source: str
    """File that errors name."""
    target: Target
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    budget: Budget = Budget()
    has_hugging_face_token: bool = False
    has_api_key: bool = False
    provider: dict[str, str] = {}
    """Plain settings of other namespaces that plans read: gcp:project, aws:region."""
