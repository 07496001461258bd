"""What a node pool can be: from the component's arguments to a `PoolSpec`, or every reason why not, as sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .. import catalog, clouds, stackfile
from ..catalog.types import CapacityType, Machine
from ..clouds.nodes import sold_in
from ..errors import InputError, Problem, join_names, nearest_name
from ..planning.pricing import check_prices
from ..stackfile.schema import Prices
from .spec import PoolSpec

DEFAULT_GPU_DISK_GIB = 200
"""An engine image of some 25 GiB unpacked beside the system, and weights of up to 140 GiB."""
DEFAULT_CPU_DISK_GIB = 50
SMALLEST_DISK_GIB = 20
"""Size of the snapshot of the EKS node image; GKE allows less, but then has no room for an engine's image."""

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAME_LENGTH = 63
"""It is the value of a node label."""

LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
"""The kubelet may not set labels of these on its own node; the cloud would refuse them when the nodes start."""

MAKERS = ("nvidia", "aws")
"""Vendors whose devices a pool can offer."""


def pool_spec(name: str, args: Mapping[str, Any]) -> PoolSpec:
    """The pool that `args` (checked for keys and types) describe. Raises `InputError` with everything that cannot be."""
    reference: Mapping[str, Any] = args["cluster"]
    problems = list(_cluster_problems(reference))
    machine = None if problems else _machine(reference["cloud"], args["machine_type"], problems)
    if machine is None:
        raise InputError([*problems, *_name_problems(name)])
    spec = _spec(name, args, reference, machine, _prices(args.get("prices"), reference["cloud"], problems))
    for rule in (*RULES, *CLOUD_RULES[reference["cloud"]]):
        problems.extend(rule(spec, args, reference))
    problems.extend(_name_problems(name))
    if problems:
        raise InputError(problems)
    return spec


def pool_warnings(spec: PoolSpec, cloud: str) -> Iterator[str]:
    """What may fail in the cloud although nothing known here speaks against it."""
    if cloud == "eks" and spec.capacity_type is CapacityType.RESERVED and len(spec.zones) > 1:
        zones = join_names(spec.zones, "and")
        yield f"reservation {spec.reservation_id} is good in one zone only, but nodes may start in {zones}: name its zone"
    if cloud == "gke" and spec.has_gpus and not spec.zones:
        yield f"{spec.machine.name} is not sold in every zone, and no zones are named: GKE refuses the pool where one of its zones lacks it"


def _spec(name: str, args: Mapping[str, Any], reference: Mapping[str, Any], machine: Machine, prices: Prices) -> PoolSpec:
    autoscaled = args.get("autoscaled", True)
    most = int(args["max_nodes"])
    disk = args.get("disk_gib", DEFAULT_GPU_DISK_GIB if machine.accelerator_count else DEFAULT_CPU_DISK_GIB)
    return PoolSpec(
        name=name,
        machine=machine,
        capacity_type=CapacityType(args.get("capacity_type", CapacityType.ON_DEMAND)),
        reservation_id=args.get("reservation_id"),
        capacity_block=args.get("capacity_block", False),
        zones=sold_in(machine, reference["region"], _wanted_zones(args, reference)),
        min_nodes=int(args.get("min_nodes", 0 if autoscaled else most)),
        max_nodes=most,
        autoscaled=autoscaled,
        expected_nodes=args.get("expected_nodes"),
        disk_gib=int(disk),
        labels=tuple(sorted(args.get("labels", {}).items())),
        kubernetes_version=reference.get("kubernetes_version"),
        own_device_plugin=args.get("own_device_plugin", False),
        prices=prices,
        fabric=args.get("fabric", False),
    )


def _prices(given: Mapping[str, Any] | None, cloud: str, problems: list[Problem]) -> Prices:
    """The user's own prices; none, and what is wrong with them, where they cannot be read."""
    if given is None:
        return Prices()
    try:
        found = stackfile.read_prices(given)
        problems.extend(replace(problem, path=problem.path.removeprefix("inferstack:")) for problem in check_prices(found, cloud))
    except InputError as error:
        problems.extend(replace(problem, path=problem.path.removeprefix("inferstack:")) for problem in error.problems)
        return Prices()
    return found


