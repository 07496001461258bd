"""What adapters and speculation add is fitted to the pairs that are here, and the library computes what was fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration import techniques
from calibration.pairs import SPECFORGE, digests, pairs
from inferstack.sizing.constants import constants
from inferstack.sizing.performance import step_times
from inferstack.sizing.types import Adapters, Additions, Draft
from tests.sizing.cases import shape

DRIFT = 0.02
"""How far a median error may move by changes elsewhere before `make fit` is due."""


def test_the_constants_were_fitted_to_the_pairs_that_are_here() -> None:
    """The file names the digests of the data behind it."""
    assert constants("techniques")["fitted_to"] == digests()


def test_rows_say_where_they_are_from() -> None:
    """Each pair has a source, a date and a licence, an id of its own, and a reason where it is not fitted."""
    rows = pairs()
    assert len({row.id for row in rows}) == len(rows) > 250
    for row in rows:
        assert row.source.startswith("https://"), row.id
        assert min(row.without, row.with_) > 0, row.id
        assert row.fitted != bool(row.why), row.id
        if row.source != SPECFORGE:
            assert all(row.facts[name] for name in ("date", "license")), row.id


@pytest.mark.parametrize("name", ["lora", "speculation"])
def test_the_constants_are_as_good_as_they_say(name: str) -> None:
    """The recorded errors come out again, and the fit is better than its priors."""
    problem = {"lora": techniques.lora, "speculation": techniques.speculation}[name](pairs())
    section = constants("techniques")[name]
    prior = {key: value for key, (value, _) in problem.priors.items()}
    own, before = (np.abs(problem.predict(found) / problem.measured - 1)[problem.fitted] for found in (section, prior))
    assert np.median(own) == pytest.approx(section["errors"]["added"], abs=DRIFT)
    assert np.median(own) < np.median(before)


def test_a_fit_of_the_same_data_gives_the_same_constants() -> None:
    """Those of adapters, which hang on nothing but their pairs."""
    problem = techniques.lora(pairs())
    found = problem.fit(np.ones(len(problem.rows), dtype=bool))
    kept = constants("techniques")["lora"]
    assert found == {name: pytest.approx(kept[name], rel=0.01) for name in found}


@pytest.mark.parametrize(("slots", "batch"), [(1, 1.0), (1, 64.0), (4, 1.0), (4, 16.0), (300, 220.0)])
def test_the_library_takes_adapters_as_they_were_fitted(slots: int, batch: float) -> None:
    """A step with adapters is longer by the formula of the fit, at the adapters that a batch of that size is expected to mix."""
    plain = shape()
    held = replace(plain, additions=Additions(adapters=Adapters(slots, slots, 16)))
    mixed = slots * (1 - (1 - 1 / slots) ** batch)
    expected = techniques.adapter_step_s(constants("techniques")["lora"], plain.model.num_layers, slots, batch, mixed)
    added = step_times(held, 500, 200).decode_s(batch) - step_times(plain, 500, 200).decode_s(batch)
    assert added == pytest.approx(expected)


def test_a_head_costs_more_than_its_part_of_the_model() -> None:
    """Verifying and each pass of a head add what no batch shares."""
    plain = shape()
    draft = Draft(3, 0.0, 4e8, False, 1, plain.model, "test")
    spoken = replace(plain, additions=Additions(draft=draft))
    data = constants("techniques")["speculation"]
    added = step_times(spoken, 500, 200).fixed_s - step_times(plain, 500, 200).fixed_s
    assert added > data["verify_s"] + 3 * data["draft_s"]
