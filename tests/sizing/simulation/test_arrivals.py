"""Random traffic: rates, burstiness and lengths are what was asked for."""

from __future__ import annotations

from statistics import mean, pstdev

import pytest

from inferstack.sizing.simulation import Lengths, Requests, generate


@pytest.mark.parametrize("burstiness", [0.0, 0.5, 1.0, 3.0])
def test_arrivals_have_the_rate_and_burstiness_that_is_asked_for(burstiness: float) -> None:
    """The mean rate is kept, and times between arrivals vary by the coefficient of variation."""
    made = generate(20_000, 5, Lengths(10, 10), 1, burstiness)
    gaps = [late - early for early, late in zip(made.arrival_s, made.arrival_s[1:], strict=False)]
    assert made.rps == pytest.approx(5, rel=0.08)
    assert pstdev(gaps) / mean(gaps) == pytest.approx(burstiness, rel=0.08, abs=1e-9)


def test_lengths_keep_their_mean_and_spread() -> None:
    """Mixed lengths have the planned mean; the spread is their coefficient of variation."""
    made = generate(20_000, 1, Lengths(1000, 200, 0.8), 1)
    assert mean(made.isl) == pytest.approx(1000, rel=0.03)
    assert mean(made.osl) == pytest.approx(200, rel=0.03)
    assert made.lengths.spread == pytest.approx(0.8, rel=0.1)


def test_no_request_is_longer_than_the_context() -> None:
    """Input and output together stay within the longest admitted length, and neither is empty."""
    made = generate(5000, 1, Lengths(1000, 500, 2.0), 1, longest=2048)
    assert max(i + o for i, o in zip(made.isl, made.osl, strict=True)) <= 2048
    assert min(*made.isl, *made.osl) >= 1


def test_a_trace_can_be_played_faster() -> None:
    """At another rate the requests are the same and only closer together."""
    trace = Requests([0.0, 1.0, 4.0], [1, 2, 3], [4, 5, 6])
    faster = trace.at_rate(trace.rps * 2)
    assert faster.arrival_s == [0.0, 0.5, 2.0]
    assert (faster.isl, faster.osl) == (trace.isl, trace.osl)


def test_requests_beyond_the_context_are_told_apart() -> None:
    """What an engine would refuse is left out, in order."""
    kept = Requests([0.0, 1.0, 2.0], [10, 100, 20], [5, 5, 5]).within(25)
    assert kept == Requests([0.0, 2.0], [10, 20], [5, 5])
