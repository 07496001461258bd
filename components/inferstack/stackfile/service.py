"""One service, as the stack file says it: a model, its traffic, its latency targets, and what the user has decided already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from ..catalog.types import CapacityType
from .additions import Adapter, Speculation, rules_of_adapters
from .budget import ServiceBudget
from .own import OwnServer
from .schedule import DAYS, Schedule, is_time, minutes
from .section import Broken, Section
from .traffic import HOURS_PER_DAY, Traffic
from .untyped import is_list, is_mapping
from .values import MAPPING, SCALAR, Count, Dimension, Image, Many, Name, Settings, Share, Text, Tokens, WeightsUri, shape
from .volumes import NO_VOLUME

AUTO = "auto"
"""What `engine` and `quantization` say where the plan is to compare."""
OWN_ENGINE = "custom"
"""What `engine` says for a server of the user's own."""


class SloTargets(Section):
    """Latency targets at the 95th percentile. What is left out is no target."""

    ttft_p95_ms: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] | None = None
    """Time to first token."""
    tpot_p95_ms: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] | None = None
    """Time per output token after the first."""
    latency_p95_ms: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] | None = None
    """Whole answer of a model that generates nothing: embedding, rerank and reward models."""
    cold_start_seconds: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """Expected seconds until a new replica answers: node, image, weights and start. No percentile."""


class ReplicaRange(Section):
    """Bounds of the number of replicas."""

    min: Annotated[int, Field(ge=0, le=100_000)] = Field(examples=[1])
    """Replicas that always run. 0: the last one goes while nobody asks, and who asks first waits for a cold start."""
    max: Count | None = Field(default=None, examples=[4])
    """Replicas at most. Left out: what the peak needs."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        low, high = given.get("min"), given.get("max")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield Broken(f"is above max {high}", "swap them", at=("min",))


class CustomModel(Section):
    """A model that is not in the catalog, by its dimensions or by its Hugging Face `config.json`."""

    id: Text = Field(examples=["acme/chat-7b"])
    """Hugging Face repository, or any name where `modelUri` is given."""
    config: Text | None = None
    """Path to its `config.json`, relative to the stack file."""
    architecture: Text | None = None
    """`model_type`, such as llama."""
    hidden_size: Dimension | None = None
    """`hidden_size` of the config."""
    num_layers: Dimension | None = None
    """`num_hidden_layers` of the config."""
    num_attention_heads: Dimension | None = None
    """`num_attention_heads` of the config."""
    num_kv_heads: Dimension | None = None
    """`num_key_value_heads` of the config."""
    head_dim: Dimension | None = None
    """Left out: hiddenSize / numAttentionHeads."""
    intermediate_size: Dimension | None = None
    """`intermediate_size` of the config."""
    vocab_size: Dimension | None = None
    """`vocab_size` of the config."""
    tied_embeddings: bool = False
    """`tie_word_embeddings` of the config: the output layer shares the input's weights."""
    max_context: Tokens | None = None
    """`max_position_embeddings` of the config."""
    gated: bool = False
    """True where Hugging Face asks for a token."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        dimensions = [to_camel(key) for key in _DIMENSIONS]
        stated = [key for key in dimensions if given.get(key) is not None]
        if given.get("config") is not None and stated:
            yield Broken(f"stands beside `{stated[0]}`", "keep one way: dimensions are read from the config", at=("config",))
        if given.get("config") is None and len(stated) < len(dimensions):
            missing = [f"`{key}`" for key in dimensions if key not in stated]
            yield Broken(f"needs {', '.join(missing)}", "or `config`, a path to its config.json")


_DIMENSIONS = (
    "architecture",
    "hidden_size",
    "num_layers",
    "num_attention_heads",
    "num_kv_heads",
    "intermediate_size",
    "vocab_size",
    "max_context",
)


class QualityFloor(Section):
    """Below this no weights are chosen, whatever they would save."""

    min_bits: Annotated[float, Field(ge=1, le=16, allow_inf_nan=False)] | None = None
    """Bits of a weight; 4 admits awq and gptq-int4 as well. The precision that the model was published in is always admitted."""
    max_loss_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    """Most accuracy that a published evaluation of that quantization may have lost; what nobody is known to have evaluated is left out."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        if given.get("minBits") is None and given.get("maxLossPercent") is None:
            yield Broken("sets no floor", "give `minBits`, such as 8, or `maxLossPercent`, or remove it")


