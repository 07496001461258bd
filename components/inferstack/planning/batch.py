"""A batch of the user's own size: what memory it takes before a request comes, and how many requests memory then holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .. import catalog
from ..engines.types import Engine
from ..errors import Problem
from ..sizing.types import Shape
from . import offers
from .replica import GIB, Sized
from .requirement import Requirement
from .search import Outcome, search
from .site import Site

ARGS = "engineArgs"
FAR_ABOVE = 2
"""How many times what memory holds a batch may be before a plan warns: requests that are shorter than the mean fill a larger one."""


def warnings(requirement: Requirement, sized: Sized) -> Iterator[str]:
    """What a plan must say of a batch that is far larger than what memory holds."""
    most, replica = requirement.overrides.tuning.max_sequences, sized.replica
    if most is None or replica is None or not sized.engine.paged_kv:
        return
    shape = replica.shape
    held = _held(requirement, sized.engine, shape, most)
    if most <= FAR_ABOVE * held:
        return
    enough = _enough(requirement, sized.engine, shape, most)
    spared = replica.memory.activation_bytes + replica.memory.runtime_bytes
    less = sized.engine.memory(replace(shape, max_sequences=enough))
    spared -= less.activation_bytes + less.runtime_bytes
    length = requirement.workload.isl + requirement.workload.osl
    yield (
        f"{ARGS}.{_key(requirement) or 'batch'}: a batch of {most:,} takes {spared / GIB:,.1f} GiB more of each device (sampler, token "
        f"budget, graphs) than one of {enough:,}, and the KV cache then holds {held:,} requests of the mean {length:,} tokens at once"
    )


def problem(requirement: Requirement, outcome: Outcome, site: Site) -> Problem | None:
    """A batch of the user's own that memory does not hold: the largest that it does, with its plan; None where the batch is not to
    blame."""
    tuning, key = requirement.overrides.tuning, _key(requirement)
    if tuning.max_sequences is None or key is None or not outcome.rejected:
        return None
    nearest = min(outcome.rejected, key=lambda placement: placement.distance)
    free = search(_with(requirement, None), site).chosen
    if nearest.failure is None or nearest.failure.criterion != "memory" or free is None or free.sized.replica is None:
        return None
    enough = _enough(requirement, free.sized.engine, free.sized.replica.shape, tuning.max_sequences)
    wish = _with(requirement, enough)
    found = search(wish, site).chosen
    if found is None or enough >= tuning.max_sequences:
        return None
    path = f"{requirement.path}.{ARGS}.{key}"
    reason = f"is more than memory holds: {nearest.failure.reason}"
    return Problem(path, reason, tuning.max_sequences, f"with {key} {enough} {offers.works(wish, found)}", {path: enough})


def _enough(requirement: Requirement, engine: Engine, shape: Shape, most: int) -> int:
    """The largest batch, up to `most`, of requests of the mean length that the KV cache beside it holds."""
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _held(requirement, engine, shape, middle) >= middle else (low, middle - 1)
    return low


def _key(requirement: Requirement) -> str | None:
    """The option that says it, as the stack file writes it."""
    engine = requirement.engine
    if engine is None or engine.flags.program is None:
        return None
    table, rules = catalog.engine_flags(engine.flags.program), engine.flags
    for written in requirement.service.engine_args:
        flag = table.find(written)
        if flag is not None and rules.tunes.get(flag.name) == "max_sequences":
            return written
    return None


def _held(requirement: Requirement, engine: Engine, shape: Shape, sequences: int) -> int:
    """Requests of the mean length at once, or of the full one where slots reserve it, beside a batch of `sequences`."""
    length = requirement.workload.isl + requirement.workload.osl if engine.paged_kv else shape.context
    return engine.memory(replace(shape, context=length, max_sequences=sequences)).max_sequences


def _with(requirement: Requirement, sequences: int | None) -> Requirement:
    tuning = replace(requirement.overrides.tuning, max_sequences=sequences)
    return replace(requirement, overrides=replace(requirement.overrides, tuning=tuning))
