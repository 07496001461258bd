"""What changes between two plans: money and its causes, latency, hardware, and what is made again."""

from __future__ import annotations

from .changes import difference
from .infracost import infracost
from .revisions import Revision, read

__all__ = ["Revision", "difference", "infracost", "read"]
