"""What all targets have in common: node pools, add-ons and services on a cluster, and the outputs of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import Namespace

from inferstack import Addons, GpuNodePool, InferenceService, manifests, planning
from inferstack.plain import plain
from inferstack.planning import StackPlan
from inferstack.planning.types import PoolPlan
from inferstack.stackfile import StackFile

from .config import secret


def compose(plan: StackPlan, stack: StackFile) -> tuple[Any, list[InferenceService]]:
    """The cluster of the plan's target with everything on it. Only the module of that target, and so only its cloud's SDK, is imported."""
    cluster, providers = import_module(f".{plan.cloud}", __name__.rpartition(".")[0]).cluster(plan, stack)
    pools = {pool.name: _pool(pool, cluster, providers) for pool in plan.pools if pool.managed}
    on_cluster = pulumi.ResourceOptions(providers=[*providers, cluster.provider], depends_on=[cluster])
    addons = Addons(
        "addons",
        {"addons": plain(plan.addons), "cluster_name": plan.cluster_name, "region": plan.region},  # pyright: ignore[reportArgumentType]
        on_cluster,
    )
    namespace = Namespace(
        plan.namespace,
        metadata=manifests.namespace(plan.namespace)["metadata"],
        opts=pulumi.ResourceOptions(provider=cluster.provider, depends_on=[cluster]),
    )
    return cluster, _services(plan, cluster.provider, [*addons.ready, namespace], pools)


def _pool(pool: PoolPlan, cluster: Any, providers: Sequence[pulumi.ProviderResource]) -> GpuNodePool:
    args: dict[str, Any] = {
        "cluster": cluster.reference,
        "machine_type": pool.machine_type,
        "capacity_type": pool.capacity_type,
        "reservation_id": pool.reservation_id,
        "zones": list(pool.zones),
        "max_nodes": int(pool.nodes.max),
        "expected_nodes": float(pool.nodes.expected),
        "autoscaled": pool.autoscaled,
        "disk_gib": pool.disk_gib,
    }
    given = {key: value for key, value in args.items() if value not in (None, [])}
    return GpuNodePool(pool.name, given, pulumi.ResourceOptions(providers=list(providers)))  # pyright: ignore[reportArgumentType]


def _services(
    plan: StackPlan, provider: pulumi.ProviderResource, before: list[pulumi.Resource], pools: Mapping[str, GpuNodePool]
) -> list[InferenceService]:
    """The services, last to come and first to go: while they go KServe must still run, and their own nodes must still stand."""
    costs = {cost.service: plain(cost) for cost in plan.costs.services}
    secrets = {"hugging_face_token": secret("huggingFaceToken"), "api_key": secret("apiKey")}
    given = {key: value for key, value in secrets.items() if value is not None}
    made: list[InferenceService] = []
    for service in plan.services:
        nodes = [pools[service.pool]] if service.pool in pools else []
        opts = pulumi.ResourceOptions(provider=provider, depends_on=[*before, *nodes])
        made.append(InferenceService(service.name, {"plan": service, "cost": costs[service.name], **given}, opts))
    return made


def export(plan: StackPlan, cluster: Any, services: list[InferenceService]) -> None:
    """The outputs of the stack; docs/outputs.md gives their shape."""
    document = planning.document(plan)
    pulumi.export("plan", document)
    pulumi.export("costs", document["costs"])
    pulumi.export("endpoints", {service.name: built.url for service, built in zip(plan.services, services, strict=True)})
    pulumi.export("clusterName", plan.cluster_name)
    if cluster.kubeconfig is not None:
        pulumi.export("kubeconfig", cluster.kubeconfig)
