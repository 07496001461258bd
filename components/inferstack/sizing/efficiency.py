"""What part of the silicon's peak is reached: physical constants shared by all, times factors for engine, quantization and silicon.

The factors are fitted (`make fit`) and shrunk towards 1, so that what has not been measured runs at the shared constants. Every rate passes
through `saturating`: none exceeds `CEILING` of the peak. Arithmetic only, so that the fit runs it on arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .. import catalog
from .constants import constants, kin, version_key
from .devices import link_kind
from .types import Provenance, Shape, worst
from .work import expert_width, weight_only

CEILING = 0.95
"""Part of a peak rate that no kernel exceeds; with `SHARPNESS` a believed shape, not fitted."""
SHARPNESS = 6
NEUTRAL = 1.0


@dataclass(frozen=True, slots=True)
class Base:
    """Constants shared by every engine on one kind of device; efficiencies are parts of a peak, times are seconds."""

    weight_read: float
    kv_read: float
    expert_read: float
    """Reading experts, relative to `weight_read`."""
    prefill: float
    decode: float
    attention: float
    expert_prefill: float
    """Products of wide experts, relative to `prefill`."""
    expert_decode: float
    expert_width: float
    """Columns at which an expert's products reach half of that."""
    weight_only: float
    """Products of weights that are stored narrower than the silicon multiplies, relative to those it multiplies as stored."""
    layer_s: float
    """Launching one layer."""
    expert_layer_s: float
    """Added by routing, in a layer with experts."""
    unfused_layer_s: float
    """Added in a layer whose products are several launches each."""
    prompt_layer_s: float
    """Launching one layer for a prompt, which no captured graph serves."""
    prompt_expert_layer_s: float
    """Added to that in a layer with experts."""
    step_s: float
    """Scheduling and sampling, per pipeline stage."""
    sequence_s: float
    """Host time that each sequence adds to a step."""
    request_s: float
    """Host time of one request: tokenizing, admission, its last answer."""
    http_s: float
    """Added to TTFT by the way to the engine and back."""


@dataclass(frozen=True, slots=True)
class Factors:
    """Fitted deviations from `Base`. Above 1 a rate is higher; for host, sequence and http a time is longer."""

    silicon: float = NEUTRAL
    """All rates, by engine and version."""
    prefill: float = NEUTRAL
    """Rates of prefill, by engine and version."""
    attention: float = NEUTRAL
    """Reading the KV cache, by engine and version."""
    host: float = NEUTRAL
    """Launching, scheduling and the latency of collectives, by engine and version."""
    sequence: float = NEUTRAL
    """Host time per sequence and per request, by engine and version."""
    http: float = NEUTRAL
    kernel: float = NEUTRAL
    """Matrix products, by quantization."""
    unpack: float = NEUTRAL
    """Reading weights, by quantization."""
    compute: float = NEUTRAL
    """Matrix products, by architecture of the silicon."""
    memory: float = NEUTRAL
    """Reading, by architecture of the silicon."""
    device: float = NEUTRAL
    """All rates, by device."""


FACTOR_NAMES = frozenset(field.name for field in fields(Factors))


@dataclass(frozen=True, slots=True)
class Efficiency:
    """`Base` times `Factors`: parts of peak rates, and seconds."""

    weight_read: float
    expert_read: float
    kv_read: float
    prefill: float
    decode: float
    attention: float
    expert_prefill: float
    expert_decode: float
    layer_s: float
    expert_layer_s: float
    unfused_layer_s: float
    prompt_layer_s: float
    prompt_expert_layer_s: float
    step_s: float
    sequence_s: float
    request_s: float
    http_s: float
    link: float
    """Part of a link's nominal rate that collectives reach."""
    message_s: float
    """Latency of one collective operation."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The efficiency of one shape, with what is known of it."""

    efficiency: Efficiency
    provenance: Provenance
    source: str
    unmeasured: tuple[str, ...]
    """Which of engine, quantization, architecture and device no measurement stands behind."""


