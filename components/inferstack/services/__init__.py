"""Services as Pulumi components."""

from __future__ import annotations

from .inference_service import InferenceService, InferenceServiceArgs
from .kubernetes import KubernetesObject

__all__ = ["InferenceService", "InferenceServiceArgs", "KubernetesObject"]