def _wanted_zones(args: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[str, ...]:
    """The pool's own, or the cluster's, or those that the cluster has subnets in."""
    known: tuple[Any, ...] = (args.get("zones"), reference.get("zones"), reference.get("subnet_ids"))
    return tuple(next((zones for zones in known if zones), ()))


# --- rules: each yields what is wrong ---------------------------------------------------------------------------------------


def _name_problems(name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        kept = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:NAME_LENGTH].strip("-")
        reason = f"is not a name of at most {NAME_LENGTH} characters (a-z, 0-9 and -, a letter first)"
        yield Problem("name", reason, name, f"use {kept}" if kept else None)


def _cluster_problems(reference: Mapping[str, Any]) -> Iterator[Problem]:
    cloud = reference["cloud"]
    if cloud == "existing":
        yield Problem("cluster.cloud", "brings its own nodes", cloud, "add nodes where that cluster is made, or use an eks or gke cluster")
    elif cloud not in catalog.CLOUDS:
        near = nearest_name(cloud, catalog.CLOUDS)
        yield Problem("cluster.cloud", f"is not one of {join_names(catalog.CLOUDS)}", cloud, f"use {near}" if near else None)
    elif "region" not in reference:
        yield Problem("cluster.region", f"is missing; a pool on {cloud} needs it")


def _machine(cloud: str, name: str, problems: list[Problem]) -> Machine | None:
    try:
        return catalog.machine(cloud, name)
    except catalog.UnknownName as unknown:
        near = f"use {join_names(unknown.nearest)}" if unknown.nearest else None
        problems.append(Problem("machine_type", f"{unknown} on {cloud}", name, near))
        return None


def _gpu_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    machine = spec.machine
    held = f"{machine.name} has " + (f"{machine.accelerator_count} x {machine.accelerator}" if machine.accelerator else "no GPU")
    if "gpu" in args:
        yield from _gpu_name_problems(args["gpu"], machine, held)
    if "gpus_per_node" in args and args["gpus_per_node"] != machine.accelerator_count:
        near = f"use {machine.accelerator_count}"
        yield Problem("gpus_per_node", f"does not match the machine type: {held}", args["gpus_per_node"], near)
    if machine.accelerator is not None and catalog.accelerator(machine.accelerator).vendor.lower() not in MAKERS:
        reason = f"has {machine.accelerator}, which is no NVIDIA GPU and no Neuron chip; this pool makes nodes with those or with none"
        yield Problem("machine_type", reason, machine.name)


def _gpu_name_problems(wanted: str, machine: Machine, held: str) -> Iterator[Problem]:
    try:
        if catalog.accelerator(wanted).id != machine.accelerator:
            yield Problem("gpu", f"does not match the machine type: {held}", wanted, "change one of the two")
    except catalog.UnknownName as unknown:
        yield Problem("gpu", str(unknown), wanted, f"use {join_names(unknown.nearest)}" if unknown.nearest else None)


def _count_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.max_nodes < 1:
        yield Problem("max_nodes", "is below 1; a pool has to be able to have a node", spec.max_nodes, "leave the pool out, or use 1")
    elif not 0 <= spec.min_nodes <= spec.max_nodes:
        yield Problem("min_nodes", f"is not between 0 and max_nodes ({spec.max_nodes})", spec.min_nodes)
    elif not spec.autoscaled and spec.min_nodes != spec.max_nodes:
        reason = f"differs from max_nodes ({spec.max_nodes}), but without autoscaling a pool has one size"
        yield Problem("min_nodes", reason, spec.min_nodes, "leave it out, or set autoscaled to true")
    if spec.expected_nodes is not None and not spec.min_nodes <= spec.expected_nodes <= spec.max_nodes:
        reason = f"is not between min_nodes ({spec.min_nodes}) and max_nodes ({spec.max_nodes})"
        yield Problem("expected_nodes", reason, spec.expected_nodes)
    if spec.disk_gib < SMALLEST_DISK_GIB:
        reason = f"is below {SMALLEST_DISK_GIB}, which the node image needs"
        yield Problem("disk_gib", reason, spec.disk_gib, f"use {SMALLEST_DISK_GIB} or more")


def _capacity_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    reserved = spec.capacity_type is CapacityType.RESERVED
    if reserved and spec.reservation_id is None:
        yield Problem("reservation_id", "is missing; capacity type reserved has to say which reservation")
    if not reserved and spec.reservation_id is not None:
        reason = f"does not work with capacity type {spec.capacity_type}"
        yield Problem("reservation_id", reason, spec.reservation_id, "set capacity_type to reserved, or leave reservation_id out")
    if spec.capacity_block and not reserved:
        yield Problem("capacity_block", f"does not work with capacity type {spec.capacity_type}", None, "set capacity_type to reserved")
    usage = spec.machine.facts.get("usage_classes")
    if usage is not None:
        kind = "capacity-block" if spec.capacity_block else "on-demand" if reserved else spec.capacity_type.value
        if kind not in usage:
            yield Problem("capacity_type", f"is not how {spec.machine.name} is sold", kind, f"use {join_names(sorted(usage))}")


def _place_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    region: str = reference["region"]
    machine = spec.machine
    if machine.regions and region not in machine.regions:
        near = nearest_name(region, machine.regions)
        where = f"the nearest region with it is {near}" if near else None
        yield Problem("machine_type", f"is not known to be sold in {region}", machine.name, where)
        return
    wanted = _wanted_zones(args, reference)
    foreign = [zone for zone in wanted if not zone.startswith(region)]
    if foreign:
        yield Problem("zones", f"is not in region {region}", ", ".join(foreign))
    elif wanted and not spec.zones:
        letters = [zone[-1] for zone in machine.facts["zones"][region]]
        near = f"those of {region} that end in {join_names(letters)} have it"
        yield Problem("zones", f"are not zones in which {machine.name} is sold", ", ".join(wanted), near)


def _fabric_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    if not spec.fabric:
        return
    found = clouds.cloud(reference["cloud"]).fabric(spec.machine)
    if found is None:
        reason = f"is not for {spec.machine.name}: no network between accelerators that is known here comes with it"
        yield Problem("fabric", reason, None, "leave it out")
    cards, made = 0 if found is None else found.card_networks, reference.get("accelerator_networks", ())
    if len(made) < cards:
        reason = f"are too few: {cards} join machines of {spec.machine.name}"
        yield Problem("cluster.accelerator_networks", reason, len(made), f"make the cluster with accelerator_networks={cards}")
    if len(spec.zones) > 1:
        reason = "are several, and what joins accelerators ends at the zone"
        yield Problem("zones", reason, ", ".join(spec.zones), f"use {spec.zones[0]}")
    needed = ("vpc_id", "security_group_id") if reference["cloud"] == "eks" else ()
    for key in (key for key in needed if key not in reference):
        yield Problem(f"cluster.{key}", "is missing; a pool with fabric needs it")


def _label_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in spec.labels:
        domain = key.partition("/")[0] if "/" in key else ""
        if not LABEL_KEY.fullmatch(key):
            yield Problem(f"labels.{key}", "is not a label key of Kubernetes")
        elif any(domain == name or domain.endswith(f".{name}") for name in KUBERNETES_DOMAINS):
            yield Problem(f"labels.{key}", f"is in {domain}, which is kept for Kubernetes itself", None, "use a domain of your own")
        if not LABEL_VALUE.fullmatch(value):
            yield Problem(f"labels.{key}", "is not a label value of Kubernetes (at most 63 of A-Z, a-z, 0-9, -, _ and .)", value)


def _eks_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("subnet_ids", "node_role_arn"):
        if key not in reference:
            yield Problem(f"cluster.{key}", "is missing; a pool on eks needs it")
    subnets: Mapping[str, Any] = reference.get("subnet_ids", {})
    without = [zone for zone in spec.zones if zone not in subnets and zone.startswith(reference["region"])]
    if without and subnets:
        yield Problem("zones", "has no subnet in cluster.subnet_ids", ", ".join(without), f"use {join_names(sorted(subnets), 'and')}")
    if spec.own_device_plugin:
        reason = "is for gke; nodes of eks bring no device plugin that could be switched off"
        yield Problem("own_device_plugin", reason, None, "leave it out")
    if not spec.machine.facts.get("ami_types"):
        yield Problem("machine_type", "has no known EKS node image", spec.machine.name)


def _gke_rules(spec: PoolSpec, args: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.capacity_block:
        yield Problem("capacity_block", "is for eks; gke knows reservations only", None, "leave it out")
    if spec.capacity_type is CapacityType.RESERVED and len(spec.zones) != 1:
        reason = "has to be the one zone of the reservation; a Compute Engine reservation is good in one zone only"
        yield Problem("zones", reason, ", ".join(spec.zones) or None, "give that zone alone")
    if spec.has_gpus and "accelerator_label" not in spec.machine.facts:
        yield Problem("machine_type", "has GPUs that GKE has no name for", spec.machine.name)


Rule = Callable[[PoolSpec, Mapping[str, Any], Mapping[str, Any]], Iterator[Problem]]
RULES: tuple[Rule, ...] = (_gpu_rules, _count_rules, _capacity_rules, _place_rules, _fabric_rules, _label_rules)
CLOUD_RULES: Mapping[str, tuple[Rule, ...]] = {"eks": (_eks_rules,), "gke": (_gke_rules,)}
