"""A GKE cluster, read and checked: from the component's arguments to a decision, or every reason why not. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ... import clouds
from ...clouds.cidrs import accelerator_problems, subnet_problems
from ...errors import InputError, Problem
from ...nodepools.spec import PoolSpec
from ...stackfile.schema import Target
from ..access import ApiAccess, access_problems, api_access
from ..checks import name_problems, region_problems, system_pool, version_problems, volume_problems, zone_problems

DEFAULT_CIDR = "10.0.0.0/16"
ACCOUNT_LENGTH = 30
"""Longest id of a service account."""


@dataclass(frozen=True, slots=True)
class GkeSpec:
    """A GKE cluster, decided."""

    cluster_name: str
    region: str
    project: str | None
    zones: tuple[str, ...]
    """() where they are left to GKE."""
    kubernetes_version: str
    network_cidr: str
    access: ApiAccess
    system_pool: PoolSpec
    deletion_protection: bool
    volume_kinds: tuple[str, ...] = ()
    """Kinds of shared volumes whose drivers the cluster gets."""
    accelerator_networks: int | None = None
    """None where the cluster is not made for any."""


def gke_spec(args: Mapping[str, Any]) -> GkeSpec:
    """The cluster that `args` (checked for keys and types) describe. Raises `InputError` with everything that cannot be."""
    problems = [*name_problems(args["cluster_name"]), *region_problems("gke", args["region"])]
    if problems:
        raise InputError(problems)
    gke = clouds.cloud("gke")
    target = Target(cloud="gke", region=args["region"], zones=tuple(args.get("zones", ())))
    zones = gke.zones(target)
    cidr = args.get("network_cidr", DEFAULT_CIDR)
    problems.extend(_problems(args, zones, cidr))
    system = _system_pool(args, target, zones, problems)
    if problems or system is None:
        raise InputError(problems)
    return GkeSpec(
        cluster_name=args["cluster_name"],
        region=args["region"],
        project=args.get("project"),
        zones=zones,
        kubernetes_version=args.get("kubernetes_version", gke.kubernetes_version),
        network_cidr=cidr,
        access=api_access(args.get("api_access_cidrs", ())),
        system_pool=system,
        deletion_protection=args.get("deletion_protection", False),
        volume_kinds=tuple(args.get("volume_kinds", ())),
        accelerator_networks=args.get("accelerator_networks"),
    )


def account_id(cluster_name: str) -> str:
    """Id of the nodes' service account: the cluster's name where it fits, else its start and a digest of the whole."""
    wanted = f"{cluster_name}-nodes"
    if len(wanted) <= ACCOUNT_LENGTH:
        return wanted
    digest = hashlib.sha256(cluster_name.encode()).hexdigest()[:6]
    return f"{cluster_name[: ACCOUNT_LENGTH - 13].rstrip('-')}-{digest}-nodes"


def _problems(args: Mapping[str, Any], zones: tuple[str, ...], cidr: str) -> Iterator[Problem]:
    yield from zone_problems(args["region"], zones, "{region}-[a-z]")
    yield from subnet_problems(cidr)
    yield from accelerator_problems(cidr, args.get("accelerator_networks"))
    yield from access_problems(args.get("api_access_cidrs", ()))
    yield from version_problems(args.get("kubernetes_version"))
    yield from volume_problems("gke", args.get("volume_kinds", ()))


def _system_pool(args: Mapping[str, Any], target: Target, zones: tuple[str, ...], problems: list[Problem]) -> PoolSpec | None:
    default = clouds.cloud("gke").system_pool(target)
    assert default is not None, "gke has system nodes"
    asked: Mapping[str, Any] = args.get("system_pool", {})
    wanted = {
        "machine_type": asked.get("machine_type", default.machine_type),
        "nodes": asked.get("nodes", default.nodes),
        "disk_gib": asked.get("disk_gib", default.disk_gib),
        "zones": asked.get("zones", default.zones),
        "prices": args.get("prices"),
    }
    return system_pool({"cloud": "gke", "name": args["cluster_name"], "region": args["region"], "zones": list(zones)}, wanted, problems)
