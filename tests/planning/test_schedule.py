"""Services that run within a window of the week: what is rendered is what is counted."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from inferstack import manifests, planning, stackfile
from inferstack.errors import InputError
from inferstack.planning.types import ServicePlan, StackPlan

from .stacks import EKS, service

TRAFFIC = {"requestsPerSecond": 2, "isl": 500, "osl": 200, "activeHours": 10, "activeDays": 5}
WINDOW = {"start": "08:00", "end": "20:00", "timezone": "Europe/Berlin"}


def plan(**changes: Any) -> StackPlan:
    asked = service(**{"traffic": TRAFFIC, "schedule": WINDOW, "gpu": "l4", **changes})
    config = {"inferstack:target": EKS, "inferstack:services": [asked]}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def problems(**changes: Any) -> list[str]:
    with pytest.raises(InputError) as refused:
        plan(**changes)
    return [str(problem).removeprefix("inferstack:services[0].") for problem in refused.value.problems]


def scaler(made: ServicePlan) -> dict[str, Any]:
    (found,) = [item for item in manifests.service_objects(made) if item["kind"] == "ScaledObject"]
    return found["spec"]


def test_hours_outside_the_window_are_not_paid() -> None:
    """One replica for 60 of 168 hours: 260.7 of 730 hours a month, and nothing at the bottom of the range."""
    made = plan(replicas=1)
    (pool,) = made.pools
    assert (pool.nodes.min, pool.nodes.max) == (0, 1)
    assert pool.nodes.expected == pytest.approx(Decimal(60) / 168)
    assert made.services[0].replicas.expected == pytest.approx(60 / 168)


def test_the_window_is_a_cron_trigger_that_keeps_its_replicas() -> None:
    """What costs count is what is deployed: KEDA opens and closes the window, and scales to zero between."""
    spec = scaler(plan(replicas=2).services[0])
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 2)
    assert spec["triggers"] == [
        {
            "type": "cron",
            "name": "window",
            "metadata": {
                "timezone": "Europe/Berlin",
                "start": "0 8 * * mon,tue,wed,thu,fri",
                "end": "0 20 * * mon,tue,wed,thu,fri",
                "desiredReplicas": "2",
            },
        }
    ]
    assert "fallback" not in spec


def test_within_the_window_the_queue_still_scales() -> None:
    """Three levels: the mean load in the active hours, the least in the rest of the window, none outside."""
    made = plan(traffic={**TRAFFIC, "requestsPerSecond": 40}, replicas={"min": 1, "max": 60}).services[0]
    spec = scaler(made)
    assert [trigger["type"] for trigger in spec["triggers"]] == ["cron", "prometheus", "prometheus"]
    # With no replica there is no series; that must not keep the last replica running.
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in spec["triggers"][1:]} == {"true"}
    assert spec["fallback"]["replicas"] == 1
    (level_hours, window_hours, week) = (50, 60, 168)
    active = (made.replicas.expected * week - (window_hours - level_hours) * 1) / level_hours
    assert active == pytest.approx(round(active))
    assert active > 1


def test_replicas_may_stay_outside_the_window() -> None:
    """With one kept outside, a signal that is missing is a failure again."""
    made = plan(schedule={**WINDOW, "outsideReplicas": 1}, replicas={"min": 2, "max": 4}).services[0]
    spec = scaler(made)
    assert (made.replicas.min, spec["minReplicaCount"], spec["triggers"][0]["metadata"]["desiredReplicas"]) == (1, 1, "2")
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in spec["triggers"][1:]} == {"false"}


def test_keda_is_installed_for_a_schedule_alone() -> None:
    """A fixed number of replicas in a window needs KEDA and no Prometheus, and says that nothing answers outside."""
    made = plan(replicas=1)
    installed = {addon.name: addon.installed for addon in made.addons}
    assert (installed["keda"], installed["prometheus"]) == (True, False)
    assert any("no replica runs: requests fail" in warning for warning in made.services[0].warnings)


def test_midnight_is_the_end_of_a_day() -> None:
    """A window up to 24:00 ends in the last minute of the same days."""
    spec = scaler(
        plan(schedule={"start": "12:30", "end": "24:00", "days": ["sat"]}, traffic={**TRAFFIC, "activeDays": 1}, replicas=1).services[0]
    )
    assert (spec["triggers"][0]["metadata"]["start"], spec["triggers"][0]["metadata"]["end"]) == ("30 12 * * sat", "59 23 * * sat")


def test_a_service_on_cpu_keeps_its_cpu_trigger() -> None:
    """The window and CPU use are triggers of the same ScaledObject: two autoscalers would fight."""
    made = plan(gpu="cpu", model="Qwen/Qwen2.5-1.5B-Instruct", slo=None, replicas={"min": 1, "max": 40}).services[0]
    kinds = [item["kind"] for item in manifests.service_objects(made)]
    assert "HorizontalPodAutoscaler" not in kinds
    assert [trigger["type"] for trigger in scaler(made)["triggers"]] == ["cron", "cpu"]


def test_days_without_traffic_have_no_tokens() -> None:
    """Five active days of seven: five sevenths of the tokens of a month."""
    week, days = plan(traffic={**TRAFFIC, "activeDays": 7}, schedule=None), plan(schedule=None)
    assert days.services[0].workload.requests_per_month == pytest.approx(week.services[0].workload.requests_per_month * 5 / 7)
    assert days.costs.monthly_usd.expected <= week.costs.monthly_usd.expected


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"schedule": {**WINDOW, "start": "8"}}, 'schedule.start: 8 is not a time of the day; write it in quotes, such as "08:00"'),
        ({"schedule": {**WINDOW, "end": "07:00"}}, "schedule.end: 07:00 is not after `start` 08:00; a window lies within one day"),
        ({"schedule": {**WINDOW, "days": ["funday"]}}, "schedule.days[0]: funday is not mon, tue, wed, thu, fri, sat or sun"),
        ({"schedule": {**WINDOW, "days": []}}, "schedule.days: is an empty list"),
        (
            {"schedule": {**WINDOW, "timezone": "Europe/Berln"}},
            "schedule.timezone: Europe/Berln is not the name of a time zone; use Europe/Berlin",
        ),
        (
            {"traffic": {**TRAFFIC, "activeHours": 24}},
            "traffic.activeHours: 24 is longer than the schedule's 12 hours a day, outside of which no replica answers",
        ),
        ({"traffic": {**TRAFFIC, "activeDays": 7}}, "traffic.activeDays: 7 is longer than the schedule's 5 days a week"),
        ({"replicas": 1, "schedule": {**WINDOW, "outsideReplicas": 2}}, "schedule.outsideReplicas: 2 is above the 1 within the window"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], problem: str) -> None:
    """A window that is none, and traffic that nobody would answer, each with its key."""
    assert any(found.startswith(problem) for found in problems(**changes)), problems(**changes)


@pytest.mark.parametrize(
    ("days", "said", "listed"),
    [
        ("mon-fri", "is text", "mon, tue, wed, thu, fri"),
        (["mon-fri"], "says mon-fri", "mon, tue, wed, thu, fri"),
        (["fri - mon", "Wednesday"], "says fri - mon, Wednesday", "fri, sat, sun, mon, wed"),
        ("weekdays", "is text", "mon, tue, wed, thu, fri"),
        ("mon, wed", "is text", "mon, wed"),
    ],
)
def test_several_days_at_once_are_answered_with_their_list(days: object, said: str, listed: str) -> None:
    """A range or a word for several days is refused with what to write, and with nothing that only follows from it."""
    (found,) = problems(schedule={**WINDOW, "days": days})
    assert found.startswith("schedule.days: ")
    assert found.endswith(f"{said}, and days are listed one by one; write [{listed}]")


BUSINESS = [0.0] * 8 + [0.05, 0.1, 0.15, 0.1, 0.1, 0.15, 0.1, 0.1, 0.1, 0.05] + [0.0] * 6


def test_a_curve_of_the_day_steps_hour_by_hour() -> None:
    """Each hour keeps the replicas that its own part of the day needs; the mean of the steps is what is expected."""
    curve = {"requestsPerSecond": 8, "isl": 500, "osl": 200, "hourlyShares": BUSINESS}
    made = plan(traffic=curve, schedule=None, replicas={"min": 1, "max": 30}).services[0]
    capacity = made.replica.performance.capacity_rps.expected
    steps = [max(1, math.ceil(8 * 10 * share / capacity)) for share in BUSINESS if share]
    assert made.replicas.expected == pytest.approx((sum(steps) + 14 * 1) / 24)
    assert made.workload.peak_rps == pytest.approx(8 * 1.5 * 2)
    assert made.workload.requests_per_month == pytest.approx(8 * 3600 * 10 * 730 / 24)


def test_a_flat_curve_is_no_curve() -> None:
    """24 equal shares give the plan of a load that is even around the clock."""
    even = {"requestsPerSecond": 3, "isl": 500, "osl": 200}
    flat = plan(traffic={**even, "hourlyShares": [1 / 24] * 24}, schedule=None)
    assert flat.costs.monthly_usd.expected == pytest.approx(plan(traffic=even, schedule=None).costs.monthly_usd.expected)


@pytest.mark.parametrize(
    ("traffic", "problem"),
    [
        ({"hourlyShares": [0.1] * 24}, "traffic.hourlyShares: sums to 2.4, not to 1; divide each by 2.4"),
        ({"hourlyShares": [0.5, 0.5]}, "traffic.hourlyShares: has 2 hours, a day has 24; begin with the hour after midnight"),
        ({"hourlyShares": BUSINESS, "activeHours": 10}, "traffic.activeHours: 10 stands beside `hourlyShares`, from which it follows"),
        ({"hourlyShares": [-0.5, 1.5, *[0.0] * 22]}, "traffic.hourlyShares[0]: -0.5 must be at least 0"),
    ],
)
def test_a_curve_that_is_none_is_refused(traffic: dict[str, Any], problem: str) -> None:
    """Shares that do not sum to a day, and hours that no day has."""
    found = problems(traffic={"requestsPerSecond": 1, "isl": 500, "osl": 200, **traffic}, schedule=None)
    assert any(line.startswith(problem) for line in found), found
