"""Plans as Kubernetes objects: plain dicts, one function per object, no Pulumi and no cluster."""

from __future__ import annotations

from .access import namespace, secret, secrets_needed
from .copies import copy_job
from .gpudirect import accelerator_network
from .inference import inference_service
from .names import OPTIONAL_SECRETS, internal_service_name, labels, pod_labels, secret_name
from .pod_security import level_of_stack
from .stack import (
    bearers,
    dependents,
    prerequisites,
    server_dependents,
    server_objects,
    server_prerequisites,
    server_workload,
    service_objects,
    stack_objects,
    workload,
)
from .volumes import FACTS, claim, handle_of, persistent_volume

__all__ = [
    "FACTS",
    "OPTIONAL_SECRETS",
    "accelerator_network",
    "bearers",
    "claim",
    "copy_job",
    "dependents",
    "handle_of",
    "inference_service",
    "internal_service_name",
    "labels",
    "level_of_stack",
    "namespace",
    "persistent_volume",
    "pod_labels",
    "prerequisites",
    "secret",
    "secret_name",
    "secrets_needed",
    "server_dependents",
    "server_objects",
    "server_prerequisites",
    "server_workload",
    "service_objects",
    "stack_objects",
    "workload",
]
