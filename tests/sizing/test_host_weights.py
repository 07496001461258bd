"""Weights that wait in main memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.sizing import weight_bytes_per_device
from inferstack.sizing.latency_terms import latency_terms
from inferstack.sizing.performance import bands, step_times
from inferstack.sizing.types import Provenance, Shape
from tests.sizing import cases

GIB = 2**30
DENSE = cases.shape(cases.LLAMA_70B, tensor=8, accelerator=cases.H100)
MIXTURE = cases.shape(cases.QWEN_30B_A3B, accelerator=cases.H100)
TPOT = (1.0, "request-rate", "tpot")


def keeping(shape: Shape, gib: float) -> Shape:
    return replace(shape, host_weight_bytes=round(gib * GIB))


@pytest.mark.parametrize("shape", [DENSE, MIXTURE])
@given(gib=st.floats(0.5, 12), batch=st.integers(1, 256))
def test_a_step_reads_them_over_pcie(shape: Shape, gib: float, batch: int) -> None:
    """Each GiB makes a step slower, by no more than PCIe at its nominal rate and half of it would; the explanation sums up to the step."""
    usual, moved = step_times(shape, 1000, 200), step_times(keeping(shape, gib), 1000, 200)
    rate = shape.device.host_bytes_s
    assert rate is not None
    added = moved.decode_s(batch) - usual.decode_s(batch)
    assert 0 < added < 2 * gib * GIB / rate
    assert moved.prefill_s > usual.prefill_s
    terms = latency_terms(keeping(shape, gib), 1000, 200, batch)
    prefill, step = (next(i for i, term in enumerate(terms) if term.name == name) for name in ("prefill", "decode step"))
    assert sum(term.value for term in terms[:prefill]) == pytest.approx(terms[prefill].value)
    assert sum(term.value for term in terms[prefill + 2 : step]) == pytest.approx(terms[step].value)


def test_experts_that_nobody_chose_do_not_cross() -> None:
    """A single sequence of a mixture reads few of them, a large batch nearly all."""
    usual, moved = step_times(MIXTURE, 1000, 200), step_times(keeping(MIXTURE, 20), 1000, 200)
    added = [moved.decode_s(batch) - usual.decode_s(batch) for batch in (1, 8, 256)]
    assert added == sorted(added)
    assert added[0] < added[-1] / 4


def test_the_band_is_wider_and_believed() -> None:
    """No published run of it is in the fit."""
    (usual,), (moved,) = bands(DENSE, TPOT), bands(keeping(DENSE, 4), TPOT)
    assert moved.low < usual.low < usual.high < moved.high
    assert moved.provenance is Provenance.BELIEVED
    assert "main memory" in moved.source


def test_no_more_than_all_of_them_move() -> None:
    """A limit above the weights moves all of them."""
    all_of_them = weight_bytes_per_device(DENSE) / GIB
    assert step_times(keeping(DENSE, all_of_them), 1000, 200) == step_times(keeping(DENSE, 10 * all_of_them), 1000, 200)
