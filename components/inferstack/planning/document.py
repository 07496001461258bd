"""The plan as public data: what `--json` prints, what the stack exports and what every renderer reads. Documented in docs/outputs.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..catalog.types import Checkpoint
from ..costs.types import CostLine, StackCost
from ..engines.spec import EngineSpec
from ..plain import plain
from ..sizing.types import Additions, MemoryLayout
from .endpoints import service_url
from .explain import explain
from .levers import Lever, ServiceLevers
from .size import Size
from .task import GENERATE
from .types import PoolPlan, ServicePlan, StackPlan
from .whatif import CHOSEN, Combination

GIB = 2**30


def document(plan: StackPlan) -> dict[str, Any]:
    """The whole plan; keys are camelCase, money USD, memory GiB, times as the names say."""
    return {
        "stack": plan.stack,
        "cloud": plan.cloud,
        "region": plan.region,
        "zones": list(plan.zones),
        "kubernetesVersion": plan.kubernetes_version,
        "clusterName": plan.cluster_name,
        "namespace": plan.namespace,
        "services": [service_document(service) for service in plan.services],
        "pools": [_pool_document(pool) for pool in plan.pools],
        "systemPool": plain(plan.system_pool),
        "addons": plain(plan.addons),
        "quota": plain(plan.quota),
        "volumes": plain(plan.volumes),
        "acceleratorNetworks": plan.accelerator_networks,
        "driverNote": plan.driver_note,
        "costs": cost_document(plan.costs),
        "overBudget": list(plan.over_budget),
        "waysBelow": plain(plan.ways_below),
        "warnings": list(plan.warnings),
    }


def size_document(size: Size) -> dict[str, Any]:
    """What `inferstack size --json` prints: the plan as `document` has it, and the table that it was chosen from."""
    return {"plan": document(size.plan), "table": [_combination_document(row) for row in size.table], "notes": list(size.notes)}


def explanation(size: Size) -> dict[str, Any]:
    """The terms behind the plan of `size`: `memory`, `latency` and `value`."""
    chosen = next(row for row in size.table if row.verdict == CHOSEN)
    return plain(explain(size.plan.services[0], chosen))


def levers_document(levers: Sequence[ServiceLevers]) -> dict[str, Any]:
    """What `inferstack levers --json` prints."""
    return {"services": [{**plain(service), "levers": [_lever_document(lever) for lever in service.levers]} for service in levers]}


def _lever_document(lever: Lever) -> dict[str, Any]:
    return {**plain(lever), "becomes": _combination_document(lever.becomes)}


def _combination_document(row: Combination) -> dict[str, Any]:
    return {**plain(row), "fits": row.fits, "keepsSlo": row.keeps_slo}


def service_document(plan: ServicePlan) -> dict[str, Any]:
    """One service of `plan`: what a component of it has as its output, too."""
    shape = plan.replica.shape
    return {
        "name": plan.name,
        "server": plan.server,
        "namespace": plan.namespace,
        "model": plan.model,
        "checkpoint": _checkpoint_document(shape.checkpoint),
        "engine": {"name": plan.spec.engine, "version": plan.spec.version, "image": plan.spec.image},
        "gpu": plan.gpu,
        "machineType": plan.machine_type,
        "pool": plan.pool,
        "capacityType": plan.capacity_type.value,
        "tensorParallel": shape.parallel.tensor,
        "pipelineParallel": shape.parallel.pipeline,
        "dataParallel": shape.parallel.data,
        "expertParallel": shape.parallel.expert is not None,
        "gpusPerReplica": plan.gpus_per_replica,
        "machinesPerReplica": plan.machines,
        "fabric": shape.device.network or None,
        "receiveDaemon": _daemon_document(plan),
        "networkTpotMs": plain(plan.network_tpot_ms),
        "context": shape.context,
        "maxSequences": shape.max_sequences,
        "kvDtype": shape.kv_dtype,
        "replicas": plain(plan.replicas),
        "spareReplicas": plan.spare_replicas,
        "waitingShare": plan.waiting_share,
        "workload": plain(plan.workload),
        "task": plan.task,
        "slo": _slo_document(plan),
        "meetsSlo": plan.meets_slo,
        "performance": _performance_document(plan),
        "memory": _memory_document(plan.replica.memory),
        "coldStartSeconds": plain(plan.cold_start_seconds),
        "coldStartParts": plain(plan.cold_start_parts),
        "sources": plain(plan.sources),
        "copy": plain(plan.copy),
        "endpoint": _endpoint_document(plan),
        "timeoutSeconds": plan.timeout_seconds,
        "rollout": plan.rollout,
        "scaling": plain(plan.scaling),
        "resources": {
            "cpuMillicores": plan.resources.cpu_millicores,
            "memoryGib": _gib(plan.resources.memory_bytes),
            "gpus": plan.resources.gpus,
        },
        "additions": _additions_document(shape.additions),
        "container": _container_document(plan.spec),
        "nodeSelector": dict(plan.node_selector),
        "decisions": plain(plan.decisions),
        "alternatives": plain(plan.alternatives),
        "warnings": list(plan.warnings),
    }


def _checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "uri": checkpoint.uri,
        "quantization": checkpoint.quantization,
        "revision": checkpoint.revision,
        "file": checkpoint.file,
        "quantizedAtLoad": checkpoint.quantized_at_load,
        "streamed": checkpoint.streamed,
        "copiedFrom": None if checkpoint.origin is None else checkpoint.origin.uri,
        "source": checkpoint.source,
    }


def _endpoint_document(plan: ServicePlan) -> dict[str, Any]:
    """Where it answers, at which paths, and by which names callers ask."""
    return {
        "kind": plan.endpoint,
        "url": service_url(plan),
        "routes": list(plan.spec.routes),
        "models": [plan.spec.model_name or plan.name, *plan.spec.adapters],
    }


def _additions_document(added: Additions) -> dict[str, Any]:
    """What is held beside the model; of a draft only what is proposed, by whom and how well."""
    draft = added.draft
    told = None if draft is None else {"tokens": draft.tokens, "acceptance": draft.acceptance, "source": draft.source}
    return {**plain(replace(added, draft=None)), "draft": told}


def _slo_document(plan: ServicePlan) -> dict[str, Any]:
    """The targets; of a model that generates nothing the first token is the whole answer, and stands under that name too."""
    whole = None if plan.task == GENERATE else plain(plan.slo.ttft_p95_ms)
    return {**plain(plan.slo), "latencyP95Ms": whole, "coldStartSeconds": plan.cold_start_target_seconds}


def _performance_document(plan: ServicePlan) -> dict[str, Any]:
    """With what is read per second at capacity and, where nothing is generated, the latency of the whole answer."""
    performance = plan.replica.performance
    whole = None if plan.task == GENERATE else plain(performance.ttft_p95_ms)
    return {**plain(performance), "inputTps": plain(performance.capacity_rps.scaled(plan.workload.isl)), "latencyP95Ms": whole}


def cost_document(cost: StackCost) -> dict[str, Any]:
    """The estimate as a tree; `complete` is False where a part has no known price, so that totals are lower bounds."""
    return {
        "currency": "USD",
        "hoursPerMonth": 730,
        "pricesAsOf": cost.prices_as_of,
        "hourlyUsd": plain(cost.hourly_usd),
        "monthlyUsd": plain(cost.monthly_usd),
        "band": _band(cost.lines),
        "complete": cost.complete,
        "unpriced": list(cost.unpriced),
        "usageBased": list(cost.usage_based),
        "lines": _line_document(cost.lines),
        "services": plain(cost.services),
    }


def _band(line: CostLine) -> dict[str, Any]:
    """The expected column with what is uncertain about it: spot ranges and estimated quantities."""
    return {
        "low": plain(line.low_monthly_usd.expected),
        "expected": plain(line.monthly_usd.expected),
        "high": plain(line.high_monthly_usd.expected),
    }


def _line_document(line: CostLine) -> dict[str, Any]:
    return {
        "name": line.name,
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "unitPriceUsd": plain(line.unit_price_usd),
        "lowUnitPriceUsd": plain(line.low_unit_price_usd),
        "hourlyUsd": plain(line.hourly_usd),
        "monthlyUsd": plain(line.monthly_usd),
        "band": _band(line),
        "priced": line.priced,
        "source": line.source,
        "asOf": line.as_of,
        "basis": line.basis,
        "note": line.note,
        "children": [_line_document(child) for child in line.children],
    }


def _memory_document(memory: MemoryLayout) -> dict[str, Any]:
    return {
        "visibleGib": _gib(memory.visible_bytes),
        "usableGib": _gib(memory.usable_bytes),
        "weightsGib": _gib(memory.weight_bytes),
        "activationGib": _gib(memory.activation_bytes),
        "runtimeGib": _gib(memory.runtime_bytes),
        "addedGib": _gib(memory.added_bytes),
        "kvGib": _gib(memory.kv_bytes),
        "kvTokens": memory.kv_tokens,
        "maxSequences": memory.max_sequences,
        "provenance": memory.provenance.value,
        "source": memory.source,
    }


def _container_document(spec: EngineSpec) -> dict[str, Any]:
    return {
        "image": spec.image,
        "command": list(spec.command),
        "args": list(spec.args),
        "env": dict(spec.env),
        "secretEnv": plain(spec.secret_env),
        "ports": plain(spec.ports),
        "probes": plain(spec.probes),
        "volumes": plain(spec.volumes),
        "folders": plain(spec.folders),
        "files": dict(spec.files),
        "metrics": plain(spec.metrics),
        "drain": plain(spec.drain),
        "storageUri": spec.storage_uri,
        "init": plain(spec.init),
        "postStart": list(spec.post_start),
        "openApi": spec.open_api,
        "served": plain(spec.served),
        "mounts": dict(spec.mounts),
        "workers": plain(spec.workers),
        "user": spec.confinement.user,
        "group": spec.confinement.group,
        "readOnlyRoot": spec.confinement.read_only_root,
    }


def _daemon_document(plan: ServicePlan) -> dict[str, Any] | None:
    return None if plan.receiver is None else {**plain(plan.receiver), "env": dict(plan.receiver.env)}


def _pool_document(pool: PoolPlan) -> dict[str, Any]:
    shown = plain(pool)
    shown["labels"] = dict(pool.labels)
    return shown


def _gib(count: int) -> float:
    return round(count / GIB, 3)
