"""Services of one server: what they must have in common, and what each owes to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .. import engines
from ..engines.sharing import Member, Sharing
from ..engines.types import Engine
from ..errors import join_names
from ..stackfile.schema import Service
from .pools import Tenant
from .problems import Problems
from .requirement import Requirement
from .types import ServicePlan

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Common:
    """What services of one server say alike."""

    key: str
    value: Callable[[Requirement], object]
    without: str
    """What is meant where the key is left out."""


COMMON = (
    _Common("engine", lambda wish: wish.engine and wish.engine.name, "none"),
    _Common("image", lambda wish: wish.overrides.image, "the engine's own"),
)


def check_engine(engine: Engine | None, service: Service, path: str, problems: Problems) -> None:
    """Notes a service that names a server, and no engine whose server serves several."""
    if service.server is None or (engine is not None and engine.traits.shares is not None):
        return
    able = join_names([f"`engine: {found.name}`" for found in engines.engines().values() if found.traits.shares is not None])
    if engine is not None:
        reason = f"is not for {engine.name}, whose server serves one service"
    else:
        reason = "needs an engine whose server serves several services"
    problems.add(f"{path}.server", service.server, reason, f"add {able}" if engine is None else f"use {able}, or remove it")


def check_common(wishes: Sequence[Requirement], problems: Problems) -> None:
    """Notes what services of one server do not say alike, at each that differs from the first of them."""
    for first, *others in _by_server(wishes, lambda wish: wish.service.server).values():
        for common in COMMON:
            has = common.value(first)
            for other in others:
                if (wants := common.value(other)) != has:
                    reason = f"is not that of {first.service.name} on the same server: {has or common.without}"
                    problems.add(f"{other.path}.{common.key}", wants, reason, "say the same for both, or another `server`")


def together(tenants: Sequence[Tenant], plans: Sequence[ServicePlan], room: Mapping[str, float]) -> tuple[ServicePlan, ...]:
    """`plans` of `tenants`, in which those of one server know of each other. `room` is what accelerators each pool has left at its maximum.

    A server waits for the longest response of all. Where its pods change, all of them do at once: it surges only where each has room.
    """
    found = {plan.name: plan for plan in plans}
    sharing = {tenant.plan.name: tenant.placement.sized.engine.traits.shares for tenant in tenants}
    for members in _by_server(plans, lambda plan: plan.server).values():
        how = sharing[members[0].name]
        assert how is not None, "only engines that share are asked to"
        found |= {plan.name: plan for plan in _joined(members, how, room)}
    return tuple(found[plan.name] for plan in plans)


def alone(plans: Iterable[ServicePlan]) -> tuple[str, ...]:
    """A sentence for each server with one service."""
    servers = _by_server(plans, lambda plan: plan.server)
    return tuple(
        f"{server} serves {members[0].name} alone: services with `server: {server}` join it"
        for server, members in servers.items()
        if len(members) == 1
    )


def _joined(members: Sequence[ServicePlan], how: Sharing, room: Mapping[str, float]) -> Iterable[ServicePlan]:
    specs = how.together([Member(plan.name, plan.replica, plan.spec) for plan in members])
    needed: dict[str, int] = {}
    for plan in members:
        needed[plan.pool] = needed.get(plan.pool, 0) + plan.gpus_to_surge
    surges = all(gpus <= room[pool] + 1e-9 for pool, gpus in needed.items())
    longest = max(plan.timeout_seconds for plan in members)
    for plan, spec in zip(members, specs, strict=True):
        yield replace(plan, spec=spec, timeout_seconds=longest, rollout="surge" if surges else "recreate")


def _by_server(items: Iterable[Item], server: Callable[[Item], str | None]) -> dict[str, list[Item]]:
    """The items of each server, in their order; without those that have one of their own."""
    found: dict[str, list[Item]] = {}
    for item in items:
        name = server(item)
        if name is not None:
            found.setdefault(name, []).append(item)
    return found
