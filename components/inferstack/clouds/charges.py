"""What the charges of clouds have in common."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..costs.tree import FREE
from ..costs.types import HOURS_PER_MONTH, NOTHING, Amount, Charge, Columns, NodeGroup, Shares, Use, together

CONTROL_PLANE = "control plane"
DISKS = "disks"
NETWORK = "network"
LOGS = "logs"
EGRESS = "egress to the internet"
"""Branches of the costs."""


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
    return Charge(part, line, fee, expected, note, shares=amount.shares, low=low, high=high)


def one_each(services: Sequence[str]) -> Shares:
    """Each of the services causes as much as any other of them."""
    return tuple((name, Columns.same(1)) for name in services)


def by_nodes(groups: Sequence[NodeGroup]) -> Shares:
    """The nodes that each service occupies; those of the system follow the same proportion."""
    found: dict[str, Columns] = {}
    for group in groups:
        occupied = together(share for _, share in group.shares)
        for name, share in group.shares:
            found[name] = found.get(name, NOTHING) + group.nodes * share.over(occupied)
    return tuple(found.items())


def traffic(use: Use | None, names: TrafficFees) -> tuple[Charge, ...]:
    """What traffic, pulls and logs are charged; without `use` their rates alone."""
    if use is None:
        return (
            Charge(NETWORK, "NAT data", names.nat, None, names.outside),
            Charge(NETWORK, "traffic between zones", names.between_zones, None),
            Charge(NETWORK, EGRESS, f"{names.egress}0", None),
            Charge(LOGS, names.logs_line, names.logs, None),
        )
    pulled = f"{names.outside}; {use.assumed}"
    direction = "; each direction is billed" if names.zone_passes == 2 else ""
    zones = f"answers and prompts to callers in any zone{direction}"
    left = "0: endpoints are inside the network" if not use.egress.expected.max else None
    return (
        by_use(NETWORK, "NAT data", names.nat, use.pulled, pulled),
        by_use(NETWORK, "traffic between zones", names.between_zones, use.between_zones, zones, names.zone_passes),
        *_egress(use.egress, names, left),
        by_use(LOGS, names.logs_line, names.logs, use.logs, None),
        Charge(NETWORK, names.inside_line, FREE.name, Columns.same(1), names.inside),
    )


def _egress(amount: Amount, names: TrafficFees, note: str | None) -> Iterator[Charge]:
    """What leaves for the internet, a line for each tier of the price that its highest amount reaches."""
    for floor, ceiling in itertools.pairwise((*names.egress_tiers_gb, None)):
        assert floor is not None, "the open end comes last"
        part = Amount(*(_within(columns, floor, ceiling) for columns in (amount.low, amount.expected, amount.high)), shares=amount.shares)
        if floor == 0 or part.high.max:
            line = EGRESS if floor == 0 else f"{EGRESS} above {floor:,} GB"
            yield by_use(NETWORK, line, f"{names.egress}{floor}", part, note)


def _within(columns: Columns, floor: int, ceiling: int | None) -> Columns:
    return columns.map(lambda gb: max(Decimal(0), (gb if ceiling is None else min(gb, Decimal(ceiling))) - floor))


@dataclass(frozen=True, slots=True)
class TrafficFees:
    """Names of the fees of one cloud for what moves, and what its notes say."""

    nat: str
    between_zones: str
    zone_passes: int
    """How often a GB between zones is billed: once, or at both ends."""
    egress: str
    """What names of its tiers begin with; the first GB of a tier follows."""
    egress_tiers_gb: tuple[int, ...]
    """GB per month at which each tier begins; the first is 0."""
    logs: str
    logs_line: str
    outside: str
    inside_line: str
    inside: str


def joined(*notes: str | None) -> str | None:
    """The notes that exist, one after another; None where there is none."""
    found = [note for note in notes if note is not None]
    return "; ".join(found) if found else None
