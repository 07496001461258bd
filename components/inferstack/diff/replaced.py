"""What is made again, moves or restarts: names that must not move, and what did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Plan = Mapping[str, Any]


def replaced(before: Plan | None, after: Plan | None) -> list[dict[str, str]]:
    """Each with its `kind` (cluster, pool, namespace, service, volume, replicas), its `name`, what `happens`, and why."""
    if before is None or after is None:
        return []
    return [
        {"kind": kind, "name": name, "happens": happens, "why": why}
        for part in (_cluster, _namespace, _pools, _services)
        for kind, name, happens, why in part(before, after)
    ]


Found = Iterator[tuple[str, str, str, str]]


def _cluster(before: Plan, after: Plan) -> Found:
    moved = [key for key in ("cloud", "region", "clusterName") if before.get(key) != after.get(key)]
    made_for = [plan.get("acceleratorNetworks") is not None for plan in (before, after)]
    if moved or made_for[0] != made_for[1]:
        why = ", ".join(f"{key} {before.get(key)} → {after.get(key)}" for key in moved)
        why = why or f"network.gpuDirect {' → '.join(str(made).lower() for made in made_for)}"
        yield "cluster", str(before["clusterName"]), "replaced with everything in it", why
    old, new = before.get("systemPool"), after.get("systemPool")
    if old and new:
        yield from _nodes("system", old, new, ("machineType", "diskGib"))


def _namespace(before: Plan, after: Plan) -> Found:
    if before["namespace"] != after["namespace"]:
        yield "namespace", before["namespace"], "every service is made again in another", f"{before['namespace']} → {after['namespace']}"


def _pools(before: Plan, after: Plan) -> Found:
    old, new = ({pool["name"]: pool for pool in plan["pools"]} for plan in (before, after))
    for name in old:
        if name not in new:
            yield "pool", name, "removed with its nodes", _moved_to(name, before, after)
    for name, pool in new.items():
        if name not in old:
            yield "pool", name, "new", f"{pool.get('machineType')}, {pool.get('capacityType')}"
        else:
            yield from _nodes(name, old[name], pool, ("diskGib", "gpusPerNode"))


def _moved_to(pool: str, before: Plan, after: Plan) -> str:
    """Where the services of a pool that goes are afterwards."""
    left = [service["name"] for service in before["services"] if service.get("pool") == pool]
    moves = [f"{service['name']} moves to {service.get('pool')}" for service in after["services"] if service["name"] in left]
    return ", ".join(moves) or "no service is on it any more"


def _nodes(name: str, old: Plan, new: Plan, keys: tuple[str, ...]) -> Found:
    moved = [f"{key} {old.get(key)} → {new.get(key)}" for key in keys if old.get(key) != new.get(key)]
    if moved:
        yield "pool", name, "its nodes are replaced", ", ".join(moved)


def _services(before: Plan, after: Plan) -> Found:
    old, new = ({service["name"]: service for service in plan["services"]} for plan in (before, after))
    for name, service in old.items():
        other = new.get(name)
        if other is None:
            yield "service", name, "removed with its endpoint", "not in the newer plan"
            continue
        claims = [_claim(side) for side in (service, other)]
        if claims[0] != claims[1] and claims[0] is not None:
            yield "volume", claims[0], "no longer read", f"{name} reads its weights from {other['checkpoint']['uri']}"
        if service.get("server") != other.get("server"):
            yield "service", name, "moves to another server with another endpoint", " → ".join(map(_server, (service, other)))
        elif service["container"] != other["container"]:
            moved = sorted(
                key for key in {*service["container"], *other["container"]} if service["container"].get(key) != other["container"].get(key)
            )
            yield "replicas", name, "restart", f"{', '.join(moved)} of the container"
        elif service.get("receiveDaemon") != other.get("receiveDaemon"):
            yield "replicas", name, "restart", "the daemon beside its server"
        elif service.get("pool") != other.get("pool"):
            yield "replicas", name, "restart", f"pool {service.get('pool')} → {other.get('pool')}"


def _server(service: Plan) -> str:
    """Plans of older releases know of none."""
    shared = service.get("server")
    return "one of its own" if shared is None else f"{shared}, which services share"


def _claim(service: Plan) -> str | None:
    scheme, _, place = service["checkpoint"]["uri"].partition("://")
    return place.partition("/")[0] if scheme == "pvc" else None
