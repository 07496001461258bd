"""What the network between the machines of one replica adds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog
from inferstack.sizing import batched_tokens, layout, network_of
from inferstack.sizing.latency_terms import latency_terms
from inferstack.sizing.performance import bands, step_times
from inferstack.sizing.types import Parallelism, Provenance, Shape
from tests.sizing import cases

ONE = cases.shape(cases.LLAMA_70B, tensor=8, pipeline=2, accelerator=cases.H100)
TPOT = (1.0, "request-rate", "tpot")


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
    (near,), (far,) = bands(ONE, TPOT), bands(spanning(), TPOT)
    assert far.low < near.low < near.high < far.high
    assert far.provenance is Provenance.BELIEVED
    assert "network between machines" in far.source


@given(machines=st.integers(2, 8), batch=st.integers(1, 512))
def test_each_further_machine_is_a_transfer(machines: int, batch: int) -> None:
    """A step crosses the network once less than there are machines, and the term in the explanation is what the step times grew by."""
    shape = spanning(machines)
    network = network_of(shape)
    assert network is not None
    assert network.transfers == machines - 1
    added = network.decode_s(batch)
    assert 0 < added.low < added.expected < added.high
    without = replace(shape, device=replace(shape.device, machines=1))
    grown = step_times(shape, 1000, 200).decode_s(batch) - step_times(without, 1000, 200).decode_s(batch)
    assert abs(grown - added.expected) < 1e-9
    terms = {term.name: term for term in latency_terms(shape, 1000, 200, batch)}
    assert terms["network between machines"].provenance is Provenance.BELIEVED


def sharing(machines: int = 2, tensor: int = 1) -> Shape:
    """DeepSeek-V3 whose experts are spread over so many machines of eight GPUs."""
    shape = spanning(machines)
    model = catalog.model("deepseek-ai/DeepSeek-V3")
    parallel = Parallelism(tensor=tensor, data=8 * machines // tensor, expert=8 * machines)
    weights = replace(shape.checkpoint, model=model.id, quantization="fp8-block")
    return replace(shape, model=model, checkpoint=weights, parallel=parallel)


@given(machines=st.integers(2, 4), batch=st.integers(1, 4096), tensor=st.sampled_from([1, 8]))
def test_shared_experts_cross_the_network_twice_in_each_layer(machines: int, batch: int, tensor: int) -> None:
    """Tokens are gathered before the experts and scattered after them; dense layers exchange nothing. The step grows by that alone."""
    shape = sharing(machines, tensor)
    network = network_of(shape)
    assert network is not None
    assert network.transfers == 2 * (61 - 3)
    without = replace(shape, device=replace(shape.device, machines=1))
    grown = step_times(shape, 1000, 200).decode_s(batch) - step_times(without, 1000, 200).decode_s(batch)
    assert abs(grown - network.decode_s(batch).expected) < 1e-9
    terms = latency_terms(shape, 1000, 200, batch)
    assert next(term for term in terms if term.name == "network between machines").provenance is Provenance.BELIEVED
    (prefill,) = [index for index, term in enumerate(terms) if term.name == "prefill"]
    assert sum(term.value for term in terms[:prefill]) == pytest.approx(terms[prefill].value)


def test_a_published_exchange_lies_within_the_band() -> None:
    """DeepEP v1 (docs/legacy.md): 128 tokens of each of 16 H800 take 118 us to their experts and 195 us back, at 3,200 Gbit/s a machine."""
    network = network_of(sharing())
    assert network is not None
    both = network.decode_s(16 * 128).scaled(2 / network.transfers)
    assert both.low < 118e-6 + 195e-6 < both.high


def test_a_lone_prompt_has_its_own_group_only() -> None:
    """Fewer and larger groups compute a prompt sooner, and none as soon as all GPUs together would on one machine."""
    alone = [step_times(sharing(tensor=tensor), 2000, 1).prefill_s for tensor in (1, 2, 4, 8)]
    assert alone == sorted(alone, reverse=True)
    assert alone[-1] > step_times(replace(sharing(), device=replace(sharing().device, machines=1)), 2000, 1).prefill_s


def test_shared_experts_have_the_wider_band() -> None:
    """Experts that many tokens choose keep the others waiting, and nothing measured says how long."""
    (experts,), (stages,) = bands(sharing(), TPOT), bands(replace(sharing(), parallel=Parallelism(8, 2)), TPOT)
    assert experts.high > stages.high


def test_an_unknown_network_is_taken_for_a_slow_one() -> None:
    """Where nobody says what joins the machines, a plain Ethernet is assumed."""
    assert step_times(spanning(gbps=None), 1000, 200).decode_s(32) > step_times(spanning(gbps=400), 1000, 200).decode_s(32)


def test_gathered_tokens_take_memory() -> None:
    """A device holds the tokens of all groups where machines share the experts, and those of its own where one machine does."""
    device = replace(sharing().device, memory_bytes=140 * 2**30)
    across = layout(replace(sharing(), device=device))
    within = layout(replace(sharing(), device=replace(device, machines=1)))
    budget = batched_tokens(sharing())
    assert across.activation_bytes - within.activation_bytes == 2 * 16 * budget * 7168 * 2
    assert across.kv_bytes < within.kv_bytes
