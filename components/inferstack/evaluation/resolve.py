"""From the free text of a row to the nouns of sizing: model, checkpoint, device, engine, and together a `Shape`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .. import catalog
from ..catalog.names import folded
from ..catalog.types import Accelerator, Checkpoint, Model
from ..errors import InferstackError, join_names
from ..sizing.constants import GIB, constants
from ..sizing.devices import device_for
from ..sizing.types import Device, EngineSettings, Parallelism, Provenance, Shape
from .rows import MemoryRow, ThroughputRow
from .spellings import spellings

PROMISED_SHARE = 0.955
"""Visible GiB over the GB in a GPU's name: 0.92 to 0.99 in the catalog; believed for one that is not in it."""


class Unresolvable(InferstackError):
    """A row names something that is not known. As text: a sentence with the name and what is known."""

    exit_code = 2


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
    model = resolve_model(row.model, row.model_config, row.id)
    engine = resolve_engine(row.engine)
    parallel = resolve_parallel(row.tp, row.pp, row.dp, row.ep, row.dcp, engine)
    return Resolved(
        model=model,
        checkpoint=resolve_checkpoint(model, row.weights_quant, row.model, engine),
        engine=engine,
        version=resolve_version(engine, row.version),
        parallel=parallel,
        device=_memory_device(row, parallel.devices),
        kv_dtype=resolve_kv_dtype(row.kv_dtype, row.dtype),
    )


def resolve_throughput(row: ThroughputRow) -> Resolved:
    """Raises `Unresolvable`. Where the row does not say how its GPUs work together, they are taken as one tensor-parallel group."""
    model = resolve_model(row.model, row.model_config, row.id)
    engine = resolve_engine(row.engine)
    tensor = row.tp if row.tp is not None else (row.n_gpus or 1)
    parallel = resolve_parallel(tensor, row.pp, row.dp, row.ep, None, engine)
    return Resolved(
        model=model,
        checkpoint=resolve_checkpoint(model, row.quantization, row.model, engine),
        engine=engine,
        version=resolve_version(engine, row.version),
        parallel=parallel,
        device=_device(resolve_accelerator(row.gpu), parallel.devices),
        kv_dtype=resolve_kv_dtype(row.kv_dtype, None),
    )


def resolve_model(name: str, config: object, row_id: int | str) -> Model:
    """The row's own config where it has one, else the model of the catalog that the name means."""
    if config is not None:
        try:
            return catalog.model_from_config(config, name, f"model_config of row {row_id}")  # type: ignore[arg-type]
        except catalog.BadConfig as bad:
            raise Unresolvable(f"model_config {bad}") from bad
    refused: catalog.UnknownName | None = None
    for spelling in model_spellings(name):
        try:
            return catalog.model(spelling)
        except catalog.UnknownName as unknown:
            refused = refused or unknown
    assert refused is not None, "a name has at least one spelling"
    nearest = f"; nearest are {join_names(refused.nearest)}" if refused.nearest else ""
    raise Unresolvable(f"model {name!r} {refused}{nearest}")


def model_spellings(name: str) -> tuple[str, ...]:
    """Ways to read a free text: as it stands, without remarks, the first of alternatives, and without what follows the name."""
    plain = re.sub(r"\(.*?\)", "", name).strip()
    first = re.sub(r"(\d)/[\d.]+(?=-)", r"\1", plain)
    words = first.split()
    spellings = [name, plain, first, *(" ".join(words[:count]) for count in range(len(words) - 1, 0, -1))]
    bare = [spelling.rpartition("/")[2] for spelling in spellings]
    chatty = [f"{spelling}-chat-v1.0" for spelling in bare[:3]]
    return tuple(dict.fromkeys(spelling for spelling in (*spellings, *bare, *chatty) if spelling))


