"""Figures of error over pairs."""

from __future__ import annotations

import pytest

from accuracy.errors import Pair, errors


def test_figures_of_a_group() -> None:
    """Median, tail, factor of two, bias and band are those that one computes by hand."""
    found = errors([Pair(110, 100, 90, 120), Pair(100, 100, 99, 101), Pair(300, 100, 200, 400), Pair(80, 100, 70, 90)])
    assert found is not None
    assert found.n == 4
    assert found.median == pytest.approx(0.15)
    assert found.p95 == pytest.approx(2.0)
    assert found.within_2 == 0.75
    assert found.bias == pytest.approx(0.05)
    assert found.in_band == 0.5


def test_nothing_has_no_error() -> None:
    """A group without pairs has no figures, rather than zeros."""
    assert errors([]) is None


def test_pairs_without_a_band_have_no_coverage() -> None:
    """The part inside the band is unknown where no band was given."""
    found = errors([Pair(1, 1)])
    assert found is not None
    assert found.in_band is None
