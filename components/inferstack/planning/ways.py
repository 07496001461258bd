"""The ways of a service's weights to a new replica: how soon it answers with each, what each costs, and which is taken.

Weights lie where their owner has put them, or as a copy on a volume that the stack makes. Which is sooner depends on the machine: it is
decided for each placement, and before its replicas are counted, because those that go to zero wait for cold starts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .. import catalog, sizing
from ..catalog.types import Accelerator, Checkpoint, Machine
from ..catalog.volumes import Band, VolumeKind
from ..costs.money import exact
from ..engines.memory import download_gib
from ..engines.types import Engine
from ..engines.weights import claim_of, on_claim
from ..sizing import ColdStart
from ..sizing.types import Estimate, Provenance, Shape
from ..stackfile.schema import NO_VOLUME, Service, SharedVolume
from .site import Site

COPIED = ("hf://", "s3://", "gs://")
"""Places that weights are copied from; what is mounted where it is stays there."""
COPIES = 2
"""Room on a volume for what is served, and for its successor while that is copied."""
LONGEST_SLUG = 40
GB = 10**9
DEAREST = Decimal("Infinity")
"""What an unknown price counts as where prices are compared."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of them, on a given machine."""

    checkpoint: Checkpoint
    volume: SharedVolume | None
    start: ColdStart
    monthly_usd: Decimal | None
    """More than without it; None where no price is known."""

    @property
    def seconds(self) -> float:
        return self.start.seconds.expected


def on_volume(checkpoint: Checkpoint, service: str, volume: str) -> Checkpoint:
    """`checkpoint` as a copy for `service` on a volume of the stack.

    The folder names service, repository and revision, and ends in a digest of them: other weights are another folder. It lies at the top of
    the volume, because a kubelet makes folders on the way to one as root.
    """
    place, revision = checkpoint.uri.partition("://")[2], checkpoint.revision or "main"
    slug = re.sub(r"[^a-z0-9.]+", "-", place.lower()).strip("-.")[-LONGEST_SLUG:].strip("-.")
    named = "\n".join((checkpoint.uri, revision, checkpoint.file or ""))
    digest = hashlib.sha256(named.encode()).hexdigest()[:8]
    return on_claim(checkpoint, volume, f"{service}.{slug}.{revision[:12]}.{digest}")


def on_pinned_volume(checkpoint: Checkpoint, service: Service) -> Checkpoint:
    """`checkpoint` on the volume that the stack file names for `service`; as it is where it names none."""
    wanted = service.volume
    return checkpoint if wanted in (None, NO_VOLUME) else on_volume(checkpoint, service.name, wanted)


def volume_of(checkpoint: Checkpoint, site: Site) -> SharedVolume | None:
    """The volume of the stack that `checkpoint` is a copy on."""
    claim = claim_of(checkpoint)
    return None if claim is None else next(volume for volume in site.target.volumes if volume.name == claim)


def cold_start(engine: Engine, shape: Shape, machine: Machine, site: Site, checkpoint: Checkpoint, *, first: bool = False) -> ColdStart:
    """How long a new replica takes there until it answers, with its weights from where `checkpoint` says; `first`: the first of all."""
    volume = volume_of(checkpoint, site)
    if volume is None:
        return cold_start_from(engine, shape, machine, site, checkpoint.uri.partition("://")[0], streamed=checkpoint.streamed)
    return cold_start_on(engine, shape, machine, site, volume, first=first)


def cold_start_on(engine: Engine, shape: Shape, machine: Machine, site: Site, volume: SharedVolume, *, first: bool = False) -> ColdStart:
    """The same with the weights on a volume, made or not."""
    kind = volume.sold_as
    read = _estimate(kind.reads(size_gib(volume, shape), volume.bought_throughput), kind)
    return _cold_start(engine, shape, machine, site, kind.name, read, compiled=kind.keeps_compiled and not first)


def cold_start_from(engine: Engine, shape: Shape, machine: Machine, site: Site, source_kind: str, *, streamed: bool) -> ColdStart:
    """The same with the weights from another kind of place: hf, s3, gs, pvc or oci."""
    return _cold_start(engine, shape, machine, site, source_kind, None, streamed=streamed)


