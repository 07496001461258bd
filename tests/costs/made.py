"""Node groups, charges and fees that cost tests build upon."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from inferstack.catalog import CapacityType, Fee, Machine, Offering
from inferstack.costs import HOURS_PER_MONTH, Charge, Columns, Demand, NodeGroup

REGION = "us-east-1"

FEES: Mapping[str, Fee] = {
    "control": Fee("control", "hour", Decimal("0.10"), "price list", "2026-01-01"),
    "disk": Fee("disk", "GB-month", Decimal("0.08"), "price list", "2026-02-01"),
    "data": Fee("data", "GB", Decimal("0.045"), "price list", "2024-07-01"),
    "unknown": Fee("unknown", "hour", None, "price list", None),
    "free": Fee("free", "hour", Decimal(0), "price list", "2020-01-01"),
}


def machine(name: str = "g6.xlarge", accelerator: str | None = "l4", count: int = 1) -> Machine:
    link = "none" if count < 2 else "pcie"
    return Machine("eks", name, 4, 16.0, accelerator, count if accelerator else 0, link, offerings=(), source="test")


def offering(
    usd: str | None,
    low: str | None = None,
    capacity: CapacityType = CapacityType.ON_DEMAND,
    as_of: str = "2026-07-20",
    basis: str = "listed",
) -> Offering:
    return Offering(
        REGION, capacity, None if usd is None else Decimal(usd), None if low is None else Decimal(low), "price list", as_of, basis
    )


def columns(low: str | int, expected: str | int, high: str | int) -> Columns:
    return Columns(Decimal(low), Decimal(expected), Decimal(high))


def group(
    name: str = "g6-xlarge",
    usd: str | None = "0.8048",
    nodes: Columns | None = None,
    shares: Mapping[str, str | Columns] | None = None,
    disk_gib: int = 0,
    low: str | None = None,
) -> NodeGroup:
    """A GPU pool that one service `chat` fills, unless shares say otherwise; no shares at all make it a system pool."""
    found = {"chat": "1"} if shares is None else shares
    capacity = CapacityType.SPOT if low is not None else CapacityType.ON_DEMAND
    return NodeGroup(
        name=name,
        machine=machine(),
        offering=offering(usd, low, capacity),
        nodes=Columns.same(1) if nodes is None else nodes,
        disk_gib=disk_gib,
        shares=tuple((service, share if isinstance(share, Columns) else Columns.same(Decimal(share))) for service, share in found.items()),
    )


def control_plane() -> Charge:
    return Charge("control plane", "control plane", "control", Columns.same(HOURS_PER_MONTH))


def demand(service: str = "chat", input_tokens: float = 3e9, output_tokens: float = 1e9, ratio: float = 4.0) -> Demand:
    return Demand(service, input_tokens, output_tokens, ratio)
