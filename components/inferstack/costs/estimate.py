"""The estimate of a stack: its tree of lines, each service's part of it, and what a million tokens cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from ..catalog.types import Fee
from .economics import Billed, token_price, unit_economics
from .money import exact
from .tree import charge_line, cost_tree, fee_of, node_lines, oldest_date
from .types import NOTHING, Charge, Columns, CostLine, Demand, Extra, NodeGroup, ServiceCost, Shares, StackCost, together


def estimate(
    groups: Sequence[NodeGroup],
    charges: Sequence[Charge],
    fees: Mapping[str, Fee],
    demands: Sequence[Demand],
    extras: Sequence[Extra] = (),
) -> StackCost:
    """What a stack costs over its autoscaling range, in USD per month of 730 h.

    `fees` are those of the cloud (`catalog.fees`), one `demand` per service. Nodes and their disks go to the services on them, by the part
    that each occupies at each point of the range, idle parts in the same proportion; what moves, to those that move it; what is fixed and
    the system nodes, to all services evenly.
    """
    tree = cost_tree(groups, charges, fees, extras)
    services = list(dict.fromkeys([*(demand.service for demand in demands), *(name for group in groups for name, _ in group.shares)]))
    by_service = _allocate(groups, charges, fees, services, extras)
    demand_of = {demand.service: demand for demand in demands}
    return StackCost(
        lines=tree,
        services=tuple(_service_cost(name, by_service[name], demand_of.get(name)) for name in services),
        prices_as_of=oldest_date(tree.leaves),
    )


@dataclass(slots=True)
class _Share:
    """What one service is billed for."""

    monthly: Columns = NOTHING
    machines: Decimal = Decimal(0)
    """Its machines at the expected load, USD per month."""
    low_machines: Decimal = Decimal(0)
    machines_max: Decimal = Decimal(0)
    devices: Decimal = Decimal(0)
    """Devices of them at the expected load, idle ones in proportion."""
    devices_max: Decimal = Decimal(0)
    priced: int = 0
    """Groups with a price."""
    unpriced: int = 0


def _allocate(
    groups: Sequence[NodeGroup], charges: Sequence[Charge], fees: Mapping[str, Fee], services: Sequence[str], extras: Sequence[Extra]
) -> dict[str, _Share]:
    shares = {name: _Share() for name in services}
    parts = {group.name: _parts(group, services) for group in groups}
    payers = partial(_payers, parts, _evenly(services))
    for group in groups:
        for line in node_lines(group):
            for name, part in parts[group.name].items():
                _add(shares[name], line, part)
                if not group.is_system:
                    _add_machines(shares[name], line, part)
        if not group.is_system:
            _add_devices(shares, group, parts[group.name])
    for extra in extras:
        for name, part in payers(extra.group, extra.shares).items():
            _add(shares[name], extra.line, part)
    for charge in charges:
        line = charge_line(charge, fee_of(charge, fees))
        for name, part in payers(charge.group, charge.shares).items():
            _add(shares[name], line, part)
    return shares


def _parts(group: NodeGroup, services: Sequence[str]) -> dict[str, Columns]:
    """Part of the group's cost that each service pays, at each point of the range: its share of what is occupied there. Nodes without
    services are everybody's."""
    if group.is_system:
        return _evenly(services)
    occupied = together(share for _, share in group.shares)
    return {name: share.over(occupied) for name, share in group.shares}


def _payers(parts: Mapping[str, dict[str, Columns]], evenly: dict[str, Columns], group: str | None, shares: Shares) -> dict[str, Columns]:
    """Part of a charge that each service pays: as of the nodes that it is about, or as each causes it."""
    if group is not None:
        return parts[group]
    caused = together(share for _, share in shares)
    return {name: share.over(caused) for name, share in shares} if caused.max else evenly


def _evenly(services: Sequence[str]) -> dict[str, Columns]:
    return {name: Columns.same(Decimal(1) / len(services)) for name in services}


def _add(share: _Share, line: CostLine, part: Columns) -> None:
    share.monthly = share.monthly + line.monthly_usd * part


def _add_machines(share: _Share, line: CostLine, part: Columns) -> None:
    if line.priced:
        share.priced += 1
        share.machines += line.monthly_usd.expected * part.expected
        share.low_machines += line.low_monthly_usd.expected * part.expected
        share.machines_max += line.monthly_usd.max * part.max
    else:
        share.unpriced += 1


def _add_devices(shares: Mapping[str, _Share], group: NodeGroup, parts: Mapping[str, Columns]) -> None:
    each = max(1, group.machine.accelerator_count)
    for name, part in parts.items():
        shares[name].devices += group.nodes.expected * each * part.expected
        shares[name].devices_max += group.nodes.max * each * part.max


def _service_cost(name: str, share: _Share, demand: Demand | None) -> ServiceCost:
    if demand is None or not share.priced:
        return ServiceCost(name, share.monthly, None)
    input_tokens, output_tokens = exact(demand.input_tokens_per_month), exact(demand.output_tokens_per_month)
    if not input_tokens + output_tokens:
        return ServiceCost(name, share.monthly, None)
    complete = not share.unpriced
    billed = Billed(
        all_usd=share.monthly.expected,
        machines_usd=share.machines,
        machines_max_usd=share.machines_max,
        devices=share.devices,
        devices_max=share.devices_max,
        complete=complete,
    )
    tokens = token_price(share.machines, share.low_machines, input_tokens, output_tokens, demand, complete)
    return ServiceCost(name, share.monthly, tokens, unit_economics(billed, demand))
