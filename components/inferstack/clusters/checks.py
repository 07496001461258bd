"""Rules that the clusters of both clouds share. Each yields what is wrong with the arguments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import catalog
from ..errors import InputError, Problem, join_names, nearest_name
from ..nodepools.rules import pool_spec
from ..nodepools.spec import PoolSpec
from ..stackfile.values import NO_NAME, is_name, nearest_dns_name

MINOR_VERSION = re.compile(r"1\.\d{2}")


def name_problems(cluster_name: str) -> Iterator[Problem]:
    if not is_name(cluster_name):
        kept = nearest_dns_name(cluster_name)
        yield Problem("cluster_name", NO_NAME, cluster_name, f"use {kept}" if kept else None)


def region_problems(cloud: str, region: str) -> Iterator[Problem]:
    known = catalog.regions(cloud)
    if region not in known:
        near = nearest_name(region, known)
        yield Problem("region", f"is not a known region of {cloud}", region, f"use {near}" if near else None)


def zone_problems(region: str, zones: Sequence[str], form: str) -> Iterator[Problem]:
    """`form`: how a zone of the region is written, as a regular expression with the region put in."""
    for index, zone in enumerate(zones):
        if not re.fullmatch(form.format(region=re.escape(region)), zone):
            yield Problem("zones", f"is not a zone of {region}", zone)
        elif zone in zones[:index]:
            yield Problem("zones", "is listed twice", zone, "keep one")


def version_problems(version: str | None) -> Iterator[Problem]:
    if version is not None and not MINOR_VERSION.fullmatch(version):
        yield Problem("kubernetes_version", "is not a minor version of Kubernetes", version, "such as 1.35")


def volume_problems(cloud: str, kinds: Sequence[str]) -> Iterator[Problem]:
    known = catalog.volume_kinds_of(cloud)
    for kind in kinds:
        if kind not in known:
            yield Problem("volume_kinds", f"is not a kind of volume of {cloud}", kind, f"use {join_names(known)}")


def system_pool(reference: Mapping[str, Any], wanted: Mapping[str, Any], problems: list[Problem]) -> PoolSpec | None:
    """The system nodes as a pool of fixed size in the cluster of `reference`; None, and what is wrong, where they cannot be."""
    args = {
        "cluster": reference,
        "machine_type": wanted["machine_type"],
        "max_nodes": wanted["nodes"],
        "disk_gib": wanted["disk_gib"],
        "autoscaled": False,
        **({"prices": wanted["prices"]} if wanted.get("prices") is not None else {}),
        **({"zones": list(wanted["zones"])} if wanted["zones"] else {}),
    }
    try:
        spec = pool_spec("system", args)
    except InputError as error:
        renamed = {"max_nodes": "nodes"}
        problems.extend(
            Problem(p.path if p.path.startswith("prices") else f"system_pool.{renamed.get(p.path, p.path)}", p.reason, p.value, p.nearest)
            for p in error.problems
            if not p.path.startswith("cluster.")
        )
        return None
    if spec.has_gpus:
        reason = f"has {spec.machine.accelerator}, for which system nodes have no use"
        problems.append(Problem("system_pool.machine_type", reason, spec.machine.name, "use a machine type without GPUs"))
    return spec
