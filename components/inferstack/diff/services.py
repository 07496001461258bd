"""Each service before and after: hardware, latency against its SLO, headroom, cost, and which decisions moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..planning.task import GENERATE

Service = Mapping[str, Any]
SHORT_DIGEST = 12
"""Digits of a digest that tell images apart."""


def service_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One element per service of either side, in the order of the newer one, gone ones last."""
    old, new = _by_name(before), _by_name(after)
    return [_change(name, old.get(name), new.get(name), before, after) for name in dict.fromkeys((*new, *old))]


def _by_name(plan: Mapping[str, Any] | None) -> dict[str, Service]:
    return {} if plan is None else {service["name"]: service for service in plan["services"]}


def _change(
    name: str, old: Service | None, new: Service | None, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, Any]:
    decided = [] if old is None or new is None else _decisions(old, new)
    cost = {"base": _cost(before, name), "head": _cost(after, name)}
    return {
        "name": name,
        "change": "new" if old is None else "gone" if new is None else "changed" if decided or _moves(old, new, cost) else "same",
        "hardware": {"base": _hardware(old), "head": _hardware(new)},
        "monthlyUsd": {side: None if found is None else found["monthlyUsd"]["expected"] for side, found in cost.items()},
        "usdPerMillionTokens": {side: _blended(found) for side, found in cost.items()},
        "slo": {"base": _targets(old), "head": _targets(new)},
        "ttftP95Ms": _latencies(old, new, "ttftP95Ms"),
        "tpotP95Ms": _latencies(old, new, "tpotP95Ms"),
        "headroom": {"base": _headroom(old), "head": _headroom(new)},
        "decisions": decided,
    }


def _moves(old: Service, new: Service, cost: Mapping[str, Any]) -> bool:
    same_cost = cost["base"] is not None and cost["head"] is not None and cost["base"]["monthlyUsd"] == cost["head"]["monthlyUsd"]
    return not same_cost or _hardware(old) != _hardware(new) or old["performance"] != new["performance"]


def _decisions(old: Service, new: Service) -> list[dict[str, str]]:
    base, head = _decided(old), _decided(new)
    return [{"key": key, "base": base[key], "head": head[key]} for key in base if base[key] != head[key]]


def _decided(service: Service) -> dict[str, str]:
    """What is compared as text, by the name that a reader knows."""
    workload = service["workload"]
    return {
        "model": service["model"],
        "engine": f"{service['engine']['name']} {service['engine']['version']}",
        "server": service.get("server") or "its own",
        "images": _digests(service["container"]),
        "quantization": service["checkpoint"]["quantization"],
        "weights": service["checkpoint"]["uri"],
        "machineType": service["machineType"],
        "capacityType": service["capacityType"],
        "context": f"{service['context']:,}",
        "replicas": _span(service["replicas"]),
        "requests": f"{workload['meanRps']:.3g} req/s mean, {workload['peakRps']:.3g} at peak",
        "lengths": f"{workload['isl']:,} in, {workload['osl']:,} out",
        "slo": _slo(service["slo"], service.get("task", GENERATE) == GENERATE),
    }


def _digests(container: Mapping[str, Any]) -> str:
    """The digests of the images that its pods run, by their beginnings, as registries show them."""
    references = [*(init["image"] for init in container.get("init") or ()), container["image"]]
    found = [reference.partition("@sha256:")[2][:SHORT_DIGEST] for reference in references]
    return ", ".join(f"sha256:{digest}" for digest in found if digest) or "by tag"


def _hardware(service: Service | None) -> dict[str, Any] | None:
    """The accelerator, and how many there are with all replicas; a CPU service counts its replicas."""
    if service is None:
        return None
    per_replica = service["gpusPerReplica"]
    return {"gpu": service["gpu"], "gpusPerReplica": per_replica, "count": service["replicas"]["max"] * max(1, per_replica)}


def _cost(plan: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    costs: list[Mapping[str, Any]] = [] if plan is None else plan["costs"]["services"]
    return next((cost for cost in costs if cost["service"] == name), None)


def _blended(cost: Mapping[str, Any] | None) -> float | None:
    return None if cost is None or cost.get("tokens") is None else cost["tokens"]["blendedUsd"]


def _targets(service: Service | None) -> dict[str, Any] | None:
    """Of a task that generates nothing the first token is the whole answer."""
    return None if service is None else {key: service["slo"].get(key) for key in ("ttftP95Ms", "tpotP95Ms")}


def _latencies(old: Service | None, new: Service | None, key: str) -> dict[str, Any]:
    return {"base": _latency(old, key), "head": _latency(new, key)}


def _latency(service: Service | None, key: str) -> dict[str, Any] | None:
    """Expected value with its band and provenance, the target, and whether it is kept; None is no target. What generates nothing has no
    time per token."""
    if service is None or (key == "tpotP95Ms" and service.get("task", GENERATE) != GENERATE):
        return None
    estimate, target = service["performance"][key], service["slo"].get(key)
    band = {name: estimate[name] for name in ("low", "expected", "high")}
    return {
        **band,
        "provenance": estimate.get("provenance"),
        "target": target,
        "kept": None if target is None else estimate["expected"] <= target,
    }


def _headroom(service: Service | None) -> float | None:
    """What all replicas carry within the SLO beyond the planned peak, as a part of that peak."""
    if service is None:
        return None
    carried = service["replicas"]["max"] * service["performance"]["capacityRps"]["expected"]
    return round(carried / service["workload"]["peakRps"] - 1, 6) if service["workload"]["peakRps"] else None


def _span(replicas: Mapping[str, Any]) -> str:
    return str(replicas["max"]) if replicas["min"] == replicas["max"] else f"{replicas['min']}-{replicas['max']}"


def _slo(slo: Mapping[str, Any], generates: bool) -> str:
    named = ((name, slo.get(key)) for name, key in (("TTFT" if generates else "latency", "ttftP95Ms"), ("TPOT", "tpotP95Ms")))
    return ", ".join(f"{name} p95 ≤ {value:,.0f} ms" for name, value in named if value is not None) or "none"
