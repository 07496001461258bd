"""Bands of memory, found again without a whole group."""

from __future__ import annotations

import pytest

from accuracy.data import memory
from accuracy.errors import Pair, errors
from accuracy.left_out import coverage, fits, sampler_pairs, score


@pytest.mark.parametrize(("measured", "widths"), [(10.0, 0.0), (12.0, 1.0), (9.0, 0.5), (16.0, 3.0)])
def test_a_score_counts_half_widths_on_the_side_of_the_measurement(measured: float, widths: float) -> None:
    """1 is an end of the band, whichever side, and a prediction that is exact is never off, however narrow its band."""
    assert score(Pair(10.0, measured, low=8.0, high=12.0)) == widths
    assert score(Pair(10.0, 10.0, low=10.0, high=10.0)) == 0


@pytest.mark.parametrize("key", ["weights_gib_per_gpu", "kv_gib_per_gpu", "activation_gib", "kv_tokens"])
def test_bands_hold_most_of_what_they_were_not_made_from(key: str) -> None:
    """Three quarters or more of the measurements lie in the printed band, and with widths from other families about as many."""
    found = coverage(memory(), key)
    assert found is not None
    assert found.in_band >= 0.75
    family = found.left_out["family"]
    assert family is not None
    assert 0.75 <= family <= 0.9


def test_the_sampler_of_other_families_predicts_a_new_one() -> None:
    """vLLM's bytes per logit belong to a release, not to a model: from other families they are off by a percent."""
    _, others = sampler_pairs(memory())
    found = errors(others)
    assert found is not None
    assert found.n >= 10
    assert found.p95 < 0.03


def test_what_fits_is_never_wrong_beyond_its_band() -> None:
    """Where both ends of the band say that a model fits, or that it does not, every log agrees."""
    found = fits(memory())
    assert found.n >= 20
    assert found.beyond == 0
