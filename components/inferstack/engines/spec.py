"""What a container is told by its engine: plain data that manifests, plans and components read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .confinement import Confinement

CHAT_ROUTES = ("/v1/chat/completions", "/v1/completions")
"""Paths of the OpenAI API that generate text."""


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
    balancing: str = "random"
    """How requests find one of its replicas, as in `sizing.simulation.POLICIES`: by a Service of Kubernetes, or by the engine."""
    routes: tuple[str, ...] = CHAT_ROUTES
    """Paths that callers ask, the usual one first."""
    model_name: str | None = None
    """What callers ask for the model by, where the server cannot be told the service's name."""
    served: ServedModel | None = None
    """What a Ray cluster serves; None for a server that is a container of its own."""
    adapters: tuple[str, ...] = ()
    """Model names of its adapters at the endpoint."""
    mounts: tuple[tuple[str, str], ...] = ()
    """Further storage URIs that KServe mounts, each with its path."""
    workers: Workers | None = None
    """None where a replica is one pod."""
    folders: tuple[ClaimFolder, ...] = ()
