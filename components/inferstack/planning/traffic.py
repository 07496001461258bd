"""From traffic as people state it to a workload."""

from __future__ import annotations

from ..sizing.types import WORDS_TO_TOKENS, Images, Variability, Workload
from ..stackfile.schema import Traffic
from .vision import image_tokens


def workload(traffic: Traffic, images: Images | None) -> Workload:
    """Requests per second and lengths; with daily users the third of ISL, OSL and output share follows from two. No OSL is no output.

    Lengths are stated of the text; images come on top.
    """
    isl, osl, share = traffic.isl, traffic.osl, traffic.output_share
    if isl is None and osl is not None and share is not None:
        isl = max(1, round(osl * (1 - share) / share))
    if osl is None and isl is not None and share is not None:
        osl = max(1, round(isl * share / (1 - share)))
    assert isl is not None, "the stack file's own rules leave no third case"
    osl = 0 if osl is None else osl
    busy = sorted((share for share in traffic.hourly_shares if share > 0), reverse=True)
    hours = float(len(busy)) if busy else traffic.active_hours
    hourly = tuple(share * hours / sum(busy) for share in busy)
    if traffic.requests_per_second is not None:
        mean = traffic.requests_per_second
    else:
        words = traffic.words_per_user
        tokens = traffic.tokens_per_user if words is None else words * WORDS_TO_TOKENS
        assert traffic.daily_users is not None, "the stack file's own rules leave no third case"
        assert tokens is not None, "the stack file's own rules leave no third case"
        mean = traffic.daily_users * tokens / (isl + osl) / (hours * 3600)
    peak = mean * traffic.peak_factor * (hourly[0] if hourly else 1)
    varied = Variability(traffic.burstiness, traffic.length_spread)
    seen = image_tokens(images)
    return Workload(
        mean,
        peak,
        isl + seen,
        osl,
        active_hours=hours,
        active_days=traffic.active_days,
        hourly=hourly,
        variability=varied,
        image_tokens=seen,
    )
