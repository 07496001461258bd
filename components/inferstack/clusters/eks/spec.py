"""An EKS cluster, read and checked: from the component's arguments to a decision, or every reason why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ... import clouds
from ...clouds.cidrs import vpc_problems
from ...errors import InputError, Problem
from ...nodepools.spec import PoolSpec
from ...stackfile.schema import Target
from ..access import ApiAccess, access_problems, api_access
from ..checks import name_problems, region_problems, system_pool, version_problems, volume_problems, zone_problems

DEFAULT_CIDR = "10.0.0.0/16"
DEFAULT_LOG_DAYS = 30
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What CloudWatch Logs accepts."""
FEWEST_ZONES = 2
"""The control plane puts its network interfaces into two zones at least."""


@dataclass(frozen=True, slots=True)
class EksSpec:
    """An EKS cluster, decided."""

    cluster_name: str
    region: str
    zones: tuple[str, ...]
    kubernetes_version: str
    network_cidr: str
    nat_per_zone: bool
    access: ApiAccess
    system_pool: PoolSpec
    admin_role_arns: tuple[str, ...]
    aws_profile: str | None
    log_retention_days: int
    deletion_protection: bool
    volume_kinds: tuple[str, ...] = ()
    """Kinds of shared volumes whose drivers the cluster gets."""


def eks_spec(args: Mapping[str, Any]) -> EksSpec:
    """The cluster that `args` (checked for keys and types) describe. Raises `InputError` with everything that cannot be."""
    problems = [*name_problems(args["cluster_name"]), *region_problems("eks", args["region"])]
    if problems:
        raise InputError(problems)
    target = Target(cloud="eks", region=args["region"], zones=tuple(args.get("zones", ())))
    eks = clouds.cloud("eks")
    zones = eks.zones(target)
    cidr = args.get("network_cidr", DEFAULT_CIDR)
    problems.extend(_problems(args, zones, cidr))
    system = _system_pool(args, target, zones, problems)
    if problems or system is None:
        raise InputError(problems)
    return EksSpec(
        cluster_name=args["cluster_name"],
        region=args["region"],
        zones=zones,
        kubernetes_version=args.get("kubernetes_version", eks.kubernetes_version),
        network_cidr=cidr,
        nat_per_zone=args.get("nat_gateways", "single") == "per-zone",
        access=api_access(args.get("api_access_cidrs", ())),
        system_pool=system,
        admin_role_arns=tuple(args.get("admin_role_arns", ())),
        aws_profile=args.get("aws_profile"),
        log_retention_days=int(args.get("log_retention_days", DEFAULT_LOG_DAYS)),
        deletion_protection=args.get("deletion_protection", False),
        volume_kinds=tuple(args.get("volume_kinds", ())),
    )


def _problems(args: Mapping[str, Any], zones: tuple[str, ...], cidr: str) -> Iterator[Problem]:
    yield from zone_problems(args["region"], zones, "{region}[a-z]")
    if len(zones) < FEWEST_ZONES:
        yield Problem("zones", f"are fewer than {FEWEST_ZONES}, which the control plane needs", ", ".join(zones) or None, "add a zone")
    yield from vpc_problems(cidr, zones)
    yield from access_problems(args.get("api_access_cidrs", ()))
    yield from version_problems(args.get("kubernetes_version"))
    yield from volume_problems("eks", args.get("volume_kinds", ()))
    days = args.get("log_retention_days", DEFAULT_LOG_DAYS)
    if days not in LOG_DAYS:
        near = min(LOG_DAYS, key=lambda allowed: abs(allowed - days))
        yield Problem("log_retention_days", "is not a number of days that CloudWatch Logs keeps", days, f"use {near}")
    for arn in args.get("admin_role_arns", ()):
        if ":role/" not in arn:
            yield Problem("admin_role_arns", "is not the ARN of an IAM role", arn, "such as arn:aws:iam::123456789012:role/admin")


def _system_pool(args: Mapping[str, Any], target: Target, zones: tuple[str, ...], problems: list[Problem]) -> PoolSpec | None:
    default = clouds.cloud("eks").system_pool(target)
    assert default is not None, "eks has system nodes"
    asked: Mapping[str, Any] = args.get("system_pool", {})
    wanted = {
        "machine_type": asked.get("machine_type", default.machine_type),
        "nodes": asked.get("nodes", default.nodes),
        "disk_gib": asked.get("disk_gib", default.disk_gib),
        "zones": asked.get("zones", default.zones),
        "prices": args.get("prices"),
    }
    reference = {
        "cloud": "eks",
        "name": args["cluster_name"],
        "region": args["region"],
        "kubernetes_version": args.get("kubernetes_version", clouds.cloud("eks").kubernetes_version),
        "subnet_ids": dict.fromkeys(zones, ""),
        "node_role_arn": "",
    }
    return system_pool(reference, wanted, problems)
