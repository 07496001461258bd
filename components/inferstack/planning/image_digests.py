"""Which images a stack runs, and by which digest: what a lock says goes before what this release ships, and never before the stack file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import catalog
from ..clouds.addons import ADDONS
from ..clouds.types import Fabric
from ..engines.spec import EngineSpec
from ..engines.weights import IMAGE
from ..errors import join_names
from ..stackfile.schema import StackFile
from .types import ServicePlan, StackPlan

PROJECT_FILE = "Pulumi."


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a stack."""

    name: str
    """Repository and tag."""
    digest: str | None
    """None where only its tag is known."""
    said_by: str | None
    """Who says the digest: `lock`, `release` (of inferstack) or `stack file`; None where nobody does."""
    used_by: tuple[str, ...]
    """Services and add-ons."""

    @property
    def is_tag(self) -> bool:
        """True where a lock may say its digest: it has a tag, and the stack file says no digest of it."""
        return ":" in self.name.rpartition("/")[2] and self.said_by != "stack file"


def with_digests(plan: StackPlan, stack: StackFile) -> StackPlan:
    """`plan` with the digests of the stack's lock, and a warning where it has one that does not hold every image."""
    locked = stack.image_digests
    if locked is None:
        return plan
    made = replace(
        plan,
        services=tuple(_pinned_service(service, locked) for service in plan.services),
        addons=tuple(replace(addon, images=tuple(_pinned(image, locked) for image in addon.images)) for addon in plan.addons),
    )
    missing = [image.name for image in images(made, locked) if image.digest is None]
    if not missing:
        return made
    name = stack.stack if Path(stack.source).name.startswith(PROJECT_FILE) else stack.source
    holds = f"the lock of images does not hold {join_names(missing, 'and')}"
    return replace(made, warnings=(*made.warnings, f"{holds}: run `inferstack images lock -s {name}`"))


def images(plan: StackPlan, locked: Mapping[str, str] | None) -> tuple[Image, ...]:
    """Every image of the stack whose name we say, once, in the order of services and add-ons."""
    users: dict[str, list[str]] = {}
    for user, image in _uses(plan):
        users.setdefault(image, [])
        if user not in users[image]:
            users[image].append(user)
    return tuple(_image(image, tuple(by), locked) for image, by in users.items())


def images_document(found: Iterable[Image], lock: str | None) -> dict[str, Any]:
    """What `inferstack images --json` prints; `lock` is the file, None where there is none."""
    rows = [{"name": one.name, "digest": one.digest, "saidBy": one.said_by, "usedBy": list(one.used_by)} for one in found]
    return {"lock": lock, "images": rows}


def _uses(plan: StackPlan) -> Iterator[tuple[str, str]]:
    for service in plan.services:
        yield from ((service.name, image) for image in _images_of(service))
    for addon in plan.addons:
        yield from ((addon.name, image) for image in addon.images if addon.installed)


def _images_of(service: ServicePlan) -> tuple[str, ...]:
    """What copies the weights, what runs before the server, the server, what receives for it, and weights that come as images."""
    spec = service.spec
    beside = (service.copy, *spec.init, spec, service.receiver)
    uris = (*(() if spec.storage_uri is None else (spec.storage_uri,)), *(uri for uri, _ in spec.mounts))
    return (*(one.image for one in beside if one is not None), *(uri.removeprefix(IMAGE) for uri in uris if uri.startswith(IMAGE)))


def _image(reference: str, users: tuple[str, ...], locked: Mapping[str, str] | None) -> Image:
    name, _, digest = reference.partition("@")
    if not digest:
        return Image(name, None, None, users)
    said_by = "lock" if locked is not None and locked.get(name) == digest else "release" if _shipped(name) == digest else "stack file"
    return Image(name, digest, said_by, users)


def _pinned_service(service: ServicePlan, locked: Mapping[str, str]) -> ServicePlan:
    copy = None if service.copy is None else replace(service.copy, image=_pinned(service.copy.image, locked))
    return replace(service, spec=_pinned_spec(service.spec, locked), copy=copy, fabric=_pinned_fabric(service.fabric, locked))


def _pinned_fabric(fabric: Fabric | None, locked: Mapping[str, str]) -> Fabric | None:
    direct = None if fabric is None else fabric.gpudirect
    if fabric is None or direct is None:
        return fabric
    daemon = replace(direct.daemon, image=_pinned(direct.daemon.image, locked))
    return replace(fabric, gpudirect=replace(direct, daemon=daemon))


def _pinned_spec(spec: EngineSpec, locked: Mapping[str, str]) -> EngineSpec:
    return replace(
        spec,
        image=_pinned(spec.image, locked),
        init=tuple(replace(init, image=_pinned(init.image, locked)) for init in spec.init),
        storage_uri=None if spec.storage_uri is None else _pinned_uri(spec.storage_uri, locked),
        mounts=tuple((_pinned_uri(uri, locked), path) for uri, path in spec.mounts),
    )


def _pinned_uri(uri: str, locked: Mapping[str, str]) -> str:
    return f"{IMAGE}{_pinned(uri.removeprefix(IMAGE), locked)}" if uri.startswith(IMAGE) else uri


def _pinned(reference: str, locked: Mapping[str, str]) -> str:
    name, _, digest = reference.partition("@")
    if name not in locked or (digest and digest != _shipped(name)):
        return reference
    return f"{name}@{locked[name]}"


def _shipped(name: str) -> str | None:
    """The digest that this release ships for an image."""
    beside = (image.partition("@") for addon in ADDONS.values() for image in addon.images)
    shipped = {image: digest for image, _, digest in beside if digest}
    return next((release.digest for release in catalog.engine_releases().values() if release.image == name), shipped.get(name))
