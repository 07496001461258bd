"""What there is to choose from: engine x checkpoint x silicon, sized and priced. The search and the what-if table read it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from .. import catalog, engines
from ..catalog.types import Checkpoint, Machine
from ..engines.silicon import refuse_driver
from ..engines.types import Engine, Refusal
from ..engines.weights import HUB
from ..sizing.types import Parallelism
from .additions import NOTHING_BESIDE, speaks_for, takes_adapters
from .placement import Placement, host_failure, place, replicas_per_node
from .replica import Sized, paced, size
from .requirement import Requirement
from .silicon import NEVER, Silicon, hourly_usd
from .site import Site
from .sources import with_loading
from .spread import lacking, ways
from .ways import on_pinned_volume

OWN_SOURCES = ("hf://", "pvc://")
"""Places that weights come from without KServe."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A combination that its engine refuses outright, before anything is sized."""

    engine: Engine
    checkpoint: Checkpoint
    silicon: Silicon
    key: str
    """Key of the stack file that the refusal is about."""
    refusal: Refusal


def engines_for(requirement: Requirement) -> Iterable[Engine]:
    """The pinned one; those that are compared; or those that may be chosen unasked: what has all that the service asks for, the preferred
    first."""
    if requirement.engine is not None:
        return (requirement.engine,)
    able = [engine for engine in engines.engines().values() if speaks_for(engine, requirement.service)]
    if not requirement.compares:
        return [engine for engine in able if engine.traits.unasked]
    outside = requirement.service.endpoint != "cluster"
    return [engine for engine in able if engine.traits.is_comparable and not (outside and engine.traits.open_api)]


def checkpoints_for(requirement: Requirement, engine: Engine) -> list[Checkpoint]:
    """What the engine can be given, narrowed by the pins; see `no_checkpoint` where that is nothing."""
    if requirement.checkpoint is not None:
        fits = takes_adapters(engine, requirement.service, requirement.checkpoint.quantization)
        return [on_pinned_volume(with_loading(requirement.checkpoint, engine, requirement.service), requirement.service)] if fits else []
    offered = [
        checkpoint
        for checkpoint in engine.checkpoints(requirement.model, requirement.known)
        if takes_adapters(engine, requirement.service, checkpoint.quantization)
    ]
    wanted = [c for c in offered if requirement.quantization is None or requirement.quantization in _names(c)]
    return [on_pinned_volume(checkpoint, requirement.service) for checkpoint in _one_of_a_kind(wanted)]


def _names(checkpoint: Checkpoint) -> tuple[str, str]:
    return checkpoint.quantization, catalog.quantization(checkpoint.quantization).scheme


def no_checkpoint(requirement: Requirement, engine: Engine) -> tuple[str, Refusal]:
    """Why `checkpoints_for` found nothing: key of the stack file and the refusal."""
    known = sorted({c.quantization for c in engine.checkpoints(requirement.model, requirement.known)})
    if requirement.quantization is not None and not takes_adapters(engine, requirement.service, requirement.quantization):
        able = [name for name in known if takes_adapters(engine, requirement.service, name)]
        nearest = f"use {', '.join(able)}" if able else "merge the adapter into the weights, and name them with modelUri"
        return "quantization", Refusal(f"is not known to work with adapters on {engine.name}", nearest)
    if requirement.quantization is None:
        return "model", Refusal(f"has no known checkpoint that {engine.name} loads", "name one with modelUri and quantization")
    nearest = f"known for {engine.name}: {', '.join(known)}; or name one with modelUri" if known else "name one with modelUri"
    return "quantization", Refusal(f"has no known checkpoint of {requirement.model.id} that {engine.name} loads", nearest)


