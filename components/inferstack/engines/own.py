"""A server of the user's own: its container is what the stack file says, its size what the engine that it is most like would take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..catalog.types import Accelerator, Checkpoint, EngineRelease, Model
from ..sizing.types import MemoryLayout, Parallelism, Replica, Shape
from .confinement import Confinement
from .drain import drains_on_sigterm, stops_on_sigterm
from .gpu import cache_volumes, secrets
from .probes import probes
from .serving import ServingIdentity
from .spec import EngineSpec, Metrics, Port
from .types import Engine, FlagRules, Refusal, Traits
from .weights import weight_source

NAME = "custom"
VARIABLES = ("MODEL", "MODEL_FILE", "MODEL_REVISION", "SERVED_MODEL_NAME", "PORT", "TENSOR_PARALLEL_SIZE", "MAX_MODEL_LEN", "MAX_NUM_SEQS")
"""What the plan tells the container; arguments refer to them as $(MODEL)."""
COMPILED_GIB = 8
"""Room for compiled kernels beside the weights; believed."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """What is known of it."""

    image: str
    command: tuple[str, ...]
    """() keeps the image's entry point."""
    args: tuple[str, ...]
    port: int
    startup_path: str
    readiness_path: str
    metrics: Metrics
    drains: bool
    """True where it finishes its running requests after SIGTERM."""
    api_key_env: str | None
    """Variable that it reads the callers' key from; None where it asks nobody for one."""
    cache: str
    """Folder that it downloads weights to."""
    run_as_user: int | None


class OwnEngine:
    """The engine that such a server amounts to. What it runs, and how it uses GPUs and memory, is that of `kin`."""

    name = NAME
    aliases: tuple[str, ...] = ()
    flags = FlagRules(program=None, planned_env=(*VARIABLES, "HF_HOME"))

    def __init__(self, server: OwnServer, kin: Engine) -> None:
        self._server, self._kin = server, kin

    @property
    def traits(self) -> Traits:
        return Traits(
            open_api=self._server.api_key_env is None,
            kinds=self._kin.traits.kinds,
            sized_as=(self._kin.name, self._kin.release.version),
        )

    @property
    def release(self) -> EngineRelease:
        image = self._server.image
        return replace(self._kin.release, engine=NAME, version=_tag(image), image=image, digest=None, source="stack file")

    def release_for(self, device_kind: str) -> EngineRelease:
        return self.release

    @property
    def paged_kv(self) -> bool:
        return self._kin.paged_kv

    @property
    def most_sequences(self) -> int:
        return self._kin.most_sequences

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        return self._kin.supports(model, checkpoint, accelerator)

    def notes(self, shape: Shape) -> tuple[str, ...]:
        kin = f"{self._kin.name} {self._kin.release.version}"
        return (*self._kin.notes(shape), f"sized as {kin}, which it is said to be like: what your server itself takes is not known here")

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        """Those that exist: whether it quantizes while loading is not known."""
        return tuple(checkpoint for checkpoint in self._kin.checkpoints(model, known) if not checkpoint.quantized_at_load)

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        return self._kin.refuse_parallelism(model, checkpoint, parallel)

    def spread(self, degree: int) -> Parallelism:
        return self._kin.spread(degree)

    def memory(self, shape: Shape) -> MemoryLayout:
        return self._kin.memory(shape)

    def host_memory_bytes(self, shape: Shape) -> int:
        return self._kin.host_memory_bytes(shape)

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        server, shape = self._server, replica.shape
        source = weight_source(shape.checkpoint)
        drain = drains_on_sigterm if server.drains else stops_on_sigterm
        return EngineSpec(
            engine=NAME,
            version=self.release.version,
            image=server.image,
            command=server.command,
            args=server.args,
            env=(*_variables(shape, service, server.port), ("HF_HOME", server.cache)),
            secret_env=secrets(service, server.api_key_env),
            ports=(Port("http", server.port),),
            probes=probes(server.startup_path, server.port, service.startup_seconds, readiness_path=server.readiness_path),
            volumes=cache_volumes(shape, source, server.cache, COMPILED_GIB),
            files=(),
            metrics=server.metrics,
            drain=drain(service.longest_response_seconds),
            model_format=NAME,
            confinement=_confinement(server.run_as_user),
            host_memory_bytes=self.host_memory_bytes(shape),
            storage_uri=source.storage_uri,
            open_api=self.traits.open_api,
        )


def _confinement(user: int | None) -> Confinement:
    because = "what your server writes is not known here" if user else "custom.runAsUser does not say that your image runs as another user"
    return Confinement(user, user, read_only_root=False, source="stack file", because=because)


def _variables(shape: Shape, service: ServingIdentity, port: int) -> tuple[tuple[str, str], ...]:
    source = weight_source(shape.checkpoint)
    told = {
        "MODEL": source.location,
        "MODEL_FILE": source.file if source.repository is not None else None,
        "MODEL_REVISION": source.revision,
        "SERVED_MODEL_NAME": service.name,
        "PORT": port,
        "TENSOR_PARALLEL_SIZE": shape.parallel.devices,
        "MAX_MODEL_LEN": shape.context,
        "MAX_NUM_SEQS": shape.max_sequences,
    }
    return tuple((name, str(value)) for name, value in told.items() if value is not None)


def _tag(image: str) -> str:
    """What the image says of its version: its tag, or the beginning of its digest."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag if tag else digest.removeprefix("sha256:")[:12]
