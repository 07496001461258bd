"""What the network between the machines of one replica adds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from inferstack.sizing import network_of
from inferstack.sizing.latency_terms import latency_terms
from inferstack.sizing.performance import latency_band, step_times
from inferstack.sizing.types import Parallelism, Provenance, Shape
from tests.sizing import cases

ONE = cases.shape(cases.LLAMA_70B, tensor=8, pipeline=2, accelerator=cases.H100)


def spanning(machines: int = 2, gbps: float | None = 3200) -> Shape:
    """The same stages on so many machines, whose network carries `gbps`."""
    count = ONE.parallel.tensor * machines
    bytes_s = None if gbps is None else gbps * 1e9 / 8 / ONE.parallel.tensor
    device = replace(ONE.device, count=count, machines=machines, network_bytes_s=bytes_s)
    return replace(ONE, device=device, parallel=Parallelism(tensor=ONE.parallel.tensor, pipeline=machines))


def test_one_machine_has_no_network() -> None:
    """Stages on one machine hand on over its own links."""
    assert network_of(ONE) is None


def test_machines_cost_time() -> None:
    """The same stages are slower on two machines than on one, and the more so the slower the network; the band is wider and believed."""
    times = [step_times(shape, 1000, 200) for shape in (ONE, spanning(), spanning(gbps=100), spanning(gbps=10))]
    assert [each.decode_s(32) for each in times] == sorted({each.decode_s(32) for each in times})
    assert [each.prefill_s for each in times] == sorted({each.prefill_s for each in times})
    near, far = latency_band(1.0, ONE, "tpot"), latency_band(1.0, spanning(), "tpot")
    assert far.low < near.low < near.high < far.high
    assert far.provenance is Provenance.BELIEVED
    assert "network between machines" in far.source


@given(machines=st.integers(2, 8), batch=st.integers(1, 512))
def test_each_further_machine_is_a_hop(machines: int, batch: int) -> None:
    """A step crosses the network once less than there are machines, and the term in the explanation is what the step times grew by."""
    shape = spanning(machines)
    network = network_of(shape)
    assert network is not None
    assert network.hops == machines - 1
    added = network.decode_s(batch)
    assert 0 < added.low < added.expected < added.high
    without = replace(shape, device=replace(shape.device, machines=1))
    grown = step_times(shape, 1000, 200).decode_s(batch) - step_times(without, 1000, 200).decode_s(batch)
    assert abs(grown - added.expected) < 1e-9
    terms = {term.name: term for term in latency_terms(shape, 1000, 200, batch)}
    assert terms["network between machines"].provenance is Provenance.BELIEVED


def test_an_unknown_network_is_taken_for_a_slow_one() -> None:
    """Where nobody says what joins the machines, a plain Ethernet is assumed."""
    assert step_times(spanning(gbps=None), 1000, 200).decode_s(32) > step_times(spanning(gbps=400), 1000, 200).decode_s(32)
