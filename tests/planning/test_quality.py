"""Engines that are compared, and weights that are never coarser than a floor."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import catalog, planning, stackfile
from inferstack.errors import InputError
from inferstack.planning.quality import loss_text
from inferstack.planning.types import ServicePlan

SERVICE: dict[str, Any] = {
    "name": "chat",
    "model": "Qwen/Qwen3-8B",
    "traffic": {"requestsPerSecond": 5, "isl": 1000, "osl": 300},
    "slo": {"tpotP95Ms": 60},
}


def planned(**changes: Any) -> ServicePlan:
    config = {"inferstack:target": {"cloud": "gke", "region": "us-central1"}, "inferstack:services": [{**SERVICE, **changes}]}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml")).services[0]


def problem(**changes: Any) -> Any:
    with pytest.raises(InputError) as refused:
        planned(**changes)
    (found,) = refused.value.problems
    return found


def reason(plan: ServicePlan, key: str) -> str:
    return next(decision.reason for decision in plan.decisions if decision.key == key)


def test_auto_takes_the_cheapest_engine_and_names_every_other() -> None:
    """With engine auto the plan says what a million tokens costs with each engine that was compared, and takes none dearer than another."""
    said = reason(planned(engine="auto"), "engine")
    prices = {name: float(said.split(f"{name} $")[1].split(",")[0].split(";")[0]) for name in ("vllm", "sglang", "tensorrt-llm")}
    assert planned(engine="auto").spec.engine in [name for name, price in prices.items() if price == min(prices.values())]
    for name in ("vllm", "llama.cpp", "sglang", "tensorrt-llm"):
        assert name in said
    assert "ollama" not in said


def test_left_out_is_the_first_that_works() -> None:
    """Without engine the first of those that are chosen unasked is taken, whatever others would cost."""
    assert planned().spec.engine == "vllm"
    assert "first of the engines" in reason(planned(), "engine")


@pytest.mark.parametrize("key", ["engine", "quantization"])
def test_auto_is_not_pinned(key: str) -> None:
    """`auto` leaves the choice to the plan, and is no name."""
    plan = planned(**{key: "auto"})
    assert not next(decision.pinned for decision in plan.decisions if decision.key == key)


def test_an_engine_without_keys_is_not_compared_for_callers_outside() -> None:
    """Behind a load balancer only engines that ask for a key are compared."""
    config = {
        "inferstack:target": {"cloud": "gke", "region": "us-central1"},
        "inferstack:apiKey": stackfile.SECRET,
        "inferstack:services": [{**SERVICE, "engine": "auto", "endpoint": "internal"}],
    }
    plan = planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml")).services[0]
    assert "tensorrt-llm" not in reason(plan, "engine")


@pytest.mark.parametrize(
    ("floor", "bits"), [({"minBits": 16}, 16), ({"minBits": 8}, 8), ({"maxLossPercent": 0}, 8), ({"minBits": 4, "maxLossPercent": 3}, 8)]
)
def test_no_weights_are_below_the_floor(floor: dict[str, float], bits: int) -> None:
    """Chosen weights have the bits that the floor asks for, and a known loss where it asks for one."""
    plan = planned(quality=floor)
    assert catalog.quantization(plan.quantization).bits >= bits
    assert "floor of the stack file" in reason(plan, "quality")


def test_a_low_floor_admits_what_is_not_chosen_unasked() -> None:
    """Below 8 bits weights are chosen where the floor admits them and they are cheaper, and the plan says what they cost in quality."""
    service = {"model": "Qwen/Qwen3-32B", "traffic": {"requestsPerSecond": 0.2, "isl": 1000, "osl": 300}}
    fine, coarse = planned(**service), planned(**service, quality={"minBits": 4})
    assert catalog.quantization(fine.quantization).bits >= 8
    assert catalog.quantization(coarse.quantization).bits < 8
    assert "not known" in reason(coarse, "quality")
    assert not any("coarser" in warning for warning in coarse.warnings)


def test_a_floor_holds_where_nothing_else_works() -> None:
    """Where only coarser weights fit, a floor refuses them, and the error says what works without it and for how much."""
    cramped = {"model": "Qwen/Qwen3-32B", "gpu": "l4", "tensorParallel": 1, "traffic": {"requestsPerSecond": 0.01, "isl": 500, "osl": 100}}
    assert catalog.quantization(planned(**cramped, slo={}).quantization).bits < 8
    found = problem(**cramped, slo={}, quality={"minBits": 8})
    assert found.path == "inferstack:services[0].tensorParallel" or "quality" in found.path
    assert "$" in found.nearest


def test_rules_of_a_floor() -> None:
    """A floor without a bound, and one beside named weights, are refused by their key."""
    assert problem(quality={}).path.endswith("quality")
    assert "stands beside `quantization`" in problem(quality={"minBits": 4}, quantization="awq").reason


@pytest.mark.parametrize(
    ("quantization", "said"), [("fp8", "loses no accuracy"), ("int8", "1 to 3 % of accuracy"), ("gguf-q4_k_m", "not known")]
)
def test_a_known_loss_has_its_source(quantization: str, said: str) -> None:
    """What is known of a quantization's quality is said with its source; what is not known is said to be so."""
    text = loss_text(quantization)
    assert said in text
    assert ("arXiv" in text) is (said != "not known")
