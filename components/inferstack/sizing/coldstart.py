"""How long a new replica takes until it answers: node, image, weights, start, each as a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .constants import GB, GIB, constants, estimate
from .types import Estimate, worst

MB = 10**6
MOUNTED = "pvc"
"""The source that is read in place."""


@dataclass(frozen=True, slots=True)
class ColdStartPart:
    """One thing that a new replica waits for."""

    name: str
    """node, image, weights or start."""
    formula: str
    """With the expected numbers put in."""
    seconds: Estimate


@dataclass(frozen=True, slots=True)
class ColdStart:
    """From a scaling decision to readiness; the parts come one after the other."""

    parts: tuple[ColdStartPart, ...]

    @property
    def seconds(self) -> Estimate:
        """All parts."""
        return _together(self.parts)

    @property
    def container_seconds(self) -> Estimate:
        """What the container does itself, after the node has its image: what a startup probe waits for."""
        return _together([part for part in self.parts if part.name in ("weights", "start", "compile")])


def _together(parts: Sequence[ColdStartPart]) -> Estimate:
    """The sum. What makes one part slow has nothing to do with the next: their deviations add up in quadrature."""
    bands = [part.seconds for part in parts]
    expected = math.fsum(band.expected for band in bands)
    below, above = (math.hypot(*(getattr(band, end) - band.expected for band in bands)) for end in ("low", "high"))
    sources = dict.fromkeys(band.source for band in bands)
    return Estimate(expected - below, expected, expected + above, worst(*(band.provenance for band in bands)), "; ".join(sources))


def cold_start(
    weight_bytes: int,
    image_gib: float,
    source_kind: str,
    disk_mb_s: float | None,
    network_gbps: float | None,
    provisions_node: bool,
    compile_s: Estimate | None = None,
    local_nvme: bool = False,
    streamed: bool = False,
    volume_gb_s: Estimate | None = None,
) -> ColdStart:
    """The cold start of one replica. A node that is there has the image.

    `source_kind` is where weights come from: hf, s3, gs, pvc or oci, or with `volume_gb_s` a kind of volume that is read at that rate.
    `disk_mb_s` and `network_gbps` are the node's, None where unknown; with `local_nvme` its pods' files lie on disks of its own. What is
    mounted or `streamed` passes no disk of the node. `compile_s` is what an engine compiles before it answers. All bandwidths are
    believed. Raises `KeyError` for an unknown source.
    """
    data = constants("cold_start")
    rates = {source_kind: source_gb_s(source_kind) if volume_gb_s is None else volume_gb_s}
    if source_kind != MOUNTED and volume_gb_s is None and not streamed:
        disk = {"local NVMe": estimate(data["sources_gb_s"]["nvme"], data["source"])} if local_nvme else {"disk": _disk(disk_mb_s)}
        rates |= disk
    if network_gbps is not None:
        rates["network"] = _known(network_gbps / 8)
    parts = [_transfer("weights", weight_bytes, rates), ColdStartPart("start", "process, compilation, graphs", estimate(data["start_s"]))]
    if compile_s is not None:
        parts.append(ColdStartPart("compile", "graphs of the planned shapes", compile_s))
    if provisions_node:
        pull = {"pull and unpack": estimate(data["image_gb_s"]), **{name: rate for name, rate in rates.items() if name == "network"}}
        node = ColdStartPart("node", "machine, driver, device plugin", estimate(data["provision_s"]))
        parts = [node, _transfer("image", image_gib * GIB, pull), *parts]
    return ColdStart(tuple(parts))


def copy_seconds(size: float, source_kind: str, volume_gb_s: Estimate) -> Estimate:
    """How long `size` bytes take from a source to a volume that is written at that rate, once a pod runs."""
    return _transfer("copy", size, {source_kind: source_gb_s(source_kind), "volume": volume_gb_s}).seconds


def source_gb_s(source_kind: str) -> Estimate:
    """GB/s at which weights come from there. Raises `KeyError` for an unknown source."""
    data = constants("cold_start")
    return estimate(data["sources_gb_s"][source_kind], data["source"])


def _disk(disk_mb_s: float | None) -> Estimate:
    """GB/s that the node's disk takes in; that of a network disk of unknown class where it is not known."""
    return estimate(constants("cold_start")["disk_gb_s"]) if disk_mb_s is None else _known(disk_mb_s * MB / GB)


def _known(gb_s: float) -> Estimate:
    return estimate({"low": gb_s, "expected": gb_s, "high": gb_s}, "machine type")


def _transfer(name: str, size: float, rates: dict[str, Estimate]) -> ColdStartPart:
    """Bytes over the slowest of the ways that they take, at each end of the band."""
    bound = min(rates, key=lambda way: rates[way].expected)
    low, expected, high = (size / GB / min(getattr(rate, end) for rate in rates.values()) for end in ("high", "expected", "low"))
    formula = f"{size / GB:,.1f} GB / {rates[bound].expected:.3g} GB/s ({bound})"
    return ColdStartPart(name, formula, Estimate(low, expected, high, rates[bound].provenance, constants("cold_start")["source"]))
