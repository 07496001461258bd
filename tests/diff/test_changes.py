"""What differs between two plans, and why."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from inferstack import planning, stackfile
from inferstack.diff import Revision, difference
from tests.diff.repositories import stack_text

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "diff.schema.json").read_text())


def plan(text: str, folder: Path) -> dict[str, Any]:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(text)
    return planning.document(planning.plan(stackfile.load(path)))


def shipped(stack: str) -> dict[str, Any]:
    return planning.document(planning.plan(stackfile.load(ROOT / f"Pulumi.{stack}.yaml")))


def differ(base: dict[str, Any] | None, head: dict[str, Any] | None) -> dict[str, Any]:
    return difference(Revision("base", base), Revision("head", head))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return plan(stack_text(1.0), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return plan(stack_text(3.0, budget=500), tmp_path_factory.mktemp("large"))


@pytest.mark.parametrize(
    ("base", "head"), [("dev", "dev"), ("dev", "prod"), ("staging", "prod"), ("local", "dev"), (None, "prod"), ("prod", None)]
)
def test_the_document_keeps_its_schema(base: str | None, head: str | None) -> None:
    """`diff --json` is what docs/schemas/diff.schema.json says, for stacks of every kind and for files that are new or gone."""
    made = differ(*(None if stack is None else shipped(stack) for stack in (base, head)))
    assert not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(json.loads(json.dumps(made))))


@pytest.mark.parametrize(("base", "head"), [("dev", "prod"), ("staging", "prod"), ("prod", "dev"), (None, "prod"), ("prod", None)])
def test_the_causes_add_up(base: str | None, head: str | None) -> None:
    """The lines that moved make the whole difference of the expected sum, but for lines that moved by less than half a cent."""
    made = differ(*(None if stack is None else shipped(stack) for stack in (base, head)))
    assert sum(cause["deltaUsd"] for cause in made["causes"]) == pytest.approx(made["monthlyUsd"]["expected"]["delta"], abs=0.02)
    moved = [abs(cause["deltaUsd"]) for cause in made["causes"]]
    assert moved == sorted(moved, reverse=True)


def test_a_plan_does_not_differ_from_itself() -> None:
    """The same plan twice has no cause, no change of a service and nothing replaced."""
    made = differ(shipped("prod"), shipped("prod"))
    assert (made["causes"], made["replaced"], made["warnings"]) == ([], [], [])
    assert {service["change"] for service in made["services"]} == {"same"}
    assert made["monthlyUsd"]["max"]["delta"] == 0


def test_more_traffic_shows_in_gpus_money_and_headroom(small: dict[str, Any], large: dict[str, Any]) -> None:
    """Three times the requests: more GPUs at most, a higher bill at most, fewer dollars per token, and the traffic as the reason."""
    (service,) = differ(small, large)["services"]
    base, head = service["hardware"]["base"], service["hardware"]["head"]
    assert (service["change"], base["gpu"], head["gpu"]) == ("changed", "l4", "l4")
    assert head["count"] > base["count"]
    assert service["usdPerMillionTokens"]["head"] < service["usdPerMillionTokens"]["base"]
    assert service["headroom"]["head"] >= 0
    assert {"key": "requests", "base": "1 req/s mean, 2 at peak", "head": "3 req/s mean, 6 at peak"} in service["decisions"]


def test_latencies_stand_with_band_and_target(small: dict[str, Any], large: dict[str, Any]) -> None:
    """TTFT and TPOT have low, expected and high, their provenance, the target and whether it is kept."""
    (service,) = differ(small, large)["services"]
    for key, target in (("ttftP95Ms", 3000), ("tpotP95Ms", 120)):
        head = service[key]["head"]
        assert head["low"] <= head["expected"] <= head["high"]
        assert (head["target"], head["kept"]) == (target, head["expected"] <= target)
        assert head["provenance"] in {"measured", "fitted", "believed"}


def test_what_generates_nothing_has_no_time_per_token(tmp_path: Path) -> None:
    """An embedder's time to first token is the latency of its answer; it has no other."""
    text = """
config:
  inferstack:target: {cloud: gke, region: us-central1}
  inferstack:services:
    - {name: search, model: BAAI/bge-m3, traffic: {requestsPerSecond: 5, isl: 300}, slo: {latencyP95Ms: 500}}
"""
    (found,) = differ(None, plan(text, tmp_path))["services"]
    assert found["tpotP95Ms"] == {"base": None, "head": None}
    assert found["ttftP95Ms"]["head"]["target"] == 500


def test_the_budget_of_the_newer_side_decides(small: dict[str, Any], large: dict[str, Any]) -> None:
    """What the newer plan's budget says is taken over; what the older one exceeded is past."""
    assert differ(small, large)["overBudget"] == large["overBudget"] != []
    assert differ(large, small)["overBudget"] == []