class Service(Section):
    """One model behind one endpoint."""

    name: Name = Field(examples=["chat"])
    """Kubernetes name, and the model name at the endpoint. Renaming makes a new service."""
    model: Annotated[Annotated[Text, Tag(SCALAR)] | Annotated[CustomModel, Tag(MAPPING)], Discriminator(shape)] = Field(
        examples=["Qwen/Qwen3-8B"]
    )
    """Hugging Face id of a model in the catalog, or a model by its dimensions."""
    task: Literal["generate", "embed", "rerank", "reward"] | None = None
    """What it does with a request. Left out: what the model is made for, as the catalog knows it; a model of your own generates."""
    traffic: Traffic = Field(examples=["{requestsPerSecond: 2, isl: 512, osl: 256}"])
    slo: SloTargets = Field(default_factory=SloTargets)
    engine: Text | None = None
    """Name of an engine, such as vllm, llama.cpp or sglang, or `auto`: the one with the cheapest placement. Left out: vllm, or llama.cpp
    where that has none."""
    server: Name | None = Field(default=None, examples=["assistants"])
    """Services of the same `server` are served by one server and answer at one endpoint, each by its own name. Needs an `engine` that
    serves several, the same for all. Left out: a server of its own."""
    engine_args: Settings = Field(default_factory=dict, examples=["{enable-auto-tool-choice: true, tool-call-parser: hermes}"])
    """Flags of the engine's own, checked against its release: true and false switch, lists are several values, mappings JSON."""
    env: Settings = Field(default_factory=dict, examples=["{NCCL_DEBUG: INFO}"])
    """Variables of the container, no secrets."""
    image: Image | None = None
    """The engine's image in place of the pinned one, with tag or digest. Needs `engine`."""
    custom: OwnServer | None = None
    """With `engine: custom`: a server of your own."""
    model_uri: WeightsUri | None = None
    """Weights to serve: hf://owner/repository, s3://..., gs://..., pvc://claim/path or oci://image:tag. Needs `quantization` too."""
    loading: Literal["stream", "copy"] | None = None
    """How weights of a bucket come to the GPU. copy: to the node's disk first. stream: read by the engine (Run:ai streamer). Left out:
    whichever answers sooner."""
    volume: Name | None = None
    """Volume of `target.volumes` that its weights are copied to, once, and read from; none: on no volume. Left out: the cheapest way that
    keeps `slo.coldStartSeconds`, and without that the soonest."""
    revision: Text | None = None
    """Commit of the Hugging Face repository."""
    quantization: Text | None = None
    """How the weights are stored, as in the catalog: bf16, fp8, awq, gguf-q4_k_m, ... Left out or `auto`: the cheapest above `quality`."""
    quality: QualityFloor | None = None
    """How coarse weights may be. Left out: 8 bits in floating point or GGUF, and less only where nothing else works, with a warning."""
    gpu: Text | None = None
    """GPU as in the catalog, or `cpu`."""
    machine_type: Text | None = None
    """Machine type of the cloud."""
    adapters: tuple[Adapter, ...] = Many
    """LoRA adapters on the model, each with a name of its own at the endpoint."""
    adapter_slots: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Adapters on the GPU at once, the others wait in main memory; left out: all of them."""
    speculation: Speculation | None = None
    tool_calls: bool = False
    """True: tool calls come in the form of the OpenAI API, by the engine's parser for this model."""
    reasoning: bool = False
    """True: reasoning comes apart from the answer, by the engine's parser for this model."""
    prefix_hit_rate: Share | None = None
    """Part of the prompt tokens that the prefix cache holds, as you measured it; nothing is assumed."""
    tensor_parallel: Annotated[int, Field(ge=1, le=1024)] | None = None
    """GPUs that share each layer; the GPUs of a replica where none of the next two is given."""
    pipeline_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Stages that hold the layers in turn, each of `tensorParallel` GPUs. More GPUs than a machine has make one replica span machines."""
    data_parallel: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Groups of `tensorParallel` GPUs that share the experts of one replica and attend to sequences of their own; mixtures of experts.
    More GPUs than a machine has make one replica span machines."""
    expert_parallel: bool | None = None
    """true: whole experts are spread over the GPUs of a replica. false: each expert is split over them."""
    replicas: Annotated[Annotated[Count, Tag(SCALAR)] | Annotated[ReplicaRange, Tag(MAPPING)], Discriminator(shape)] | None = Field(
        default=None, examples=["2 or {min: 1, max: 4}"]
    )
    """A number keeps that many always; {min, max} bounds autoscaling; {min: 0} runs none while nobody asks."""
    spare_replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    """Replicas beyond what the traffic needs, which keep the SLO while one is lost or replaced: 1 is N+1."""
    context: Tokens | None = None
    """Longest request, input and output together, in tokens."""
    calibration: Text | None = None
    """Your own measurements: a file that `inferstack calibrate -o` wrote, relative to the stack file. They correct what they measured."""
    capacity_type: Annotated[CapacityType, Field(strict=False)] | None = None
    """on-demand (default), spot, or reserved."""
    commitment: Literal["1y", "3y"] | None = None
    """With capacity type on-demand: machines that always stand are bought for that term and paid used or not, further ones as they come."""
    reservation_id: Text | None = None
    """With capacity type reserved: the capacity reservation to use."""
    capacity_block: bool = False
    """EKS, with capacity type reserved: the reservation is a Capacity Block, which is prepaid as a whole."""
    schedule: Schedule | None = None
    """When it runs; left out: always."""
    budget: ServiceBudget = Field(default_factory=ServiceBudget)
    endpoint: Literal["cluster", "internal"] = "cluster"
    """cluster: inside the cluster only. internal: a load balancer inside the network, `inferstack:apiKey` required."""

    @property
    def named_engine(self) -> str | None:
        """The engine that the stack file names; None where the plan decides."""
        return None if self.engine == AUTO else self.engine

    @property
    def named_quantization(self) -> str | None:
        """The quantization that the stack file names; None where the plan decides."""
        return None if self.quantization == AUTO else self.quantization

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        if given.get("capacityType") == CapacityType.RESERVED and given.get("reservationId") is None:
            yield Broken("is needed with capacity type reserved", "give the id of the capacity reservation", at=("reservationId",))
        if given.get("capacityType") != CapacityType.RESERVED and given.get("reservationId") is not None:
            yield Broken("goes with capacity type reserved", "add `capacityType: reserved`, or remove it", at=("reservationId",))
        if given.get("capacityBlock") is True and given.get("capacityType") != CapacityType.RESERVED:
            yield Broken("goes with capacity type reserved", "add `capacityType: reserved`, or remove it", at=("capacityBlock",))
        if given.get("commitment") is not None and given.get("capacityType") not in (None, CapacityType.ON_DEMAND):
            yield Broken("goes with capacity type on-demand", f"remove it: {given['capacityType']} is bought otherwise", at=("commitment",))
        if given.get("modelUri") is not None and given.get("quantization") in (None, AUTO):
            yield Broken("is needed with `modelUri`", "say how those weights are stored, such as bf16", at=("quantization",))
        uri, model = given.get("modelUri"), given.get("model")
        named = model.get("id") if is_mapping(model) else None
        if uri is None and isinstance(named, str) and not re.fullmatch("[^/]+/[^/]+", named):
            reason = "is no repository on Hugging Face, and no `modelUri` says where its weights are"
            yield Broken(reason, "use owner/repository, or add `modelUri` and `quantization`", at=("model", "id"))
        if uri is None and given.get("revision") is not None:
            yield Broken(
                "is needed beside `revision`, which is a commit of one repository", "such as hf://owner/repository", at=("modelUri",)
            )
        if isinstance(uri, str) and uri.startswith(("pvc://", "oci://")) and given.get("volume") not in (None, NO_VOLUME):
            yield Broken(
                "stands beside a `modelUri` that is mounted where it is",
                "remove it, or name where the weights are copied from",
                at=("volume",),
            )
        if given.get("server") is not None and given.get("volume") not in (None, NO_VOLUME):
            yield Broken(
                "stands beside `server`: models that share one are not planned on volumes", "remove one of the two", at=("volume",)
            )
        if given.get("revision") is not None and isinstance(uri, str) and not uri.startswith("hf://"):
            yield Broken(
                "stands beside a `modelUri` that is not hf://", "remove it: a revision is a commit on Hugging Face", at=("revision",)
            )
        if given.get("quality") is not None and given.get("quantization") not in (None, AUTO):
            yield Broken("stands beside `quantization`, which decides it", "remove one of the two", at=("quality",))
        yield from _rules_of_own_servers(given)
        yield from rules_of_adapters(given)
        yield from _rules_of_schedules(given)
        yield from _rules_of_going_to_zero(given)
        if given.get("endpoint") == "public":
            yield Broken("is refused until there is a gateway with TLS and keys", "use internal", at=("endpoint",))


