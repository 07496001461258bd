"""No placement works: which wish is in the way, and what the nearest plan without it would be and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..catalog.types import CapacityType
from ..costs import money
from ..errors import Problem, join_names
from ..sizing.types import Slo
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .placement import Placement
from .requirement import CPU, Requirement
from .search import Outcome, search
from .site import Site


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One wish that could be given up: its key, and the requirement without it."""

    key: str
    value: Callable[[Requirement], object]
    without: Callable[[Requirement], Requirement]


RELAXATIONS = (
    Relaxation("tensorParallel", lambda r: r.tensor, lambda r: replace(r, tensor=None)),
    Relaxation("replicas", lambda r: _replicas_text(r), lambda r: replace(r, replicas=None)),
    Relaxation("context", lambda r: r.context, lambda r: replace(r, context=None)),
    Relaxation("quantization", lambda r: r.quantization, lambda r: replace(r, quantization=None, checkpoint=None)),
    Relaxation("engine", lambda r: r.engine and r.engine.name, lambda r: replace(r, engine=None)),
    Relaxation("machineType", lambda r: r.machine and r.machine.name, lambda r: replace(r, machine=None)),
    Relaxation("gpu", lambda r: r.gpu, lambda r: replace(r, gpu=None, machine=None)),
    Relaxation(
        "capacityType",
        lambda r: r.capacity.value if r.capacity is not CapacityType.ON_DEMAND else None,
        lambda r: replace(r, capacity=CapacityType.ON_DEMAND),
    ),
)
"""In the order in which a user would give them up."""


def no_placement(requirement: Requirement, outcome: Outcome, site: Site) -> Problem:
    """The problem to report: at the key whose removal helps, with the plan that this would give."""
    refused = _refused_outright(requirement, outcome)
    if refused is not None:
        return refused
    path = requirement.path
    for relaxation in RELAXATIONS:
        value = relaxation.value(requirement)
        if value is None:
            continue
        found = search(relaxation.without(requirement), site).chosen
        if found is not None:
            return Problem(f"{path}.{relaxation.key}", _why(requirement, outcome, site), value, _offer(found, without=relaxation.key))
    if outcome.rejected and _criterion(_nearest(outcome)) == "nodes":
        return Problem(
            f"{path}.traffic", _why(requirement, outcome, site), None, "add nodes to inferstack:target.nodes, or plan for less traffic"
        )
    slo_problem = _slo_problem(requirement, site) if requirement.slo != Slo() else None
    if slo_problem is not None:
        return slo_problem
    free = _without_pins(requirement)
    found = search(free, site).chosen if free != requirement else None
    key, value = _subject(requirement)
    nearest = _offer(found, without="these pins") if found else "take a smaller model, or a region with larger machines"
    return Problem(f"{path}.{key}", _why(requirement, outcome, site), value, nearest)


def _refused_outright(requirement: Requirement, outcome: Outcome) -> Problem | None:
    """Where nothing was even sized because engines refused the very thing that is pinned: their reason at that key."""
    if outcome.considered:
        return None
    pinned = {relaxation.key: value for relaxation in RELAXATIONS if (value := relaxation.value(requirement)) is not None}
    for key, refusal in outcome.refusals:
        if key in pinned:
            return Problem(f"{requirement.path}.{key}", refusal.reason, pinned[key], refusal.nearest)
    return None


def _replicas_text(requirement: Requirement) -> str | None:
    wish = requirement.replicas
    return f"{wish.min}-{wish.max}" if isinstance(wish, ReplicaBounds) else None if wish is None else str(wish)


