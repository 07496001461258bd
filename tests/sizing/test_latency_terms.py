"""The terms of latency add up to what the search uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import step_times
from inferstack.sizing.latency_terms import latency_terms, mbu, prefill_mfu

from .cases import LLAMA_8B, MODELS, shape


@given(st.sampled_from(MODELS), st.sampled_from([1, 4]), st.integers(1, 512))
def test_terms_add_up(model: catalog.Model, tensor: int, batch: int) -> None:
    """Terms of prefill and decode sum to prefill and to one decode step of the batch, in ms."""
    loaded = shape(model, tensor=tensor)
    terms = latency_terms(loaded, 1000, 300, batch)
    names = [term.name for term in terms]
    times = step_times(loaded, 1000, 300)
    prefill, step = names.index("prefill"), names.index("decode step")
    assert sum(term.value for term in terms[:prefill]) == pytest.approx(times.prefill_s * 1000)
    assert terms[prefill].value == pytest.approx(times.prefill_s * 1000)
    assert sum(term.value for term in terms[prefill + 2 : step]) == pytest.approx(times.decode_s(batch) * 1000)
    assert terms[step].value == pytest.approx(times.decode_s(batch) * 1000)


@given(st.sampled_from(MODELS), st.integers(1, 512))
def test_no_more_than_the_peak_is_used(model: catalog.Model, batch: int) -> None:
    """MBU and MFU lie between 0 and 1."""
    assert 0 < mbu(shape(model), 1000, 300, batch) < 1
    assert 0 < prefill_mfu(shape(model), 1000, 300) < 1


def test_mbu_is_bytes_over_time_over_bandwidth() -> None:
    """At batch 1 it is weights and one sequence's cache over TPOT over the peak."""
    read = (LLAMA_8B.params_total - 128_256 * 4096) * 2 + 1150 * 131_072
    expected = read / step_times(shape(LLAMA_8B), 1000, 300).decode_s(1) / 3350e9
    assert mbu(shape(LLAMA_8B), 1000, 300, 1) == pytest.approx(expected)
