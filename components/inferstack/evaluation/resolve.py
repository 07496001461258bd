"""From the free text of a row to the nouns of sizing: model, checkpoint, device, engine, and together a `Shape`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .. import catalog
from ..catalog.names import folded
from ..catalog.types import Accelerator, Checkpoint, Model
from ..errors import join_names
from ..sizing.constants import GIB, constants
from ..sizing.devices import device_for
from ..sizing.types import Device, EngineSettings, Parallelism, Provenance, Shape
from .checkpoint_names import resolve_checkpoint
from .gpu_names import accelerator_named, visible_gib
from .kv_dtypes import kv_dtype_of, resolve_kv_dtype
from .model_names import resolve_model
from .rows import MemoryRow, ThroughputRow
from .spellings import spellings
from .unresolvable import Unresolvable

PROMISED_SHARE = 0.955
"""Visible GiB over the GB in a GPU's name: 0.92 to 0.99 in the catalog; believed for one that is not in it."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a row means."""

    model: Model
    checkpoint: Checkpoint
    engine: str
    version: str
    """Comparable; dates are translated where the engine's releases are dated."""
    parallel: Parallelism
    device: Device | None
    """None where the row names no known device and no memory."""
    kv_dtype: str

    def shape(self, device: Device, context: int, max_sequences: int, settings: EngineSettings) -> Shape:
        return Shape(
            self.engine,
            self.version,
            self.model,
            self.checkpoint,
            device,
            self.parallel,
            context,
            max_sequences,
            self.kv_dtype,
            settings,
        )


def resolve_memory(row: MemoryRow) -> Resolved:
    """Raises `Unresolvable`."""
    parallel = resolve_parallel(row.tp, row.pp, row.dp, row.ep, row.dcp, resolve_engine(row.engine))
    return _resolved(row, row.weights_quant, row.dtype, parallel, memory_device(row, parallel.devices))


def resolve_throughput(row: ThroughputRow) -> Resolved:
    """Raises `Unresolvable`. Where the row does not say how its GPUs work together, they are taken as one tensor-parallel group."""
    tensor = row.tp if row.tp is not None else (row.n_gpus or 1)
    parallel = resolve_parallel(tensor, row.pp, row.dp, row.ep, None, resolve_engine(row.engine))
    return _resolved(row, row.quantization, None, parallel, _device(resolve_accelerator(row.gpu), parallel.devices))


def _resolved(
    row: MemoryRow | ThroughputRow, quantization: str | None, dtype: str | None, parallel: Parallelism, device: Device | None
) -> Resolved:
    model = resolve_model(row.model, row.model_config, row.id)
    engine = resolve_engine(row.engine)
    version = resolve_version(engine, row.version)
    checkpoint = resolve_checkpoint(model, quantization, row.model, engine)
    stated = resolve_kv_dtype(row.kv_dtype, dtype)
    kv_dtype = kv_dtype_of(stated, model, checkpoint, engine, version, row.model_config)
    return Resolved(model, checkpoint, engine, version, parallel, device, kv_dtype)


def resolve_engine(name: str) -> str:
    """The engine, also where it stands in parentheses as the one inside; an unknown name stands as it is and gets its nearest kin."""
    outer, _, inner = name.partition("(")
    known = {folded(engine): engine for engine in spellings()["engines"]}
    for spelling in (outer, inner):
        if (found := known.get(folded(spelling))) is not None:
            return found
    return outer.strip().casefold()


def resolve_version(engine: str, text: str | None) -> str:
    """A version that compares: the number in the text, or the release that was current at the date in it; the newest where neither is."""
    if text is None:
        return spellings()["unstated"].get(engine, "newest")
    number = re.search(r"(?<![\d-])v?(\d+\.\d+(?:\.\d+)?)", text) or re.search(r"\b(b\d{3,6})\b", text)
    if number is not None:
        return number.group(1)
    dated = _date(text)
    relative = constants("memory")["kin"].get(engine, engine)
    releases = spellings()["releases"].get(engine, spellings()["releases"].get(relative, ()))
    if dated is None or not releases:
        return text
    earlier = [version for day, version in releases if day <= dated]
    return earlier[-1] if earlier else releases[0][1]


def resolve_accelerator(name: str) -> Accelerator:
    """The accelerator that a free text means."""
    try:
        return catalog.accelerator(name)
    except catalog.UnknownName as unknown:
        found = accelerator_named(name)
        if found is not None:
            return found
        nearest = f"; nearest are {join_names(unknown.nearest)}" if unknown.nearest else ""
        raise Unresolvable(f"GPU {name!r} {unknown}{nearest}") from unknown


def resolve_parallel(tp: int | None, pp: int | None, dp: int | None, ep: int | None, dcp: int | None, engine: str) -> Parallelism:
    """Degrees of one replica. SGLang and TensorRT-LLM count attention data parallelism inside the tensor-parallel group, vLLM beside it."""
    tensor, data = tp or 1, dp or 1
    if data > 1 and engine in ("sglang", "tensorrt-llm") and tensor % data == 0:
        return Parallelism(tensor // data, pp or 1, data, ep, dcp or 1)
    return Parallelism(tensor, pp or 1, data, ep, dcp or 1)


def memory_device(row: MemoryRow, devices: int) -> Device | None:
    """The row's GPU with the memory that the row states, else that of the catalog, else what its name promises; else None."""
    try:
        found = None if row.gpu is None else resolve_accelerator(row.gpu)
    except Unresolvable:
        found = None
    total = row.gpu_total_gib if row.gpu_total_gib is not None else (None if found is None else found.memory_gib)
    if total is None and row.gpu is not None:
        total = visible_gib(row.gpu) or _promised_gib(row.gpu)
    if total is None:
        return None
    stated = row.gpu_total_gib is not None
    device = None if found is None else _device(replace(found, memory_gib=total, verified=stated), devices)
    if device is not None:
        return device
    return Device(
        id=found.id if found is not None else (row.gpu or "unknown"),
        kind="gpu",
        count=devices,
        memory_bytes=round(total * GIB),
        bandwidth_bytes_s=0.0,
        flops={},
        link=_link(found, devices),
        link_bytes_s=None,
        compute_capability=None if found is None else found.compute_capability,
        provenance=Provenance.MEASURED if stated else Provenance.BELIEVED,
        source="the row" if stated or found is None else found.source,
    )


def _promised_gib(name: str) -> float | None:
    """Visible memory of a GPU of which only the name is known; a range such as `>=160GiB-class` promises nothing."""
    size = re.search(r"(?<![<>=~\d])(\d{1,3})\s*GB", name)
    return None if size is None else int(size.group(1)) * PROMISED_SHARE


def _link(accelerator: Accelerator | None, devices: int) -> str:
    if devices == 1 or accelerator is None:
        return "none" if devices == 1 else "pcie"
    return "nvlink" if accelerator.nvlink_gb_s else "pcie"


def _device(accelerator: Accelerator, devices: int) -> Device | None:
    return device_for(accelerator, devices, _link(accelerator, devices))


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _date(text: str) -> str | None:
    """`YYYY-MM` of a date such as `2025-11`, `Sep 2025` or `2026`; the middle of the year where only that is known."""
    year = re.search(r"\b(20\d\d)\b", text)
    if year is None:
        return None
    month = re.search(r"\b20\d\d-(\d\d)\b", text)
    if month is not None:
        return f"{year.group(1)}-{month.group(1)}"
    named = re.search(rf"\b({'|'.join(_MONTHS)})", text.casefold())
    return f"{year.group(1)}-{_MONTHS.index(named.group(1)) + 1 if named else 6:02d}"
