"""A plan without a stack file: one service, on every cloud that could serve it or on machines of one's own, and its what-if table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from .. import catalog, stackfile
from ..catalog.types import CapacityType
from ..engines.kinds import POOLS
from ..errors import InputError, Problem, nearest_name
from ..stackfile.schema import StackFile
from ..stackfile.values import means_no_gpu
from .placement import Placement
from .requirement import CPU, Requirement
from .search import Outcome
from .site import Site
from .stack import finish, settle
from .types import StackPlan
from .whatif import Combination, joined, what_if

USUAL_OSL = 300
CLAUSE = "; "
"""Between the ways out that a problem names."""
NAME = "model"
"""Name of the one service."""
OWN = "existing"
OWN_GPUS = (1, 2, 4, 8)
"""GPUs of one machine of one's own: the smallest that works is taken."""
OWN_CPUS_PER_GPU, OWN_GIB_PER_GPU, OWN_MACHINES = 16, 128, 10_000
"""What stands beside each of these GPUs, plenty, so that the GPU decides."""


@dataclass(frozen=True, slots=True)
class Size:
    """The plan of one service, and the table that it was chosen from."""

    plan: StackPlan
    table: tuple[Combination, ...]
    notes: tuple[str, ...]
    """What was assumed, and where it cannot run and why."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    stack: StackFile
    site: Site
    requirement: Requirement
    outcome: Outcome

    @property
    def chosen(self) -> Placement:
        return self.outcome.feasible[0]


def size(service: Mapping[str, Any], cloud: str | None = None, region: str | None = None) -> Size:
    """The cheapest plan for `service`, keys as in a stack file, and the table over all clouds that were looked at.

    Without `cloud` every cloud that sells machines is looked at, without `region` the one that sells most machine types (with the pinned
    GPU). A GPU that none of them sells is planned on machines of one's own, without a price. Raises `InputError` where none has a plan.
    """
    service = {**service, "traffic": _with_output(service)}
    found: list[_Attempt] = []
    failed: list[tuple[Mapping[str, Any], InputError]] = []
    notes: list[str] = []
    own = cloud == OWN or (cloud is None and region is None and _is_sold_nowhere(service.get("gpu")))
    for target in _own_machines(service.get("gpu")) if own else _targets(service, cloud, region):
        try:
            found.append(_attempt({**service, "name": NAME}, target))
        except InputError as error:
            failed.append((target, error))
            continue
        if own:
            notes.append(_assumed(found[0]))
            break
    if not found:
        raise InputError(_on_all(failed))
    notes += [] if own else [f"{target['cloud']} {target['region']}: {error.problems[0]}" for target, error in failed]
    best = min(found, key=lambda attempt: attempt.chosen.rank)
    rows = joined(what_if(each.requirement, each.outcome, each.site, best.chosen) for each in found)
    return Size(finish(best.stack, best.site, [(best.requirement, best.outcome)]), rows, tuple(notes))


def _on_all(failed: Sequence[tuple[Mapping[str, Any], InputError]]) -> list[Problem]:
    """What is wrong, once; what works instead differs by target, and says on which."""
    found: dict[tuple[str, object, str], dict[str, Problem]] = {}
    for target, error in failed:
        place = " ".join(str(target[key]) for key in ("cloud", "region") if key in target)
        for problem in error.problems:
            found.setdefault((problem.path, problem.value, problem.reason), {}).setdefault(place, problem)
    places = {place for by_place in found.values() for place in by_place}
    return [_on_each(by_place, len(places)) for by_place in found.values()]


def _on_each(by_place: Mapping[str, Problem], places: int) -> Problem:
    (place, first), *others = by_place.items()
    if len(by_place) < places:
        return (
            replace(first, nearest=f"on {place} {first.nearest}") if first.nearest else replace(first, reason=f"{first.reason} on {place}")
        )
    if all(other.nearest == first.nearest for _, other in others):
        return first
    ways = {place: (problem.nearest or "").split(CLAUSE) for place, problem in by_place.items()}
    common = [clause for clause in ways[place] if all(clause in each for each in ways.values())]
    own = [f"on {place} {clause}" for place, each in ways.items() for clause in each if clause and clause not in common]
    return replace(first, nearest=CLAUSE.join([*common, *own]))


def _with_output(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """The traffic, with the usual output tokens where it states none and the model generates."""
    traffic, model = service["traffic"], service["model"]
    known = catalog.models().get(model) if isinstance(model, str) else None
    silent = known is not None and known.kind in POOLS
    return traffic if silent or traffic.get("osl") is not None else {**traffic, "osl": USUAL_OSL}


def _attempt(service: Mapping[str, Any], target: Mapping[str, Any]) -> _Attempt:
    stack = stackfile.read({"inferstack:target": target, "inferstack:services": [service]}, stack="size", source="size")
    site, ((requirement, outcome),) = settle(stack)
    return _Attempt(stack, site, requirement, outcome)


def _targets(service: Mapping[str, Any], cloud: str | None, region: str | None) -> Iterator[Mapping[str, Any]]:
    """The targets to look at; what is not known is passed on, for the stack file's own rules to refuse."""
    sellers = [name for name in catalog.CLOUDS if cloud in (None, name)]
    if region is not None and cloud is None:
        meant = nearest_name(region, (known for name in catalog.CLOUDS for known in catalog.regions(name)), cutoff=0)
        sellers = [name for name in catalog.CLOUDS if meant in catalog.regions(name)]
    for name in sellers:
        yield {
            "cloud": name,
            "region": region if region is not None else _region(name, _known(service.get("gpu")), service.get("capacityType")),
        }
    if not sellers:
        yield {"cloud": cloud, **({"region": region} if region else {})}


