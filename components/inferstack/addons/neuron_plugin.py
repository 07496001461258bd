"""AWS's Neuron device plugin: offers `aws.amazon.com/neuron` to pods. Its DaemonSet finds its nodes by their machine type."""

from __future__ import annotations

from typing import Any

from .settings import Settings


def values(_: Settings) -> dict[str, Any]:
    # Whole chips are handed out, for which the scheduler of its own is not needed.
    return {"npd": {"enabled": False}, "scheduler": {"enabled": False}}