def resolve_params(name: str) -> float | None:
    """Parameters of a model that is known by name only, else as its name says them (`675B`, `8x7B`); None where neither tells."""
    for spelling in model_spellings(name):
        known = catalog.incomplete_models().get(spelling)
        if known is not None and known.params_total:
            return known.params_total
    size = re.search(r"(?<![\dA-Za-z.])(?:(\d+)x)?(\d+(?:\.\d+)?)B(?![A-Za-z])", name, re.IGNORECASE)
    return None if size is None else int(size.group(1) or 1) * float(size.group(2)) * 1e9


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
    """The accelerator that a free text means: as it stands, without remarks, and without a count."""
    plain = re.sub(r"\s+x\d+$", "", re.sub(r"\(.*?\)", "", name).strip())
    refused: catalog.UnknownName | None = None
    for spelling in dict.fromkeys((name, plain)):
        try:
            return catalog.accelerator(spelling)
        except catalog.UnknownName as unknown:
            refused = refused or unknown
    assert refused is not None, "a name has at least one spelling"
    nearest = f"; nearest are {join_names(refused.nearest)}" if refused.nearest else ""
    raise Unresolvable(f"GPU {name!r} {refused}{nearest}")


def resolve_checkpoint(model: Model, quantization: str | None, name: str, engine: str) -> Checkpoint:
    """The known checkpoint of the model in that quantization, or one by its name alone; without a quantization the model's own weights."""
    known = catalog.checkpoints(model.id)
    wanted = resolve_quantization(quantization, model, engine)
    if wanted is None:
        own = model.native_quantization or ("fp16" if model.native_dtype == "float16" else "bf16")
        return known[0] if known else Checkpoint(model.id, own, f"hf://{model.id}", "the model's own repository")
    same = [checkpoint for checkpoint in known if checkpoint.quantization == wanted]
    named = next((checkpoint for checkpoint in same if folded(checkpoint.uri.removeprefix("hf://")) == folded(name)), None)
    return named or Checkpoint(model.id, wanted, f"hf://{name}", "named by the row")


def resolve_quantization(text: str | None, model: Model | None, engine: str) -> str | None:
    """Our name of a quantization in free text; None where the row states none."""
    if text is None:
        return None
    table = spellings()["quantizations"]
    if text.casefold() in table["native"]:
        return None if model is None else model.native_quantization
    for spelling in (text, re.sub(r"\(.*?\)", "", text).strip(), text.split("/")[0].strip()):
        key = table["meanings"].get(spelling.casefold(), spelling)
        try:
            found = catalog.quantization(key).name
        except catalog.UnknownName:
            continue
        if found == "bf16" and model is not None and model.native_quantization and folded(text) in ("none", "unquantized"):
            return model.native_quantization
        return found
    raise Unresolvable(f"quantization {text!r} is not known; known are {join_names(tuple(catalog.quantizations()))}")


def resolve_kv_dtype(kv_dtype: str | None, dtype: str | None) -> str:
    """Our name of a KV cache dtype in free text such as `fp8_e4m3`; the model's 16 bits where none is stated."""
    for text in (kv_dtype, dtype):
        if text is None or folded(text) in ("auto", "none"):
            continue
        known = constants("memory")["kv_bytes_per_element"]
        word = text.casefold().replace("(", " ").split()[0]
        found = spellings()["kv_dtypes"].get(word, word)
        if found in known:
            return found
        raise Unresolvable(f"KV cache dtype {text!r} is not known; known are {join_names(tuple(known))}")
    return "bf16"


def resolve_parallel(tp: int | None, pp: int | None, dp: int | None, ep: int | None, dcp: int | None, engine: str) -> Parallelism:
    """Degrees of one replica. SGLang and TensorRT-LLM count attention data parallelism inside the tensor-parallel group, vLLM beside it."""
    tensor, data = tp or 1, dp or 1
    if data > 1 and engine in ("sglang", "tensorrt-llm") and tensor % data == 0:
        return Parallelism(tensor // data, pp or 1, data, ep, dcp or 1)
    return Parallelism(tensor, pp or 1, data, ep, dcp or 1)


def _memory_device(row: MemoryRow, devices: int) -> Device | None:
    """The row's GPU with the memory that the row states, else that of the catalog, else what its name promises; else None."""
    try:
        found = None if row.gpu is None else resolve_accelerator(row.gpu)
    except Unresolvable:
        found = None
    total = row.gpu_total_gib if row.gpu_total_gib is not None else (None if found is None else found.memory_gib)
    if total is None:
        total = _promised_gib(row.gpu or "")
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
