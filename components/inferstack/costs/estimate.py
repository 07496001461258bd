"""The estimate of a stack: its tree of lines, each service's part of it, and what a million tokens cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..catalog.types import Fee
from .money import exact
from .tree import charge_line, cost_tree, node_line, oldest_date
from .types import NOTHING, Charge, Columns, CostLine, Demand, NodeGroup, ServiceCost, StackCost, TokenPrice

MILLION = 1_000_000


def estimate(groups: Sequence[NodeGroup], charges: Sequence[Charge], fees: Mapping[str, Fee], demands: Sequence[Demand]) -> StackCost:
    """What a stack costs over its autoscaling range, in USD per month of 730 h.

    `fees` are those of the cloud (`catalog.fees`), one `demand` per service. Nodes and their disks go to the services on them, by the part
    that each occupies, idle parts in the same proportion; what is fixed and the system nodes go to all services evenly.
    """
    tree = cost_tree(groups, charges, fees)
    services = list(dict.fromkeys([*(demand.service for demand in demands), *(name for group in groups for name, _ in group.shares)]))
    by_service = _allocate(groups, charges, fees, services)
    demand_of = {demand.service: demand for demand in demands}
    return StackCost(
        lines=tree,
        services=tuple(
            ServiceCost(name, by_service[name].monthly, _token_price(by_service[name], demand_of.get(name))) for name in services
        ),
        prices_as_of=oldest_date(tree.leaves),
    )


@dataclass(slots=True)
class _Share:
    """What one service is billed for."""

    monthly: Columns = NOTHING
    machines: Decimal = Decimal(0)
    """Its machines at the expected load, USD per month."""
    low_machines: Decimal = Decimal(0)
    priced: int = 0
    """Groups with a price."""
    unpriced: int = 0


def _allocate(
    groups: Sequence[NodeGroup], charges: Sequence[Charge], fees: Mapping[str, Fee], services: Sequence[str]
) -> dict[str, _Share]:
    shares = {name: _Share() for name in services}
    parts = {group.name: _parts(group, services) for group in groups}
    evenly = _even(services)
    for group in groups:
        line = node_line(group)
        for name, part in parts[group.name].items():
            _add(shares[name], line, part)
            if not group.is_system:
                _add_machines(shares[name], line, part)
    for charge in charges:
        line = charge_line(charge, fees[charge.fee])
        for name, part in (evenly if charge.group is None else parts[charge.group]).items():
            _add(shares[name], line, part)
    return shares


def _parts(group: NodeGroup, services: Sequence[str]) -> dict[str, Decimal]:
    """Part of the group's cost that each service pays: its share of what is occupied. Nodes without services are everybody's."""
    occupied = sum((share for _, share in group.shares), Decimal(0))
    if not occupied:
        return _even(services)
    parts: dict[str, Decimal] = {}
    for name, share in group.shares:
        parts[name] = parts.get(name, Decimal(0)) + share / occupied
    return parts


def _even(services: Sequence[str]) -> dict[str, Decimal]:
    return {name: Decimal(1) / len(services) for name in services}


def _add(share: _Share, line: CostLine, part: Decimal) -> None:
    share.monthly = share.monthly + line.monthly_usd.map(lambda usd: usd * part)


def _add_machines(share: _Share, line: CostLine, part: Decimal) -> None:
    if line.priced:
        share.priced += 1
        share.machines += line.monthly_usd.expected * part
        share.low_machines += line.low_monthly_usd.expected * part
    else:
        share.unpriced += 1


def _token_price(share: _Share, demand: Demand | None) -> TokenPrice | None:
    """$ per output token = machines / (input tokens / r + output tokens), $ per input token = that / r, r being what an output token costs
    over an input token: the split of Google's GKE Inference Quickstart (`GkeRecommender` v1, Cost), with r from the replica's own times."""
    if demand is None or not share.priced:
        return None
    input_tokens, output_tokens = exact(demand.input_tokens_per_month), exact(demand.output_tokens_per_month)
    tokens = input_tokens + output_tokens
    if not tokens:
        return None
    ratio = exact(demand.output_to_input_ratio)
    output_usd = share.machines / (input_tokens / ratio + output_tokens)
    return TokenPrice(
        input_usd=output_usd / ratio * MILLION,
        output_usd=output_usd * MILLION,
        blended_usd=share.machines / tokens * MILLION,
        output_to_input_ratio=ratio,
        tokens_per_month=tokens,
        low_blended_usd=share.low_machines / tokens * MILLION,
        complete=not share.unpriced,
    )
