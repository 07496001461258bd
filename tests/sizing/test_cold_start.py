"""Cold starts: parts, order of sources, what is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.sizing import cold_start
from inferstack.sizing.types import Provenance

GIB = 2**30


def test_parts_add_up() -> None:
    """Expected seconds are node + image + weights + start, each at its expected rate."""
    estimate = cold_start(16 * GIB, 10, "s3", disk_mb_s=1000, network_gbps=100, provisions_node=True)
    assert estimate.expected == pytest.approx(150 + 10 * GIB / 0.12e9 + 16 * GIB / 1e9 + 75)


def test_a_node_that_is_there_has_the_image() -> None:
    """Without a new node only weights and start remain."""
    estimate = cold_start(16 * GIB, 10, "hf", disk_mb_s=None, network_gbps=None, provisions_node=False)
    assert estimate.expected == pytest.approx(16 * GIB / 0.25e9 + 75)


def test_the_slowest_of_source_network_and_disk_bounds() -> None:
    """A slow disk bounds a fast source, a slow network both."""
    fast, disk, network = (
        cold_start(16 * GIB, 0, "s3", disk_mb_s=mb_s, network_gbps=gbps, provisions_node=False).expected
        for mb_s, gbps in ((10_000, 100), (125, 100), (10_000, 0.5))
    )
    assert fast - 75 == pytest.approx(16 * GIB / 2e9)
    assert disk - 75 == pytest.approx(16 * GIB / 125e6)
    assert network - 75 == pytest.approx(16 * GIB / 62.5e6)


def test_sources_are_ordered() -> None:
    """A shared volume is slower than the hub, the hub slower than a bucket, a bucket slower than a local disk."""
    seconds = [cold_start(100 * GIB, 0, kind, 10_000, 100, False).expected for kind in ("pvc", "hf", "s3", "nvme")]
    assert seconds == sorted(seconds, reverse=True)


def test_unknown_source_is_refused() -> None:
    """A kind of source without a bandwidth raises instead of taking another's."""
    with pytest.raises(KeyError, match="tape"):
        cold_start(GIB, 1, "tape", None, None, provisions_node=False)


@given(st.integers(0, 10**12), st.floats(0, 40), st.sampled_from(["hf", "s3", "gs", "pvc", "nvme", "oci"]), st.booleans())
def test_the_band_encloses_the_expected_value(weight_bytes: int, image_gib: float, kind: str, provisions_node: bool) -> None:
    """Low, expected and high are in order, positive, and only believed."""
    estimate = cold_start(weight_bytes, image_gib, kind, None, None, provisions_node)
    assert 0 < estimate.low < estimate.expected < estimate.high
    assert estimate.provenance is Provenance.BELIEVED