def _rules_of_own_servers(given: Mapping[str, Any]) -> Iterator[Broken]:
    named, described = given.get("engine") == OWN_ENGINE, given.get("custom") is not None
    if named and not described:
        yield Broken(
            f"is needed with engine {OWN_ENGINE}", "say how your server is started, such as {like: vllm, args: [...]}", at=("custom",)
        )
    if described and not named:
        yield Broken(f"describes a server of your own, which is `engine: {OWN_ENGINE}`", "add that, or remove it", at=("custom",))
    if described and given.get("image") is None:
        yield Broken("is needed with `custom`", "such as registry.example/team/server:1.2.3", at=("image",))
    if described and given.get("engineArgs"):
        yield Broken("stands beside `custom`, which has arguments of its own", "write them in custom.args", at=("engineArgs",))


def _rules_of_schedules(given: Mapping[str, Any]) -> Iterator[Broken]:
    """What a schedule turns off must not be asked for: traffic outside of it, and fewer replicas within it than outside."""
    schedule, traffic, replicas = given.get("schedule"), given.get("traffic"), given.get("replicas")
    if not is_mapping(schedule):
        return
    window = _window(schedule)
    outside = schedule.get("outsideReplicas", 0)
    least = replicas.get("min") if is_mapping(replicas) else 1 if replicas is None else replicas
    if isinstance(outside, int) and isinstance(least, int) and outside > least:
        yield Broken(f"is above the {least} within the window", "lower it", at=("schedule", "outsideReplicas"))
    if window is None or not is_mapping(traffic):
        return
    hours, days = window
    for key, most, unit in (("activeHours", hours, "hours a day"), ("activeDays", days, "days a week")):
        asked = traffic.get(key, HOURS_PER_DAY if key == "activeHours" else 7)
        if isinstance(asked, int | float) and asked > most and outside == 0:
            reason = f"is longer than the schedule's {most:g} {unit}, outside of which no replica answers"
            yield Broken(reason, f"use at most {most:g}, or give the schedule outsideReplicas", at=("traffic", key))