def _region(cloud: str, accelerator: str | None, capacity: str | None) -> str:
    """Where most machine types are sold as `capacity`, with `accelerator` where that is sold so at all; of equals where they cost least."""
    prices: dict[str, list[Decimal]] = {}
    for machine in catalog.machines(cloud):
        if machine.accelerator == accelerator or (accelerator is None and machine.accelerator):
            for offering in machine.offerings:
                if offering.capacity_type.value == (capacity if capacity is not None else CapacityType.ON_DEMAND):
                    prices.setdefault(offering.region, []).append(offering.usd_per_hour or Decimal(0))
    if not prices:
        return catalog.regions(cloud)[0] if accelerator is None else _region(cloud, None, None)
    return min(prices, key=lambda region: (-len(prices[region]), sum(prices[region]), region))


def _known(gpu: str | None) -> str | None:
    """`Accelerator.id` of `gpu`; None for a CPU and for a name that the planner will refuse."""
    if gpu is None or gpu.casefold() == CPU:
        return None
    try:
        return catalog.accelerator(gpu).id
    except catalog.UnknownName:
        return None


def _is_sold_nowhere(gpu: str | None) -> bool:
    accelerator = _known(gpu)
    return accelerator is not None and not any(
        machine.accelerator == accelerator for cloud in catalog.CLOUDS for machine in catalog.machines(cloud)
    )


def _own_machines(gpu: str | None) -> Iterator[Mapping[str, Any]]:
    """Targets with machines of one kind, the smallest first."""
    if gpu is None or means_no_gpu(gpu):
        reason = "is needed for machines of your own" if gpu is None else "is no GPU, and machines of your own are planned by theirs"
        raise InputError([Problem("inferstack:services[0].gpu", reason, gpu, "name the GPU, such as l40s")])
    for count in OWN_GPUS:
        nodes = {
            "gpu": gpu,
            "gpusPerNode": count,
            "count": OWN_MACHINES,
            "cpu": OWN_CPUS_PER_GPU * count,
            "memoryGib": OWN_GIB_PER_GPU * count,
        }
        yield {"cloud": OWN, "nodes": [nodes]}


def _assumed(attempt: _Attempt) -> str:
    machine = attempt.chosen.machine
    return (
        f"planned on machines of your own with {machine.accelerator_count} x {machine.accelerator}, {machine.vcpus:g} cores and "
        f"{machine.memory_gib:g} GiB, whose price is not known"
    )