def _why(requirement: Requirement, outcome: Outcome, site: Site) -> str:
    """What stands in the way, from the rejected placement that came nearest, or from the engines' refusals."""
    model = requirement.model.id
    if outcome.rejected:
        nearest = _nearest(outcome)
        assert nearest.failure is not None
        where = f"{nearest.sized.tensor} x {nearest.machine.accelerator}" if nearest.machine.accelerator else nearest.machine.name
        return f"cannot work for {model}: {nearest.failure.reason} (nearest: {nearest.sized.checkpoint.quantization} on {where})"
    tensor, machine = requirement.tensor, requirement.machine
    if tensor is not None and machine is None:
        where = f"sold as {requirement.capacity.value} in {site.region}"
        return f"cannot work for {model}: no machine {where} has {tensor} GPUs that it runs on"
    if tensor is not None and machine is not None and tensor > machine.accelerator_count:
        return f"cannot work for {model}: {machine.name} has {machine.accelerator_count} GPUs, not {tensor}"
    if outcome.refusals:
        return f"cannot work: {model} {outcome.refusals[0][1].reason}"
    what = join_names(
        [name for name in (requirement.gpu, requirement.machine.name if requirement.machine else None) if name and name != CPU]
        or ["a machine"]
    )
    return f"cannot work for {model}: {what} is not sold as {requirement.capacity.value} in {site.region}"


CLOSENESS = ("quality", "nodes", "replicas", "slo", "memory")
"""How near to working a rejected placement came, nearest first."""


def _nearest(outcome: Outcome) -> Placement:
    return min(outcome.rejected, key=lambda p: (CLOSENESS.index(_criterion(p)), -p.sized.capacity_rps, -p.sized.tensor, p.rank))


def _criterion(placement: Placement) -> str:
    assert placement.failure is not None, "what was rejected has a reason"
    return placement.failure.criterion


def _offer(found: Placement, without: str) -> str:
    """The plan that giving up `without` leads to, with its price."""
    machine, sized = found.machine, found.sized
    where = f"{sized.tensor} x {machine.accelerator} on {machine.name}" if machine.accelerator else machine.name
    cost = f", {money(found.monthly_usd.expected)} a month" if found.monthly_usd else ""
    assert sized.replica is not None
    context = f", context {sized.replica.shape.context:,}"
    return f"without {without} it works: {found.replicas.max} x {sized.checkpoint.quantization} on {where}{context}{cost}"


def _slo_problem(requirement: Requirement, site: Site) -> Problem | None:
    """The targets are in the way: which, and the best that can be reached here."""
    loose = search(replace(requirement, slo=Slo()), site)
    if loose.chosen is None:
        return None
    feasible = [p for p in loose.feasible if p.sized.replica]
    slo, slo_path = requirement.slo, f"{requirement.path}.slo"
    for key, target, best in (
        ("ttftP95Ms", slo.ttft_p95_ms, min(feasible, key=lambda p: _ttft(p))),
        ("tpotP95Ms", slo.tpot_p95_ms, min(feasible, key=lambda p: _tpot(p))),
    ):
        reached = _ttft(best) if key == "ttftP95Ms" else _tpot(best)
        if target is not None and reached > target:
            reason = f"ms cannot be kept by anything that can be had here: the best is {reached:,.1f} ms without load"
            return Problem(f"{slo_path}.{key}", reason, target, _offer(best, without=key))
    reason = "cannot be kept together by anything that can be had here"
    return Problem(slo_path, reason, None, _offer(loose.chosen, without="slo"))


def _ttft(placement: Placement) -> float:
    assert placement.sized.replica is not None
    return placement.sized.replica.performance.ttft_p95_ms.expected


def _tpot(placement: Placement) -> float:
    assert placement.sized.replica is not None
    return placement.sized.replica.performance.tpot_p95_ms.expected


def _without_pins(requirement: Requirement) -> Requirement:
    for relaxation in RELAXATIONS:
        requirement = relaxation.without(requirement)
    return replace(requirement, slo=Slo())


def _subject(requirement: Requirement) -> tuple[str, object]:
    """The key that the problem is reported at where no single one is to blame: the first pin, otherwise the model."""
    for relaxation in RELAXATIONS:
        value = relaxation.value(requirement)
        if value is not None:
            return relaxation.key, value
    return "model", requirement.model.id