def combine(base: Base, factors: Factors, link: float, message_s: float, expert_width: float, weight_only: float) -> Efficiency:
    """`Base` times `Factors` for experts of `expert_width` columns (infinite for dense models); `weight_only` is 1 or 0."""
    compute = factors.silicon * factors.compute * factors.device
    memory = factors.silicon * factors.memory * factors.device
    products = compute * factors.kernel * base.weight_only**weight_only
    narrow = 1 / (1 + base.expert_width / expert_width)
    return Efficiency(
        weight_read=saturating(base.weight_read * memory * factors.unpack),
        expert_read=saturating(base.weight_read * base.expert_read * memory * factors.unpack),
        kv_read=saturating(base.kv_read * memory * factors.attention),
        prefill=saturating(base.prefill * products * factors.prefill),
        decode=saturating(base.decode * products),
        attention=saturating(base.attention * compute * factors.prefill),
        expert_prefill=saturating(base.prefill * base.expert_prefill * products * factors.prefill * narrow),
        expert_decode=saturating(base.decode * base.expert_decode * products * narrow),
        layer_s=base.layer_s * factors.host,
        expert_layer_s=base.expert_layer_s * factors.host,
        unfused_layer_s=base.unfused_layer_s * factors.host,
        prompt_layer_s=base.prompt_layer_s * factors.host,
        prompt_expert_layer_s=base.prompt_expert_layer_s * factors.host,
        step_s=base.step_s * factors.host,
        sequence_s=base.sequence_s * factors.sequence,
        request_s=base.request_s * factors.sequence,
        http_s=base.http_s * factors.http,
        link=link,
        message_s=message_s * factors.host,
    )


def saturating(part: float) -> float:
    """`part` of a peak where it is small, never above `CEILING`."""
    return part / (1 + (part / CEILING) ** SHARPNESS) ** (1 / SHARPNESS)


def efficiency_of(shape: Shape) -> Fitted:
    """The constants for the shape's engine, quantization and silicon; believed where one of them has no measurement."""
    device = shape.device
    return _fitted(
        shape.engine,
        shape.engine_version,
        shape.checkpoint.quantization,
        (device.kind, device.id, device.generation, link_kind(device)),
        expert_width(shape.model),
        weight_only(device.flops, shape.checkpoint.quantization),
    )


@functools.cache
def _fitted(engine: str, version: str, quantization: str, silicon: tuple[str, str, str, str], width: float, stored_only: bool) -> Fitted:
    kind, device, generation, link_name = silicon
    data = constants("performance")
    regime: Mapping[str, Any] = data["regimes"][kind]
    link = data["links"][link_name]
    rows = {
        f"engine {engine}": _engine_row(regime["engines"], data["kin"], engine, version),
        f"quantization {quantization}": _quantization_row(regime["quantizations"], data["quantization_kin"], quantization),
        f"silicon {generation or kind}": _generation_row(regime["generations"], data["generation_kin"], generation),
        f"{kind} {device}": regime["devices"].get(device),
    }
    unmeasured = tuple(label for label, row in rows.items() if row is None or row["provenance"] == Provenance.BELIEVED)
    known = [Provenance(row["provenance"]) for row in rows.values() if row is not None]
    return Fitted(
        efficiency=combine(Base(**regime["base"]), _factors(rows.values()), link["efficiency"], link["latency_s"], width, stored_only),
        provenance=worst(Provenance(regime["provenance"]), *known, *([Provenance.BELIEVED] if unmeasured else [])),
        source=data["source"] + (f"; believed for {', '.join(unmeasured)}" if unmeasured else ""),
        unmeasured=unmeasured,
    )


def _factors(rows: Iterable[Mapping[str, Any] | None]) -> Factors:
    """One factor from each row that has it; each factor belongs to one kind of row."""
    found = {name: row[name] for row in rows if row is not None for name in FACTOR_NAMES & row.keys()}
    return Factors(**found)


def _engine_row(rows: Mapping[str, Any], kin_of: Mapping[str, str], engine: str, version: str) -> Mapping[str, Any] | None:
    """The row of the engine's version range, or its nearest kin's newest as a belief; None where there is neither."""
    if engine in rows:
        return next((row for row in rows[engine] if version_key(row["from"]) <= version_key(version)), rows[engine][-1])
    kindred = rows.get(kin(kin_of, engine))
    return None if not kindred else {**kindred[0], "provenance": Provenance.BELIEVED}


def _quantization_row(rows: Mapping[str, Any], same: Mapping[str, str], quantization: str) -> Mapping[str, Any] | None:
    """The row of the quantization itself or of what costs the same, else of its scheme."""
    return rows.get(same.get(quantization, quantization), rows.get(catalog.quantization(quantization).scheme))


def _generation_row(rows: Mapping[str, Any], kin_of: Mapping[str, str], generation: str) -> Mapping[str, Any] | None:
    """The row of a generation of silicon, or its nearest kin's as a belief."""
    if generation in rows:
        return rows[generation]
    kindred = rows.get(kin_of.get(generation, ""))
    return None if kindred is None else {**kindred, "provenance": Provenance.BELIEVED}
