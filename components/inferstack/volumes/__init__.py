"""Volumes that services share, as Pulumi components."""

from __future__ import annotations

from .args import SharedVolumeArgs
from .component import SharedVolume

__all__ = ["SharedVolume", "SharedVolumeArgs"]
