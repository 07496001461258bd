"""What an engine is to the rest of the library: one small protocol, and the plain data it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..catalog.types import Accelerator, Checkpoint, EngineRelease, Model
from ..sizing.types import Estimate, MemoryLayout, Parallelism, Replica, Shape
from .additions import LoraRules
from .serving import ServingIdentity, Tuning
from .sharing import Sharing
from .spec import EngineSpec

GENERATES = frozenset({"llm"})
"""Kinds of models that an engine serves unless it says more."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be, and the nearest thing that can."""

    reason: str
    """A clause that follows the quantization or the model: `does not run on llama.cpp, which loads GGUF only`."""
    nearest: str | None = None
    is_silicon: bool = False
    """True where no weights whatever would run on that silicon."""
    driver: int | None = None
    """Oldest branch of NVIDIA's driver that would do, where that of the nodes is in the way."""


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
