"""What an engine is to the rest of the library: one small protocol, and the plain data it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..catalog.types import Accelerator, Checkpoint, EngineRelease, Model
from ..sizing.types import Estimate, MemoryLayout, Parallelism, Replica, Shape
from .additions import Adapter, LoraRules, Speculation
from .confinement import Confinement
from .sharing import Sharing

GENERATES = frozenset({"llm"})
"""Kinds of models that an engine serves unless it says more."""
CHAT_ROUTES = ("/v1/chat/completions", "/v1/completions")
"""Paths of the OpenAI API that generate text."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be, and the nearest thing that can."""

    reason: str
    """A clause that follows the quantization or the model: `does not run on llama.cpp, which loads GGUF only`."""
    nearest: str | None = None
    is_silicon: bool = False
    """True where no weights whatever would run on that silicon."""


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """A Kubernetes HTTP probe; seconds."""

    path: str
    port: int
    period: int
    failures: int
    timeout: int


@dataclass(frozen=True, slots=True)
class Probes:
    startup: HttpProbe
    readiness: HttpProbe
    liveness: HttpProbe


@dataclass(frozen=True, slots=True)
class Volume:
    """An emptyDir: `memory` for /dev/shm (its size counts as container memory), otherwise the node's disk."""

    name: str
    path: str
    size_gib: float
    memory: bool = False


@dataclass(frozen=True, slots=True)
class ClaimFolder:
    """A folder of a claim that the container writes to, which outlives its pod and is shared with other pods."""

    name: str
    path: str
    claim: str
    folder: str


@dataclass(frozen=True, slots=True)
class SecretEnv:
    """An environment variable whose value is a key of a Kubernetes secret; the value itself never enters a plan."""

    name: str
    secret: str
    """Which secret is meant: hugging-face-token or api-key."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """An engine's names for the signals that scaling and dashboards read; None where it has none."""

    path: str | None
    requests_waiting: str | None
    requests_running: str | None
    kv_usage: str | None
    """Gauge of 0..1."""
    ttft: str | None = None
    tpot: str | None = None
    needs_api_key: bool = False
    """True where the metrics endpoint asks for the API key as well."""
    port: str = "http"
    """Name of the port that they are read at."""


@dataclass(frozen=True, slots=True)
class Drain:
    """How a pod leaves, in seconds."""

    pre_stop: int
    """Sleep before SIGTERM, so that endpoints forget the pod first."""
    grace: int
    """terminationGracePeriodSeconds: pre-stop, longest planned response, and a margin."""
    command: tuple[str, ...] = ()
    """Runs in the container before SIGTERM in place of the sleep and ends within `pre_stop`, earlier where nothing is left to wait for."""


@dataclass(frozen=True, slots=True)
class Elasticity:
    """How the number of replicas may follow the load, for engines that start and stop them themselves."""

    least: int
    most: int
    requests_each: int
    """Requests in flight at which one replica carries its part of the planned peak."""
    down_seconds: int
    """How long the load must be lower before a replica goes."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What flags of the user change in the plan; None leaves it to the planner."""

    max_sequences: int | None = None
    """Most sequences in one batch."""
    kv_dtype: str | None = None
    """As in `Shape.kv_dtype`."""
    host_gib: float = 0.0
    """Main memory that the flags take beside what the engine needs by itself, for each group of attention on a machine."""
    host_gib_each: float = 0.0
    """The same for each accelerator."""
    host_kv_ratio: float = 0.0
    """KV cache in main memory over that on the accelerators."""
    host_weight_gib: float = 0.0
    """Weights of each accelerator that wait in main memory."""


@dataclass(frozen=True, slots=True)
class ServingIdentity:
    """What an engine must know of the service that it serves."""

    name: str
    """Kubernetes name; also the model name at the endpoint."""
    startup_seconds: int
    """Upper end of the cold start after the image is there: weights and initialisation."""
    longest_response_seconds: int
    needs_hugging_face_token: bool
    needs_api_key: bool
    cpu_millicores: int
    """CPU that the container gets; engines that run on CPU size their threads from it."""
    image: str | None = None
    """The user's own image, whose tag may say another release than the pinned one."""
    elasticity: Elasticity = Elasticity(1, 1, 1, 300)
    adapters: tuple[Adapter, ...] = ()
    speculation: Speculation | None = None
    tool_parser: str | None = None
    """The engine's name of it; None: tool calls are not parsed."""
    reasoning_parser: str | None = None
    tuning: Tuning = Tuning()
    """What the user's flags asked for; batch and KV cache dtype are the replica's own already."""


