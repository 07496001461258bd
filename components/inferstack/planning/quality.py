"""Which weights are fine enough to be chosen unasked, and what is known of the quality that others cost."""

from __future__ import annotations

from .. import catalog
from ..catalog.types import Checkpoint
from ..stackfile.schema import QualityFloor
from .requirement import Requirement

KEEPS_QUALITY_BITS = 8
"""Weights of at least this many bits are considered unasked; fewer where nothing else keeps the SLO, or the stack file says so."""
UNASKED_SCHEMES = ("bf16", "fp16", "fp8", "gguf")
WHOLE_BITS = 16


def is_asked_for(requirement: Requirement) -> bool:
    """True where the stack file says which weights to serve, so that their quality is not ours to judge."""
    return requirement.quantization is not None or requirement.checkpoint is not None


def keeps_quality(requirement: Requirement, checkpoint: Checkpoint) -> bool:
    """True for the precision that the model was published in, and for what the stack file's floor admits; where it has none, for floating
    point and GGUF of 8 bits and more."""
    if checkpoint.quantization == requirement.model.native_quantization:
        return True
    floor = requirement.quality
    if floor is not None:
        return _is_above(floor, checkpoint)
    stored = catalog.quantization(checkpoint.quantization)
    return stored.bits >= KEEPS_QUALITY_BITS and stored.scheme in UNASKED_SCHEMES


def _is_above(floor: QualityFloor, checkpoint: Checkpoint) -> bool:
    stored = catalog.quantization(checkpoint.quantization)
    if floor.min_bits is not None and stored.bits < floor.min_bits:
        return False
    if floor.max_loss_percent is None or stored.bits >= WHOLE_BITS:
        return True
    known = catalog.quality_losses().get(stored.scheme)
    return known is not None and known.high_percent is not None and known.high_percent <= floor.max_loss_percent


def floor_text(floor: QualityFloor | None) -> str:
    """What is chosen from, as a clause after `cheapest that keeps`."""
    if floor is None:
        return f"{KEEPS_QUALITY_BITS} bits or more"
    bits = [f"{floor.min_bits:g} bits or more"] if floor.min_bits is not None else []
    loss = [f"a known loss of at most {floor.max_loss_percent:g} %"] if floor.max_loss_percent is not None else []
    return " and ".join([*bits, *loss])


def loss_text(quantization: str) -> str:
    """What that quantization costs in quality, with its source; or that nothing is known."""
    known = catalog.quality_losses().get(catalog.quantization(quantization).scheme)
    if known is None:
        return "how much quality it loses is not known here"
    if known.high_percent is None:
        return f"how much quality it loses is not known here; {known.note} ({known.of}: {known.source})"
    amount = "no accuracy" if known.high_percent == 0 else f"{known.low_percent:g} to {known.high_percent:g} % of accuracy"
    return f"it loses {amount}, {known.note} ({known.of}: {known.source})"


def coarse_text(quantization: str) -> str:
    """Why weights are not chosen unasked, as a clause after their name."""
    return f"is coarser than what is chosen unasked: {loss_text(quantization)}"
