"""Targets of latency that nothing keeps: which, the best that can be reached, and the plan without."""

from __future__ import annotations

from dataclasses import replace

from ..engines.kinds import pools
from ..errors import Problem
from ..sizing.types import Slo
from . import offers
from .requirement import Requirement
from .search import Outcome, search
from .site import Site


def slo_problem(requirement: Requirement, outcome: Outcome, site: Site) -> Problem | None:
    """The targets are in the way: which, the best that can be reached here, and the plan without it."""
    free = replace(requirement, slo=Slo())
    loose = search(free, site).chosen
    if loose is None:
        return None
    slo, path = requirement.slo, f"{requirement.path}.slo"
    idle = [p.sized.replica.performance for p in outcome.rejected if p.sized.replica and p.sized.failure]
    missed: list[tuple[str, float, float]] = []
    first = "latencyP95Ms" if pools(requirement.model) else "ttftP95Ms"
    for key, target, reached in (
        (first, slo.ttft_p95_ms, [performance.ttft_p95_ms.expected for performance in idle]),
        ("tpotP95Ms", slo.tpot_p95_ms, [performance.tpot_p95_ms.expected for performance in idle]),
    ):
        if target is not None and reached and min(reached) > target:
            missed.append((key, target, min(reached)))
    if len(missed) != 1:
        best = "".join(f", {key} {reached:,.1f}" for key, _, reached in missed)
        reason = "cannot be kept together by anything that can be had here" + (f": the best without load is{best[1:]}" if best else "")
        return Problem(path, reason, None, offers.without("slo", free, loose), {path: None})
    ((key, target, reached),) = missed
    rest = replace(requirement, slo=Slo(None, slo.tpot_p95_ms) if key == first else Slo(slo.ttft_p95_ms, None))
    found = search(rest, site).chosen
    reason = f"ms cannot be kept by anything that can be had here: the best is {reached:,.1f} ms without load"
    nearest, change = (offers.without(key, rest, found), f"{path}.{key}") if found else (offers.without("slo", free, loose), path)
    return Problem(f"{path}.{key}", reason, target, nearest, {change: None})
