"""What an engine is told of the service that it serves, and of what the user's own flags ask for: from it a container is made."""

from __future__ import annotations

from dataclasses import dataclass

from .additions import Adapter, Speculation


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
