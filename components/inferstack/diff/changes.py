"""From two plans to what differs, as the public document that every renderer reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .lines import causes
from .replaced import replaced
from .revisions import Revision
from .services import service_changes

POINTS = ("min", "expected", "max")
NO_COSTS: Mapping[str, Any] = {"monthlyUsd": dict.fromkeys(POINTS, 0.0), "complete": True, "unpriced": [], "services": []}


def difference(base: Revision, head: Revision) -> dict[str, Any]:
    """What changes from `base` to `head`; its shape is docs/schemas/diff.schema.json. Money is USD per month of 730 hours.

    A side without a plan (the stack file is not there) counts as nothing: everything is new, or gone.
    """
    before, after = base.plan, head.plan
    old, new = _costs(before), _costs(after)
    return {
        "base": _side(base),
        "head": _side(head),
        "monthlyUsd": {point: moved(old["monthlyUsd"][point], new["monthlyUsd"][point]) for point in POINTS},
        "usdPerMillionTokens": moved(_per_million(old), _per_million(new)),
        "complete": {"base": old["complete"], "head": new["complete"]},
        "unpriced": list(new["unpriced"]),
        "causes": causes(None if before is None else old, None if after is None else new),
        "services": service_changes(before, after),
        "replaced": replaced(before, after),
        "overBudget": [] if after is None else list(after["overBudget"]),
        "warnings": _new_warnings(before, after),
    }


def moved(base: float | None, head: float | None) -> dict[str, float | None]:
    """A figure on both sides and by how much it moved; None where one side has none."""
    return {"base": base, "head": head, "delta": None if base is None or head is None else round(head - base, 6)}


def _side(revision: Revision) -> dict[str, Any]:
    plan = revision.plan
    return {"label": revision.label, "stack": None if plan is None else plan["stack"], "exists": plan is not None, "saved": revision.saved}


def _costs(plan: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return NO_COSTS if plan is None else plan["costs"]


def _per_million(costs: Mapping[str, Any]) -> float | None:
    """All that the stack costs over all its tokens; None where a service's tokens are not known."""
    tokens = [service.get("tokens") for service in costs["services"]]
    count = sum(each["tokensPerMonth"] for each in tokens if each is not None)
    return round(costs["monthlyUsd"]["expected"] / count * 1e6, 6) if count > 0 and None not in tokens else None


def _new_warnings(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    known = set(_warnings(before))
    return [warning for warning in _warnings(after) if warning not in known]


def _warnings(plan: Mapping[str, Any] | None) -> list[str]:
    if plan is None:
        return []
    return [*plan["warnings"], *(f"{service['name']}: {warning}" for service in plan["services"] for warning in service["warnings"])]
