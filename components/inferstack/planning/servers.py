"""Services of one server: what they must have in common, and what each owes to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .. import engines
from ..engines.sharing import POD, Member, Sharing
from ..engines.types import Engine
from ..errors import Problem, join_names
from ..plain import plain
from ..sizing import ColdStart
from ..stackfile.schema import Service
from ..stackfile.section import Section
from .joint import jointly
from .pools import Tenant
from .problems import Problems
from .refusal import replicas_text
from .requirement import Requirement
from .search import Settled
from .site import Site
from .types import Decision, ServicePlan

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Common:
    """What services of one server say alike."""

    key: str
    value: Callable[[Requirement], object]
    without: str = "none"
    """What is meant where the key is left out."""


COMMON = (
    _Common("engine", lambda wish: wish.engine and wish.engine.name),
    _Common("image", lambda wish: wish.overrides.image, "the engine's own"),
)
COMMON_OF_PODS = (
    _Common("gpu", lambda wish: wish.gpu, "none is named"),
    _Common("machineType", lambda wish: wish.machine and wish.machine.name, "none is named"),
    _Common("capacityType", lambda wish: wish.capacity.value),
    _Common("commitment", lambda wish: wish.commitment),
    _Common("reservationId", lambda wish: wish.service.reservation_id),
    _Common("replicas", replicas_text, "as many as the peak needs"),
    _Common("schedule", lambda wish: _written(wish.service.schedule), "always"),
    _Common("engineArgs", lambda wish: _written(wish.service.engine_args)),
    _Common("env", lambda wish: _written(wish.service.env)),
)
"""Also of those that share pods, which have one of each."""


def check_engine(engine: Engine | None, service: Service, path: str, problems: Problems) -> None:
    """Notes a service that names a server, and no engine whose server serves several."""
    if service.server is None or (engine is not None and engine.traits.shares is not None):
        return
    able = join_names([f"`engine: {found.name}`" for found in engines.engines().values() if found.traits.shares is not None])
    if engine is not None:
        reason = f"is not for {engine.name}, whose server serves one service"
    else:
        reason = "needs an engine whose server serves several services"
    nearest = f"add {able}" if engine is None else f"use {able}, or remove it"
    problems.add(f"{path}.server", service.server, reason, nearest, change={f"{path}.server": None})


def check_common(wishes: Sequence[Requirement], problems: Problems) -> None:
    """Notes what services of one server do not say alike, at each that differs from the first of them."""
    for first, *others in _by_server(wishes, lambda wish: wish.service.server).values():
        for common in (*COMMON, *(COMMON_OF_PODS if first.shares_pods else ())):
            has = common.value(first)
            for other in others:
                if (wants := common.value(other)) != has:
                    reason = f"is not that of {first.service.name} on the same server: {has or common.without}"
                    problems.add(f"{other.path}.{common.key}", wants, reason, "say the same for both, or another `server`")


def settle_pods(settled: Sequence[Settled], site: Site, problems: Problems) -> list[Settled]:
    """`settled` with the placements that services of shared pods can have together; notes those that have none, where nothing else is
    wrong."""
    if problems.found:
        return [*settled]
    found = {requirement.path: (requirement, outcome) for requirement, outcome in settled}
    pods = (pair for pair in settled if pair[0].shares_pods)
    for members in _by_server(pods, lambda pair: pair[0].service.server).values():
        joint = jointly(members, site)
        if isinstance(joint, Problem):
            problems.found.append(joint)
        else:
            found |= {requirement.path: (requirement, outcome) for requirement, outcome in joint}
    return [*found.values()]


def grouped_by_pods(settled: Sequence[Settled]) -> list[list[Settled]]:
    """The services whose machines are chosen together, and every other by itself."""
    groups: dict[tuple[str, bool], list[Settled]] = {}
    for requirement, outcome in settled:
        shared = requirement.shares_pods
        name = str(requirement.service.server) if shared else requirement.service.name
        groups.setdefault((name, shared), []).append((requirement, outcome))
    return [*groups.values()]


def in_same_pods(index: int, settled: Sequence[Settled]) -> list[int]:
    """Which of `settled` are in the pods of that one, itself among them."""
    mine, _ = settled[index]
    if not mine.shares_pods:
        return [index]
    others = ((at, wish) for at, (wish, _) in enumerate(settled) if wish.shares_pods)
    return [at for at, wish in others if wish.service.server == mine.service.server]


def counted_by_pods(tenants: Sequence[Tenant]) -> list[Tenant]:
    """`tenants`, in which those of shared pods are counted by one of them; they surge where their nodes have room for one more pod."""
    pods = _by_server((tenant for tenant in tenants if tenant.requirement.shares_pods), lambda tenant: tenant.plan.server)
    found = {tenant.plan.name: tenant for tenant in tenants}
    for members in pods.values():
        devices = sum(member.placement.sized.devices for member in members)
        first = members[0].placement
        room = int(first.nodes.max) * (first.machine.accelerator_count // devices) - first.replicas.max
        rollout = "surge" if room >= 1 else "recreate"
        for index, member in enumerate(members):
            plan = replace(member.plan, rollout=rollout)
            found[plan.name] = replace(member, plan=plan, pod_devices=devices, leads=index == 0)
    return [found[tenant.plan.name] for tenant in tenants]


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


def pod_of(plans: Sequence[ServicePlan]) -> ServicePlan:
    """The one pod of services that share it, as a service of the server's name: what all of them are told, and what they take together."""
    first = plans[0]
    each = [plan.resources for plan in plans]
    resources = replace(
        first.resources,
        cpu_millicores=sum(resources.cpu_millicores for resources in each),
        memory_bytes=sum(resources.memory_bytes for resources in each),
        gpus=sum(resources.gpus for resources in each),
    )
    token = any(plan.uses_hugging_face_token for plan in plans)
    return replace(first, name=first.server_name, server=None, resources=resources, uses_hugging_face_token=token)