@dataclass(frozen=True, slots=True)
class InitContainer:
    """Runs to its end before the server starts, with the server's volumes and files."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    secret_env: tuple[SecretEnv, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadPod:
    """The pod that leads a cluster of pods and serves no model; limits are its requests."""

    cpu_millicores: int
    memory_bytes: int
    source: str


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model inside a Ray cluster: what Ray Serve is told of it, and of the cluster that is made for it."""

    head: HeadPod
    ray_version: str
    llm_config: Mapping[str, Any]
    """One `LLMConfig` of Ray Serve LLM."""
    ingress: Mapping[str, Any]
    """Options of the deployment that speaks the OpenAI API."""

    def told(self, engine_kwargs: Mapping[str, Any]) -> ServedModel:
        """The same with `engine_kwargs` beside the planned ones."""
        both = {**self.llm_config["engine_kwargs"], **engine_kwargs}
        return replace(self, llm_config={**self.llm_config, "engine_kwargs": both})


@dataclass(frozen=True, slots=True)
class Workers:
    """The pods of a replica beside its first, each on a machine of its own. They serve nobody: only the first answers."""

    count: int
    args: tuple[str, ...]
    """In place of those of the first."""
    port: int
    """Where the first waits for them."""
    drain: Drain
    """Its `command` ends once the first pod is gone."""
    command: tuple[str, ...] | None = None
    """In place of that of the first; None: the same program, which the user's own flags reach too."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What one container is told: everything about it that depends on the engine and nothing that depends on the cloud."""

    engine: str
    version: str
    image: str
    """Repository, tag and, where known, digest."""
    command: tuple[str, ...]
    """() keeps the image's entry point."""
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    secret_env: tuple[SecretEnv, ...]
    ports: tuple[Port, ...]
    probes: Probes
    volumes: tuple[Volume, ...]
    files: tuple[tuple[str, str], ...]
    """Path and text of files that are mounted from a ConfigMap."""
    metrics: Metrics
    drain: Drain
    model_format: str
    """KServe model format name of the serving runtime."""
    confinement: Confinement
    host_memory_bytes: int
    """Main memory that the process needs besides what is on the accelerators, /dev/shm included."""
    storage_uri: str | None = None
    """Weights that KServe mounts at /mnt/models; None where the engine fetches them itself."""
    init: tuple[InitContainer, ...] = ()
    post_start: tuple[str, ...] = ()
    """Runs in the container once it has started; the pod is not ready before it has ended well."""
    open_api: bool = False
    """True where the server asks nobody for a key, so that only a network policy keeps callers off."""
    routes: tuple[str, ...] = CHAT_ROUTES
    """Paths that callers ask, the usual one first."""
    served: ServedModel | None = None
    """What a Ray cluster serves; None for a server that is a container of its own."""
    adapters: tuple[str, ...] = ()
    """Model names of its adapters at the endpoint."""
    mounts: tuple[tuple[str, str], ...] = ()
    """Further storage URIs that KServe mounts, each with its path."""
    workers: Workers | None = None
    """None where a replica is one pod."""
    folders: tuple[ClaimFolder, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagRules:
    """Which of its own flags the plan takes from the user; the catalog's table of the program says what becomes of the rest."""

    program: str | None
    """Whose options `catalog.engine_flags` holds; None where they are not known, and none is taken."""
    planned: Mapping[str, str] = field(default_factory=dict[str, str])
    """Flag, or a pattern of flags -> what to do instead, as a clause: the plan sets it, or it would make another plan of it."""
    tunes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Flag -> field of `Tuning` that it enters; the engine's container then says it by the plan."""
    gib: Mapping[str, float] = field(default_factory=dict[str, float])
    """Flag that tunes an amount of main memory -> GiB of one of its units, where that is not 1."""
    host_reserve_gib: float = 0.0
    """Main memory that the engine insists on leaving free where flags take some."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Flag -> flags of which exactly one has to be given with it."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Key of the engine's file of options, where something has no flag -> field of `Tuning`; the file says it then."""
    kv_dtypes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Value of the flag that tunes `kv_dtype` -> our name."""
    planned_env: tuple[str, ...] = ()
    """Variables that the engine's container sets."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the stack file says about an engine in the engine's own words, checked."""

    args: tuple[str, ...] = ()
    """Words that follow the planned ones."""
    keywords: tuple[tuple[str, Any], ...] = ()
    """Keyword arguments beside the planned ones, of engines that take no words."""
    env: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    tuning: Tuning = field(default_factory=Tuning)
    warnings: tuple[str, ...] = ()
    """What a plan must say of the flags."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """An engine that new services should not use."""

    by: str
    """Name of the engine to take instead."""
    reason: str
    """A clause that follows the engine's name."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What planning must know of an engine beside what it runs."""

    unasked: bool = False
    """True where a plan may choose it for a service that names no engine."""
    open_api: bool = False
    """True where it asks nobody for a key: it serves inside the cluster only, behind a network policy."""
    development: bool = False
    """True where it is for development: served where it is named, compared with nothing."""
    scales_itself: bool = False
    """True where the engine starts and stops its own replicas with the load, so that nothing else may."""
    own_image: str | None = None
    """How to make the image, as a clause, where nobody publishes one; None where one is pinned."""
    superseded: Superseded | None = None
    compile_s: Estimate | None = None
    """Seconds that a first start takes to compile the planned shapes; None where nothing is compiled beforehand."""
    compiled_s: Estimate | None = None
    """The same where what was compiled lies on a volume already; None where it cannot be kept there."""
    spreads: frozenset[str] = frozenset()
    """What one replica can do beside what `Engine.spread` says: pipeline (stages of several GPUs), expert (whole experts spread over its
    GPUs), data (attention for its own sequences on each GPU, experts shared) and machines (several of them: as stages, or with data too
    as shared experts)."""
    kinds: frozenset[str] = GENERATES
    """Kinds of models that it serves, as `Model.kind`."""
    images: bool = False
    """True where images in requests are planned."""
    streams: frozenset[str] = frozenset()
    """Schemes of buckets that its image reads weights from by itself."""
    lora: LoraRules | None = None
    """None where adapters have no name of their own at its endpoint."""
    speculation: frozenset[str] = frozenset()
    """Methods of `Speculation` that it has."""
    shares: Sharing | None = None
    """How one server serves several services; None where each has a server of its own."""
    sized_as: tuple[str, str] | None = None
    """Engine and version whose constants of memory and speed are used; None for its own."""

    @property
    def is_comparable(self) -> bool:
        """True where its predictions are its own and its image is published, so that its cost can be held against that of others."""
        return self.sized_as is None and self.own_image is None and self.superseded is None and not self.development


class Engine(Protocol):
    """One engine at one pinned release. Implementations are stateless; adding one touches no other room."""

    @property
    def name(self) -> str: ...

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that people write; case, dots, dashes and underscores never matter."""
        ...

    @property
    def release(self) -> EngineRelease:
        """The release that runs on accelerators; its version is the engine's version everywhere."""
        ...

    def release_for(self, device_kind: str) -> EngineRelease:
        """The image for a `Device.kind`; the same as `release` where one image serves all."""
        ...

    @property
    def traits(self) -> Traits:
        """What planning must know of it."""
        ...

    @property
    def flags(self) -> FlagRules:
        """Which of its flags users may set."""
        ...

    @property
    def paged_kv(self) -> bool:
        """True where sequences share one pool of KV blocks; False where each slot reserves the full context."""
        ...

    @property
    def most_sequences(self) -> int:
        """Sequences per replica beyond which a larger batch is not worth planning for."""
        ...

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        """None where this engine can serve that checkpoint on that accelerator (None: CPU); otherwise why not."""
        ...

    def notes(self, shape: Shape) -> tuple[str, ...]:
        """Sentences that a plan must show beside a supported shape: weight-only arithmetic, a cast, an unverified combination."""
        ...

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        """The checkpoints it can be given: the known ones of its formats, and those that it quantizes while loading."""
        ...

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        """None where one replica may be spread like that; otherwise why not, and the nearest degree. `Traits.spreads` is asked before."""
        ...

    def spread(self, degree: int) -> Parallelism:
        """How one replica uses `degree` devices: as tensor parallelism, or as stages where the engine splits by layers."""
        ...

    def memory(self, shape: Shape) -> MemoryLayout:
        """How a device's memory is spent in that shape; pure arithmetic."""
        ...

    def host_memory_bytes(self, shape: Shape) -> int:
        """Main memory that the process needs besides what is on accelerators, /dev/shm included."""
        ...

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        """The container for that replica."""
        ...


class EngineRegistry(Protocol):
    def __call__(self) -> Mapping[str, Engine]: ...
