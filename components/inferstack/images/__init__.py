"""The images of a stack: what their tags mean in their registries now, and the lock that keeps it. The one room that asks the network."""

from __future__ import annotations

from .locking import Locked, Moved, lock, moved, text
from .registry import Registries

__all__ = ["Locked", "Moved", "Registries", "lock", "moved", "text"]
