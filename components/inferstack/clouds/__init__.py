"""What a cloud is to the planner: its machines, what nodes leave for pods, what is billed beside machines, what is rationed.

Pure: one module per cloud, each the same few functions (`clouds.types.Cloud`). Nothing else in the library asks for a cloud by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .. import catalog
from ..errors import nearest_name
from .eks import Eks
from .existing import Existing
from .gke import Gke
from .types import Allocatable, Cloud, QuotaNeed, SystemPool

__all__ = ["Allocatable", "Cloud", "QuotaNeed", "SystemPool", "cloud", "clouds", "total_quota"]

_CLOUDS: Mapping[str, Cloud] = {found.name: found for found in (Eks(), Gke(), Existing())}


def clouds() -> Mapping[str, Cloud]:
    """Every cloud by the name that the stack file uses."""
    return _CLOUDS


def cloud(name: str) -> Cloud:
    """The cloud of that name. Raises `catalog.UnknownName`."""
    found = _CLOUDS.get(name)
    if found is None:
        near = nearest_name(name, _CLOUDS)
        raise catalog.UnknownName("cloud", name, (near,) if near else ())
    return found


def total_quota(needs: Iterable[QuotaNeed | None]) -> tuple[QuotaNeed, ...]:
    """One need per ration: pools of the same family draw on the same one. In order of first mention."""
    totals: dict[tuple[str, str], QuotaNeed] = {}
    for need in needs:
        if need is None:
            continue
        key = (need.name, need.where)
        known = totals.get(key)
        totals[key] = need if known is None else replace(known, amount=known.amount + need.amount)
    return tuple(totals.values())
