"""Throughput and latency of one row, as the benchmark client would report them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from ..engines import memory as engine_memory
from ..sizing import loads as physics
from ..sizing.bands import spread_of
from ..sizing.constants import constants, memory_constants
from ..sizing.efficiency import efficiency_of
from ..sizing.kv import sequence_bytes
from ..sizing.layout import limits
from ..sizing.loads import LoadConstants, Run, Served
from ..sizing.performance import times_of
from ..sizing.queueing import Server, decoding
from ..sizing.times import StepTimes
from ..sizing.types import EngineSettings, Shape, Variability
from ..sizing.work import Work, work_of
from .resolve import resolve_throughput
from .rows import BadRow, ThroughputRow
from .spellings import spellings
from .types import Band, Prediction, skipped
from .unresolvable import Unresolvable

KEYS = {"output_tps": "output_tps", "ttft_ms": "ttft", "tpot_ms": "tpot"}
"""Predicted key -> quantity of the bands."""
MS = 1000.0
OVERLOAD = "overload"
"""A request rate that cannot be sustained."""
OFFLINE_SEQUENCES = 2048
"""Most sequences in a batch, per scheduler, of an engine that is tuned for throughput (TensorRT-LLM's default)."""
LEAST_KV_SHARE = 0.02
"""Part of a device's memory that a run which was measured must have had for its KV cache, however little the layout leaves."""
UNSTATED_REQUESTS = 1000
"""Requests of a run that comes all at once or at a rate, where the row does not say."""
ROUNDS = 10
"""Requests of a closed loop over its concurrency, where the row does not say: what InferenceX and SGLang's cookbook send."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run: what is served, what it asks of the silicon, and how it is loaded."""

    shape: Shape
    load: str
    """offline, batch-1, closed-loop, burst or request-rate."""
    work: Work
    run: Run
    rps: float
    """0 where the load is no rate."""
    slots: float
    """Sequences that the KV cache holds at their mean live length."""


def evaluate_throughput(row: ThroughputRow | BadRow) -> Prediction:
    """The prediction for one row; a row that cannot be read or resolved is skipped with the reason."""
    if isinstance(row, BadRow):
        return skipped(row.row_id, tuple(KEYS), str(row))
    try:
        case = case_of(row)
    except Unresolvable as reason:
        return skipped(row.id, tuple(KEYS), str(reason))
    times = times_of(case.work, efficiency_of(case.shape).efficiency)
    served, load = served_of(case, times), band_load(case, times)
    values = {"output_tps": served.output_tps, "ttft_ms": served.ttft_s * MS, "tpot_ms": served.tpot_s * MS}
    bands = {key: _band(case.shape, load, KEYS[key], value) for key, value in values.items()}
    return Prediction(row.id, values, bands)


def case_of(row: ThroughputRow) -> Case:
    """The run that the row describes. Raises `Unresolvable`, also where lengths are missing or the silicon is not known well enough."""
    if row.isl is None or row.osl is None:
        raise Unresolvable(f"{'isl' if row.isl is None else 'osl'} is missing")
    shape = throughput_shape(row)
    load = spellings()["loads"][row.load] if row.load else _load_of(row)
    slots = live_slots(shape, row.isl, row.osl)
    work = work_of(shape, row.isl, row.osl)
    if shape.engine in constants("performance")["decodes_from_empty"]["engines"] and load == "batch-1":
        bare = work_of(shape, 1, row.osl)
        work = replace(work, kv_read_s=bare.kv_read_s, token_attention_s=bare.token_attention_s)
    return Case(shape, load, work, _run(row, load, slots, shape), row.request_rate or 0.0, slots)


def throughput_shape(row: ThroughputRow) -> Shape:
    """The replica that was measured. Raises `Unresolvable`, also for silicon whose bandwidth or FLOPS are not known."""
    resolved = resolve_throughput(row)
    if resolved.device is None:
        raise Unresolvable(f"GPU {row.gpu!r} is known, but not its memory, bandwidth and FLOPS")
    context = round((row.isl or 0) + (row.osl or 0)) or 1
    sequences = memory_sequences(row)
    return resolved.shape(resolved.device, context, sequences, EngineSettings())


def memory_sequences(row: ThroughputRow) -> int:
    """Sequences that the engine reserves activations for."""
    return min(row.concurrency or 256, 256)


def live_slots(shape: Shape, isl: float, osl: float) -> float:
    """Sequences that the KV cache holds at their mean length while they are served; at least one."""
    layout = engine_memory.layout(shape)
    live = sequence_bytes(
        shape.model,
        isl + constants("performance")["live_output_share"]["value"] * osl,
        shape.kv_dtype,
        shape.parallel.tensor,
        shape.parallel.pipeline,
        batched_tokens=1,
        rules=memory_constants(shape.engine, shape.engine_version).kv,
    )
    kv = max(layout.kv_bytes, LEAST_KV_SHARE * shape.device.memory_bytes)
    return max(1.0, kv / live * shape.parallel.data) if live else float("inf")


def served_of(case: Case, times: StepTimes, loads: LoadConstants | None = None) -> Served:
    """What the client of the run measures."""
    found = LoadConstants(**constants("performance")["loads"]) if loads is None else loads
    if case.load == "offline":
        return physics.offline(times, case.run)
    if case.load == "batch-1":
        return physics.one_by_one(times, case.run)
    if case.load == "closed-loop":
        return physics.closed_loop(times, case.run, found)
    if case.load == "burst":
        return physics.burst(times, case.run, found)
    return physics.request_rate(_server(case, times), case.run, case.rps, found)


def band_load(case: Case, times: StepTimes) -> str:
    """The load whose band a row has: its own, or overload where requests come faster than they can be answered."""
    over = case.load == "request-rate" and not physics.sustained(_server(case, times), case.rps)
    return OVERLOAD if over else case.load


def _server(case: Case, times: StepTimes) -> Server:
    varied = Variability(length_spread=math.sqrt(constants("performance")["service_cv2"]["value"]))
    return Server(times=times, osl=case.run.osl, slots=case.slots, bound="kv-cache", chunks=0.0, variability=varied)


def _load_of(row: ThroughputRow) -> str:
    """How a row without a load was driven, from what it states."""
    if row.request_rate is not None:
        return "request-rate"
    if row.concurrency is None:
        return "offline"
    return "batch-1" if row.concurrency == 1 else "closed-loop"


def _run(row: ThroughputRow, load: str, slots: float, shape: Shape) -> Run:
    assert row.isl is not None
    assert row.osl is not None
    stated = re.search(r"(\d+) (?:prompts|requests)", row.dataset or "")
    requests = float(stated.group(1)) if stated else None
    if load == "batch-1":
        together = 1.0
    elif load == "offline":
        most = OFFLINE_SEQUENCES * shape.parallel.data
        together = float(row.concurrency) if row.concurrency else min(slots, most)
    elif load == "closed-loop":
        together = float(row.concurrency or 1)
    else:
        together = float((row.concurrency if load == "burst" else None) or requests or UNSTATED_REQUESTS)
        requests = together
    batch = max(1.0, min(together, _admitted(row.isl, row.osl, slots, shape)))
    varied = _varied(row, load)
    return Run(row.isl, row.osl, batch, max(0.0, together - batch), max(requests or ROUNDS * together, together), float(varied))


def _varied(row: ThroughputRow, load: str) -> bool:
    """True where output lengths vary: a dataset of conversations, or a burst of nothing else that is said; never where the mean is whole,
    because then the length was set."""
    text, words = row.dataset or "", spellings()["lengths"]
    drawn = any(word in text for word in words["drawn"]) or (load == "burst" and not any(word in text for word in words["set"]))
    return drawn and row.osl is not None and not float(row.osl).is_integer()


def _admitted(isl: float, osl: float, slots: float, shape: Shape) -> float:
    """Sequences that decode at once by the cache and by the engine's own limits, each of which a data-parallel rank has for itself."""
    own, ranks = limits(shape.engine, shape.engine_version, shape.device), shape.parallel.data
    prompts_first = shape.engine in constants("performance")["prompts_first"]["engines"]
    budget = math.inf if prompts_first else own.batched_tokens * ranks
    return min(slots, own.sequences * ranks, decoding(budget, isl, osl))


def _band(shape: Shape, load: str, quantity: str, value: float) -> Band:
    spread = spread_of(shape, load, quantity)
    return Band(value * spread.low, value * spread.high)
