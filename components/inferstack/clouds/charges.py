"""What the charges of clouds have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from ..costs.types import HOURS_PER_MONTH, Charge, Columns, NodeGroup

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


def priced_elsewhere(charges: Iterable[Charge], region: str, priced_region: str, uniform: Collection[str]) -> tuple[Charge, ...]:
    """The charges of `region`, each marked where its price is that of `priced_region`; `uniform` fees are the same everywhere."""
    if region == priced_region:
        return tuple(charges)
    return tuple(charge if charge.fee in uniform else replace(charge, priced_in=priced_region) for charge in charges)


def joined(*notes: str | None) -> str | None:
    """The notes that exist, one after another; None where there is none."""
    found = [note for note in notes if note is not None]
    return "; ".join(found) if found else None
