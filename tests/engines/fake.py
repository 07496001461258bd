"""An engine that exists only here: what somebody would write to bring a new one, and nothing else."""

from __future__ import annotations

from inferstack.catalog.types import Accelerator, Checkpoint, EngineRelease, Model
from inferstack.engines import EngineSpec, FlagRules, Metrics, Port, Refusal, ServingIdentity, Traits, memory, parallelism
from inferstack.engines.confinement import Confinement
from inferstack.engines.drain import stops_on_sigterm
from inferstack.engines.probes import probes
from inferstack.engines.weights import weight_source
from inferstack.sizing.types import MemoryLayout, Parallelism, Replica, Shape

GIB = 2**30
RELEASE = EngineRelease("fake", "1.2.3", "registry.example/fake:1.2.3", "sha256:" + "0" * 64, 4.0, "a test", "2026-11-21")


class FakeEngine:
    """Serves every language model on every accelerator, and on nothing else."""

    name = "fake"
    aliases: tuple[str, ...] = ("make-believe",)
    release = RELEASE
    traits = Traits(unasked=True)
    flags = FlagRules(program=None)
    paged_kv = True
    most_sequences = 64

    def release_for(self, device_kind: str) -> EngineRelease:
        return RELEASE

    def supports(self, model: Model, checkpoint: Checkpoint, accelerator: Accelerator | None) -> Refusal | None:
        return None if accelerator is not None else Refusal("does not run on CPU", "use a GPU")

    def notes(self, shape: Shape) -> tuple[str, ...]:
        return ("the fake engine answers nothing",)

    def checkpoints(self, model: Model, known: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        return known

    def refuse_parallelism(self, model: Model, checkpoint: Checkpoint, parallel: Parallelism) -> Refusal | None:
        return parallelism.refuse_tensor(model, checkpoint, parallel)

    def spread(self, degree: int) -> Parallelism:
        return Parallelism(tensor=degree)

    def memory(self, shape: Shape) -> MemoryLayout:
        return memory.layout(shape)

    def host_memory_bytes(self, shape: Shape) -> int:
        return 2 * GIB

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        source = weight_source(replica.shape.checkpoint)
        return EngineSpec(
            engine=self.name,
            version=RELEASE.version,
            image=f"{RELEASE.image}@{RELEASE.digest}",
            command=("fake", "serve"),
            args=(source.repository if source.repository is not None else source.mounted_path, service.name),
            env=(),
            secret_env=(),
            ports=(Port("http", 7000),),
            probes=probes("/ready", 7000, service.startup_seconds),
            volumes=(),
            files=(("/etc/fake.yaml", "answer: nothing\n"),),
            metrics=Metrics("/metrics", None, None, None),
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="fake",
            confinement=Confinement(None, None, read_only_root=False, source="test", because="it is a fake"),
            host_memory_bytes=self.host_memory_bytes(replica.shape),
            storage_uri=source.storage_uri,
        )
