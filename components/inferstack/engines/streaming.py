"""Weights that an engine reads from a bucket past the node's disk, by the Run:ai streamer: vLLM and SGLang are told alike."""

from __future__ import annotations

import json

from ..sizing.types import Shape
from .hosts import GIB

STREAM_GIB = 4
"""Main memory of each rank that streamed weights pass through; believed ample."""


def streaming(tensor: int) -> dict[str, object]:
    """Flags. With several ranks each reads its part and they exchange the rest; without a limit the buffer would grow to the size of the
    files."""
    config: dict[str, object] = {"memory_limit": STREAM_GIB * GIB}
    if tensor > 1:
        config["distributed"] = True
    return {"load-format": "runai_streamer", "model-loader-extra-config": json.dumps(config, separators=(",", ":"))}


def host_bytes(shape: Shape) -> int:
    """Main memory of one machine that streaming takes beside what the engine needs by itself."""
    return STREAM_GIB * GIB * shape.devices_per_machine if shape.checkpoint.streamed else 0
