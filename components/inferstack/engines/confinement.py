"""As whom the processes of an image run and what they may write: what is known of each image, and from where.

Capabilities, privileges and system calls are no question of the image: every container loses what it could gain of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Confinement:
    """One image."""

    user: int | None
    """None where it is left to the image, which is root unless it says otherwise."""
    group: int | None
    """Also the group that may write the pod's volumes."""
    read_only_root: bool
    """True where every path that is written is a volume, /tmp among them."""
    source: str
    """Where that is known from."""
    because: str | None = None
    """What stands against running without root, or against a read-only root file system, as a clause; None where both hold."""

    @property
    def is_root(self) -> bool:
        return not self.user
