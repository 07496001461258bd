"""The difference in the shape of infracost's breakdown JSON, version 0.2, so that what reads that reads this.

One project per stack; a resource per branch of the cost tree, its lines as cost components. Sums are those of the expected load, as decimal
text. A line without a known price has null costs, and is counted as such in the summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .lines import Line
from .revisions import Revision

VERSION = "0.2"
HOURS = 730
NO_TIME = "0001-01-01T00:00:00Z"
"""How a moment that nobody gave is written there."""


def infracost(base: Revision, head: Revision, generated: str) -> dict[str, Any]:
    """`generated` is the moment of the run, in RFC 3339."""
    past, now = _resources(base.plan), _resources(head.plan)
    name = (head.plan or base.plan or {}).get("stack", head.label)
    project = {
        "name": name,
        "displayName": name,
        "metadata": {"path": head.label, "type": "inferstack"},
        "pastBreakdown": _breakdown(past),
        "breakdown": _breakdown(now),
        "diff": _breakdown(_differences(past, now)),
        "summary": _summary(now),
    }
    before, after, diff = (project[key] for key in ("pastBreakdown", "breakdown", "diff"))
    return {
        "version": VERSION,
        "metadata": {
            "infracostCommand": "diff",
            "vcsBranch": "",
            "vcsCommitSha": "",
            "vcsCommitAuthorName": "",
            "vcsCommitAuthorEmail": "",
            "vcsCommitTimestamp": NO_TIME,
            "vcsCommitMessage": "",
        },
        "currency": "USD",
        "projects": [project],
        "totalHourlyCost": after["totalHourlyCost"],
        "totalMonthlyCost": after["totalMonthlyCost"],
        "pastTotalHourlyCost": before["totalHourlyCost"],
        "pastTotalMonthlyCost": before["totalMonthlyCost"],
        "diffTotalHourlyCost": diff["totalHourlyCost"],
        "diffTotalMonthlyCost": diff["totalMonthlyCost"],
        "timeGenerated": generated,
        "summary": _summary(now),
    }


@dataclass(frozen=True, slots=True)
class _Component:
    """A cost line as numbers, per month; None is not known."""

    name: str
    unit: str
    quantity: float | None
    price: float | None
    monthly: float | None

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "hourlyQuantity": _text(self.quantity, 1 / HOURS),
            "monthlyQuantity": _text(self.quantity),
            "price": _text(self.price),
            "hourlyCost": _text(self.monthly, 1 / HOURS),
            "monthlyCost": _text(self.monthly),
            "priceNotFound": self.price is None,
        }

    def minus(self, past: _Component | None) -> _Component:
        """What changed since `past`; None there is a line that was not."""
        if past is None:
            return self
        quantity, price, monthly = (
            None if new is None and old is None else (new or 0.0) - (old or 0.0)
            for new, old in ((self.quantity, past.quantity), (self.price, past.price), (self.monthly, past.monthly))
        )
        return _Component(self.name, self.unit, quantity, price, monthly)


Resources = Mapping[str, Sequence[_Component]]


def _resources(plan: Mapping[str, Any] | None) -> Resources:
    if plan is None:
        return {}
    return {branch["name"]: list(_components(branch, "")) for branch in plan["costs"]["lines"]["children"]}


def _components(line: Line, above: str) -> Iterator[_Component]:
    if not line["children"]:
        quantity = None if line.get("quantity") is None else line["quantity"]["expected"]
        known = line.get("unitPriceUsd") is not None and quantity is not None
        yield _Component(
            f"{above}{line['name']}", line["unit"], quantity, line.get("unitPriceUsd"), line["monthlyUsd"]["expected"] if known else None
        )
    for child in line["children"]:
        yield from _components(child, f"{above}{line['name']} / " if above or child["children"] else "")


def _differences(past: Resources, now: Resources) -> Resources:
    """Resources and components of either side that moved."""
    moved: dict[str, list[_Component]] = {}
    for name in dict.fromkeys((*now, *past)):
        old = {component.name: component for component in past.get(name, ())}
        new = {component.name: component for component in now.get(name, ())}
        changes = [component.minus(old.get(key)) for key, component in new.items() if _differs(component, old.get(key))]
        changes += [
            _Component(key, gone.unit, 0.0, 0.0, 0.0).minus(gone) for key, gone in old.items() if key not in new and _differs(gone, None)
        ]
        if changes:
            moved[name] = changes
    return moved


def _differs(new: _Component, old: _Component | None) -> bool:
    """True where a sum moved; a line whose sum is known on neither side is in no difference."""
    if old is None:
        return new.monthly is not None
    return (new.monthly is not None or old.monthly is not None) and (new.quantity, new.price, new.monthly) != (
        old.quantity,
        old.price,
        old.monthly,
    )


def _breakdown(resources: Resources) -> dict[str, Any]:
    shown = [_resource(name, components) for name, components in resources.items()]
    total = sum(component.monthly or 0.0 for components in resources.values() for component in components)
    # What is billed by use is not known here.
    return {
        "resources": shown,
        "totalHourlyCost": _text(total, 1 / HOURS),
        "totalMonthlyCost": _text(total),
        "totalMonthlyUsageCost": None,
    }


def _resource(name: str, components: Sequence[_Component]) -> dict[str, Any]:
    known = [component.monthly for component in components if component.monthly is not None]
    total = sum(known) if known else None
    return {
        "name": name,
        "metadata": {},
        "hourlyCost": _text(total, 1 / HOURS),
        "monthlyCost": _text(total),
        "costComponents": [component.document() for component in components],
    }


def _summary(resources: Resources) -> dict[str, int]:
    unpriced = sum(all(component.price is None for component in components) for components in resources.values())
    by_use = sum(any(component.quantity is None for component in components) for components in resources.values())
    return {
        "totalDetectedResources": len(resources),
        "totalSupportedResources": len(resources) - unpriced,
        "totalUnsupportedResources": 0,
        "totalUsageBasedResources": by_use,
        "totalNoPriceResources": unpriced,
    }


def _text(value: float | None, factor: float = 1.0) -> str | None:
    """Decimal text without an exponent and without trailing zeros; None stays unknown."""
    if value is None:
        return None
    text = f"{value * factor:.10f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
