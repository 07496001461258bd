"""What all targets have in common: node pools, add-ons and services on a cluster, and the outputs of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pulumi

from inferstack import Addons, GpuNodePool, InferenceService, SharedServer, SharedVolume, manifests, planning
from inferstack.plain import plain
from inferstack.planning import StackPlan
from inferstack.planning.pools import POOL_LABEL, SYSTEM_POOL
from inferstack.planning.types import PoolPlan, ServicePlan, VolumePlan
from inferstack.services import KubernetesObject
from inferstack.stackfile import StackFile

from .config import secret
from .settings import own_prices

DELETE_MARGIN_SECONDS = 600
"""A namespace is gone when its last pod is: after the longest drain, and then some."""


def compose(plan: StackPlan, stack: StackFile) -> tuple[Any, dict[str, pulumi.Output[str]]]:
    """The cluster of the plan's target with everything on it, and where each service answers. Only the module of that target, and so only
    its cloud's SDK, is imported."""
    target = import_module(f".{plan.cloud}", __name__.rpartition(".")[0])
    cluster, providers = target.cluster(plan, stack)
    pools = [_pool(pool, cluster, providers, {**target.pool_args(plan), **own_prices(stack)}) for pool in plan.pools if pool.managed]
    args: dict[str, Any] = {"addons": plain(plan.addons), "cluster_name": plan.cluster_name, "region": plan.region}
    if plan.system_pool is not None:
        args["node_selector"] = {POOL_LABEL: SYSTEM_POOL}
    on_cluster = pulumi.ResourceOptions(providers=[*providers, cluster.provider], depends_on=[cluster])
    addons = Addons("addons", args, on_cluster)  # pyright: ignore[reportArgumentType]
    # Services come last and go first: while they go KServe must still run, and their nodes must still stand. They depend on their
    # namespace, and the namespace on all that: one edge for each object in place of dozens.
    before = pulumi.ResourceOptions(
        provider=cluster.provider,
        depends_on=[*addons.ready, *pools],
        custom_timeouts=pulumi.CustomTimeouts(delete=f"{_longest_drain(plan) + DELETE_MARGIN_SECONDS}s"),
    )
    namespace = KubernetesObject(plan.namespace, manifests.namespace(plan.namespace, manifests.level_of_stack(plan)), before)
    volumes = {volume.name: _volume(volume, cluster, providers, namespace) for volume in plan.volumes}
    return cluster, _services(plan, cluster.provider, namespace, volumes)


def _longest_drain(plan: StackPlan) -> int:
    return max(service.spec.drain.grace for service in plan.services)


def _pool(pool: PoolPlan, cluster: Any, providers: Sequence[pulumi.ProviderResource], own: Mapping[str, Any]) -> GpuNodePool:
    args: dict[str, Any] = {
        "cluster": cluster.reference,
        "machine_type": pool.machine_type,
        "capacity_type": pool.capacity_type,
        "reservation_id": pool.reservation_id,
        "capacity_block": pool.capacity_block or None,
        "zones": list(pool.zones),
        "max_nodes": int(pool.nodes.max),
        "expected_nodes": float(pool.nodes.expected),
        "autoscaled": pool.autoscaled,
        "disk_gib": pool.disk_gib,
        "fabric": True if pool.fabric else None,
        **own,
    }
    given = {key: value for key, value in args.items() if value not in (None, [])}
    return GpuNodePool(pool.name, given, pulumi.ResourceOptions(providers=list(providers)))  # pyright: ignore[reportArgumentType]


def _volume(volume: VolumePlan, cluster: Any, providers: Sequence[pulumi.ProviderResource], namespace: pulumi.Resource) -> SharedVolume:
    """What services share: made beside pools and add-ons, claimed once the namespace is there."""
    args: dict[str, Any] = {
        "cluster": cluster.reference,
        "claim": volume.name,
        "namespace": volume.namespace,
        "kind": volume.kind if volume.storage_class is None else None,
        "size_gib": volume.size_gib,
        "throughput": volume.throughput,
        "storage_class": volume.storage_class,
        "zone": volume.zone,
    }
    given = {key: value for key, value in args.items() if value is not None}
    opts = pulumi.ResourceOptions(providers=[*providers, cluster.provider], depends_on=[namespace])
    return SharedVolume(f"volume-{volume.name}", given, opts)  # pyright: ignore[reportArgumentType]


def _services(
    plan: StackPlan, provider: pulumi.ProviderResource, namespace: pulumi.Resource, volumes: Mapping[str, SharedVolume]
) -> dict[str, pulumi.Output[str]]:
    costs = {cost.service: plain(cost) for cost in plan.costs.services}
    secrets = {"hugging_face_token": secret("huggingFaceToken"), "api_key": secret("apiKey")}
    given = {key: value for key, value in secrets.items() if value is not None}
    urls: dict[str, pulumi.Output[str]] = {}
    for services in plan.servers:
        mounted = [ready for service in services if service.copy is not None for ready in volumes[service.copy.volume].ready]
        opts = pulumi.ResourceOptions(provider=provider, depends_on=[namespace, *mounted])
        url = _server(services, costs, given, opts).url
        urls |= {service.name: url for service in services}
    return urls


def _server(
    services: Sequence[ServicePlan], costs: Mapping[str, Any], secrets: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> InferenceService | SharedServer:
    """What serves these services: one alone, or all of a server."""
    first = services[0]
    if first.server is None:
        alone: dict[str, Any] = {"plan": first, "cost": costs[first.name], **secrets}
        return InferenceService(first.name, alone, opts)  # pyright: ignore[reportArgumentType]
    shared: dict[str, Any] = {"plans": list(services), "costs": [costs[service.name] for service in services], **secrets}
    return SharedServer(first.server, shared, opts)  # pyright: ignore[reportArgumentType]


def export(plan: StackPlan, cluster: Any, urls: Mapping[str, pulumi.Output[str]]) -> None:
    """The outputs of the stack; docs/outputs.md gives their shape."""
    document = planning.document(plan)
    pulumi.export("plan", document)
    pulumi.export("costs", document["costs"])
    pulumi.export("endpoints", {service.name: urls[service.name] for service in plan.services})
    pulumi.export("clusterName", plan.cluster_name)
    if cluster.kubeconfig is not None:
        pulumi.export("kubeconfig", cluster.kubeconfig)
