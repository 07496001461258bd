"""Where weights come from: how soon a replica answers with each, what keeping them there costs, and which it is.

Of the ways that one place offers, the sooner is taken at no extra cost; another place is the user's to fill: it is named with its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from .. import catalog, sizing
from ..catalog.types import Checkpoint
from ..clouds.charges import DISKS
from ..costs.money import exact
from ..costs.types import Columns, CostLine, Extra
from ..engines.types import Engine
from ..engines.weights import HUB
from ..stackfile.schema import NO_VOLUME, Service
from . import ways
from .placement import Placement, cold_start_of
from .problems import Problems
from .replica import Sized
from .requirement import Requirement
from .site import Site
from .types import Decision, ServicePlan, SourceOption

STREAM, COPY, MOUNT = "stream", "copy", "mount"
PLACES = {
    "hf": "Hugging Face",
    "s3": "S3",
    "gs": "Cloud Storage",
    "pvc": "a shared volume",
    "oci": "an image in the registry",
    **{kind.name: kind.title for kind in catalog.volume_kinds().values()},
}
GB = 10**9


def with_loading(checkpoint: Checkpoint, engine: Engine, service: Service) -> Checkpoint:
    """`checkpoint` as `engine` loads it: streamed where its image can, unless the stack file says copy."""
    can = checkpoint.uri.partition("://")[0] in engine.traits.streams
    return replace(checkpoint, streamed=True) if can and service.loading != COPY else checkpoint


def check_loading(service: Service, engine: Engine | None, path: str, problems: Problems) -> None:
    """What `loading` needs: weights in a bucket, and an engine that reads it."""
    said, scheme = service.loading, (service.model_uri or HUB).partition("://")[0]
    if said is None:
        return
    if service.volume not in (None, NO_VOLUME):
        reason = "stands beside `volume`, from which weights are read in place"
        problems.add(f"{path}.loading", said, reason, "remove one of the two", {f"{path}.loading": None})
    elif scheme not in ("s3", "gs"):
        reason = f"is for weights in a bucket, and these come from {PLACES[scheme]}"
        problems.add(f"{path}.loading", said, reason, "remove it", {f"{path}.loading": None})
    elif said == STREAM and engine is not None and scheme not in engine.traits.streams:
        problems.add(f"{path}.loading", said, f"is not known to work with {engine.name}", "use vllm, or copy", {f"{path}.loading": COPY})


def options(requirement: Requirement, placement: Placement, site: Site) -> tuple[SourceOption, ...]:
    """Every place and way that this cloud and engine have, the chosen one first, then by how soon a replica answers."""
    found = _options(placement.sized, placement, requirement.service, site)
    return tuple(sorted(found, key=lambda option: (not option.chosen, option.cold_start_seconds.expected)))


def _options(sized: Sized, placement: Placement, service: Service, site: Site) -> Iterator[SourceOption]:
    assert sized.replica is not None, "what is planned fits"
    shape, machine, engine = sized.replica.shape, placement.machine, sized.engine
    size = exact(sizing.checkpoint_bytes(shape)) / GB
    own, published = sized.checkpoint, sized.checkpoint.published
    place, volume = published.uri.partition("://")[0], ways.volume_of(own, site)
    now = cold_start_of(sized, machine, site).seconds
    if volume is None:
        yield SourceOption(place, _way(place, own.streamed), now, _usd(place, size, site), chosen=True)
    else:
        yield SourceOption(volume.sold_as.name, MOUNT, now, ways.whole_usd(volume, shape, site), chosen=True, volume=volume.name)
    for other, streamed in _others(place, None if volume else published.streamed, engine, site):
        seconds = ways.cold_start_from(engine, shape, machine, site, other, streamed=streamed).seconds
        yield SourceOption(other, _way(other, streamed), seconds, _usd(other, size, site), chosen=False)
    for other in (*site.target.volumes, *ways.offered(site)):
        there = ways.on_volume(published, service.name, other.name)
        made = other.name if other in site.target.volumes else None
        if other != volume and engine.supports(shape.model, there, sized.accelerator) is None:
            seconds = ways.cold_start_on(engine, shape, machine, site, other).seconds
            yield SourceOption(other.sold_as.name, MOUNT, seconds, ways.whole_usd(other, shape, site), chosen=False, volume=made)


def _others(own: str, streamed: bool | None, engine: Engine, site: Site) -> Iterator[tuple[str, bool]]:
    """Places beside volumes of the stack, each with whether its weights are streamed; without `own` in the way that is taken, None where
    weights lie on a volume."""
    bucket = next(iter(site.cloud.stores), None)
    claim = None if bucket else "pvc"
    for place in dict.fromkeys((own, bucket, claim, "oci")):
        if place is None:
            continue
        able = (True, False) if place in engine.traits.streams else (False,)
        yield from ((place, way) for way in able if (place, way) != (own, streamed))


def loading(service: Service, found: tuple[SourceOption, ...], seconds: float | None) -> Iterator[Decision]:
    """Why the weights come as they do; nothing where their place has one way and the stack no volume. `seconds` is the target that a cold
    start is to keep."""
    chosen, *others = found
    made = [option for option in others if option.volume is not None]
    if chosen.volume is not None or made:
        yield _choice_of_volume(service, chosen, others, seconds)
    same = next((other for other in others if other.place == chosen.place and other.way != chosen.way), None)
    if same is None:
        return
    sooner = round(same.cold_start_seconds.expected - chosen.cold_start_seconds.expected)
    when = f"{abs(sooner):,} s {'sooner' if sooner > 0 else 'later'} than" if sooner else "as soon as"
    reason = f"answers {when} with {same.way}, at the same cost" + (", and needs no room on the disk" if chosen.way == STREAM else "")
    yield Decision("loading", chosen.way, reason, service.loading is not None)


def _choice_of_volume(service: Service, chosen: SourceOption, others: list[SourceOption], seconds: float | None) -> Decision:
    """On which volume the weights are, or on none, held against the next of the ways that were there to be taken."""
    value = NO_VOLUME if chosen.volume is None else chosen.volume
    rival = next(option for option in others if option.volume is not None or chosen.volume is not None)
    mine, theirs = (option.cold_start_seconds.expected for option in (chosen, rival))
    compared = f"{mine:,.0f} s until a replica answers, {theirs:,.0f} s from {PLACES[rival.place]}"
    why = "the soonest way" if seconds is None else f"the cheapest way that keeps {seconds:,.0f} s"
    return Decision("volume", value, f"{why}: {compared}", service.volume is not None)


def kept(services: Iterable[ServicePlan], site: Site) -> Iterator[Extra]:
    """What keeping the weights costs where the stack file says that they are, once for each place; nothing beside an existing cluster."""
    if not site.cloud.stores:
        return
    plans = list(services)
    for uri, plan in {_origin(plan): plan for plan in plans}.items():
        place = uri.partition("://")[0]
        if place == "hf":
            continue
        size = exact(sizing.checkpoint_bytes(plan.replica.shape)) / GB
        fee = site.fees.get(site.cloud.stores.get(place, ""))
        line = CostLine(
            name=f"weights in {PLACES[place]}",
            unit="GB-month",
            quantity=Columns.same(round(size, 1)),
            unit_price_usd=None if fee is None else fee.usd,
            source="" if fee is None else fee.source,
            as_of=None if fee is None else fee.as_of,
            basis="" if fee is None else fee.basis,
            note=f"{uri}, which is there already" + ("; what its volume costs is not known here" if place == "pvc" else ""),
        )
        yield Extra(DISKS, line, shares=tuple((each.name, Columns.same(1)) for each in plans if _origin(each) == uri))


def _origin(plan: ServicePlan) -> str:
    """Where the weights of a service are, and stay where they are copied to a volume of the stack."""
    checkpoint = plan.replica.shape.checkpoint
    return plan.checkpoint_uri if checkpoint.origin is None else checkpoint.origin.uri


def _way(place: str, streamed: bool) -> str:
    return STREAM if streamed else MOUNT if place == "pvc" else COPY


def _usd(place: str, size_gb: Decimal, site: Site) -> Decimal | None:
    if place == "hf":
        return Decimal(0)
    fee = site.fees.get(site.cloud.stores.get(place, ""))
    return None if fee is None or fee.usd is None else fee.usd * size_gb
