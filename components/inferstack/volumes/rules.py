"""A shared volume, read and checked: from the component's arguments to a decision, or every reason why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import catalog
from ..catalog.volumes import OWN_CLASS, VolumeKind
from ..errors import InputError, Problem, join_names
from ..planning.types import VolumePlan

NEEDED = {
    "efs": ("vpc_id", "security_group_id", "subnet_ids"),
    "fsx": ("vpc_id", "security_group_id", "subnet_ids"),
    "filestore": ("network", "zones"),
    "gcs-fuse": ("region",),
}
"""Kind -> what must be known of the cluster."""


def volume_plan(args: Mapping[str, Any]) -> VolumePlan:
    """The volume that `args` (checked for keys and types) describe. Raises `InputError` with everything that cannot be."""
    problems = list(_problems(args))
    if problems:
        raise InputError(problems)
    kind = catalog.volume_kinds()[args.get("kind") or OWN_CLASS]
    zones, size = _zones(args["cluster"]), args.get("size_gib")
    return VolumePlan(
        name=args["claim"],
        kind=kind.name,
        namespace=args["namespace"],
        size_gib=kind.least_gib if size is None else int(size),
        throughput=kind.throughput if args.get("throughput") is None else int(args["throughput"]),
        storage_class=args.get("storage_class"),
        zone=args.get("zone") or (zones[0] if kind.per_tib and zones else None),
        stored_gib=0.0,
        services=(),
    )


def _zones(cluster: Mapping[str, Any]) -> list[str]:
    return cluster.get("zones") or sorted(cluster.get("subnet_ids", {}))


def _problems(args: Mapping[str, Any]) -> Iterator[Problem]:
    cloud, kind = args["cluster"]["cloud"], args.get("kind")
    able = catalog.volume_kinds_of(cloud)
    if cloud == "existing":
        yield from _problems_on_existing(args)
    elif kind not in able:
        yield Problem("kind", f"is not a kind of volume of {cloud}", kind, f"use {join_names(able)}")
    else:
        yield from _problems_of_kind(args, catalog.volume_kinds()[kind])


def _problems_on_existing(args: Mapping[str, Any]) -> Iterator[Problem]:
    if args.get("kind") is not None:
        yield Problem("kind", "is what a cloud sells; an existing cluster has storage classes", args["kind"], "use storage_class")
    if args.get("storage_class") is None:
        yield Problem("storage_class", "is missing, and an existing cluster makes volumes by it")
    for key in ("throughput", "zone"):
        if args.get(key) is not None:
            yield Problem(key, "is for volumes that a cloud sells", args[key], "leave it out: the storage class decides it")


def _problems_of_kind(args: Mapping[str, Any], found: VolumeKind) -> Iterator[Problem]:
    cluster, kind, size, zone = args["cluster"], found.name, args.get("size_gib"), args.get("zone")
    if size is not None and found.elastic:
        yield Problem("size_gib", f"is for volumes of a size, and {kind} grows with what it holds", size, "leave it out")
    elif size is not None and found.sold_gib(size) != size:
        yield Problem("size_gib", f"is no size in which {kind} is sold", size, f"use {found.sold_gib(size)}")
    if args.get("throughput") is not None and int(args["throughput"]) not in found.throughputs:
        rates = [str(rate) for rate in found.throughputs]
        yield Problem("throughput", f"is not sold with {kind}", args["throughput"], f"use {join_names(rates)}" if rates else "leave it out")
    if args.get("storage_class") is not None:
        reason = f"is for existing clusters; on {cluster['cloud']} the volume is made"
        yield Problem("storage_class", reason, args["storage_class"], "leave it out")
    if zone is not None and not found.per_tib:
        yield Problem("zone", f"is for volumes that lie in one, and {kind} is in all of them", zone, "leave it out")
    elif zone is not None and zone not in _zones(cluster):
        yield Problem("zone", "is no zone of the cluster", zone, f"use {join_names(_zones(cluster))}" if _zones(cluster) else None)
    for key in NEEDED[kind]:
        if not cluster.get(key):
            yield Problem(f"cluster.{key}", f"is missing, and {kind} asks for it", nearest="take `reference` of the cluster component")
