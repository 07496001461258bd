"""Services as Pulumi components."""

from __future__ import annotations

from .args import InferenceServiceArgs, SharedServerArgs
from .inference_service import InferenceService
from .kubernetes import KubernetesObject
from .shared_server import SharedServer

__all__ = ["InferenceService", "InferenceServiceArgs", "KubernetesObject", "SharedServer", "SharedServerArgs"]
