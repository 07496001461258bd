"""Bands: wider where the fit has not been."""

from __future__ import annotations

import pytest

from inferstack.sizing import size_replica
from inferstack.sizing.bands import spread_of
from inferstack.sizing.constants import constants
from inferstack.sizing.types import Slo

from .cases import H100, L4, LLAMA_8B, memory, shape

LOADS = ("offline", "batch-1", "closed-loop", "burst", "request-rate", "overload")
QUANTITIES = ("output_tps", "ttft", "tpot")


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_load_and_quantity_has_a_band_around_its_value(load: str, quantity: str) -> None:
    """The expected value lies inside its band, whatever is measured."""
    spread = spread_of(shape(LLAMA_8B), load, quantity)
    assert 0 < spread.low < 1 < spread.high


def test_a_load_without_measurements_has_the_widest_band_of_its_kin() -> None:
    """Nobody measured mixtures at a request rate: their band holds that of dense models and those of mixtures at other loads."""
    table = constants("performance")["bands"]["loads"]
    for quantity in QUANTITIES:
        band = table["request-rate"][quantity]["mixture"]
        assert band["n"] == 0
        for kin in (table["request-rate"][quantity]["dense"], table["closed-loop"][quantity]["mixture"]):
            assert band["low"] <= kin["low"]
            assert band["high"] >= kin["high"]


def test_unmeasured_silicon_widens_the_band() -> None:
    """The band of a device without a measurement is wider on both sides, by the spread between known devices."""
    known, unknown = (spread_of(shape(LLAMA_8B, accelerator=silicon), "offline", "output_tps") for silicon in (H100, L4))
    assert unknown.low < known.low
    assert unknown.high > known.high


def test_estimates_carry_the_band_of_their_load() -> None:
    """What a replica can do has the band of a closed loop, latencies that of a request rate."""
    loads, one = constants("performance")["bands"]["loads"], shape(LLAMA_8B)
    made = size_replica(one, memory(one), 1000, 300, Slo(), 1.0)
    for estimate in (made.capacity_rps, made.output_tps):
        assert estimate.low / estimate.expected == pytest.approx(loads["closed-loop"]["output_tps"]["dense"]["low"])
    for estimate, quantity in ((made.ttft_p95_ms, "ttft"), (made.tpot_p95_ms, "tpot")):
        assert estimate.high / estimate.expected == pytest.approx(loads["request-rate"][quantity]["dense"]["high"])
