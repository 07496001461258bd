"""What a serving process takes of its machine besides the accelerators: main memory, shared memory, and its image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..catalog.types import EngineRelease
from .spec import Volume

GIB = 2**30
SHARED_GIB_PER_DEVICE = 1
SHARED_GIB_LEAST = 2
"""Upstream's single-node samples mount 2 GiB; message queues and NCCL buffers grow with the ranks (believed: 1 GiB each is ample)."""


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Main memory of a process that keeps weights and KV cache on accelerators, in GiB."""

    base_gib: float
    per_device_gib: float
    source: str

    def bytes_for(self, devices: int, volumes: Iterable[Volume]) -> int:
        """Bytes for `devices` accelerators, memory-backed volumes included: the kernel counts them as the container's own."""
        shared = sum(volume.size_gib for volume in volumes if volume.memory)
        return round((self.base_gib + self.per_device_gib * devices + shared) * GIB)


def shared_memory_gib(devices: int) -> float:
    """Size of /dev/shm for ranks that talk to each other on one machine."""
    return max(SHARED_GIB_LEAST, SHARED_GIB_PER_DEVICE * devices)


def image_reference(release: EngineRelease) -> str:
    """The image by tag and, where it is known, by digest: the tag tells people, the digest decides."""
    return release.image if release.digest is None else f"{release.image}@{release.digest}"
