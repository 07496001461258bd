"""What the charges of clouds have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ..costs.tree import FREE
from ..costs.types import HOURS_PER_MONTH, Amount, Charge, Columns, NodeGroup, Use

CONTROL_PLANE = "control plane"
DISKS = "disks"
NETWORK = "network"
LOGS = "logs"


def always(count: int) -> Columns:
    """Hours per month of `count` things that run all the time."""
    return Columns.same(count * HOURS_PER_MONTH)


def root_disks(groups: Sequence[NodeGroup], fee: str, kind: str) -> tuple[Charge, ...]:
    """One charge per group with disks of its own: GiB x nodes, which both clouds bill as GB-months."""
    return tuple(
        Charge(
            part=DISKS,
            line=f"{group.name} disks",
            fee=fee,
            monthly_quantity=group.nodes.map(lambda nodes, gib=Decimal(group.disk_gib): nodes * gib),
            note=f"{kind}, {group.disk_gib} GiB per node",
            group=group.name,
        )
        for group in groups
        if group.disk_gib
    )


def by_use(part: str, line: str, fee: str, amount: Amount | None, note: str | None, passes: int = 1) -> Charge:
    """A charge by use: `passes` times the estimated amount, or its rate alone where nobody knows how much it is."""
    if amount is None:
        return Charge(part, line, fee, None, note)
    low, expected, high = (each.map(lambda gb: gb * passes) for each in (amount.low, amount.expected, amount.high))
    return Charge(part, line, fee, expected, note, low=low, high=high)


def traffic(use: Use | None, names: TrafficFees) -> tuple[Charge, ...]:
    """What traffic, pulls and logs are charged; without `use` their rates alone."""
    if use is None:
        return (
            Charge(NETWORK, "NAT data", names.nat, None, names.outside),
            Charge(NETWORK, "traffic between zones", names.between_zones, None),
            Charge(NETWORK, "egress to the internet", names.egress, None),
            Charge(LOGS, names.logs_line, names.logs, None),
        )
    pulled = f"{names.outside}; {use.assumed}"
    direction = "; each direction is billed" if names.zone_passes == 2 else ""
    zones = f"answers and prompts to callers in any zone{direction}"
    left = "0: endpoints are inside the network" if not use.egress.expected.max else None
    return (
        by_use(NETWORK, "NAT data", names.nat, use.pulled, pulled),
        by_use(NETWORK, "traffic between zones", names.between_zones, use.between_zones, zones, names.zone_passes),
        by_use(NETWORK, "egress to the internet", names.egress, use.egress, left),
        by_use(LOGS, names.logs_line, names.logs, use.logs, None),
        Charge(NETWORK, names.inside_line, FREE.name, Columns.same(1), names.inside),
    )


@dataclass(frozen=True, slots=True)
class TrafficFees:
    """Names of the fees of one cloud for what moves, and what its notes say."""

    nat: str
    between_zones: str
    zone_passes: int
    """How often a GB between zones is billed: once, or at both ends."""
    egress: str
    logs: str
    logs_line: str
    outside: str
    inside_line: str
    inside: str


def priced_elsewhere(charges: Iterable[Charge], region: str, priced_region: str, uniform: Collection[str]) -> tuple[Charge, ...]:
    """The charges of `region`, each marked where its price is that of `priced_region`; `uniform` fees are the same everywhere."""
    if region == priced_region:
        return tuple(charges)
    same = {*uniform, FREE.name}
    return tuple(charge if charge.fee in same else replace(charge, priced_in=priced_region) for charge in charges)


def joined(*notes: str | None) -> str | None:
    """The notes that exist, one after another; None where there is none."""
    found = [note for note in notes if note is not None]
    return "; ".join(found) if found else None
