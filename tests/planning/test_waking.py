"""Services of which no replica runs while nobody asks: what is rendered is what is counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import manifests, planning
from inferstack.errors import InputError
from inferstack.planning.types import StackPlan

from .stacks import EKS, GKE, plan, service, stack

RARE = {"requestsPerSecond": 0.001, "isl": 500, "osl": 200, "activeHours": 10, "activeDays": 5}
ZERO = {"min": 0}


def rare(target: dict[str, Any] = EKS, **changes: Any) -> StackPlan:
    return plan(service(**{"traffic": RARE, "replicas": ZERO, "gpu": "l4", **changes}), target=target)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(InputError) as refused:
        rare(**changes)
    return [str(problem).removeprefix("inferstack:services[0].") for problem in refused.value.problems]


def line(made: StackPlan, name: str) -> Any:
    return next(leaf for leaf in made.costs.lines.leaves if leaf.name.endswith(name))


def test_the_expected_column_counts_the_hours_in_which_somebody_asks() -> None:
    """3.6 requests an hour in 50 of 168 hours: a node for a part of those, none at the bottom of the range."""
    made = rare()
    (pool,) = made.pools
    assert (pool.nodes.min, pool.nodes.max) == (0, 1)
    assert Decimal("0.1") < pool.nodes.expected < Decimal(50) / 168
    assert made.costs.monthly_usd.expected < rare(replicas={"min": 1, "max": 1}).costs.monthly_usd.expected


def test_starts_and_what_stands_after_them_are_billed() -> None:
    """Every pause ends with a cold start and leaves a node idle for ten minutes; both are lines with a band."""
    made = rare()
    starts, idle = line(made, "cold starts"), line(made, "idle before they go")
    seconds = Decimal(str(made.services[0].cold_start_seconds.expected))
    assert starts.quantity.expected / seconds == pytest.approx(idle.quantity.expected / 600)
    assert idle.quantity.expected < idle.high_quantity.expected
    assert starts.low_quantity.expected < starts.quantity.expected < starts.high_quantity.expected


def test_who_waits_is_said_and_held_against_the_target() -> None:
    """Where more than a twentieth of the requests waits for a start, TTFT at p95 is missed; the warning has share and minutes."""
    (seldom,) = rare().services
    assert seldom.waiting_share > 0.05
    assert not seldom.meets_slo
    assert any("wait for a cold start" in warning and "past what TTFT p95 leaves out" in warning for warning in seldom.warnings)
    (often,) = rare(traffic={**RARE, "requestsPerSecond": 0.02}).services
    assert 0 < often.waiting_share < 0.05
    assert often.meets_slo
    assert rare(slo={"tpotP95Ms": 100}).services[0].meets_slo


def test_traffic_without_a_pause_keeps_its_replicas() -> None:
    """At a request a second around the clock going to zero changes neither the hours nor who waits."""
    busy = {"requestsPerSecond": 1, "isl": 500, "osl": 200}
    woken, standing = rare(traffic=busy), rare(traffic=busy, replicas=None)
    assert woken.pools[0].nodes.expected == standing.pools[0].nodes.expected
    assert woken.services[0].waiting_share == 0


def test_hours_of_a_day_are_counted_each_by_its_own_load() -> None:
    """The same requests in two busy hours keep a replica for less of the day than spread over all of it."""
    spread = rare(traffic={**RARE, "activeHours": 24, "activeDays": 7})
    shares = [0.5 if hour in (9, 10) else 0 for hour in range(24)]
    rate = {"requestsPerSecond": 0.012, "isl": 500, "osl": 200, "hourlyShares": shares}
    assert rare(traffic=rate).pools[0].nodes.expected < spread.pools[0].nodes.expected


def test_what_wakes_it_is_installed_and_asked() -> None:
    """KEDA and its HTTP add-on are installed, Prometheus is not needed, and the endpoint is that of the interceptors."""
    made = rare(GKE)
    assert {addon.name: addon.installed for addon in made.addons if addon.name.startswith(("keda", "prom"))} == {
        "keda": True,
        "keda-http": True,
        "prometheus": False,
    }
    url = planning.document(made)["services"][0]["endpoint"]["url"]
    assert url == "http://chat-waker.inference.svc.cluster.local:8080/v1"
    kinds = {item["kind"] for item in manifests.service_objects(made.services[0])}
    assert {"ScaledObject", "InterceptorRoute"} <= kinds


def test_the_number_in_flight_follows_from_what_a_replica_serves() -> None:
    """Requests in flight are capacity times response time, and at least one."""
    scaling = rare().services[0].scaling
    assert scaling.in_flight_per_replica is not None
    assert 1 <= scaling.in_flight_per_replica <= rare().services[0].replica.shape.max_sequences


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"endpoint": "internal"}, "replicas.min: 0 is not for endpoint internal"),
        ({"schedule": {"start": "08:00", "end": "20:00"}}, "replicas.min: 0 stands beside `schedule`"),
        ({"spareReplicas": 1}, "replicas.min: 0 stands beside `spareReplicas`"),
        ({"replicas": {"min": 0, "max": 0}}, "replicas.max: 0"),
        ({"replicas": {"min": -1}}, "replicas.min: -1"),
        ({"replicas": 0}, "replicas: 0"),
        ({"engine": "ollama"}, "replicas.min: 0 is not for ollama"),
        ({"engine": "ray-serve"}, "replicas.min: 0 is not for ray-serve"),
    ],
)
def test_what_contradicts_it_is_refused(changes: dict[str, Any], said: str) -> None:
    """What needs a replica at all times, and what would open a server without a key, is named at its key."""
    assert any(problem.startswith(said) for problem in problems(**changes)), problems(**changes)


def test_a_maximum_that_is_left_out_is_what_the_peak_needs() -> None:
    """`{min: 0}` alone bounds nothing above."""
    traffic = {"requestsPerSecond": 20, "isl": 500, "osl": 200}
    assert rare(traffic=traffic).services[0].replicas.max == rare(traffic=traffic, replicas=None).services[0].replicas.max > 1


def test_nodes_that_exist_stand_either_way() -> None:
    """On a cluster whose nodes do not come and go a service that goes to zero costs the same."""
    own = {"cloud": "existing", "nodes": [{"gpu": "l4", "gpusPerNode": 1, "cpu": 16, "memoryGib": 64, "usdPerHour": 1}]}
    assert rare(own, gpu=None).costs.monthly_usd == rare(own, gpu=None, replicas=1).costs.monthly_usd
    assert stack(service(replicas=ZERO), target=own)
