"""Services as Pulumi components."""

from __future__ import annotations

from .args import InferenceServiceArgs
from .inference_service import InferenceService
from .kubernetes import KubernetesObject

__all__ = ["InferenceService", "InferenceServiceArgs", "KubernetesObject"]