def alone(plans: Iterable[ServicePlan]) -> tuple[str, ...]:
    """A sentence for each server with one service."""
    servers = _by_server(plans, lambda plan: plan.server)
    return tuple(
        f"{server} serves {members[0].name} alone: services with `server: {server}` join it"
        for server, members in servers.items()
        if len(members) == 1
    )


def _joined(members: Sequence[ServicePlan], how: Sharing, room: Mapping[str, float]) -> Iterable[ServicePlan]:
    told = how.together([Member(plan.name, plan.replica, plan.spec) for plan in members])
    needed: dict[str, int] = {}
    for plan in members:
        needed[plan.pool] = needed.get(plan.pool, 0) + plan.gpus_to_surge
    surges = all(gpus <= room[pool] + 1e-9 for pool, gpus in needed.items()) and all(plan.rollout == "surge" for plan in members)
    longest = max(plan.timeout_seconds for plan in members)
    start = _start_of_pods(members) if how.scope == POD else None
    for plan, one in zip(members, told, strict=True):
        yield replace(
            plan,
            spec=one.spec,
            timeout_seconds=longest,
            rollout="surge" if surges else "recreate",
            decisions=(*(_counted(each, plan, members, how) for each in plan.decisions), _decision(plan, members, how)),
            warnings=(*plan.warnings, *one.notes),
            cold_start_parts=plan.cold_start_parts if start is None else start.parts,
            cold_start_seconds=plan.cold_start_seconds if start is None else start.seconds,
        )


def _start_of_pods(members: Sequence[ServicePlan]) -> ColdStart:
    """Node and image once, then the weights of all, over one network, and their starts."""
    first, *others = members
    own = ("node", "image")
    rest = [(plan, part) for plan in (first, *others) for part in plan.cold_start_parts if part.name not in own]
    shared = [part for part in first.cold_start_parts if part.name in own]
    return ColdStart((*shared, *(replace(part, name=f"{part.name} ({plan.name})") for plan, part in rest)))


def _counted(decision: Decision, plan: ServicePlan, members: Sequence[ServicePlan], how: Sharing) -> Decision:
    """Why there are more replicas than its own traffic needs."""
    if decision.key != "replicas" or how.scope != POD:
        return decision
    most = max(members, key=lambda member: member.workload.peak_rps / member.replica.performance.capacity_rps.expected)
    if most is plan:
        return decision
    return replace(decision, reason=f"{decision.reason}; its pods are also those of {most.name}, which needs as many")


def _decision(plan: ServicePlan, members: Sequence[ServicePlan], how: Sharing) -> Decision:
    others = [member.name for member in members if member is not plan]
    whom = f" with {join_names(others, 'and')}" if others else ", alone"
    if how.scope == POD:
        reason = f"one pod{whom}, on GPUs of their own; as many pods as the one of them that needs most, and all of them stand"
    else:
        reason = f"one cluster and one endpoint{whom}, on GPUs and replicas of its own"
    return Decision("server", str(plan.server), reason, pinned=True)


def _written(value: Section | Mapping[str, Any] | None) -> str | None:
    """As a message shows it."""
    said = value.model_dump(by_alias=True, exclude_defaults=True) if isinstance(value, Section) else value
    return ", ".join(f"{key}: {plain(item)}" for key, item in said.items()) if said else None


def _by_server(items: Iterable[Item], server: Callable[[Item], str | None]) -> dict[str, list[Item]]:
    """The items of each server, in their order; without those that have one of their own."""
    found: dict[str, list[Item]] = {}
    for item in items:
        name = server(item)
        if name is not None:
            found.setdefault(name, []).append(item)
    return found