def _one_of_a_kind(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """The first of each quantization, and none quantized while loading where the same scheme is stored: they would size alike."""
    stored = {catalog.quantization(c.quantization).scheme for c in checkpoints if not c.quantized_at_load}
    kinds: dict[str, Checkpoint] = {}
    for checkpoint in checkpoints:
        if not (checkpoint.quantized_at_load and catalog.quantization(checkpoint.quantization).scheme in stored):
            kinds.setdefault(checkpoint.quantization, checkpoint)
    return list(kinds.values())


def placements(
    requirement: Requirement, site: Site, engine: Engine, checkpoints: list[Checkpoint], silicon: Iterable[Silicon], context: int
) -> Iterator[Placement | Refused]:
    """Every checkpoint on every silicon, on each machine type worth pricing, in that order; what the engine refuses is said once.

    Lazy: `silicon` is asked for its next only when all placements on the one before have been taken, and may depend on them.
    """
    refused: dict[tuple[str, str | None], bool] = {}
    for each in silicon:
        for checkpoint in checkpoints:
            key = checkpoint.uri + checkpoint.quantization, each.accelerator.id if each.accelerator else None
            if key not in refused:
                refusal = engine.supports(requirement.model, checkpoint, each.accelerator)
                refused[key] = refusal is not None
                if refusal is not None:
                    yield Refused(engine, checkpoint, each, "gpu" if refusal.is_silicon else "quantization", refusal)
            if refused[key]:
                continue
            outdated, machines = _drivers(requirement, engine, each)
            if outdated is not None and not machines:
                yield Refused(engine, checkpoint, each, "engine", outdated)
                continue
            for sized in _spread(requirement, site, engine, checkpoint, each, context):
                if isinstance(sized, Refused):
                    yield sized
                    continue
                for machine in _hosts(requirement, sized, machines, site):
                    yield place(requirement, sized, machine, site)


def _drivers(requirement: Requirement, engine: Engine, silicon: Silicon) -> tuple[Refusal | None, tuple[Machine, ...]]:
    """The machines whose driver the image runs with, and why another's is too old. What an image of the user's own needs is not known."""
    if requirement.overrides.image is not None:
        return None, silicon.machines
    release = engine.release_for(silicon.device.kind)
    found = [(machine, refuse_driver(machine.facts.get("driver"), release)) for machine in silicon.machines]
    able = tuple(machine for machine, refusal in found if refusal is None)
    return next((refusal for _, refusal in found if refusal is not None), None), able


def _spread(
    requirement: Requirement, site: Site, engine: Engine, checkpoint: Checkpoint, silicon: Silicon, context: int
) -> Iterator[Sized | Refused]:
    """A replica for each way to spread it over the silicon; where none is possible, why the first is not."""
    refused: Refused | None = None
    possible = False
    for parallel in ways(engine, requirement.model, silicon.device, requirement.spread):
        if possible and parallel.data == 1 and requirement.spread.expert is None:
            # Whole experts are for where parts of them are refused; both are sized alike.
            continue
        found = (
            lacking(engine, requirement.model, silicon.device, parallel)
            or _unreachable(requirement, checkpoint, silicon)
            or _crowded(requirement, engine, checkpoint, silicon)
        )
        if found is None and (refusal := engine.refuse_parallelism(requirement.model, checkpoint, parallel)) is not None:
            found = "tensorParallel", refusal
        if found is not None:
            refused = refused if refused else Refused(engine, checkpoint, silicon, *found)
            continue
        possible = True
        yield _sized(requirement, site, engine, checkpoint, silicon, parallel, context)
    if refused is not None and not possible:
        yield refused


def _unreachable(requirement: Requirement, checkpoint: Checkpoint, silicon: Silicon) -> tuple[str, Refusal] | None:
    """Replicas on several machines do without KServe, which is what mounts weights and adapters from other places."""
    if silicon.device.machines == 1:
        return None
    if not checkpoint.uri.startswith(OWN_SOURCES):
        return "modelUri", Refusal("is mounted by KServe, which replicas on several machines do without", "use hf:// or pvc://")
    if any(not adapter.uri.startswith(HUB) for adapter in requirement.beside.adapters):
        return "adapters", Refusal("are mounted by KServe, which replicas on several machines do without", "take them from hf://")
    return None


def _crowded(requirement: Requirement, engine: Engine, checkpoint: Checkpoint, silicon: Silicon) -> tuple[str, Refusal] | None:
    """What a service cannot have in a pod that serves others too."""
    shares = engine.traits.shares
    if not requirement.shares_pods or shares is None:
        return None
    if shares.most_devices is not None and silicon.device.count > shares.most_devices:
        many = "one GPU" if shares.most_devices == 1 else f"{shares.most_devices} GPUs"
        reason = f"is more than the {many} that {engine.name} gives each service of a shared pod"
        return "tensorParallel", Refusal(reason, "leave it out, or remove `server`")
    if not checkpoint.uri.startswith(HUB):
        return "modelUri", Refusal("is mounted by KServe at the one place that all services of a pod have", "use hf://, or remove `server`")
    return None


def _sized(
    requirement: Requirement, site: Site, engine: Engine, checkpoint: Checkpoint, silicon: Silicon, parallel: Parallelism, context: int
) -> Sized:
    """The replica there, sized once for all wishes that ask nothing else of it: how it is bought, how many there are, when they run."""
    if site.sized is None or requirement.calibration is not None or requirement.beside is not NOTHING_BESIDE:
        return size(requirement, engine, checkpoint, silicon.accelerator, silicon.device, parallel, context)
    fits = (*_held_by_a_replica(requirement), *_weights(checkpoint), id(engine), _hardware(silicon), parallel, context)
    key = (*fits, requirement.workload.variability, requirement.slo, requirement.techniques)
    known = site.sized.get(key)
    if known is None:
        alike = site.sized.get(fits)
        if alike is not None:
            known = paced(requirement, alike)
        else:
            known = site.sized[fits] = size(requirement, engine, checkpoint, silicon.accelerator, silicon.device, parallel, context)
        site.sized[key] = known
    return known


def _held_by_a_replica(requirement: Requirement) -> tuple[Hashable, ...]:
    """What the memory of a replica takes from its requirement. What is remembered holds model and engine, whose ids therefore stay
    theirs."""
    workload, overrides = requirement.workload, requirement.overrides
    return id(requirement.model), workload.isl, workload.osl, overrides.tuning, overrides.image


def _weights(checkpoint: Checkpoint) -> tuple[Hashable, ...]:
    return checkpoint.uri, checkpoint.quantization, checkpoint.file, checkpoint.weight_bytes, checkpoint.quantized_at_load


def _hardware(silicon: Silicon) -> tuple[Hashable, ...]:
    device = silicon.device
    network = (device.machines, device.network_bytes_s, device.network)
    return device.id, device.count, *network, device.link, device.memory_bytes, device.bandwidth_bytes_s


def _hosts(requirement: Requirement, sized: Sized, machines: tuple[Machine, ...], site: Site) -> Iterator[Machine]:
    """The machine types worth pricing, of `machines` in order of price: for each number of accelerators the cheapest with enough main
    memory (the largest where none has), and larger ones only where they cost less per replica. Whole nodes favour small ones otherwise.
    """
    if sized.replica is None:
        return iter(machines[:1])
    by_count: dict[int, Machine] = {}
    enough: set[int] = set()
    for machine in machines:
        count = machine.accelerator_count
        if count in enough:
            continue
        by_count[count] = machine
        if host_failure(sized, machine, site) is None:
            enough.add(count)
    return _not_dominated(requirement, sized, [by_count[count] for count in sorted(by_count)], enough, site)


def _not_dominated(requirement: Requirement, sized: Sized, machines: list[Machine], enough: set[int], site: Site) -> Iterator[Machine]:
    """Smallest first. Nodes that exist are limited in number, so that none of them stands for another."""
    cheapest = NEVER
    for machine in machines:
        per_replica = hourly_usd(site, machine, requirement.capacity, requirement.commitment) / replicas_per_node(machine, sized.device)
        if machine.count is not None or cheapest == NEVER or per_replica < cheapest:
            yield machine
            if machine.accelerator_count in enough:
                cheapest = min(cheapest, per_replica)