def _rules_of_going_to_zero(given: Mapping[str, Any]) -> Iterator[Broken]:
    """What wakes a service answers inside the cluster, and nothing else may keep it awake."""
    replicas = given.get("replicas")
    if not is_mapping(replicas) or replicas.get("min") != 0 or isinstance(replicas.get("min"), bool):
        return
    at = ("replicas", "min")
    if given.get("endpoint") == "internal":
        yield Broken("is not for endpoint internal: what wakes the service answers inside the cluster", "use 1, or endpoint cluster", at=at)
    if given.get("schedule") is not None:
        yield Broken("stands beside `schedule`, which says when replicas run", "use at least 1 within the window", at=at)
    if given.get("spareReplicas"):
        yield Broken("stands beside `spareReplicas`, which always run", "use at least 1, or remove them", at=at)


def _window(schedule: Mapping[str, Any]) -> tuple[float, int] | None:
    """Hours a day and days a week of a schedule; None where it is wrong itself."""
    start, end, days = schedule.get("start"), schedule.get("end"), schedule.get("days", ["mon", "tue", "wed", "thu", "fri"])
    if not (is_time(start) and is_time(end) and is_list(days)) or minutes(start) >= minutes(end):
        return None
    if not days or any(day not in DAYS for day in days):
        return None
    return (minutes(end) - minutes(start)) / 60, len({str(day) for day in days})
