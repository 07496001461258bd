"""Triton's server with its OpenAI front end, whichever backend runs the model: how it is started, probed and stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from ..sizing.types import Replica
from .confinement import Confinement
from .drain import stops_on_sigterm
from .gpu import GpuEngine, named_env
from .probes import probes
from .serving import ServingIdentity
from .spec import EngineSpec, Metrics, Volume
from .types import FlagRules
from .weights import WeightSource, weight_source

PORT = 9000
REPOSITORY = "/models"
FRONT_END = "/opt/tritonserver/python/openai/openai_frontend/main.py"
CACHE = "/cache"
SCRATCH_GIB = 4
"""Size of /tmp: sockets and compiler scratch; believed."""
CONFINEMENT = Confinement(
    user=1000,
    group=1000,
    read_only_root=True,
    source="Triton docs/customization_guide/deploy.md and build.py: user triton-server is 1000 and reads what root owns; its charts in "
    "deploy/ run as 1000 with fsGroup 1000; issue 7015: home must be elsewhere; that only home, /tmp and /dev/shm are written is believed",
)
FLAGS = FlagRules(
    program="triton",
    planned={
        "--model-repository": "remove it: the plan writes the repository",
        "--tokenizer": "use model or modelUri of the service",
        "--backend": "remove it: the plan sets it",
        **dict.fromkeys(
            ("--host", "--openai-port", "--kserve-*", "--enable-kserve-*"), "remove it: probes and the Service are made for it"
        ),
        **dict.fromkeys(("--model-control-mode", "--load-model"), "remove it: what is served is loaded at the start"),
        "--openai-restricted-api": "remove it: a secret never stands in a plan",
        "--default-max-tokens": "use context of the service",
        "--lora-separator": "use engine vllm, and adapters of the service",
    },
    planned_env=("HOME", "USER", "HF_HOME", "HF_HUB_DISABLE_TELEMETRY"),
)


class TritonServer(GpuEngine, ABC):
    """What engines behind Triton's front end share. It asks nobody for a key."""

    backend: ClassVar[str]
    """What the front end calls the backend of the model."""
    metrics: ClassVar[Metrics]

    flags = FLAGS
    cache = CACHE
    confinement = CONFINEMENT
    scratch = (Volume("tmp", "/tmp", SCRATCH_GIB),)

    @abstractmethod
    def repository(self, replica: Replica, service: str, source: WeightSource) -> dict[str, str]:
        """Path in the model repository -> text; the model that answers has the service's name."""

    def spec(self, replica: Replica, service: ServingIdentity) -> EngineSpec:
        source = weight_source(replica.shape.checkpoint)
        return self.container(
            replica,
            service,
            port=PORT,
            command=("python3", FRONT_END),
            args=self._args(replica, source),
            env=named_env(CACHE),
            # The front end listens once its models are loaded.
            checks=probes("/health/ready", PORT, service.startup_seconds),
            files=tuple((f"{REPOSITORY}/{path}", text) for path, text in self.repository(replica, service.name, source).items()),
            metrics=self.metrics,
            drain=stops_on_sigterm(service.longest_response_seconds),
            model_format="triton",
        )

    def _args(self, replica: Replica, source: WeightSource) -> tuple[str, ...]:
        """Flag and value as two words. Requests that name no limit get the planned context, not the front end's 16 tokens."""
        flags = {
            "model-repository": REPOSITORY,
            "tokenizer": source.location,
            "backend": self.backend,
            "host": "0.0.0.0",
            "openai-port": PORT,
            "default-max-tokens": replica.shape.context,
        }
        return tuple(word for flag, value in flags.items() for word in (f"--{flag}", str(value)))