def test_quantity_and_price_are_told_apart(small: dict[str, Any]) -> None:
    """A line whose price moved shows two prices and one quantity; the sum follows."""
    dearer = copy.deepcopy(small)
    branch = next(branch for branch in dearer["costs"]["lines"]["children"] if branch["name"] == "GPU nodes")
    line = branch["children"][0]
    line["unitPriceUsd"] *= 2
    line["monthlyUsd"] = {point: usd * 2 for point, usd in line["monthlyUsd"].items()}
    (cause,) = differ(small, dearer)["causes"]
    assert cause["line"].startswith("GPU nodes / ")
    assert cause["quantity"]["base"] == cause["quantity"]["head"]
    assert cause["unitPriceUsd"]["head"] == 2 * cause["unitPriceUsd"]["base"]


def test_a_price_that_is_lost_is_a_cause(small: dict[str, Any]) -> None:
    """A line that has no price any more is named, and the total is a lower bound."""
    unknown = copy.deepcopy(small)
    line = unknown["costs"]["lines"]["children"][0]["children"][0]
    line.update(unitPriceUsd=None, monthlyUsd={"min": 0.0, "expected": 0.0, "max": 0.0})
    unknown["costs"].update(complete=False, unpriced=[line["name"]])
    made = differ(small, unknown)
    assert made["complete"] == {"base": True, "head": False}
    assert made["unpriced"] == [line["name"]]
    assert made["causes"][0]["unitPriceUsd"]["head"] is None


def _replaced(base: dict[str, Any], head: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(item["kind"], item["name"], item["happens"]) for item in differ(base, head)["replaced"]}


def test_names_that_must_not_move_are_watched(small: dict[str, Any]) -> None:
    """Another cluster name, namespace, pool, disk or service name is listed with what it does to what runs."""
    moved = copy.deepcopy(small)
    pool = moved["pools"][0]
    old_pool = pool["name"]
    pool["name"] = moved["services"][0]["pool"] = "other"
    moved["systemPool"]["diskGib"] += 1
    moved.update(clusterName="another", namespace="elsewhere")
    assert _replaced(small, moved) == {
        ("cluster", small["clusterName"], "replaced with everything in it"),
        ("pool", "system", "its nodes are replaced"),
        ("namespace", "inference", "every service is made again in another"),
        ("pool", old_pool, "removed with its nodes"),
        ("pool", "other", "new"),
        ("replicas", "chat", "restart"),
    }


def test_a_cluster_for_gpudirect_is_another_one(small: dict[str, Any]) -> None:
    """A cluster is made for networks between accelerators or not, whatever their number; plans of older releases do not say it."""
    old, none, many = ({**small, "acceleratorNetworks": count} for count in (None, 0, 8))
    del old["acceleratorNetworks"]
    replaced = ("cluster", small["clusterName"], "replaced with everything in it")
    assert replaced in _replaced(old, none)
    assert replaced in _replaced(many, old)
    assert replaced not in _replaced(none, many) | _replaced(old, small)


def test_another_daemon_restarts_replicas(small: dict[str, Any]) -> None:
    """What stands beside the server is in the same pods."""
    other = copy.deepcopy(small)
    other["services"][0]["receiveDaemon"] = {"image": "daemon:2"}
    assert ("replicas", "chat", "restart") in _replaced(small, other)


def test_a_renamed_service_is_another_one(small: dict[str, Any]) -> None:
    """A service under a new name is new, and the old one goes with its endpoint."""
    renamed = copy.deepcopy(small)
    renamed["services"][0]["name"] = renamed["costs"]["services"][0]["service"] = "talk"
    made = differ(small, renamed)
    assert [(service["name"], service["change"]) for service in made["services"]] == [("talk", "new"), ("chat", "gone")]
    assert ("service", "chat", "removed with its endpoint") in _replaced(small, renamed)


def test_other_engine_arguments_restart_replicas(small: dict[str, Any]) -> None:
    """A change of the container restarts the service's replicas, and which part of it changed is said."""
    other = copy.deepcopy(small)
    other["services"][0]["container"]["args"].append("--more")
    (item,) = differ(small, other)["replaced"]
    assert (item["kind"], item["name"], item["why"]) == ("replicas", "chat", "args of the container")


def test_a_service_that_joins_a_server_is_made_again(small: dict[str, Any]) -> None:
    """It moves with its endpoint; plans of releases that knew of no servers count as those without one."""
    joined, older = copy.deepcopy(small), copy.deepcopy(small)
    joined["services"][0]["server"] = "assistants"
    del older["services"][0]["server"]
    for base in (small, older):
        made = differ(base, joined)
        (item,) = made["replaced"]
        assert (item["kind"], item["name"], item["happens"]) == ("service", "chat", "moves to another server with another endpoint")
        assert item["why"] == "one of its own → assistants, which services share"
        assert made["services"][0]["decisions"] == [{"key": "server", "base": "its own", "head": "assistants"}]
    assert differ(older, small)["replaced"] == []


def test_only_new_warnings_are_shown(small: dict[str, Any]) -> None:
    """A warning that both sides have is not repeated."""
    warned = copy.deepcopy(small)
    warned["warnings"].append("mind the gap")
    assert differ(small, warned)["warnings"] == ["mind the gap"]
    assert differ(warned, warned)["warnings"] == []
