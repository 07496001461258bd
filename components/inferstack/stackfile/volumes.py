"""Volumes that services share, as the stack file says them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..catalog.volumes import OWN_CLASS, VolumeKind, volume_kinds, volume_kinds_of
from .section import Broken, Section
from .untyped import is_list, is_mapping
from .values import Name

NO_VOLUME = "none"
"""What `volume` of a service says where it is to be on none."""


class SharedVolume(Section):
    """A volume that this stack makes, for weights that are copied once and read by every replica."""

    name: Name = Field(examples=["weights"])
    """Name of the claim in the namespace of the services. Renaming makes a new volume."""
    kind: Literal["efs", "fsx", "filestore", "gcs-fuse"] | None = None
    """efs or fsx on eks, filestore or gcs-fuse on gke; left out on cloud existing."""
    size_gib: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Left out: what the weights of its services need twice, so that a successor has room, and at least what is sold. efs and gcs-fuse grow
    by themselves."""
    throughput: Literal[125, 250, 500, 1000] | None = None
    """fsx: MB/s that are bought per TiB. Left out: 500."""
    storage_class: Name | None = None
    """existing only: a class of the cluster whose volumes several nodes may write to (ReadWriteMany)."""

    @property
    def sold_as(self) -> VolumeKind:
        """What its kind is sold as."""
        return volume_kinds()[OWN_CLASS if self.kind is None else self.kind]

    @property
    def bought_throughput(self) -> int | None:
        return self.sold_as.throughput if self.throughput is None else self.throughput

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        kind, size = given.get("kind"), given.get("sizeGib")
        if given.get("name") == NO_VOLUME:
            yield Broken("is what a service says that is on no volume", "use another name, such as weights", at=("name",))
        if given.get("throughput") is not None and kind != "fsx":
            yield Broken("is bought with fsx only", "remove it", at=("throughput",))
        if isinstance(kind, str) and kind in volume_kinds() and isinstance(size, int) and not isinstance(size, bool):
            yield from _rules_of_size(volume_kinds()[kind], size)


def _rules_of_size(kind: VolumeKind, size: int) -> Iterator[Broken]:
    if kind.elastic:
        yield Broken(f"is for volumes of a size, and {kind.name} grows with what it holds", "remove it", at=("sizeGib",))
    elif (sold := kind.sold_gib(size)) != size:
        yield Broken(f"is no size in which {kind.name} is sold", f"use {sold}", at=("sizeGib",))


def rules_of_volumes(given: Mapping[str, Any]) -> Iterator[Broken]:
    """What the cloud of a target says of its volumes."""
    cloud, volumes = given.get("cloud"), given.get("volumes")
    named = [volume if is_mapping(volume) else {} for volume in volumes] if is_list(volumes) else []
    names = [volume.get("name") for volume in named]
    for index, volume in enumerate(named):
        at = ("volumes", index)
        if isinstance(names[index], str) and names[index] in names[:index]:
            yield Broken(f"is also the name of volumes[{names.index(names[index])}]", "give each its own", at=(*at, "name"))
        if cloud in ("eks", "gke"):
            yield from _rules_on_new_clusters(cloud, volume, at)
        elif cloud == "existing":
            yield from _rules_on_existing_clusters(volume, at)


def _rules_on_new_clusters(cloud: str, volume: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Broken]:
    kind = volume.get("kind")
    able = volume_kinds_of(cloud)
    if kind is None:
        yield Broken(f"is needed on cloud {cloud}", f"use {' or '.join(able)}", at=(*at, "kind"))
    elif isinstance(kind, str) and kind in volume_kinds() and kind not in able:
        yield Broken(f"is not a kind of volume of {cloud}", f"use {' or '.join(able)}", at=(*at, "kind"))
    if volume.get("storageClass") is not None:
        yield Broken(f"is for cloud existing; on {cloud} the volume is made", "remove it", at=(*at, "storageClass"))


def _rules_on_existing_clusters(volume: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Broken]:
    if volume.get("kind") is not None:
        yield Broken("is what a cloud sells; an existing cluster has storage classes", "use storageClass", at=(*at, "kind"))
    if volume.get("storageClass") is None:
        yield Broken(
            "is needed on cloud existing",
            "name a class with ReadWriteMany, as `kubectl get storageclass` lists them",
            at=(*at, "storageClass"),
        )
