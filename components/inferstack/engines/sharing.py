"""How one server of an engine serves several services: what each of them is then told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..sizing.types import Replica
from .spec import Drain, EngineSpec

CLUSTER, POD = "cluster", "pod"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the services of a server, as it would be served alone."""

    name: str
    replica: Replica
    spec: EngineSpec


@dataclass(frozen=True, slots=True)
class Told:
    """What one of them is told, given the others."""

    spec: EngineSpec
    notes: tuple[str, ...] = ()
    """What it has to put up with, as sentences."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What an engine makes of the services of one server."""

    scope: str
    """cluster: each service has pods of its own, and whoever answers hands requests on to them. pod: each pod serves all of them, each on
    devices of its own, and their spec is the same."""
    together: Callable[[Sequence[Member]], tuple[Told, ...]]
    """In the order of the services."""
    most_devices: int | None = None
    """Devices that each of them may have in a pod; None: as many as alone."""


def longest_drain(members: Sequence[Member]) -> Drain:
    """How a pod leaves that may carry a response of any of them."""
    return max((member.spec.drain for member in members), key=lambda drain: drain.grace)