def _cold_start(
    engine: Engine,
    shape: Shape,
    machine: Machine,
    site: Site,
    source_kind: str,
    volume_gb_s: Estimate | None,
    *,
    streamed: bool = False,
    compiled: bool = False,
) -> ColdStart:
    traits = engine.traits
    return sizing.cold_start(
        weight_bytes=sizing.fetched_bytes(shape) + sizing.file_bytes(shape),
        image_gib=engine.release_for(shape.device.kind).image_gib,
        source_kind=source_kind,
        disk_mb_s=machine.disk_mb_s,
        network_gbps=machine.network_gbps,
        provisions_node=site.target.scales_nodes,
        compile_s=traits.compiled_s if compiled and traits.compiled_s is not None else traits.compile_s,
        local_nvme=machine.local_nvme_gib > 0,
        streamed=streamed,
        volume_gb_s=volume_gb_s,
    )


def copy_seconds(checkpoint: Checkpoint, volume: SharedVolume, shape: Shape) -> Estimate:
    """How long the Job takes that fills the folder of `checkpoint`."""
    assert checkpoint.origin is not None, "only copies are copied"
    kind = volume.sold_as
    write = _estimate(kind.writes(size_gib(volume, shape), volume.bought_throughput), kind)
    return sizing.copy_seconds(sizing.checkpoint_bytes(shape), checkpoint.origin.uri.partition("://")[0], write)


def size_gib(volume: SharedVolume, shape: Shape) -> int | None:
    """The size that is stated, or what one service asks for: others on the volume make it larger, and never slower."""
    return volume.sold_as.sold_gib(COPIES * download_gib(shape)) if volume.size_gib is None else volume.size_gib


def ways(service: Service, engine: Engine, shape: Shape, accelerator: Accelerator | None, machine: Machine, site: Site) -> Iterator[Way]:
    """The way that the checkpoint of `shape` has, and one by each volume of the stack that the engine reads, where nothing is pinned."""
    own = shape.checkpoint
    yield Way(own, volume_of(own, site), cold_start(engine, shape, machine, site, own), Decimal(0))
    if service.volume is not None or service.server is not None or not own.uri.startswith(COPIED):
        return
    for volume in site.target.volumes:
        there = on_volume(own, service.name, volume.name)
        if engine.supports(shape.model, there, accelerator) is None:
            more = stored_usd(volume.sold_as, shape, site) if volume.sold_as.elastic else Decimal(0)
            yield Way(there, volume, cold_start_on(engine, shape, machine, site, volume), more)


def best(found: list[Way], most_seconds: float | None) -> Way | None:
    """The cheapest of those that answer within `most_seconds`, None where none does; without a target the soonest."""
    if most_seconds is None:
        return min(found, key=lambda way: way.seconds)
    keeping = [way for way in found if way.seconds <= most_seconds]
    return min(keeping, key=lambda way: (DEAREST if way.monthly_usd is None else way.monthly_usd, way.seconds), default=None)


def stored_usd(kind: VolumeKind, shape: Shape, site: Site) -> Decimal | None:
    """A month of the weights on a volume that grows with them."""
    fee = site.fees.get(kind.fee or "")
    return None if fee is None or fee.usd is None else fee.usd * stored_gb(shape)


def whole_usd(volume: SharedVolume, shape: Shape, site: Site) -> Decimal | None:
    """A month of a volume that would be made for these weights alone."""
    kind, size = volume.sold_as, size_gib(volume, shape)
    if size is None:
        return stored_usd(kind, shape, site)
    fee = site.fees.get(kind.fee_at(volume.bought_throughput) or "")
    return None if fee is None or fee.usd is None else fee.usd * size


def stored_gb(shape: Shape) -> Decimal:
    """GB of the files that are copied."""
    return exact(sizing.checkpoint_bytes(shape)) / GB


def offered(site: Site) -> Iterator[SharedVolume]:
    """A volume of each kind that the cloud sells and the stack does not have."""
    had = {volume.sold_as.name for volume in site.target.volumes}
    for kind in catalog.volume_kinds().values():
        if kind.cloud == site.cloud.name and kind.is_sold and kind.name not in had:
            yield SharedVolume.model_validate({"name": "weights", "kind": kind.name})


def _estimate(band: Band, kind: VolumeKind) -> Estimate:
    return Estimate(*band, Provenance.BELIEVED, kind.source)
