"""Everything of one service, and of a whole stack, in the order in which it has to come to be."""

from __future__ import annotations

from typing import Any

from ..planning.types import ServicePlan, StackPlan
from .access import files, internal_load_balancer, namespace, network_policy, secret, secrets_needed, service_account
from .group import fabric_claim, leader_service, leader_worker_set
from .inference import inference_service, serving_runtime
from .pod_security import level_of_stack
from .ray import ray_service
from .scaling import interceptor_route, pod_disruption_budget, pod_monitor, scaler, waker


def service_objects(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """The Kubernetes objects of one service except its secrets; each only needs those before it."""
    return (*prerequisites(plan), workload(plan), *dependents(plan))


def workload(plan: ServicePlan) -> dict[str, Any]:
    """What runs the pods: an InferenceService, a LeaderWorkerSet where one replica spans machines, or a RayService."""
    if plan.machines > 1:
        return leader_worker_set(plan)
    return inference_service(plan) if plan.spec.served is None else ray_service(plan)


def prerequisites(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """What must be there before the workload."""
    runtime = serving_runtime(plan) if plan.on_kserve else None
    return _present(service_account(plan), network_policy(plan), files(plan), runtime, fabric_claim(plan), leader_service(plan))


def dependents(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """What refers to the pods of the workload, and goes before it does."""
    return _present(
        interceptor_route(plan), scaler(plan), waker(plan), pod_disruption_budget(plan), pod_monitor(plan), internal_load_balancer(plan)
    )


def stack_objects(plan: StackPlan) -> tuple[dict[str, Any], ...]:
    """The Kubernetes objects of a stack; secrets hold a placeholder in angle brackets where their value belongs."""
    objects = [namespace(plan.namespace, level_of_stack(plan))]
    for service in plan.services:
        objects += [secret(service, kind, f"<{kind}>") for kind in secrets_needed(service)]
        objects += service_objects(service)
    return tuple(objects)


def _present(*objects: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    return tuple(item for item in objects if item is not None)
