"""Throughput and latency of one row, as the benchmark client would report them."""

from __future__ import annotations

from ..sizing import StepTimes, step_times
from ..sizing.performance import provenance_of, slower_faster
from ..sizing.types import EngineSettings, Shape
from .resolve import Unresolvable, resolve_throughput
from .rows import BadRow, ThroughputRow
from .types import Band, Prediction, skipped

KEYS = ("output_tps", "ttft_ms", "tpot_ms")
MOST_SEQUENCES = 256
"""Batch of an engine that is given all requests at once, where the row does not say."""


def evaluate_throughput(row: ThroughputRow | BadRow) -> Prediction:
    """The prediction for one row; a row that cannot be read or resolved is skipped with the reason."""
    if isinstance(row, BadRow):
        return skipped(row.row_id, KEYS, str(row))
    try:
        shape = throughput_shape(row)
    except Unresolvable as reason:
        return skipped(row.id, KEYS, str(reason))
    if row.isl is None or row.osl is None:
        return skipped(row.id, KEYS, f"{'isl' if row.isl is None else 'osl'} is missing")
    times = step_times(shape, round(row.isl) or 1, round(row.osl) or 1)
    batch = _batch(row, times)
    ttft_ms = times.prefill_s * 1e3
    tpot_ms = (times.decode_s(batch) + batch / row.osl * times.prefill_busy_s) * 1e3
    output_tps = batch / tpot_ms * 1e3 * shape.parallel.data
    low, high = slower_faster(provenance_of(shape))
    bands = {"output_tps": Band(output_tps * low, output_tps * high)}
    bands |= {key: Band(value / high, value / low) for key, value in (("ttft_ms", ttft_ms), ("tpot_ms", tpot_ms))}
    return Prediction(row.id, {"output_tps": output_tps, "ttft_ms": ttft_ms, "tpot_ms": tpot_ms}, bands)


def throughput_shape(row: ThroughputRow) -> Shape:
    """The replica that was measured. Raises `Unresolvable`, also for silicon whose bandwidth or FLOPS are not known."""
    resolved = resolve_throughput(row)
    if resolved.device is None:
        raise Unresolvable(f"GPU {row.gpu!r} is known, but not its memory, bandwidth and FLOPS")
    context = round((row.isl or 0) + (row.osl or 0)) or 1
    return resolved.shape(resolved.device, context, row.concurrency or MOST_SEQUENCES, EngineSettings())


def _batch(row: ThroughputRow, times: StepTimes) -> float:
    """Sequences in one step: those that the client keeps in flight, or by Little's law those of a request rate."""
    if row.load == "batch-1":
        return 1.0
    if row.concurrency is not None:
        return float(row.concurrency)
    if row.request_rate is not None and row.osl is not None:
        return max(1.0, row.request_rate * row.osl * times.decode_s(1))
    return float(MOST_SEQUENCES)
