"""Arguments that components share on every cloud."""

from __future__ import annotations

from typing import Any

from inferstack.plain import plain
from inferstack.planning import StackPlan
from inferstack.stackfile import StackFile


def system_pool(plan: StackPlan) -> dict[str, Any]:
    """The system nodes as the cluster components take them."""
    pool = plan.system_pool
    assert pool is not None, "a new cluster has system nodes"
    args = {"machine_type": pool.machine_type, "nodes": pool.nodes, "disk_gib": pool.disk_gib, "zones": list(pool.zones)}
    return {key: value for key, value in args.items() if value != []}


def own_prices(stack: StackFile) -> dict[str, Any]:
    """The stack's own prices as components take them; nothing where it has none."""
    given = stack.prices.model_dump(by_alias=True, exclude_defaults=True)
    return {"prices": plain(given)} if given else {}


def volume_kinds(plan: StackPlan) -> dict[str, Any]:
    """Kinds of the volumes that services share, for whose drivers the cluster is asked; nothing where there are none."""
    kinds = sorted({volume.kind for volume in plan.volumes})
    return {"volume_kinds": kinds} if kinds else {}
