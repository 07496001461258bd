"""What must hold of every plan, whatever is asked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferstack import catalog, engines
from inferstack.errors import InputError
from inferstack.planning.types import StackPlan
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

MODELS = ("Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-14B", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen2.5-72B-Instruct")
models = st.sampled_from(MODELS)
targets = st.sampled_from((EKS, GKE))
lengths = st.integers(min_value=16, max_value=4000)
rates = st.floats(min_value=0.01, max_value=50)
slos = st.sampled_from(({}, {"tpotP95Ms": 80}, {"ttftP95Ms": 5000, "tpotP95Ms": 150}))


def _traffic(rate: float, isl: int, osl: int, hours: float = 24.0) -> dict[str, float]:
    return {"requestsPerSecond": rate, "isl": isl, "osl": osl, "activeHours": hours}


@settings(max_examples=40)
@given(models, targets, lengths, lengths, rates, st.floats(min_value=1.01, max_value=20), slos)
def test_more_traffic_never_costs_less(
    model: str, target: dict[str, str], isl: int, osl: int, rate: float, factor: float, slo: dict[str, float]
) -> None:
    """The expected monthly cost of the machines does not fall when the same service gets more requests."""
    try:
        less = plan(service(model=model, slo=slo, traffic=_traffic(rate, isl, osl)), target=target)
    except InputError:
        return
    more = plan(service(model=model, slo=slo, traffic=_traffic(rate * factor, isl, osl)), target=target)
    assert _machines_usd(more) >= _machines_usd(less)


def _machines_usd(made: StackPlan) -> Decimal:
    """Expected monthly cost of the accelerator nodes: what the search minimises. Disks follow from it and differ by a few dollars."""
    (nodes,) = (line for line in made.costs.lines.children if line.name == "GPU nodes")
    return nodes.monthly_usd.expected


@settings(max_examples=40)
@given(models, targets, lengths, lengths, rates, slos)
def test_every_plan_fits_its_own_memory_and_carries_its_own_peak(
    model: str, target: dict[str, str], isl: int, osl: int, rate: float, slo: dict[str, float]
) -> None:
    """Weights, buffers and cache add up to what may be used, a full-length request fits, replicas carry the peak, hosts hold the pods."""
    try:
        made = plan(service(model=model, slo=slo, traffic=_traffic(rate, isl, osl)), target=target)
    except InputError:
        return
    found, pool = made.services[0], made.pools[0]
    memory, shape = found.replica.memory, found.replica.shape
    assert memory.fits
    assert memory.weight_bytes + memory.activation_bytes + memory.runtime_bytes + memory.kv_bytes <= memory.usable_bytes + 1
    assert memory == engines.engine(shape.engine).memory(shape)
    assert found.replica.performance.capacity_rps.expected * found.replicas.max >= found.workload.peak_rps * (1 - 1e-6)
    assert found.meets_slo
    machine = catalog.machine(target["cloud"], found.machine_type)
    per_node = machine.accelerator_count // found.resources.gpus
    assert found.resources.memory_bytes * per_node < machine.memory_gib * 2**30
    assert found.resources.cpu_millicores * per_node < machine.vcpus * 1000
    assert found.spec.host_memory_bytes <= found.resources.memory_bytes
    assert pool.nodes.max * per_node >= found.replicas.max


@settings(max_examples=25)
@given(models, lengths, lengths, rates, st.floats(min_value=1, max_value=24))
def test_the_range_is_ordered(model: str, isl: int, osl: int, rate: float, hours: float) -> None:
    """Minimum, expected and maximum never cross, in replicas, nodes and money."""
    try:
        made = plan(service(model=model, slo={}, traffic=_traffic(rate, isl, osl, hours)))
    except InputError:
        return
    replicas, nodes, cost = made.services[0].replicas, made.pools[0].nodes, made.costs.monthly_usd
    assert replicas.min <= replicas.expected <= replicas.max
    assert nodes.min <= nodes.expected <= nodes.max
    assert cost.min <= cost.expected <= cost.max


@settings(max_examples=30)
@given(models, lengths, lengths, st.sampled_from((("l4", "l40s"), ("a100-40", "a100-80"), ("h100-80", "h200-141"))))
def test_more_memory_never_fits_less(model: str, isl: int, osl: int, gpus: tuple[str, str]) -> None:
    """What a GPU holds, the larger one of the same kind of machine holds too."""
    smaller, larger = (_fits(model, isl, osl, gpu) for gpu in gpus)
    assert larger or not smaller


def _fits(model: str, isl: int, osl: int, gpu: str) -> bool:
    try:
        plan_one(model=model, gpu=gpu, slo=None, quantization="bf16", tensorParallel=None, traffic=_traffic(0.01, isl, osl))
    except InputError:
        return False
    return True


@pytest.mark.parametrize("looser", [{"tpotP95Ms": 200}, {"ttftP95Ms": 60_000, "tpotP95Ms": 100}])
def test_a_laxer_slo_never_costs_more(looser: dict[str, float]) -> None:
    """Giving latency away does not make the plan dearer."""
    strict = plan(service(model="Qwen/Qwen3-14B", traffic=_traffic(5, 1000, 300)))
    lax = plan(service(model="Qwen/Qwen3-14B", traffic=_traffic(5, 1000, 300), slo=looser))
    assert lax.costs.monthly_usd.expected <= strict.costs.monthly_usd.expected
