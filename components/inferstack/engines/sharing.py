"""How one server of an engine serves several services: what each of them is then told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..sizing.types import Replica

if TYPE_CHECKING:
    from .types import Drain, EngineSpec


@dataclass(frozen=True, slots=True)
class Member:
    """One of the services of a server, as it would be served alone."""

    name: str
    replica: Replica
    spec: EngineSpec


@dataclass(frozen=True, slots=True)
class Sharing:
    """What an engine makes of the services of one server."""

    scope: str
    """cluster: each service has pods of its own, and whoever answers hands requests on to them."""
    together: Callable[[Sequence[Member]], tuple[EngineSpec, ...]]
    """What each is told, given the others; in the same order."""


def longest_drain(members: Sequence[Member]) -> Drain:
    """How a pod leaves that may carry a response of any of them."""
    return max((member.spec.drain for member in members), key=lambda drain: drain.grace)
