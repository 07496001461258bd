"""From node groups and charges to the tree of cost lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from ..catalog.types import CapacityType, Commitment, Fee
from .types import HOURS_PER_MONTH, Charge, Columns, CostLine, Extra, NodeGroup, together

TOTAL = "total"
GPU_NODES = "GPU nodes"
CPU_NODES = "CPU nodes"
SYSTEM_NODES = "system nodes"
NOT_PRICED = "not priced"
"""Branch of what is billed by use; a machine without a price stays in its own branch."""
BY_USE = "depends on use"
BY_USER = "user"
"""Basis of a price that the stack file gives."""


FREE = Fee("free", "month", Decimal(0), "", None)
"""Fee of what is known to cost nothing; the charge's note says why."""


def cost_tree(groups: Sequence[NodeGroup], charges: Sequence[Charge], fees: Mapping[str, Fee], extras: Sequence[Extra] = ()) -> CostLine:
    """`total` with a branch per kind of node and per part of the charges, in the order in which they are given.

    Raises KeyError where a charge names a fee that `fees` lacks: both are ours.
    """
    branches: dict[str, list[CostLine]] = {}
    for group in groups:
        branches.setdefault(_node_branch(group), []).extend(node_lines(group))
    for charge in charges:
        part = NOT_PRICED if charge.monthly_quantity is None else charge.part
        branches.setdefault(part, []).append(charge_line(charge, fee_of(charge, fees)))
    for extra in extras:
        branches.setdefault(NOT_PRICED if extra.line.quantity is None else extra.part, []).append(extra.line)
    return CostLine(TOTAL, children=tuple(CostLine(name, children=tuple(lines)) for name, lines in _in_order(branches)))


def node_lines(group: NodeGroup) -> Iterator[CostLine]:
    """Whole machines, used or not: nodes x 730 h at the price of the machine. Those that are paid already are a line of their own."""
    offering = group.offering
    paid = Decimal(0 if offering is None else offering.paid_nodes)
    if paid:
        yield CostLine(
            name=f"{group.name}, paid already",
            unit="node-hour",
            quantity=group.nodes.map(lambda nodes: min(nodes, paid) * HOURS_PER_MONTH),
            unit_price_usd=Decimal(0),
            source="price file",
            basis=BY_USER,
            note=f"{paid} x {group.machine.name} that the price file says are paid, used or not",
        )
    if paid and group.nodes.max <= paid:
        return
    kept = Decimal(0)
    if offering is not None and offering.commitment is not None:
        kept = max(Decimal(0), group.nodes.min - paid)
        yield _committed_line(group, offering.commitment, kept)
    billed = group.nodes.map(lambda nodes: max(Decimal(0), nodes - paid - kept) * HOURS_PER_MONTH)
    line = CostLine(name=group.name, unit="node-hour", quantity=billed, note=_node_note(group))
    if offering is not None:
        line = replace(
            line,
            unit_price_usd=offering.usd_per_hour,
            low_unit_price_usd=offering.low_usd_per_hour,
            source=offering.source,
            as_of=_date(offering.as_of),
            basis=offering.basis,
        )
    yield line


def _committed_line(group: NodeGroup, bought: Commitment, nodes: Decimal) -> CostLine:
    """The machines of a group that always stand, paid for a term whether used or not."""
    return CostLine(
        name=f"{group.name}, committed for {bought.term}",
        unit="node-hour",
        quantity=Columns.same(nodes * HOURS_PER_MONTH),
        unit_price_usd=bought.usd_per_hour,
        source=bought.source,
        as_of=_date(bought.as_of),
        basis=bought.basis,
        note=f"{nodes:f} x {group.machine.name} that always stand, paid used or not",
    )


def fee_of(charge: Charge, fees: Mapping[str, Fee]) -> Fee:
    return FREE if charge.fee == FREE.name else fees[charge.fee]


def charge_line(charge: Charge, fee: Fee) -> CostLine:
    notes = (
        BY_USE if charge.monthly_quantity is None else None,
        fee.note if charge.note is None else charge.note,
        fee.note if fee.usd is None and charge.note is not None else None,
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
        low_quantity=charge.low,
        high_quantity=charge.high,
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
    return 0.0 if group.is_system else max(0.0, 1 - float(together(share for _, share in group.shares).max))


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
    return f"{group.machine.name}{kind}{_idle(group)}{_per_zone(group)}"


def _per_zone(group: NodeGroup) -> str:
    """`; 1 in each of 2 zones`: clouds that count nodes per zone would bill the whole number in each of them."""
    each = group.nodes.max / group.zones if group.zones > 1 else Decimal(0)
    return f"; {each:f} in each of {group.zones} zones" if each and each == each.to_integral_value() else ""


def _idle(group: NodeGroup) -> str:
    """`; billed 8, used 2: 75 % idle` at the top of the range; nothing where all is used."""
    idle = idle_share(group)
    if idle < 0.005:
        return ""
    billed = group.nodes.max * max(1, group.machine.accelerator_count)
    used = round(billed * (1 - Decimal(str(idle))), 1).normalize()
    return f"; billed {billed:f}, used {used:f}: {idle * 100:.0f} % idle"


def _date(as_of: str | None) -> str | None:
    """An empty date is no date."""
    return as_of if as_of else None
