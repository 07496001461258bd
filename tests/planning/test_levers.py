"""What would make a service cheaper."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml

from inferstack import catalog, planning
from inferstack.planning.changes import TRIED
from inferstack.planning.levers import Lever, ServiceLevers, levers
from tests.planning.stacks import EKS, GKE, plan, plan_one, service, stack

LARGE = "Qwen/Qwen2.5-72B-Instruct"


def pulled(target: dict[str, Any] = EKS, **changes: Any) -> ServiceLevers:
    (found,) = levers(stack(service(**changes), target=target))
    return found


def lever(found: ServiceLevers, name: str) -> Lever:
    return next(each for each in found.levers if each.name == name)


def coarse_models() -> list[str]:
    """Open models of 20 to 80 billion parameters that are offered in fewer than 8 bits: those too large for the cheapest machines."""
    large = (model for model in catalog.models().values() if 20e9 < model.params_total < 80e9)
    return [model.id for model in large if any(catalog.quantization(each.quantization).bits < 8 for each in catalog.checkpoints(model.id))]


def test_levers_are_ranked_by_what_they_save() -> None:
    """The largest saving comes first, none is below a hundredth of the cost, and each is the difference of the two costs."""
    found = pulled(gpu="h100-80", traffic={"requestsPerSecond": 1, "isl": 500, "osl": 200, "activeHours": 8})
    savings = [each.saves_usd for each in found.levers]
    assert savings == sorted(savings, reverse=True)
    assert found.monthly_usd is not None
    assert savings[-1] >= found.monthly_usd.expected / 100
    for each in found.levers:
        assert each.becomes.monthly_usd is not None
        assert each.saves_usd == found.monthly_usd.expected - each.becomes.monthly_usd.expected - each.adds_usd


@pytest.mark.parametrize(
    ("name", "pins", "without"),
    [
        ("gpu", {"gpu": "h100-80"}, {}),
        ("capacityType", {"quantization": "fp8"}, {"quantization": "fp8", "capacityType": "spot"}),
        ("quantization", {"quantization": "bf16", "model": LARGE}, {"model": LARGE}),
        ("replicas", {"replicas": 6}, {}),
    ],
)
def test_a_lever_becomes_what_the_planner_makes_of_the_change(name: str, pins: dict[str, Any], without: dict[str, Any]) -> None:
    """The placement after a lever is the plan of the stack file that says so."""
    becomes = lever(pulled(**pins), name).becomes
    expected = plan_one(**without)
    assert (becomes.machine_type, becomes.quantization, becomes.replicas) == (
        expected.machine_type,
        expected.quantization,
        expected.replicas.max,
    )


def test_coarser_weights_are_a_lever_and_say_so() -> None:
    """Weights that the planner does not choose unasked are named with what is not known of them, for the first model that they help."""
    tried = (each for model in coarse_models() for each in pulled(model=model).levers if each.name == "quantization")
    found = next(each for each in tried if each.becomes.bits < 8)
    assert "quality" in found.caveat


def test_machines_of_the_active_hours_alone_cost_their_part_of_the_day() -> None:
    """Where one replica is enough, eight hours a day without standing machines cost a third, as the plan with that schedule says."""
    traffic = {"requestsPerSecond": 0.05, "isl": 500, "osl": 200, "activeHours": 8}
    found = pulled(traffic=traffic)
    assert found.monthly_usd is not None
    made = lever(found, "schedule")
    assert made.saves_usd + made.adds_usd == pytest.approx(found.monthly_usd.expected * 2 / 3)
    assert made.change == '`schedule: {start: "08:00", end: "16:00", days: [mon, tue, wed, thu, fri, sat, sun]}`'
    planned = plan_one(traffic=traffic, schedule=yaml.safe_load(made.change.strip("`"))["schedule"])
    assert planned.replicas.expected == pytest.approx(1 / 3)
    whole = plan(service(traffic=traffic)).costs.monthly_usd.expected
    scheduled = plan(service(traffic=traffic, schedule=yaml.safe_load(made.change.strip("`"))["schedule"])).costs.monthly_usd.expected
    assert made.saves_usd == pytest.approx(whole - scheduled)
    assert made.adds_usd > 0


def test_going_to_zero_is_planned_and_says_who_waits() -> None:
    """The lever costs what the plan with its key costs, and names the part of the requests that wait."""
    traffic = {"requestsPerSecond": 0.00002, "isl": 500, "osl": 200}
    made = lever(pulled(traffic=traffic), "scale-to-zero")
    planned = plan(service(traffic=traffic, replicas={"min": 0}))
    nodes = next(line for line in planned.costs.lines.children if line.name == "GPU nodes")
    assert made.becomes.monthly_usd is not None
    assert made.becomes.monthly_usd.expected == pytest.approx(nodes.monthly_usd.expected)
    assert made.caveat == f"{planned.services[0].waiting_share:.0%} of the requests wait for a cold start"


def test_going_to_zero_is_no_lever_where_its_starts_cost_more_than_it_saves() -> None:
    """Asked twice an hour, half of the machine's hours are saved, and each of hundreds of starts pulls image and weights through NAT."""
    assert "scale-to-zero" in pulled(traffic={"requestsPerSecond": 0.0005, "isl": 500, "osl": 200}).without_gain


