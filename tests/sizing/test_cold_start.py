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
    found = cold_start(16 * GIB, 10, "s3", disk_mb_s=1000, network_gbps=100, provisions_node=True)
    estimate = found.seconds
    assert [part.name for part in found.parts] == ["node", "image", "weights", "start"]
    assert estimate.expected == pytest.approx(150 + 10 * GIB / 0.12e9 + 16 * GIB / 1e9 + 75)


def test_a_node_that_is_there_has_the_image() -> None:
    """Without a new node only weights and start remain."""
    estimate = cold_start(16 * GIB, 10, "hf", disk_mb_s=None, network_gbps=None, provisions_node=False).seconds
    assert estimate.expected == pytest.approx(16 * GIB / 0.25e9 + 75)


def test_the_slowest_of_source_network_and_disk_bounds() -> None:
    """A slow disk bounds a fast source, a slow network both."""
    fast, disk, network = (
        cold_start(16 * GIB, 0, "s3", disk_mb_s=mb_s, network_gbps=gbps, provisions_node=False).seconds.expected
        for mb_s, gbps in ((10_000, 100), (125, 100), (10_000, 0.5))
    )
    assert fast - 75 == pytest.approx(16 * GIB / 2e9)
    assert disk - 75 == pytest.approx(16 * GIB / 125e6)
    assert network - 75 == pytest.approx(16 * GIB / 62.5e6)


def test_a_startup_probe_waits_for_the_container_alone() -> None:
    """Node and image are not part of what the container takes: weights and start are the same with and without a new node."""
    new, there = (cold_start(16 * GIB, 10, "hf", 500, 10, provisions_node=node) for node in (True, False))
    assert new.container_seconds == there.container_seconds == there.seconds
    assert new.seconds.high > new.container_seconds.high


def test_every_part_shows_its_formula() -> None:
    """A transfer names its bytes, its rate, and which of source, disk and network bounds it."""
    parts = {part.name: part.formula for part in cold_start(20 * 10**9, 10, "hf", 125, 10, provisions_node=True).parts}
    assert parts["weights"] == "20.0 GB / 0.125 GB/s (disk)"
    assert parts["image"] == "10.7 GB / 0.12 GB/s (pull and unpack)"


@pytest.mark.parametrize(("gib", "source", "seconds"), [(51.4, "hf", 135), (57.0, "pvc", 558)])
def test_observed_loads_lie_in_the_band(gib: float, source: str, seconds: float) -> None:
    """Published load times of weights: Gemma-3-27B in 135 s, a 30B mixture of experts from slow storage in 558 s."""
    weights = next(part for part in cold_start(round(gib * GIB), 0, source, 1000, 100, False).parts if part.name == "weights").seconds
    assert weights.low <= seconds <= weights.high * 1.05


def test_sources_are_ordered() -> None:
    """A shared volume is slower than the hub, the hub slower than a bucket, a bucket slower than a local disk."""
    seconds = [cold_start(100 * GIB, 0, kind, 10_000, 100, False).seconds.expected for kind in ("pvc", "hf", "s3", "nvme")]
    assert seconds == sorted(seconds, reverse=True)


def test_unknown_source_is_refused() -> None:
    """A kind of source without a bandwidth raises instead of taking another's."""
    with pytest.raises(KeyError, match="tape"):
        cold_start(GIB, 1, "tape", None, None, provisions_node=False)


@given(st.integers(0, 10**12), st.floats(0, 40), st.sampled_from(["hf", "s3", "gs", "pvc", "nvme", "oci"]), st.booleans())
def test_the_band_encloses_the_expected_value(weight_bytes: int, image_gib: float, kind: str, provisions_node: bool) -> None:
    """Low, expected and high are in order, positive, and only believed."""
    estimate = cold_start(weight_bytes, image_gib, kind, None, None, provisions_node).seconds
    assert 0 < estimate.low < estimate.expected < estimate.high
    assert estimate.provenance is Provenance.BELIEVED


def test_disks_of_its_own_are_faster_than_the_network_disk() -> None:
    """A machine with local NVMe keeps its pods' files there: the bucket is then what bounds."""
    network, local = (cold_start(16 * GIB, 0, "s3", 125, 100, provisions_node=False, local_nvme=local) for local in (False, True))
    assert network.parts[0].formula.endswith("(disk)")
    assert local.parts[0].formula.endswith("(s3)")
    assert local.seconds.expected < network.seconds.expected


def test_what_is_read_in_place_passes_no_disk() -> None:
    """A mounted volume and a streamed bucket are not bound by a slow disk of the node."""
    mounted = cold_start(16 * GIB, 0, "pvc", 10, 100, provisions_node=False)
    streamed = cold_start(16 * GIB, 0, "s3", 10, 100, provisions_node=False, streamed=True)
    assert mounted.parts[0].formula.endswith("(pvc)")
    assert streamed.parts[0].formula.endswith("(s3)")
