"""How long a new replica takes until it answers."""

from __future__ import annotations

from .constants import GB, GIB, constants, estimate
from .types import Estimate, Provenance

MB = 10**6


def cold_start(
    weight_bytes: int, image_gib: float, source_kind: str, disk_mb_s: float | None, network_gbps: float | None, provisions_node: bool
) -> Estimate:
    """Seconds from a scaling decision to readiness: node + image pull + weights + start of the engine. A node that is there has the image.

    `source_kind` is where weights come from: hf, s3, gs, pvc, nvme or oci. `disk_mb_s` and `network_gbps` are the node's, None where
    unknown. All bandwidths are believed. Raises `KeyError` for an unknown source.
    """
    data = constants("cold_start")
    node = estimate(data["provision_s"]) if provisions_node else None
    start, image = estimate(data["start_s"]), estimate(data["image_gb_s"])
    source = estimate(data["sources_gb_s"][source_kind], data["source"])
    disk = estimate(data["disk_gb_s"])

    def seconds(pick_time: str, pick_rate: str) -> float:
        writing = disk_mb_s * MB if disk_mb_s is not None else getattr(disk, pick_rate) * GB
        network = network_gbps * GB / 8 if network_gbps is not None else float("inf")
        pull = image_gib * GIB / min(getattr(image, pick_rate) * GB, network)
        weights = weight_bytes / min(getattr(source, pick_rate) * GB, network, writing)
        return (getattr(node, pick_time) if node else 0.0) + (pull if provisions_node else 0.0) + weights + getattr(start, pick_time)

    return Estimate(seconds("low", "high"), seconds("expected", "expected"), seconds("high", "low"), Provenance.BELIEVED, data["source"])
