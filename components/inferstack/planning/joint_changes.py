"""What could be changed about services that share pods, each change planned anew for all of them: their machines are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .. import catalog
from ..catalog.prices import TERMS
from ..catalog.types import CapacityType
from ..errors import Problem
from .candidates import checkpoints_for
from .changes import QUALITY
from .joint import jointly
from .quality import is_asked_for, keeps_quality
from .refusal import RELAXATIONS
from .requirement import Requirement
from .search import Outcome, Settled, power_of_two, search
from .site import Site

TRIED = ("server", "capacityType", "commitment", "quantization", "context")
"""What is tried for every server, beside giving up pins."""
OF_PODS, OF_ONE = ("replicas", "machineType", "gpu"), ("context", "quality", "quantization")
"""Pins that are given up for all of them, and for one."""


@dataclass(frozen=True, slots=True)
class JointChange:
    """One change, and what the planner makes of all services with it."""

    name: str
    """Key of the stack file that it is about."""
    text: str
    """What would be written."""
    caveat: str
    """What it takes away."""
    settled: tuple[Settled, ...]
    """In the order of the services; each has a placement."""
    of: str | None = None
    """Name of the one service that it is about; None for all."""


def joint_changes(members: Sequence[Settled], site: Site) -> Iterator[JointChange]:
    """Every change of services of the same pods that leads to a plan of them all."""
    yield from _apart(members, site)
    yield from _ways_to_buy(members, site)
    for pin in RELAXATIONS:
        for index, (requirement, _) in enumerate(members):
            value = pin.value(requirement)
            if value is not None and (pin.key in OF_ONE or (pin.key in OF_PODS and index == 0)):
                whom = (index,) if pin.key in OF_ONE else range(len(members))
                wishes = [pin.without(wish) if at in whom else wish for at, (wish, _) in enumerate(members)]
                text = f"without `{pin.key}: {value}`"
                of = requirement.service.name if pin.key in OF_ONE else None
                yield from _change(JointChange(pin.key, text, "what the pin was for", (), of), wishes, members, site)
    for index, (requirement, outcome) in enumerate(members):
        for name, text, caveat, wish in _smaller(requirement, outcome):
            wishes = [wish if at == index else other for at, (other, _) in enumerate(members)]
            yield from _change(JointChange(name, text, caveat, (), requirement.service.name), wishes, members, site)


def _apart(members: Sequence[Settled], site: Site) -> Iterator[JointChange]:
    """Each on machines of its own."""
    wishes = [replace(wish, service=wish.service.model_copy(update={"server": None})) for wish, _ in members]
    settled = [(wish, search(wish, site)) for wish in wishes]
    if all(outcome.chosen is not None for _, outcome in settled):
        stands = [(wish, outcome if wish.service.schedule else _standing(outcome)) for wish, outcome in settled]
        yield JointChange("server", "without `server`", "an endpoint for each service in place of one", tuple(stands))


def _standing(outcome: Outcome) -> Outcome:
    """What does not tell how many requests wait stands always."""
    return replace(outcome, feasible=[placement.standing for placement in outcome.feasible])


def _ways_to_buy(members: Sequence[Settled], site: Site) -> Iterator[JointChange]:
    """Spot, and a commitment for the machines that always stand."""
    (first, outcome), *_ = members
    if first.capacity is not CapacityType.ON_DEMAND or not site.target.region or outcome.chosen is None:
        return
    spot = [replace(wish, capacity=CapacityType.SPOT, commitment=None) for wish, _ in members]
    change = JointChange("capacityType", "`capacityType: spot`", "machines can be taken away at short notice", ())
    yield from _change(change, spot, members, site)
    for term in TERMS:
        rate = site.committed(outcome.chosen.machine, term)
        if term != first.commitment and rate is not None and rate.usd_per_hour is not None:
            bought = [replace(wish, commitment=term) for wish, _ in members]
            change = JointChange("commitment", f"`commitment: {term}`", f"machines that stand are paid for {term} whether used or not", ())
            yield from _change(change, bought, members, site)


def _smaller(requirement: Requirement, outcome: Outcome) -> Iterator[tuple[str, str, str, Requirement]]:
    """Key, text, caveat and wish of what would take less memory or work."""
    assert requirement.engine is not None, "services of one server name their engine"
    if not is_asked_for(requirement):
        coarse = [each for each in checkpoints_for(requirement, requirement.engine) if not keeps_quality(requirement, each)]
        names = sorted({each.quantization for each in coarse}, key=lambda name: catalog.quantization(name).bits)
        for name in names[:1]:
            text = f"`quantization: {name}`"
            yield "quantization", text, f"coarser weights: {QUALITY}", replace(requirement, quantization=name)
    shortest = power_of_two(requirement.workload.isl + requirement.workload.osl)
    if requirement.context is None and shortest < outcome.context:
        yield "context", f"`context: {shortest}`", "longer requests are refused", replace(requirement, context=shortest)


def _change(change: JointChange, wishes: Sequence[Requirement], members: Sequence[Settled], site: Site) -> Iterator[JointChange]:
    """`change` with what the planner makes of `wishes`; nothing where one of them, or all together, have no placement."""
    settled = [
        (wish, _before(outcome) if wish is planned else search(wish, site))
        for wish, (planned, outcome) in zip(wishes, members, strict=True)
    ]
    if any(outcome.chosen is None for _, outcome in settled):
        return
    joint = jointly(settled, site)
    if not isinstance(joint, Problem):
        yield replace(change, settled=tuple(joint))


def _before(outcome: Outcome) -> Outcome:
    """What was found for a service by itself."""
    return outcome if outcome.alone is None else replace(outcome, feasible=[outcome.alone])
