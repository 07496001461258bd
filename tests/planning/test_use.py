"""Lines of an estimate that follow from traffic, rollouts and starts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.costs import CostLine
from inferstack.planning.types import StackPlan

from .stacks import EKS, GKE, service

DAYTIME = {"requestsPerSecond": 40, "isl": 500, "osl": 200, "activeHours": 10}


def plan(usage: dict[str, Any] | None = None, target: dict[str, Any] = EKS, **changes: Any) -> StackPlan:
    config = {"inferstack:target": target, "inferstack:services": [service(**changes)], "inferstack:usage": usage or {}}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def lines(made: StackPlan) -> dict[str, CostLine]:
    return {line.name: line for line in made.costs.lines.leaves}


def expected(made: StackPlan, name: str) -> Decimal:
    quantity = lines(made)[name].quantity
    assert quantity is not None
    return quantity.expected


def test_weights_pass_nat_once_per_replica_and_rollout() -> None:
    """15 GB of bf16 weights from Hugging Face, two replicas, three rollouts: six times the weights at $0.045 per GB."""
    made = plan({"rolloutsPerMonth": 3}, replicas=2, quantization="bf16")
    weights = Decimal(made.services[0].replica.memory.weight_bytes) / 10**9
    assert expected(made, "NAT data") == pytest.approx(6 * weights)
    assert 14 < weights < 16
    assert "3 rollouts a month" in (lines(made)["NAT data"].note or "")


def test_rollouts_that_nobody_stated_are_a_band() -> None:
    """One a month, from none to four; the line carries the band and the total shows it."""
    made = plan(replicas=1)
    line = lines(made)["NAT data"]
    assert line.low_monthly_usd.expected == 0
    assert line.high_monthly_usd.expected > line.monthly_usd.expected * 4
    document = planning.cost_document(made.costs)
    assert document["band"]["low"] < document["band"]["expected"] < document["band"]["high"]


def test_weights_from_the_clouds_own_store_are_free() -> None:
    """S3 has a gateway endpoint: nothing of the weights passes NAT, and a line of $0 says why."""
    own = plan({"rolloutsPerMonth": 3}, modelUri="s3://bucket/qwen", quantization="bf16", replicas=1)
    assert expected(own, "NAT data") == 0
    free = lines(own)["weights from S3"]
    assert (free.unit_price_usd, free.monthly_usd.max) == (0, 0)
    assert "gateway endpoint" in (free.note or "")


def test_traffic_between_zones_is_billed_at_both_ends_on_aws() -> None:
    """Two of three callers sit in another zone; AWS bills a GB where it leaves and where it comes in, Google once."""
    sent = Decimal("2628000") * (200 * 250 + 500 * Decimal("4.5")) / 10**9
    assert expected(plan(), "traffic between zones") == pytest.approx(sent * 2 / 3 * 2)
    assert expected(plan(target=GKE), "traffic between zones") == pytest.approx(sent * 2 / 3)


def test_services_pay_for_their_own_traffic_weights_and_endpoint() -> None:
    """Of two services on machines of one kind the one with ten times the requests pays its part of the traffic between zones, and the
    one with an internal endpoint the load balancer."""
    talks = service(name="talks", replicas=1, gpu="l4", traffic={"requestsPerSecond": 1, "isl": 500, "osl": 200})
    quiet = service(name="quiet", replicas=1, gpu="l4", traffic={"requestsPerSecond": 0.1, "isl": 500, "osl": 200})

    def apart(**changes: Any) -> Decimal:
        config = {"inferstack:target": EKS, "inferstack:services": [talks, {**quiet, **changes}], "inferstack:apiKey": stackfile.SECRET}
        made = planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))
        first, second = made.costs.services
        crossing = lines(made)["traffic between zones"].monthly_usd.expected
        return (first.monthly_usd.expected - second.monthly_usd.expected) / crossing

    assert apart() == pytest.approx(Decimal(9) / 11, rel=Decimal("0.001"))
    assert apart(endpoint="internal") < 0


def test_one_zone_has_no_traffic_between_zones() -> None:
    """With a single zone the quantity is 0."""
    made = plan(target={**GKE, "zones": ["us-central1-a"]})
    assert expected(made, "traffic between zones") == 0


def test_egress_is_zero_with_a_reason_until_a_share_leaves() -> None:
    """Endpoints are inside the network; a share that leaves through a gateway is billed."""
    inside = lines(plan())["egress to the internet"]
    assert (inside.monthly_usd.max, inside.note) == (0, "0: endpoints are inside the network")
    leaving = plan({"egressShare": 0.5})
    assert expected(leaving, "egress to the internet") == pytest.approx(Decimal(2628000) * (200 * 250 + 500 * Decimal("4.5")) / 10**9 / 2)


def test_logs_are_counted_where_their_amount_is_stated() -> None:
    """40 GB at $0.50; otherwise the rate alone is shown."""
    assert "control plane and container logs" in plan().costs.usage_based
    assert lines(plan({"logGbPerMonth": 40}))["control plane and container logs"].monthly_usd.max == 20


def test_people_are_counted_where_they_are_stated() -> None:
    """An optional line: $12,500 a month, or none at all."""
    assert "people" not in lines(plan())
    assert lines(plan({"peopleUsdPerMonth": 12500}))["people"].monthly_usd.expected == 12500


def test_nodes_are_billed_while_replicas_load() -> None:
    """Replicas that come back each morning cost a cold start each, at the price of their machine and with its band."""
    made = plan(traffic=DAYTIME, gpu="l4")
    (pool,) = made.pools
    line = lines(made)[f"{pool.name} cold starts"]
    rising = made.services[0]
    mornings = Decimal(730) / 24
    replicas = (Decimal(str(rising.replicas.expected)) - 1) * 24 / 10
    hours = mornings * replicas * Decimal(str(rising.cold_start_seconds.expected)) / 3600 / pool.gpus_per_node
    assert line.quantity is not None
    assert line.quantity.expected == pytest.approx(hours)
    assert line.low_monthly_usd.expected < line.monthly_usd.expected < line.high_monthly_usd.expected
    assert not [name for name in lines(plan(replicas=2)) if name.endswith("cold starts")]


def test_an_interruption_of_spot_has_a_price_and_no_number() -> None:
    """How often a market takes machines away is not known: the line shows what one costs."""
    made = plan(target=GKE, capacityType="spot", gpu="l4", replicas=1)
    line = lines(made)["g2-standard-4-spot interruptions"]
    assert line.quantity is None
    assert line.unit_price_usd == pytest.approx(Decimal("0.397336") * Decimal(str(made.services[0].cold_start_seconds.expected)) / 3600)


def test_a_stack_of_idle_gpus_says_so() -> None:
    """One of eight A100 is used: whole machines are billed."""
    made = plan(machineType="p4d.24xlarge", tensorParallel=1, replicas=1)
    assert "billed 8, used 1: 88 % idle" in (lines(made)["p4d-24xlarge"].note or "")


@pytest.mark.parametrize(
    ("version", "monthly", "note"),
    [
        ("1.32", 438, "1.32 is in extended support since 2026-03-23"),
        ("1.34", 73, "in standard support until 2026-12-02, $0.60 an hour after that"),
        (None, 73, "in standard support until 2027-03-27, $0.60 an hour after that"),
    ],
)
def test_extended_support_costs_six_times_as_much(version: str | None, monthly: int, note: str) -> None:
    """$438 a month in place of $73 for a version whose standard support is over; before, the day of the cliff is named."""
    target = EKS if version is None else {**EKS, "versions": {"kubernetes": version}}
    line = lines(plan(target=target))["EKS control plane"]
    assert (line.monthly_usd.max, line.note) == (monthly, note)


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ({"rolloutsPerMonth": -1}, "rolloutsPerMonth: -1 must be at least 0"),
        ({"egressShare": 1.5}, "egressShare: 1.5 must be at most 1"),
        ({"peopleUsdPerMonth": 0}, "peopleUsdPerMonth: 0 must be above 0"),
    ],
)
def test_impossible_use_is_refused_with_its_key(usage: dict[str, Any], problem: str) -> None:
    """Negative amounts and shares above 1 are no use."""
    with pytest.raises(Exception, match=f"inferstack:usage.{problem}"):
        plan(usage)
