"""Everything of one service, of one server, and of a whole stack, in the order in which it has to come to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..planning.servers import pod_of
from ..planning.types import ServicePlan, StackPlan
from .access import files, internal_load_balancer, namespace, network_policy, secret, secrets_needed, server_account, service_account
from .copies import copy_job
from .group import fabric_claim, leader_service, leader_worker_set
from .inference import inference_service, serving_runtime
from .pod_security import level_of_stack
from .ray import ray_service
from .scaling import interceptor_route, pod_disruption_budget, pod_monitor, scaler, waker
from .volumes import claim, persistent_volume, placeholders


def service_objects(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """The Kubernetes objects of one service except its secrets; each only needs those before it."""
    return (*prerequisites(plan), *_present(copy_job(plan)), workload(plan), *dependents(plan))


def workload(plan: ServicePlan) -> dict[str, Any]:
    """What runs the pods: an InferenceService, a LeaderWorkerSet where one replica spans machines, or a RayService."""
    if plan.machines > 1:
        return leader_worker_set(plan)
    return inference_service(plan) if plan.spec.served is None else ray_service([plan])


def prerequisites(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """What must be there before the workload."""
    runtime = serving_runtime(plan) if plan.on_kserve else None
    return _present(service_account(plan), network_policy(plan), files(plan), runtime, fabric_claim(plan), leader_service(plan))


def dependents(plan: ServicePlan) -> tuple[dict[str, Any], ...]:
    """What refers to the pods of the workload, and goes before it does."""
    return _present(
        interceptor_route(plan), scaler(plan), waker(plan), pod_disruption_budget(plan), pod_monitor(plan), internal_load_balancer(plan)
    )


def bearers(plans: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Who has the pods, the secrets and the identities of the services of one server: each of them in a cluster, or the one pod of all."""
    return tuple(plans) if plans[0].spec.served is not None else (pod_of(plans),)


def server_objects(plans: Sequence[ServicePlan]) -> tuple[dict[str, Any], ...]:
    """The Kubernetes objects of the services of one server except their secrets; each only needs those before it."""
    return (*server_prerequisites(plans), server_workload(plans), *server_dependents(plans))


def server_prerequisites(plans: Sequence[ServicePlan]) -> tuple[dict[str, Any], ...]:
    """What must be there before the server: its account and those of its services, and who may reach them."""
    first = plans[0]
    if first.spec.served is None:
        return prerequisites(pod_of(plans))
    return _present(server_account(first), *map(service_account, plans), network_policy(first))


def server_workload(plans: Sequence[ServicePlan]) -> dict[str, Any]:
    """What runs the pods of the server."""
    return ray_service(plans) if plans[0].spec.served is not None else workload(pod_of(plans))


def server_dependents(plans: Sequence[ServicePlan]) -> tuple[dict[str, Any], ...]:
    """What refers to the pods of the server, and goes before it does."""
    return tuple(item for plan in bearers(plans) for item in dependents(plan))


def stack_objects(plan: StackPlan) -> tuple[dict[str, Any], ...]:
    """The Kubernetes objects of a stack; placeholders in angle brackets stand where values of secrets belong, and what a cloud says of
    volumes once it has made them."""
    objects = [namespace(plan.namespace, level_of_stack(plan))]
    for volume in plan.volumes:
        objects += _present(persistent_volume(volume, placeholders(volume)), claim(volume))
    for services in plan.servers:
        shared = services[0].server is not None
        owners = bearers(services) if shared else services
        objects += [secret(owner, kind, f"<{kind}>") for owner in owners for kind in secrets_needed(owner)]
        objects += server_objects(services) if shared else service_objects(services[0])
    return tuple(objects)


def _present(*objects: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    return tuple(item for item in objects if item is not None)
