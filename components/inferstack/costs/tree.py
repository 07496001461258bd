"""From node groups and charges to the tree of cost lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..catalog.types import CapacityType, Fee
from .types import HOURS_PER_MONTH, Charge, CostLine, NodeGroup

TOTAL = "total"
GPU_NODES = "GPU nodes"
CPU_NODES = "CPU nodes"
SYSTEM_NODES = "system nodes"
NOT_PRICED = "not priced"
"""Branch of what is billed by use; a machine without a price stays in its own branch."""
BY_USE = "depends on use"
BY_USER = "user"
"""Basis of a price that the stack file gives."""


def cost_tree(groups: Sequence[NodeGroup], charges: Sequence[Charge], fees: Mapping[str, Fee]) -> CostLine:
    """`total` with a branch per kind of node and per part of the charges, in the order in which they are given.

    Raises KeyError where a charge names a fee that `fees` lacks: both are ours.
    """
    branches: dict[str, list[CostLine]] = {}
    for group in groups:
        branches.setdefault(_node_branch(group), []).append(node_line(group))
    for charge in charges:
        part = NOT_PRICED if charge.monthly_quantity is None else charge.part
        branches.setdefault(part, []).append(charge_line(charge, fees[charge.fee]))
    return CostLine(TOTAL, children=tuple(CostLine(name, children=tuple(lines)) for name, lines in _in_order(branches)))


def node_line(group: NodeGroup) -> CostLine:
    """Whole machines, used or not: nodes x 730 h at the price of the machine."""
    offering = group.offering
    line = CostLine(
        name=group.name, unit="node-hour", quantity=group.nodes.map(lambda nodes: nodes * HOURS_PER_MONTH), note=_node_note(group)
    )
    if offering is None:
        return line
    return replace(
        line,
        unit_price_usd=offering.usd_per_hour,
        low_unit_price_usd=offering.low_usd_per_hour,
        source=offering.source,
        as_of=_date(offering.as_of),
        basis=offering.basis,
    )


def charge_line(charge: Charge, fee: Fee) -> CostLine:
    notes = (
        BY_USE if charge.monthly_quantity is None else None,
        fee.note if charge.note is None else charge.note,
        None if charge.priced_in is None else f"price of {charge.priced_in}",
    )
    return CostLine(
        name=charge.line,
        unit=fee.unit,
        quantity=charge.monthly_quantity,
        unit_price_usd=fee.usd,
        source=fee.source,
        as_of=_date(fee.as_of),
        basis=fee.basis,
        note="; ".join(note for note in notes if note) or None,
    )


def oldest_date(lines: Iterable[CostLine]) -> str:
    """Oldest date among the prices that a total is made of; prices that the user gives need none."""
    dates = [
        line.as_of
        for line in lines
        if line.priced and line.quantity is not None and line.quantity.max and line.basis != BY_USER and line.as_of
    ]
    return min(dates, default="undated")


def idle_share(group: NodeGroup) -> float:
    """Part of a group that no service occupies, at the top of its range; 0 for nodes that carry controllers."""
    return 0.0 if group.is_system else max(0.0, 1 - float(sum(share for _, share in group.shares)))


def _node_branch(group: NodeGroup) -> str:
    if group.is_system:
        return SYSTEM_NODES
    return CPU_NODES if group.machine.accelerator is None else GPU_NODES


def _in_order(branches: Mapping[str, list[CostLine]]) -> Iterator[tuple[str, list[CostLine]]]:
    """Nodes first, what is not priced last, the parts of the charges between them as they came."""
    first = (GPU_NODES, CPU_NODES, SYSTEM_NODES)
    parts = [name for name in branches if name not in (*first, NOT_PRICED)]
    return ((name, branches[name]) for name in (*first, *parts, NOT_PRICED) if name in branches)


def _node_note(group: NodeGroup) -> str:
    offering = group.offering
    kind = "" if offering is None or offering.capacity_type is CapacityType.ON_DEMAND else f", {offering.capacity_type.value}"
    idle = idle_share(group)
    return f"{group.machine.name}{kind}{f'; {idle:.0%} idle' if idle >= 0.005 else ''}"


def _date(as_of: str | None) -> str | None:
    """An empty date is no date."""
    return as_of if as_of else None
