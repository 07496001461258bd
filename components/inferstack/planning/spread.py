"""How one replica may be spread over given devices: the ways worth sizing, and those that an engine lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .. import engines
from ..catalog.types import KvKind, Model
from ..engines.types import Engine, Refusal
from ..errors import join_names
from ..sizing.types import Device, Parallelism

MACHINES, DATA, EXPERT, PIPELINE = "machines", "data", "expert", "pipeline"
"""What `Traits.spreads` may name."""
SPREAD_KEYS = ("tensorParallel", "pipelineParallel", "dataParallel", "expertParallel")
"""Keys of the stack file that say how a replica is spread."""


@dataclass(frozen=True, slots=True)
class SpreadPins:
    """What the stack file says of it; None is "the planner decides"."""

    tensor: int | None = None
    pipeline: int | None = None
    data: int | None = None
    expert: bool | None = None

    def devices(self, degrees: tuple[int, ...]) -> tuple[int, ...]:
        """Devices of one replica: the product of what is pinned, for each tensor-parallel degree of `degrees` where that is not."""
        groups = (self.pipeline or 1) * (self.data or 1)
        return tuple(degree * groups for degree in ((self.tensor,) if self.tensor else degrees))


def ways(engine: Engine, model: Model, device: Device, pins: SpreadPins) -> Iterator[Parallelism]:
    """The ways to use all of `device`, the simplest first, within the pins. An engine may refuse each of them."""
    if pins.pipeline is not None or pins.data is not None:
        data, pipeline = pins.data or 1, pins.pipeline or 1
        tensor = device.count // (pipeline * data)
        spread = tensor * data if pins.expert or (pins.expert is None and data > 1) else None
        yield Parallelism(tensor=tensor, pipeline=pipeline, data=data, expert=spread)
    elif device.machines > 1:
        tensor = pins.tensor or device.per_machine
        yield Parallelism(tensor=tensor, pipeline=device.count // tensor, expert=tensor if pins.expert else None)
        if pins.expert is not False:
            yield from _experts_across(engine, device, model, pins)
    else:
        if pins.expert is not True:
            yield engine.spread(device.count)
        if pins.expert is not False:
            yield from _of_experts(engine, device.count, model, pins)


def _of_experts(engine: Engine, count: int, model: Model, pins: SpreadPins) -> Iterator[Parallelism]:
    """Whole experts on each device; and, where every device would keep the same latent KV cache, attention for its own sequences."""
    spreads, several = engine.traits.spreads, model.is_moe and count > 1
    if pins.expert or (EXPERT in spreads and several):
        yield Parallelism(tensor=count, expert=count)
    if DATA in spreads and several and model.kv.kind is KvKind.LATENT and pins.tensor is None:
        yield Parallelism(tensor=1, data=count, expert=count)


def _experts_across(engine: Engine, device: Device, model: Model, pins: SpreadPins) -> Iterator[Parallelism]:
    """Experts over all devices of several machines, in place of stages; attention stays within a machine: each GPU for its own sequences
    where all would keep the same latent, otherwise all of a machine together."""
    tensor = pins.tensor or (1 if model.kv.kind is KvKind.LATENT else device.per_machine)
    shared = model.n_experts is not None and model.n_experts % device.count == 0
    if DATA in engine.traits.spreads and shared and device.per_machine % tensor == 0:
        yield Parallelism(tensor=tensor, data=device.count // tensor, expert=device.count)


def lacking(engine: Engine, model: Model, device: Device, parallel: Parallelism) -> tuple[str, Refusal] | None:
    """What `engine` or `model` has not got for that: key of the stack file and why. None where it has all of it."""
    has = engine.traits.spreads
    plain = parallel == engine.spread(parallel.devices)

    def by(what: str) -> str:
        return f"use {join_names([other.name for other in engines.engines().values() if what in other.traits.spreads])}"

    if device.machines > 1 and MACHINES not in has:
        return "engine", Refusal(f"serves a replica on one machine, and this takes {device.machines}", by(MACHINES))
    if parallel.pipeline > 1 and PIPELINE not in has and not plain:
        return "pipelineParallel", Refusal(f"is not something that {engine.name} is given", by(PIPELINE))
    if parallel.data > 1 and not model.is_moe:
        return "dataParallel", Refusal(f"is for mixtures of experts, and {model.id} is none", "use replicas")
    if parallel.data > 1 and DATA not in has:
        return "dataParallel", Refusal(f"is not something that {engine.name} is given", by(DATA))
    if parallel.data > 1 and device.machines > 1:
        return _unshared(model, parallel)
    if parallel.expert is not None and not model.is_moe:
        return "expertParallel", Refusal(f"is for mixtures of experts, and {model.id} is none", "remove it")
    if parallel.expert is not None and EXPERT not in has:
        return "expertParallel", Refusal(f"is not something that {engine.name} is given", by(EXPERT))
    if parallel.pipeline > model.num_layers:
        return "pipelineParallel", Refusal(f"is more than the {model.num_layers} layers of {model.id}", f"use {model.num_layers}")
    return None


def _unshared(model: Model, parallel: Parallelism) -> tuple[str, Refusal] | None:
    """Why experts cannot be spread like that over several machines."""
    if parallel.pipeline > 1:
        return "dataParallel", Refusal("is not planned beside stages on several machines", "use one of dataParallel and pipelineParallel")
    if parallel.expert is None:
        return "expertParallel", Refusal("leaves parts of experts, which are not planned on several machines", "remove it")
    if model.n_experts is None or model.n_experts % parallel.devices:
        return "dataParallel", Refusal(f"leaves {parallel.devices} GPUs unequal parts of {model.n_experts} experts", "use pipelineParallel")
    return None
