"""What would usually be chosen and was not: why, which key is in the way, and what the plan without that would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .. import catalog, engines
from . import offers
from .additions import unmet
from .placement import Placement
from .quality import is_asked_for, keeps_quality
from .refusal import RELAXATIONS
from .requirement import Requirement
from .search import Outcome, search
from .site import Site

CHOICE = ("engine", "quantization", "quality", "modelUri")
"""Pins that are the choice itself: giving one up makes another, and no room for the usual one."""
TARGET = "inferstack:"


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """The usual choice, turned down."""

    name: str
    """Of the engine, or the quantization."""
    key: str
    """Key of the service, or of the target, that is in the way."""
    reason: str
    """A clause that follows the name, or a colon."""
    way: str | None
    """What would bring it back, with its plan and price, or what else is in the way; None where nothing that was tried brings it."""

    @property
    def cause(self) -> str:
        return f"{self.name} is turned down by {self.key.removeprefix(TARGET)}: {self.reason}"

    @property
    def sentence(self) -> str:
        return f"{self.cause}; {self.way}" if self.way else self.cause


@dataclass(frozen=True, slots=True)
class Fallen:
    """How far a choice fell below the usual one; None where it did not."""

    engine: TurnedDown | None
    weights: TurnedDown | None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a plan must say of it, each way back once."""
        found = [each for each in (self.engine, self.weights) if each is not None]
        return tuple(each.cause if each.way in [other.way for other in found[:nth]] else each.sentence for nth, each in enumerate(found))


def fallen(requirement: Requirement, outcome: Outcome, chosen: Placement, site: Site) -> Fallen:
    """Why `chosen` is not what would usually be."""
    return Fallen(_engine_turned_down(requirement, outcome, chosen, site), _weights_turned_down(requirement, outcome, chosen, site))


def _engine_turned_down(requirement: Requirement, outcome: Outcome, chosen: Placement, site: Site) -> TurnedDown | None:
    """Why the first engine does not serve on the accelerators that were chosen; None where it does, or was not to."""
    first = next(iter(engines.engines().values()))
    asked = requirement.engine is not None or requirement.compares
    if asked or chosen.machine.accelerator is None or chosen.sized.engine.name == first.name:
        return None
    found = outcome.by_engine.get(first.name)
    if found is None:
        lacked = next(iter(unmet(first, requirement.service, requirement.path)))
        return TurnedDown(first.name, _below(requirement, lacked.path), lacked.reason, None)

    def is_usual(placement: Placement) -> bool:
        return placement.sized.engine.name == first.name

    by_driver = _by_driver(requirement, outcome, first.name, found, site, is_usual)
    return by_driver or _turned_down(requirement, site, first.name, found, is_usual)


def _weights_turned_down(requirement: Requirement, outcome: Outcome, chosen: Placement, site: Site) -> TurnedDown | None:
    """Why weights that lose less were not chosen; None where they were, or the stack file names them."""
    checkpoint = chosen.sized.checkpoint
    if is_asked_for(requirement) or keeps_quality(requirement, checkpoint):
        return None
    most = _bits(finest(outcome))

    def is_finer(placement: Placement) -> bool:
        return _bits(placement) > most

    finer = [placement for placement in outcome.rejected if is_finer(placement)]
    if not finer:
        return None
    nearest = _nearest(finer)
    own = Outcome(outcome.context, rejected=finer)
    return _turned_down(requirement, site, nearest.sized.checkpoint.quantization, own, is_finer)


def finest(outcome: Outcome) -> Placement:
    """What works with the most bits."""
    return max(outcome.feasible, key=_bits)


def _bits(placement: Placement) -> float:
    return catalog.quantization(placement.sized.checkpoint.quantization).bits


def _by_driver(
    requirement: Requirement, outcome: Outcome, name: str, found: Outcome, site: Site, is_usual: Callable[[Placement], bool]
) -> TurnedDown | None:
    """Turned down for the driver of nodes, and what is in the way beside that; None where another reason is enough."""
    older = offers.outdated(outcome)
    if older is None or older[0] != name or (driver := older[1].driver) is None:
        return None
    newer = offers.by_newer_driver(requirement, outcome, site)
    if newer is not None and is_usual(newer.found):
        return TurnedDown(name, next(iter(newer.change)), older[1].reason, newer.text)
    if found.rejected:
        return None
    mended = offers.with_driver(site, driver)
    beside = _turned_down(requirement, mended, name, search(requirement, mended).by_engine[name], is_usual)
    more = None if beside is None else f"with driver {driver} by {beside.key.removeprefix(TARGET)}: {beside.reason}"
    return TurnedDown(name, next(iter(offers.older_drivers(site, driver))), older[1].reason, more)


def _turned_down(
    requirement: Requirement, site: Site, name: str, found: Outcome, is_usual: Callable[[Placement], bool]
) -> TurnedDown | None:
    """The nearest of what was found of it, at the pin that keeps it away, or at what its own reason is about."""
    if found.rejected:
        nearest = _nearest(found.rejected)
        assert nearest.failure is not None, "what was turned down has a reason"
        key, reason = _key(requirement, nearest, site), nearest.failure.reason
    elif found.refusals:
        key, refusal = next(((key, each) for key, each in found.refusals if each.nearest), found.refusals[0])
        reason = refusal.reason
        if key == "gpu" and requirement.gpu is None:
            key = f"{TARGET}target.{'region' if site.target.region else 'nodes'}"
    else:
        return None
    for pin in RELAXATIONS:
        value = pin.value(requirement)
        if pin.key in CHOICE or value is None:
            continue
        wish = pin.without(requirement)
        plan = search(wish, site).chosen
        if plan is not None and is_usual(plan):
            return TurnedDown(name, pin.key, reason, f"without {pin.key} {offers.works(wish, plan, names_engine=True)}")
    joined = offers.on_several_machines(requirement, site) if found.rejected and _is_short(_nearest(found.rejected)) else None
    return TurnedDown(name, key, reason, joined.text if joined is not None and is_usual(joined.found) else None)


def _is_short(placement: Placement) -> bool:
    return placement.failure is not None and placement.failure.criterion == "memory" and placement.sized.machines == 1


def _key(requirement: Requirement, failed: Placement, site: Site) -> str:
    """The key that a failure is about where no pin is in the way."""
    failure = failed.failure
    assert failure is not None, "what was turned down has a reason"
    nodes = site.nodes_key(failed.machine)
    if failure.key is not None:
        return failure.key
    if failure.criterion == "nodes" and nodes is not None:
        return f"{nodes}.count"
    if failure.criterion == "memory":
        return f"{TARGET}target.nodes" if nodes is not None else f"{TARGET}target.region"
    return failure.criterion


def _nearest(placements: Iterable[Placement]) -> Placement:
    """Of equal silicon that with the smallest weights: where memory is short they lack the least."""

    def distance(placement: Placement) -> tuple[object, ...]:
        return (*placement.distance[:3], _bits(placement), *placement.distance[3:])

    return min(placements, key=distance)


def _below(requirement: Requirement, path: str) -> str:
    return path.removeprefix(f"{requirement.path}.")
