"""A service that goes to zero."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.sizing.waking import Waking, waking


def cycles(rate: float, stays: float, cold_start: float, requests: int) -> Waking:
    """The same by drawing arrivals: a replica starts with the first request after it went, and goes when nobody asked for `stays`."""
    drawn = random.Random(7)
    now, serving, starts, waited = 0.0, 0.0, 0, 0
    ready = gone = 0.0
    for _ in range(requests):
        now += drawn.expovariate(rate)
        if now >= gone:
            starts += 1
            ready = now + cold_start
            gone = ready + stays
            serving += stays
            waited += 1
        elif now < ready:
            waited += 1
        else:
            serving += now + stays - gone
            gone = now + stays
    return Waking(serving / now, starts / now, waited / requests)


@pytest.mark.parametrize(("rate", "stays", "cold_start"), [(0.001, 900, 400), (0.0002, 900, 400), (0.004, 300, 200), (0.01, 300, 60)])
def test_the_closed_form_is_what_arrivals_do(rate: float, stays: float, cold_start: float) -> None:
    """Parts of the time, starts and waiting requests are within two percent of 200,000 random requests."""
    exact, drawn = waking(rate, stays, cold_start), cycles(rate, stays, cold_start, 200_000)
    assert exact.serving == pytest.approx(drawn.serving, rel=0.02)
    assert exact.starts_per_second == pytest.approx(drawn.starts_per_second, rel=0.02)
    assert exact.waiting == pytest.approx(drawn.waiting, rel=0.02)


def test_a_single_request_pays_for_the_whole_stay() -> None:
    """With a request a day the replica stands its whole stay after each, and each of them waits."""
    day = 86_400
    found = waking(1 / day, 600, 300)
    assert found.serving == pytest.approx(600 / day, rel=0.02)
    assert found.waiting == pytest.approx(1, abs=0.01)


def test_constant_traffic_never_lets_it_go() -> None:
    """At a request a second and ten minutes of patience it always serves and nobody waits, without an overflow at any rate."""
    assert waking(1, 600, 300) == Waking(1, 0, 0) == waking(1e6, 1e6, 300)


@given(st.floats(1e-7, 10), st.floats(1, 1e4), st.floats(0, 1e4))
def test_parts_are_parts(rate: float, stays: float, cold_start: float) -> None:
    """Serving and starting together never exceed the time, and neither does who waits exceed who asks."""
    found = waking(rate, stays, cold_start)
    assert 0 <= found.serving + found.starts_per_second * cold_start <= 1 + 1e-9
    assert 0 <= found.waiting <= 1 + 1e-9


def test_without_requests_there_is_no_cycle() -> None:
    """A rate of nothing is refused."""
    with pytest.raises(ValueError, match="must be positive"):
        waking(0, 600, 300)
