"""What adapters and speculation add is fitted to the pairs that are here, and the library computes what was fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration import techniques
from calibration.pairs import SPECFORGE, alone, digests, pairs
from inferstack.sizing.additions import additions_provenance
from inferstack.sizing.bands import spread_of
from inferstack.sizing.constants import constants
from inferstack.sizing.performance import step_times
from inferstack.sizing.types import Adapters, Additions, Draft, Images, Provenance
from tests.sizing.cases import ENCODER, shape

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
    for lone in alone():
        assert lone.source.startswith("https://"), lone.id
        assert lone.value > 0, lone.id
        assert all(lone.facts[name] for name in ("date", "license", "notes")), lone.id
        assert row.fitted != bool(row.why), row.id
        if row.source != SPECFORGE:
            assert all(row.facts[name] for name in ("date", "license")), row.id


@pytest.mark.parametrize("name", ["lora", "speculation", "vision"])
def test_the_constants_are_as_good_as_they_say(name: str) -> None:
    """The recorded errors come out again, and the fit is better than priors that say something."""
    problem = {"lora": techniques.lora, "speculation": techniques.speculation, "vision": techniques.vision}[name](pairs())
    section = constants("techniques")[name]
    prior = {key: value for key, (value, _) in problem.priors.items()}
    own, before = (np.abs(problem.predict(found) / problem.measured - 1)[problem.fitted] for found in (section, prior))
    assert np.median(own) == pytest.approx(section["errors"]["added"], abs=DRIFT)
    assert np.median(own) < np.median(before) or name == "vision"


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


def test_an_image_takes_its_megapixels() -> None:
    """Twice the pixels take twice the time beside the encoder, which works on tokens; without a size it is one megapixel."""
    plain = shape()

    def added(images: Images) -> tuple[float, float]:
        seeing = step_times(replace(plain, additions=Additions(images=images)), 500, 200)
        bare = step_times(plain, 500, 200)
        return seeing.prefill_s - bare.prefill_s, seeing.prefill_busy_s - bare.prefill_busy_s

    data = constants("techniques")["vision"]
    small, large, unsized = (added(Images(1.5, 4, 300, megapixels=size)) for size in (1.0, 2.0, None))
    assert unsized == small
    assert large[0] - small[0] == pytest.approx(1.5 * data["latency_s"])
    assert large[1] - small[1] == pytest.approx(1.5 * data["busy_s"])


def test_images_widen_the_first_token_more_than_the_rest() -> None:
    """One spread for each, from lone requests and from runs at full load."""
    seeing = replace(shape(), additions=Additions(images=Images(1, 1, 300)))
    for quantity in ("ttft", "tpot"):
        wide, narrow = (spread_of(one, "request-rate", quantity) for one in (seeing, shape()))
        assert wide.low < narrow.low
        assert wide.high > narrow.high
    assert constants("techniques")["vision"]["spread"] > constants("techniques")["vision"]["busy_spread"]


@pytest.mark.parametrize(("own", "said"), [(False, Provenance.FITTED), (True, Provenance.BELIEVED)])
def test_only_heads_that_were_measured_are_fitted(own: bool, said: Provenance) -> None:
    """EAGLE-3 heads were; layers of the checkpoint were not."""
    plain = shape()
    draft = Draft(3, 0.6, 4e8, own, 1, plain.model, "test")
    assert additions_provenance(replace(plain, additions=Additions(draft=draft))) is said


@pytest.mark.parametrize(("engine", "bounded"), [("vllm", True), ("sglang", True), ("llama.cpp", False)])
def test_a_request_of_one_text_costs_the_front_end(engine: str, bounded: bool) -> None:
    """A small embedder on a large GPU is bound by the process in front of it."""
    small = shape(ENCODER, engine=engine)
    request = constants("techniques")["one_pass"]["request_s"]
    busy = step_times(small, 20, 0).prefill_busy_s
    assert (busy == pytest.approx(request)) is bounded
