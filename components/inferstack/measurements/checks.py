"""What measurements cannot be: faster than the silicon, at odds with themselves or one another. A file with such a row is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import InputError, Problem
from ..evaluation import BadRow, ThroughputRow, Unresolvable, throughput_rows
from ..evaluation.throughput import throughput_shape
from ..sizing.types import Shape
from ..sizing.weights import expert_share, weight_bytes

GB = 1e9
AGREE = 2.0
"""Two runs of the same setup at the same load differ by less than this, or one of them measured something else."""
ROUNDING = 1.1
OBSERVED = ("output_tps", "ttft_ms", "tpot_ms")
SEVERAL_TOKENS = "speculative"
"""Flag of rows whose steps make several tokens, so that a token may take less than reading the weights."""
CACHED = "prefix-cache"
"""Flag of rows whose prompts were found in a cache."""


def check(document: Sequence[Mapping[str, Any]], source: str) -> list[tuple[ThroughputRow, Shape]]:
    """The rows with the replicas that they measured. Raises `InputError` with every row that cannot be used, by its id."""
    problems: list[Problem] = []
    good: list[tuple[ThroughputRow, Shape]] = []
    for row in throughput_rows(document):
        if isinstance(row, BadRow):
            problems.append(Problem(f"row {row.row_id}", str(row), nearest=_way_out(str(row))))
            continue
        try:
            shape = throughput_shape(row)
        except Unresolvable as reason:
            problems.append(Problem(f"row {row.id}", str(reason)))
            continue
        found = [*_missing(row), *_too_fast(row, shape), *_at_odds(row)]
        problems += [Problem(f"row {row.id}", sentence) for sentence in found]
        good.append((row, shape))
    problems += [Problem(f"row {row.id}", sentence) for row, sentence in _contradictions(good)]
    if problems:
        raise InputError(problems, source)
    return good


def _way_out(reason: str) -> str | None:
    """The option that adds what a benchmark tool did not write down."""
    field, _, rest = reason.partition(" ")
    return f"add --{field}" if rest == "is missing" and field in ("model", "engine", "gpu") else None


def _missing(row: ThroughputRow) -> Iterator[str]:
    for name in ("isl", "osl"):
        if getattr(row, name) is None:
            yield f"{name} is missing"
    if not any(name in row.observed for name in OBSERVED):
        yield f"holds none of {', '.join(OBSERVED)}"


def _too_fast(row: ThroughputRow, shape: Shape) -> Iterator[str]:
    """Reading the weights that one token needs takes time, and so do the products of a prompt at peak FLOPS."""
    device, model = shape.device, shape.model
    devices = shape.parallel.devices
    experts = expert_share(model, shape.checkpoint)
    used = model.top_k / model.n_experts if experts and model.top_k and model.n_experts else 1.0
    read = weight_bytes(model, shape.checkpoint) * (1 - experts + experts * used)
    step_ms = read / (devices * device.bandwidth_bytes_s) * 1e3
    tpot, ttft, tps = (row.observed.get(name) for name in ("tpot_ms", "ttft_ms", "output_tps"))
    bandwidth = f"{read / GB:.1f} GB over {devices * device.bandwidth_bytes_s / GB:,.0f} GB/s"
    if tpot is not None and tpot < step_ms and SEVERAL_TOKENS not in row.flags:
        yield f"tpot_ms {tpot:g} is faster than the memory bandwidth allows: reading {bandwidth} takes {step_ms:.2f} ms"
    if tps is not None and row.concurrency and tps > row.concurrency / step_ms * 1e3 and SEVERAL_TOKENS not in row.flags:
        most = row.concurrency / step_ms * 1e3
        yield f"output_tps {tps:g} is faster than the memory bandwidth allows: {row.concurrency} at a time, {bandwidth}: {most:,.0f}"
    peak = devices * max(device.flops.values(), default=float("inf"))
    compute_ms = (row.isl or 0) * 2 * model.params_active / peak * 1e3
    if ttft is not None and ttft < compute_ms and CACHED not in row.flags:
        yield f"ttft_ms {ttft:g} is faster than {peak / 1e12:,.0f} TFLOPS allow: {row.isl:g} tokens take {compute_ms:.2f} ms"
    if tps is not None and tps * 2 * model.params_active > peak:
        yield f"output_tps {tps:g} is more than {peak / 1e12:,.0f} TFLOPS allow"


def _at_odds(row: ThroughputRow) -> Iterator[str]:
    tpot, tps = row.observed.get("tpot_ms"), row.observed.get("output_tps")
    if tpot is not None and tps is not None and row.concurrency and tps > ROUNDING * row.concurrency / tpot * 1e3:
        most = row.concurrency / tpot * 1e3
        yield f"contradicts itself: {row.concurrency} at a time with a tpot_ms of {tpot:g} make {most:,.0f} tokens a second, not {tps:g}"
    if row.request_rate and row.osl and tps is not None and tps > ROUNDING * row.request_rate * row.osl:
        yield f"contradicts itself: {row.request_rate:g} requests a second of {row.osl:g} tokens make fewer than output_tps {tps:g}"


def _contradictions(rows: Sequence[tuple[ThroughputRow, Shape]]) -> Iterator[tuple[ThroughputRow, str]]:
    seen: dict[object, ThroughputRow] = {}
    ids: set[object] = set()
    for row, shape in rows:
        if row.id in ids:
            yield row, "has the id of another row"
        ids.add(row.id)
        lengths = tuple(round(length) for length in (row.isl or 0, row.osl or 0))
        load = (row.load, row.concurrency, row.request_rate)
        first = seen.setdefault(
            (shape.model.id, shape.engine, shape.checkpoint.quantization, shape.device.id, shape.parallel, lengths, load), row
        )
        for name in OBSERVED:
            one, other = first.observed.get(name), row.observed.get(name)
            if one is not None and other is not None and max(one, other) > AGREE * min(one, other):
                yield row, f"contradicts row {first.id}, the same setup and load: {name} {other:g} and {one:g}"