def test_a_pin_of_replicas_is_no_reason_to_go_to_zero() -> None:
    """Two replicas of a service that is asked around the clock are given up by that pin, which going to zero does not claim for itself."""
    found = pulled(replicas={"min": 2, "max": 4})
    assert "replicas" in {each.name for each in found.levers}
    assert "scale-to-zero" in found.without_gain


def test_standing_machines_can_be_committed_where_the_term_has_a_price() -> None:
    """H100 machines of Google have committed prices: the longer term saves more, and only on the machines that always stand."""
    asked: dict[str, Any] = {"gpu": "h100-80", "traffic": {"requestsPerSecond": 1, "isl": 500, "osl": 200}}
    found = pulled(GKE, **asked)
    longer, shorter = (each for each in found.levers if each.name == "commitment")
    assert (longer.change, shorter.change) == ("`commitment: 3y`", "`commitment: 1y`")
    assert found.monthly_usd is not None
    assert longer.saves_usd == pytest.approx(found.monthly_usd.min * (1 - Decimal("0.4392")), rel=Decimal("0.001"))
    planned = plan(service(**asked, commitment="3y"), target=GKE)
    nodes = next(line for line in planned.costs.lines.children if line.name == "GPU nodes")
    assert longer.becomes.monthly_usd == nodes.monthly_usd


def test_a_replica_that_is_always_asked_cannot_scale_to_zero() -> None:
    """At a request a second around the clock a replica never stands idle for longer than it takes to come back."""
    found = pulled()
    assert {"schedule", "scale-to-zero"} <= set(found.without_gain)


def test_a_small_kv_cache_takes_the_flag_of_the_engine() -> None:
    """Where the KV cache limits a replica, half of its bytes save machines, and the change names the engine's own flag."""
    found = pulled(model="Qwen/Qwen2.5-7B-Instruct", gpu="l4", traffic={"requestsPerSecond": 6, "isl": 6000, "osl": 600}, slo=None)
    assert lever(found, "kv-cache").change == "`engine: vllm`, `engineArgs: {--kv-cache-dtype: fp8}`"


def test_an_engine_that_is_set_is_not_set_again() -> None:
    """A change of its flags names the flag alone, whose words are that engine's already."""
    found = pulled(engine="ray-serve", gpu="l4", traffic={"requestsPerSecond": 12, "isl": 1000, "osl": 300})
    assert lever(found, "kv-cache").change == "`engineArgs: {kv_cache_dtype: fp8}`"


def test_what_saves_nothing_is_named() -> None:
    """Everything that is tried is either a lever or named as without gain."""
    found = pulled(gpu="h100-80")
    assert set(TRIED) <= {each.name for each in found.levers} | set(found.without_gain)


def test_without_prices_nothing_is_ranked() -> None:
    """Machines of one's own without a price have no levers, rather than invented ones."""
    own = {"cloud": "existing", "nodes": [{"gpu": "l40s", "gpusPerNode": 4, "count": 4, "cpu": 64, "memoryGib": 512}]}
    assert pulled(own) == ServiceLevers("chat", None, (), ())


def test_the_document_has_every_lever() -> None:
    """Rows of the JSON carry the change, the saving as a number and the placement that it becomes."""
    made = levers(stack(service(gpu="h100-80"), service(name="other")))
    document = planning.levers_document(made)
    assert [each["service"] for each in document["services"]] == ["chat", "other"]
    first = document["services"][0]["levers"][0]
    assert first.keys() == {"name", "change", "caveat", "becomes", "savesUsd", "addsUsd"}
    assert first["becomes"]["keepsSlo"]
    assert Decimal(str(first["savesUsd"])) > 0


def test_prefix_caching_is_planned_at_the_hit_rate_that_it_states() -> None:
    """With half of the prompt tokens found cached, a service that mostly reads prompts needs fewer machines; the rate is in the change."""
    found = lever(pulled(traffic={"requestsPerSecond": 20, "isl": 6000, "osl": 20}, slo={"ttftP95Ms": 3000}), "prefix-cache")
    assert "50%" in found.change
    assert found.saves_usd > 0
