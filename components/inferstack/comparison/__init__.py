"""Self-host or API: each service at any load beside every API that offers the same, a comparable or a well-known closed model."""

from __future__ import annotations

from .compare import compare
from .document import document
from .types import Assumptions, ServiceComparison, StackComparison

__all__ = ["Assumptions", "ServiceComparison", "StackComparison", "compare", "document"]
