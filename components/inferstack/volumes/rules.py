"""A shared volume, read and checked: from the component's arguments to a decision, or every reason why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import catalog
from ..errors import InputError, Problem, join_names
from ..planning.types import VolumePlan
from ..stackfile.volumes import OWN_CLASS

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
    zones = args["cluster"].get("zones") or sorted(args["cluster"].get("subnet_ids", {}))
    size = args.get("size_gib")
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


def _problems(args: Mapping[str, Any]) -> Iterator[Problem]:
    cluster, kind = args["cluster"], args.get("kind")
    able = [found.name for found in catalog.volume_kinds().values() if found.cloud == cluster["cloud"]]
    if cluster["cloud"] == "existing":
        if kind is not None:
            yield Problem("kind", "is what a cloud sells; an existing cluster has storage classes", kind, "use storage_class")
        if args.get("storage_class") is None:
            yield Problem("storage_class", "is missing, and an existing cluster makes volumes by it")
        return
    if kind not in able:
        yield Problem("kind", f"is not a kind of volume of {cluster['cloud']}", kind, f"use {join_names(able)}")
        return
    found, size = catalog.volume_kinds()[kind], args.get("size_gib")
    if size is not None and found.elastic:
        yield Problem("size_gib", f"is for volumes of a size, and {kind} grows with what it holds", size, "leave it out")
    elif size is not None and found.sold_gib(size) != size:
        yield Problem("size_gib", f"is no size in which {kind} is sold", size, f"use {found.sold_gib(size)}")
    if args.get("throughput") is not None and int(args["throughput"]) not in found.throughputs:
        able = [str(rate) for rate in found.throughputs]
        yield Problem("throughput", f"is not sold with {kind}", args["throughput"], f"use {join_names(able)}" if able else "leave it out")
    for key in NEEDED[kind]:
        if not cluster.get(key):
            yield Problem(f"cluster.{key}", f"is missing, and {kind} asks for it", nearest="take `reference` of the cluster component")
