"""Engines that are kept for those who run them: which one to take instead, and what that would cost."""

from __future__ import annotations

from dataclasses import replace

from .. import engines
from ..costs import money
from .placement import Placement
from .requirement import NO_OVERRIDES, Requirement
from .search import search
from .site import Site


def succession(requirement: Requirement, placement: Placement, site: Site) -> tuple[str, ...]:
    """A sentence where the chosen engine is superseded: why, by which, and the predicted difference in price."""
    engine = placement.sized.engine
    superseded = engine.traits.superseded
    if superseded is None:
        return ()
    instead = replace(requirement, engine=engines.engine(superseded.by), overrides=NO_OVERRIDES)
    return (f"{engine.name} {superseded.reason}: {superseded.by} {_offer(placement, search(instead, site).chosen)}",)


def _offer(mine: Placement, theirs: Placement | None) -> str:
    if theirs is None:
        return "has no placement that works with these pins"
    now, then = mine.monthly_usd, theirs.monthly_usd
    if now is None or then is None:
        return "would serve this as well; no price is known to compare"
    less = now.expected - then.expected
    difference = "the same" if not less else f"{money(abs(less))} {'less' if less > 0 else 'more'}"
    return f"is predicted to serve this for {money(then.expected)} a month, {difference}"
