"""Kinds of shared volumes that this library makes: what sizes are sold, what they cost and how fast they are."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .tables import table

Band = tuple[float, float, float]
"""low, expected, high."""
GIB_PER_TIB = 1024
OWN_CLASS = "claim"
"""The kind of a volume on an existing cluster, which has a storage class in place of one."""


@dataclass(frozen=True, slots=True)
class VolumeKind:
    """One kind of shared volume, as a cloud sells it."""

    name: str
    """efs, fsx, filestore, gcs-fuse, or claim: of a storage class that an existing cluster has."""
    cloud: str
    title: str
    read_gb_s: Band
    """Of one client; with `per_tib` of every TiB, in common."""
    write_gb_s: Band
    per_tib: bool
    fee: str | None
    """Of a GB that is stored, or bought where it has sizes; None where no price is known."""
    read_fee: str | None
    write_fee: str | None
    least_gib: int | None
    """Smallest size that is sold; None where it grows with what is stored and is paid for alone."""
    step_gib: int
    throughputs: Mapping[int, str]
    """MB/s that are bought per TiB -> fee; {} where there is no choice."""
    throughput: int | None
    """Of those, what is taken unasked."""
    root_owned: bool
    """True where its root folder belongs to root, and is given to who fills it."""
    keeps_compiled: bool
    """True where a cache that several pods write to works on it."""
    sidecar: tuple[int, int] | None
    """Millicores and MiB of the container that each pod gets for it."""
    source: str

    @property
    def elastic(self) -> bool:
        return self.least_gib is None

    @property
    def is_sold(self) -> bool:
        """False for a class of the cluster's own, which nobody bills here."""
        return self.name != OWN_CLASS

    def sold_gib(self, need_gib: float) -> int | None:
        """The smallest size sold that holds `need_gib`; None where there are no sizes."""
        if self.least_gib is None:
            return None
        return self.least_gib if need_gib <= self.least_gib else self.step_gib * math.ceil(need_gib / self.step_gib)

    def fee_at(self, throughput: int | None) -> str | None:
        """The fee of a volume with that throughput per TiB."""
        return self.fee if throughput is None else self.throughputs.get(throughput)

    def reads(self, size_gib: int | None, throughput: int | None) -> Band:
        """GB/s of a volume of that size."""
        return self._scaled(self.read_gb_s, size_gib, throughput)

    def writes(self, size_gib: int | None, throughput: int | None) -> Band:
        return self._scaled(self.write_gb_s, size_gib, throughput)

    def _scaled(self, band: Band, size_gib: int | None, throughput: int | None) -> Band:
        if not self.per_tib:
            return band
        assert size_gib is not None, "what is as fast as it is large has a size"
        factor = size_gib / GIB_PER_TIB * (1 if throughput is None else throughput / 1000)
        return band[0] * factor, band[1] * factor, band[2] * factor


@functools.cache
def volume_kinds() -> Mapping[str, VolumeKind]:
    """Every kind by name."""
    return MappingProxyType({name: _kind(name, row) for name, row in table("volumes")["kinds"].items()})


def volume_kinds_of(cloud: str) -> tuple[str, ...]:
    """Names of the kinds that `cloud` has."""
    return tuple(kind.name for kind in volume_kinds().values() if kind.cloud == cloud)


def _kind(name: str, row: Mapping[str, Any]) -> VolumeKind:
    sidecar: Mapping[str, int] | None = row.get("sidecar")
    return VolumeKind(
        name=name,
        cloud=row["cloud"],
        title=row["title"],
        read_gb_s=_band(row["read_gb_s"]),
        write_gb_s=_band(row["write_gb_s"]),
        per_tib=row.get("per_tib", False),
        fee=row.get("fee"),
        read_fee=row.get("read_fee"),
        write_fee=row.get("write_fee"),
        least_gib=row.get("least_gib"),
        step_gib=row.get("step_gib", 1),
        throughputs=MappingProxyType({int(rate): fee for rate, fee in row.get("throughputs", {}).items()}),
        throughput=row.get("throughput"),
        root_owned=row.get("root_owned", False),
        keeps_compiled=row.get("keeps_compiled", False),
        sidecar=None if sidecar is None else (sidecar["millicores"], sidecar["mib"]),
        source=row["source"],
    )


def _band(row: Mapping[str, float]) -> Band:
    return row["low"], row["expected"], row["high"]
