"""What engines of the usual kind share about memory: the layout of one device, and the disk that weights need."""

from __future__ import annotations

import math

from .. import sizing
from ..sizing.types import Estimate, MemoryLayout, Shape

GIB = 2**30
REPOSITORY_OVERHEAD = 1.1
"""Files of a repository over the weights that are loaded: tokenizer, vision tower, extra heads; believed."""


def layout(shape: Shape, runtime: Estimate | None = None) -> MemoryLayout:
    """kv = share x visible - weights - activations - runtime, per device, from the memory constants of the shape's engine and version.

    `runtime` stands in for context, communication buffers and captured graphs where the device has none of these. Formula: sizing.layout.
    """
    return sizing.layout(shape, runtime)


def batched_tokens(shape: Shape) -> int:
    """Token budget of one batch: the engine's default, and never less than a token for each sequence."""
    return sizing.batched_tokens(shape)


def sequence_bytes(shape: Shape) -> int:
    """Bytes that one sequence of the longest admitted length holds, per device."""
    return sizing.sequence_bytes_of(shape)


def download_gib(shape: Shape) -> int:
    """Disk that the files of a checkpoint take, in whole GiB."""
    return math.ceil((sizing.checkpoint_bytes(shape) * REPOSITORY_OVERHEAD + sizing.file_bytes(shape)) / GIB)
