"""Which silicon the image of an engine was built for."""

from __future__ import annotations

from ..catalog.types import Accelerator, EngineRelease
from .types import Refusal

OLDEST_BY_CUDA = {13: (7, 5), 12: (5, 0)}
"""CUDA major version -> oldest compute capability that its compiler still builds for (CUDA 13 dropped Volta and older)."""


OLDEST_DRIVER_BY_CUDA = {13: 580, 12: 525}
"""CUDA major version -> oldest branch of NVIDIA's driver that its programs run on, without packages for compatibility (CUDA Compatibility
guide, minor version compatibility)."""


def capability_of(text: str | None) -> tuple[int, int] | None:
    """`8.9` -> `(8, 9)`; None for silicon without a CUDA compute capability (None, gfx942, neuron-v2)."""
    major, dot, minor = ("" if text is None else text).partition(".")
    return (int(major), int(minor)) if dot and major.isdigit() and minor.isdigit() else None


def refuse_driver(driver: int | None, release: EngineRelease) -> Refusal | None:
    """None where the image of `release` runs with that branch of NVIDIA's driver, or one of the two is not known."""
    if driver is None or release.cuda is None:
        return None
    needed = OLDEST_DRIVER_BY_CUDA[int(release.cuda.partition(".")[0])]
    if driver >= needed:
        return None
    reason = f"runs as {release.image}, built on CUDA {release.cuda}, which needs driver {needed}, and the nodes have {driver}"
    return Refusal(reason, f"update the driver to {needed}, or name an image on an older CUDA with `image`", driver=needed)


def refuse_silicon(accelerator: Accelerator, release: EngineRelease) -> Refusal | None:
    """None where the image of `release` runs on `accelerator`: NVIDIA, and no older than its CUDA version builds for."""
    where = f"does not run on {accelerator.name} with {release.engine}"
    capability = capability_of(accelerator.compute_capability)
    if capability is None:
        return Refusal(f"{where}: {release.image} is built for NVIDIA CUDA", "use an NVIDIA GPU", is_silicon=True)
    oldest = OLDEST_BY_CUDA[int(release.cuda.partition(".")[0])] if release.cuda is not None else (0, 0)
    if capability < oldest:
        least = ".".join(map(str, oldest))
        return Refusal(
            f"{where}: {release.image} needs compute capability {least}, it has {accelerator.compute_capability}",
            "use a T4 or newer",
            is_silicon=True,
        )
    return None
