"""One service, as the stack file says it: a model, its traffic, its latency targets, and what the user has decided already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from ..catalog.types import CapacityType
from .budget import ServiceBudget
from .own import OwnServer
from .schedule import Schedule, is_time, minutes
from .section import Broken, Section
from .untyped import is_list, is_mapping
from .values import MAPPING, SCALAR, Count, Dimension, Image, Large, Many, Name, Settings, Share, Text, Tokens, WeightsUri, shape

MAX_REQUESTS_PER_SECOND = 1e6
MIN_REQUESTS_PER_SECOND = 1e-6
"""One request in eleven days."""
HOURS_PER_DAY = 24
TOKENS_PER_WORD = 1.3
SHARES_TOLERANCE = 0.001
"""How far a day's shares may be from 1: they are written with a few decimals."""
OWN_ENGINE = "custom"
"""What `engine` says for a server of the user's own."""


class Traffic(Section):
    """How much is asked: requests per second, or daily users and what each of them uses."""

    requests_per_second: Annotated[float, Field(ge=MIN_REQUESTS_PER_SECOND, le=MAX_REQUESTS_PER_SECOND, allow_inf_nan=False)] | None = None
    """Mean over the active hours."""
    daily_users: Large | None = None
    """People who use the service on one day."""
    tokens_per_user: Large | None = None
    """Input and output tokens of one user per day."""
    words_per_user: Large | None = None
    """In place of `tokensPerUser`; a word is 1.3 tokens."""
    output_share: Share | None = None
    """With `dailyUsers`: part of a user's tokens that are output. With both `isl` and `osl` it follows from them."""
    active_hours: Annotated[float, Field(gt=0, le=HOURS_PER_DAY, allow_inf_nan=False)] = 24.0
    """Hours per day in which the traffic comes."""
    active_days: Annotated[float, Field(gt=0, le=7, allow_inf_nan=False)] = 7.0
    """Days per week on which it comes; daily users are those of such a day."""
    hourly_shares: tuple[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)], ...] = Many
    """In place of `activeHours`: the part of a day's requests in each of its 24 hours; they sum to 1."""
    peak_factor: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] = 2.0
    """Peak over mean, within the busiest hour where `hourlyShares` are given. Replicas are sized for the peak."""
    isl: Tokens | None = None
    """Input tokens per request. Left out with `dailyUsers`: from `osl` and `outputShare`."""
    osl: Tokens | None = None
    """Output tokens per request."""
    burstiness: Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)] = 1.0
    """Of the times between requests, standard deviation over mean: 1 is Poisson, as from many independent users; more comes in bursts."""
    length_spread: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    """Of input and output tokens, standard deviation over mean: 0 where all requests are alike, about 1 in open chat."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        stated = {key for key, value in given.items() if value is not None}
        yield from _rules_of_hourly_shares(given)
        if {"requestsPerSecond", "dailyUsers"} <= stated:
            yield Broken("stands beside `requestsPerSecond`", "keep the one that you know", at=("dailyUsers",))
        elif "requestsPerSecond" in stated:
            yield from _rules_of_request_rates(stated)
        elif "dailyUsers" in stated:
            yield from _rules_of_daily_users(stated)
            yield from _rules_of_implied_rate(given)
        else:
            yield Broken("does not say how much is asked", "give `requestsPerSecond`, or `dailyUsers` with `tokensPerUser`")


def _rules_of_hourly_shares(given: Mapping[str, Any]) -> Iterator[Broken]:
    """A day has 24 hours, and all of its requests come in one of them."""
    shares = given.get("hourlyShares")
    if not is_list(shares) or not shares:
        return
    if given.get("activeHours") is not None:
        yield Broken("stands beside `hourlyShares`, from which it follows", "remove it", at=("activeHours",))
    numbers = [share for share in shares if isinstance(share, int | float) and not isinstance(share, bool)]
    if len(shares) != HOURS_PER_DAY:
        yield Broken(f"has {len(shares)} hours, a day has {HOURS_PER_DAY}", "begin with the hour after midnight", at=("hourlyShares",))
    elif len(numbers) == HOURS_PER_DAY and abs(sum(numbers) - 1) > SHARES_TOLERANCE:
        total = sum(numbers)
        way_out = f"divide each by {total:g}" if total > 0 else "give the busy hours their part"
        yield Broken(f"sums to {total:g}, not to 1", way_out, at=("hourlyShares",))


def _rules_of_request_rates(stated: set[str]) -> Iterator[Broken]:
    for key in ("tokensPerUser", "wordsPerUser", "outputShare"):
        if key in stated:
            yield Broken("stands beside `requestsPerSecond`", "remove it: it goes with `dailyUsers`", at=(key,))
    for key, direction in (("isl", "input"), ("osl", "output")):
        if key not in stated:
            yield Broken(
                "is needed with `requestsPerSecond`", f"{direction} tokens per request, such as {512 if key == 'isl' else 256}", at=(key,)
            )


def _rules_of_daily_users(stated: set[str]) -> Iterator[Broken]:
    if not stated & {"tokensPerUser", "wordsPerUser"}:
        yield Broken("is needed with `dailyUsers`", "tokens of one user per day; or `wordsPerUser`", at=("tokensPerUser",))
    if {"tokensPerUser", "wordsPerUser"} <= stated:
        yield Broken("stands beside `tokensPerUser`", "keep the one that you know", at=("wordsPerUser",))
    lengths = ("isl", "osl", "outputShare")
    known = [key for key in lengths if key in stated]
    if len(known) == len(lengths):
        yield Broken("stands beside `isl` and `osl`, from which it follows", "remove it", at=("outputShare",))
    elif len(known) < 2:
        missing = [f"`{key}`" for key in lengths if key not in stated]
        yield Broken("with `dailyUsers` needs two of `isl`, `osl` and `outputShare`", f"add {' or '.join(missing)}; the third follows")


def _rules_of_implied_rate(given: Mapping[str, Any]) -> Iterator[Broken]:
    names = ("dailyUsers", "tokensPerUser", "wordsPerUser", "outputShare", "isl", "osl")
    users, tokens, words, share, isl, osl = (_positive(given.get(name)) for name in names)
    hours = _positive(given.get("activeHours", HOURS_PER_DAY))
    per_user = tokens if tokens is not None else words * TOKENS_PER_WORD if words is not None else None
    part = share if share is not None and share < 1 else None
    per_request = (
        isl + osl if isl is not None and osl is not None
        else isl / (1 - part) if isl is not None and part is not None
        else osl / part if osl is not None and part is not None
        else None
    )  # fmt: skip
    if users is None or per_user is None or per_request is None or hours is None:
        return
    rate = users * (per_user / per_request) / (hours * 3600)
    if not MIN_REQUESTS_PER_SECOND <= rate <= MAX_REQUESTS_PER_SECOND:
        bound = f"above {MAX_REQUESTS_PER_SECOND:,.0f}" if rate > 1 else f"below {MIN_REQUESTS_PER_SECOND:g}"
        yield Broken(
            f"makes {rate:.3g} requests per second of these users, {bound}", "check users, tokens per user and lengths", at=("dailyUsers",)
        )


def _positive(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e15 else None


class SloTargets(Section):
    """Latency targets at the 95th percentile. What is left out is no target."""

    ttft_p95_ms: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] | None = None
    """Time to first token."""
    tpot_p95_ms: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] | None = None
    """Time per output token after the first."""


class ReplicaRange(Section):
    """Bounds of the number of replicas."""

    min: Count = Field(examples=[1])
    """Replicas that always run."""
    max: Count = Field(examples=[4])
    """Replicas at most."""

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


class Service(Section):
    """One model behind one endpoint."""

    name: Name = Field(examples=["chat"])
    """Kubernetes name, and the model name at the endpoint. Renaming makes a new service."""
    model: Annotated[Annotated[Text, Tag(SCALAR)] | Annotated[CustomModel, Tag(MAPPING)], Discriminator(shape)] = Field(
        examples=["Qwen/Qwen3-8B"]
    )
    """Hugging Face id of a model in the catalog, or a model by its dimensions."""
    traffic: Traffic = Field(examples=["{requestsPerSecond: 2, isl: 512, osl: 256}"])
    slo: SloTargets = Field(default_factory=SloTargets)
    engine: Text | None = None
    """Name of an engine, such as vllm, llama.cpp or sglang. Left out: decided by the plan, between vllm and llama.cpp."""
    engine_args: Settings = Field(default_factory=dict, examples=["{enable-auto-tool-choice: true, tool-call-parser: hermes}"])
    """Flags of the engine's own, checked against its release: true and false switch, lists are several values, mappings JSON."""
    env: Settings = Field(default_factory=dict, examples=["{NCCL_DEBUG: INFO}"])
    """Variables of the container, no secrets."""
    image: Image | None = None
    """The engine's image in place of the pinned one, with tag or digest. Needs `engine`."""
    custom: OwnServer | None = None
    """With `engine: custom`: a server of your own."""
    model_uri: WeightsUri | None = None
    """Weights to serve: hf://owner/repository, s3://..., gs://... or pvc://claim/path. Needs `quantization` too."""
    revision: Text | None = None
    """Commit of the Hugging Face repository."""
    quantization: Text | None = None
    """How the weights are stored, as in the catalog: bf16, fp8, awq, gguf-q4_k_m, ..."""
    gpu: Text | None = None
    """GPU as in the catalog, or `cpu`."""
    machine_type: Text | None = None
    """Machine type of the cloud."""
    tensor_parallel: Annotated[int, Field(ge=1, le=1024)] | None = None
    """GPUs that share one replica."""
    replicas: Annotated[Annotated[Count, Tag(SCALAR)] | Annotated[ReplicaRange, Tag(MAPPING)], Discriminator(shape)] | None = Field(
        default=None, examples=["2 or {min: 1, max: 4}"]
    )
    """A number keeps that many always; {min, max} bounds autoscaling."""
    spare_replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    """Replicas beyond what the traffic needs, which keep the SLO while one is lost or replaced: 1 is N+1."""
    context: Tokens | None = None
    """Longest request, input and output together, in tokens."""
    calibration: Text | None = None
    """Your own measurements: a file that `inferstack calibrate -o` wrote, relative to the stack file. They correct what they measured."""
    capacity_type: Annotated[CapacityType, Field(strict=False)] | None = None
    """on-demand (default), spot, or reserved."""
    reservation_id: Text | None = None
    """With capacity type reserved: the capacity reservation to use."""
    schedule: Schedule | None = None
    """When it runs; left out: always."""
    budget: ServiceBudget = Field(default_factory=ServiceBudget)
    endpoint: Literal["cluster", "internal"] = "cluster"
    """cluster: inside the cluster only. internal: a load balancer inside the network, `inferstack:apiKey` required."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        if given.get("capacityType") == CapacityType.RESERVED and given.get("reservationId") is None:
            yield Broken("is needed with capacity type reserved", "give the id of the capacity reservation", at=("reservationId",))
        if given.get("capacityType") != CapacityType.RESERVED and given.get("reservationId") is not None:
            yield Broken("goes with capacity type reserved", "add `capacityType: reserved`, or remove it", at=("reservationId",))
        if given.get("modelUri") is not None and given.get("quantization") is None:
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
        if given.get("revision") is not None and isinstance(uri, str) and not uri.startswith("hf://"):
            yield Broken(
                "stands beside a `modelUri` that is not hf://", "remove it: a revision is a commit on Hugging Face", at=("revision",)
            )
        yield from _rules_of_own_servers(given)
        for key in ("engineArgs", "image"):
            if given.get(key) is not None and given.get("engine") is None:
                yield Broken("is one engine's own", "say which with `engine`", at=(key,))
        yield from _rules_of_schedules(given)
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


def _window(schedule: Mapping[str, Any]) -> tuple[float, int] | None:
    """Hours a day and days a week of a schedule; None where it is wrong itself."""
    start, end, days = schedule.get("start"), schedule.get("end"), schedule.get("days", ["mon", "tue", "wed", "thu", "fri"])
    if not (is_time(start) and is_time(end) and is_list(days)) or minutes(start) >= minutes(end):
        return None
    return (minutes(end) - minutes(start)) / 60, len({str(day) for day in days})
