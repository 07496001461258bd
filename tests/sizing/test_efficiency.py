"""What part of the peak is reached: base times factors, from data, and what is only believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import efficiency_of
from inferstack.sizing.constants import constants
from inferstack.sizing.efficiency import CEILING, Base, Factors, combine, saturating
from inferstack.sizing.types import Provenance

from .cases import H100, L4, LLAMA_8B, shape

GPU = constants("performance")["regimes"]["gpu"]
BASE = Base(**GPU["base"])


def test_factors_multiply() -> None:
    """A rate is its shared constant times every factor that concerns it, a time likewise."""
    reached = combine(BASE, Factors(silicon=0.5, device=0.8, unpack=0.9, host=2.0), 0.6, 1e-5, float("inf"), False)
    assert reached.weight_read == pytest.approx(saturating(BASE.weight_read * 0.5 * 0.8 * 0.9))
    assert reached.kv_read == pytest.approx(saturating(BASE.kv_read * 0.5 * 0.8))
    assert reached.layer_s == BASE.layer_s * 2
    assert reached.message_s == pytest.approx(2e-5)
    assert reached.sequence_s == BASE.sequence_s


def test_narrow_experts_and_unpacked_weights_multiply_slower() -> None:
    """Products of experts of the reference width run at half their rate; unpacking slows all products and no reading."""
    wide, narrow = (combine(BASE, Factors(), 0.6, 1e-5, width, False) for width in (float("inf"), BASE.expert_width))
    assert narrow.expert_decode < 0.6 * wide.expert_decode
    assert narrow.decode == wide.decode
    unpacked = combine(BASE, Factors(), 0.6, 1e-5, float("inf"), True)
    assert unpacked.decode < wide.decode
    assert unpacked.weight_read == wide.weight_read


@given(st.floats(1e-3, 1e3))
def test_nothing_is_faster_than_the_silicon(part: float) -> None:
    """However large the product of factors, no more than the ceiling of a peak rate is reached."""
    assert 0 < saturating(part) <= min(part, CEILING) * (1 + 1e-12)


def test_the_version_chooses_the_row() -> None:
    """An engine's row is the newest that is not newer than the version; text that is no version counts as newest."""
    old, new, newest = (efficiency_of(replace(shape(LLAMA_8B), engine_version=version)) for version in ("0.8.5", "0.19.0", "newest"))
    assert new.efficiency == newest.efficiency != old.efficiency


def test_unmeasured_silicon_is_believed() -> None:
    """A device without a measurement has factor 1 and says so; its generation may be known all the same."""
    measured, believed = efficiency_of(shape(LLAMA_8B)), efficiency_of(shape(LLAMA_8B, accelerator=L4))
    assert measured.provenance is Provenance.FITTED
    assert measured.unmeasured == ()
    assert believed.provenance is Provenance.BELIEVED
    assert believed.unmeasured == ("gpu l4",)
    assert "gpu l4" in believed.source


def test_unknown_engine_borrows_as_a_belief() -> None:
    """An engine without factors takes its kin's newest and is only believed."""
    borrowed = efficiency_of(shape(LLAMA_8B, engine="ray-serve"))
    assert borrowed.efficiency == efficiency_of(replace(shape(LLAMA_8B), engine_version="newest")).efficiency
    assert borrowed.unmeasured == ("engine ray-serve",)


def test_silicon_of_a_new_generation_takes_its_kin() -> None:
    """Compute capability 10.3 borrows from 10.0, and is marked."""
    newer = replace(H100, id="b300-288", compute_capability="10.3")
    assert "silicon 10.3" in efficiency_of(shape(LLAMA_8B, accelerator=newer)).unmeasured


def test_fitted_levels_are_in_the_catalog() -> None:
    """Every id that has a fitted factor names an accelerator of the catalog, and every quantization one of its rows or schemes."""
    assert set(GPU["devices"]) <= set(catalog.accelerators())
    rows = catalog.quantizations().values()
    assert set(GPU["quantizations"]) <= {row.name for row in rows} | {row.scheme for row in rows}
