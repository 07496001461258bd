"""The stack file as types: what people write under `inferstack:` in `Pulumi.<stack>.yaml`. The JSON Schema and the docs are made from this.

A service says what is wanted, not how; every field that is left out is decided by the planner. Rules of one field live with its kind of
value, rules across fields in `rules` of their section. Rules that need the catalog live in the planner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..catalog.types import CapacityType
from .apis import ApiPriceRow, Constraints, rules_of_api_prices
from .budget import Budget, ServiceBudget
from .prices import Prices
from .section import Broken, Section
from .service import AUTO, CustomModel, QualityFloor, ReplicaRange, Service, SloTargets
from .target import Addons, ExistingNodes, Network, OwnedHardware, Target, Versions
from .traffic import Traffic
from .untyped import is_list, is_mapping
from .usage import Usage
from .values import NO_NAME, Many, is_name, nearest_dns_name
from .volumes import NO_VOLUME, SharedVolume

__all__ = [
    "AUTO",
    "NO_VOLUME",
    "Addons",
    "ApiPriceRow",
    "Budget",
    "Constraints",
    "CustomModel",
    "ExistingNodes",
    "Network",
    "OwnedHardware",
    "Prices",
    "QualityFloor",
    "ReplicaRange",
    "Service",
    "ServiceBudget",
    "SharedVolume",
    "SloTargets",
    "StackFile",
    "Target",
    "Traffic",
    "Usage",
    "Versions",
]

NEW_CLUSTERS = ("eks", "gke")
OWN_NAMES = "inferstack-"
"""What names of clusters begin with that the stack makes and does not name."""


class StackFile(Section):
    """Everything under `inferstack:` in one stack file. Secrets never get here: only whether they are set."""

    stack: str
    """Name of the stack: the stem of the file."""
    source: str
    """File that errors name."""
    price_file: str | None = None
    """File that `prices` come from, as errors name it; None where they stand in the stack file."""
    target: Target = Field(examples=["{cloud: gke, region: us-central1}"])
    services: Annotated[tuple[Service, ...], Field(min_length=1, strict=False)] = Field(
        examples=["[{name: chat, model: Qwen/Qwen3-8B, traffic: {requestsPerSecond: 2, isl: 512, osl: 256}}]"]
    )
    budget: Budget = Field(default_factory=Budget)
    constraints: Constraints = Field(default_factory=Constraints)
    prices: Prices = Field(default_factory=Prices)
    usage: Usage = Field(default_factory=Usage)
    api_prices: tuple[ApiPriceRow, ...] = Many
    has_hugging_face_token: bool = False
    has_api_key: bool = False
    provider: dict[str, str] = Field(default_factory=dict)
    """Plain settings of other namespaces that plans read: gcp:project, aws:region."""
    image_digests: dict[str, str] | None = None
    """Image by name and tag -> digest, from the lock beside the file; None where there is none."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        services = given.get("services")
        named = [service if is_mapping(service) else {} for service in services] if is_list(services) else []
        yield from _rules_of_names([service.get("name") for service in named])
        yield from _rules_of_servers(named)
        for index, service in enumerate(named):
            if service.get("endpoint") == "internal" and given.get("hasApiKey") is False:
                nearest = "run `pulumi config set --secret inferstack:apiKey`, or use cluster"
                yield Broken("needs a key that callers present, `inferstack:apiKey`", nearest, at=("services", index, "endpoint"))
        yield from rules_of_api_prices(given.get("apiPrices"))
        target = given.get("target")
        if is_mapping(target):
            yield from _rules_of_clusters(target, str(given.get("stack")))
        if is_mapping(target) and is_mapping(given.get("provider")):
            yield from _rules_of_regions(target, given["provider"])
        if is_mapping(target) and target.get("cloud") == "existing":
            yield from _rules_of_capacity([service.get("capacityType") for service in named])


def _rules_of_clusters(target: Mapping[str, Any], stack: str) -> Iterator[Broken]:
    """A cluster that the stack makes is named after it, where it has no name of its own."""
    name = named_after(stack)
    if target.get("cloud") in NEW_CLUSTERS and target.get("clusterName") is None and not is_name(name):
        wanted = nearest_dns_name(name)
        reason = f"is left out, and {name}, which the stack's own name makes of it, {NO_NAME}"
        yield Broken(reason, f"use {wanted}, or call the stack {wanted.removeprefix(OWN_NAMES)}", at=("target", "clusterName"))


def named_after(stack: str) -> str:
    """The name of a stack's cluster where it has none of its own."""
    return f"{OWN_NAMES}{stack}"


def _rules_of_names(names: list[Any]) -> Iterator[Broken]:
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            free = next(f"{name}-{n}" for n in range(2, len(names) + 2) if f"{name}-{n}" not in names)
            yield Broken(f"is also the name of services[{names.index(name)}]", f"use {free}", at=("services", index, "name"))


def _rules_of_servers(services: Sequence[Mapping[str, Any]]) -> Iterator[Broken]:
    """A server has a name beside those of services, so has each service on it (`server-name`), and its services have one endpoint."""
    pairs = [(service.get("server"), service.get("name")) for service in services]
    names = [name for _, name in pairs]
    objects = [f"{server}-{name}" for server, name in pairs if isinstance(server, str)]
    first: dict[str, int] = {}
    for index, service in enumerate(services):
        server, name = pairs[index]
        if not isinstance(server, str):
            continue
        own = f"{server}-{name}"
        clash = next((found for found in (server, own) if found in names), None)
        # Services of one name are told so themselves: another server would not part them.
        if clash is not None or (objects.count(own) > 1 and names.count(name) == 1):
            taken = {*map(str, names), *objects, *(str(other) for other, _ in pairs)}
            free = next(word for n in range(2, len(taken) + 3) if not {word := f"{server}-{n}", f"{word}-{name}"} & taken)
            whose = "two services" if clash is None else f"services[{names.index(clash)}]"
            reason = f"gives an object the name {clash or own}, which is that of {whose}"
            yield Broken(reason, f"use {free}", at=("services", index, "server"))
        leader = first.setdefault(server, index)
        wants, has = (each.get("endpoint", "cluster") for each in (service, services[leader]))
        if wants != has:
            reason = f"is not that of services[{leader}], which the same server serves: {has}"
            yield Broken(reason, "say the same for both, or another `server`", at=("services", index, "endpoint"))


def _rules_of_capacity(capacity_types: list[Any]) -> Iterator[Broken]:
    for index, capacity_type in enumerate(capacity_types):
        if capacity_type in (CapacityType.SPOT, CapacityType.RESERVED):
            reason = "is a way to buy machines, while the nodes of an existing cluster are there"
            yield Broken(reason, "remove it; what the nodes cost stands in target.nodes", at=("services", index, "capacityType"))


def _rules_of_regions(target: Mapping[str, Any], provider: Mapping[str, str]) -> Iterator[Broken]:
    key = {"eks": "aws:region", "gke": "gcp:region"}.get(str(target.get("cloud")), "")
    region, stated = target.get("region"), provider.get(key)
    if isinstance(region, str) and stated is not None and stated != region:
        yield Broken(f"contradicts `{key}`, which is {stated}", f"give both the same region, or leave {key} out", at=("target", "region"))
