"""What people read, whole and at fixed widths."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from inferstack import planning, stackfile
from inferstack.cli.render import resources
from inferstack.cli.render.plan import plan_report
from inferstack.cli.render.preview import preview_report
from tests.cli import documents
from tests.cli.command import ROOT


class TextFile(SingleFileSnapshotExtension):
    """One readable file per snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def page(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 100, 120])
def test_plan_reads_the_same_at_every_width(page: SnapshotAssertion, width: int) -> None:
    """The report of a plan folds to the width that it is given."""
    assert documents.text(plan_report(documents.plan()), width) == page


@pytest.mark.golden
def test_preview(page: SnapshotAssertion) -> None:
    """A preview shows the plan, what the services stand on, the resources, the costs and the warnings, in this order."""
    plan = documents.plan()
    plan["services"] = plan["services"][:1]
    document = {"plan": plan, "resources": documents.resources(2), "costs": plan["costs"], "outputs": {}}
    assert documents.text(preview_report(document)) == page


def test_preview_of_somebody_elses_program() -> None:
    """Without a stack's plan among the outputs, components of ours show their plans and costs once, and other outputs stand as they are."""
    plan = documents.plan()
    listed = documents.resources(1)
    service = next(item for item in listed if item["type"] == "inferstack:index:InferenceService")
    service["outputs"] = {"plan": plan["services"][0], "cost": plan["costs"], "url": "http://chat"}
    outputs = {"chatPlan": plan["services"][0], "urls": {"chat": "http://chat"}, "replicas": 3}
    listed[0]["outputs"] = outputs
    shown = documents.text(preview_report({"plan": None, "resources": listed, "costs": None, "outputs": outputs}))
    assert shown.startswith("inferstack  inferstack-prod\n\nchat  ✓ keeps its SLO")
    assert shown.count("keeps its SLO") == 1
    assert shown.count("Costs of chat-0  per month") == 1
    assert "  replicas   3\n  urls.chat  http://chat\n" in shown
    assert "chatPlan" not in shown


def test_preview_of_a_server_that_services_share() -> None:
    """A component that carries several plans shows each of them, with the server that they share."""
    plan = documents.plan()
    listed = documents.resources(1)
    plans = [{**service, "server": "knowledge"} for service in plan["services"]]
    component = next(item for item in listed if item["type"] == "inferstack:index:InferenceService")
    component |= {"type": "inferstack:index:SharedServer", "outputs": {"plans": plans, "costs": [None, None], "url": "http://knowledge"}}
    shown = documents.text(preview_report({"plan": None, "resources": listed, "costs": None, "outputs": {}}))
    assert shown.count("knowledge, which other services share") == len(plans) > 1


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_longer_than_the_page(width: int) -> None:
    """Text stays within the width, so that nothing is cut off by a terminal."""
    assert max(map(len, documents.text(plan_report(documents.plan()), width).splitlines())) <= width


@pytest.mark.parametrize("width", [80, 100])
def test_no_fact_is_cut_off(width: int) -> None:
    """The longest allowed names appear in full: text folds, it never ends in an ellipsis."""
    plan = documents.plan()
    name = "a-service-with-a-name-of-forty-letters-x"
    plan["services"][0]["name"] = plan["costs"]["services"][0]["service"] = name
    plan["pools"][0]["services"] = [name]
    shown = documents.text(plan_report(plan), width)
    assert "…" not in shown
    assert shown.count(name[:8]) == 5
    for fact in (
        "cr-0123456789abcdef0",
        "p5en.48xlarge",
        "192 vCPUs",
        "$1,358.53",
        "$1,158.64",
        "hf://RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
    ):
        assert fact in shown


def test_the_rendered_document_has_the_shape_of_a_real_plan() -> None:
    """The plan that these tests render has the keys of a real one, so that no test passes on a shape that is gone."""
    real = planning.document(planning.plan(stackfile.load(ROOT / "Pulumi.prod.yaml")))
    made = documents.plan()
    assert made.keys() == real.keys()
    for part in ("services", "pools", "addons", "quota"):
        assert made[part][0].keys() == real[part][0].keys(), part
    for part in ("performance", "memory", "replicas", "workload", "scaling", "checkpoint", "engine", "endpoint"):
        assert made["services"][0][part].keys() == real["services"][0][part].keys(), part
    assert made["costs"].keys() == real["costs"].keys()
    assert made["costs"]["lines"].keys() == real["costs"]["lines"].keys()
    for part in ("tokens", "economics"):
        assert made["costs"]["services"][0][part].keys() == real["costs"]["services"][0][part].keys(), part


def test_piped_text_has_no_control_characters() -> None:
    """Without a terminal there is no colour and no cursor movement."""
    assert "\x1b" not in documents.text(plan_report(documents.plan()))


def test_total_without_a_price_is_a_lower_bound() -> None:
    """A line without a price says so, and the total names what it lacks."""
    shown = documents.text(plan_report(documents.plan()))
    assert "Total per month, at least" in shown
    assert "The total is a lower bound, without p5en-48xlarge-reserved-1a2b3c." in shown
    assert "≥ $0.0105" in shown


def test_complete_total_has_no_bound() -> None:
    """Where every price is known, the total is a plain figure."""
    plan = documents.plan()
    plan["costs"].update(complete=True, unpriced=[])
    shown = documents.text(plan_report(plan))
    assert "at least" not in shown
    assert "lower bound" not in shown


def test_cost_that_is_not_known_is_not_zero() -> None:
    """Where nothing has a price, the title says so and shows no $0.00."""
    plan = documents.plan()
    plan["costs"].update(monthlyUsd=dict.fromkeys(("min", "expected", "max"), 0.0))
    title = documents.text(plan_report(plan)).splitlines()[1]
    assert title == "2 services, cost not known"


def test_service_without_targets_keeps_nothing() -> None:
    """Without an SLO the heading claims neither that it is kept nor that it is missed."""
    plan = documents.plan()
    plan["services"][0]["slo"] = {"ttftP95Ms": None, "tpotP95Ms": None}
    assert "\nchat  no SLO stated " in documents.text(plan_report(plan))


def test_charge_by_use_shows_its_rate() -> None:
    """What is billed by use stands as a rate, never as $0.00."""
    line = next(line for line in documents.text(plan_report(documents.plan())).splitlines() if "traffic between zones" in line)
    assert "$0.01 per GB" in line
    assert "$0.00" not in line


def test_target_that_is_missed_is_marked() -> None:
    """An expected latency above its target gets a cross, one within it a tick, and none without a target."""
    lines = documents.text(plan_report(documents.plan())).splitlines()
    assert [line for line in lines if "TTFT p95  " in line and "✓" in line]
    assert [line for line in lines if "620 ms" in line and "✗" in line]
    assert [line for line in lines if "TPOT p95" in line and "no target" in line]


def test_pinned_decisions_are_told_from_planned_ones() -> None:
    """What the stack file says is marked as pinned; what the planner decided carries its reason."""
    lines = documents.text(plan_report(documents.plan())).splitlines()
    assert next(line for line in lines if line.startswith("  gpu ")).split() == ["gpu", "l4", "pinned"]
    assert "fewest GPUs" in next(line for line in lines if line.startswith("  tensorParallel"))


def test_budget_comes_last() -> None:
    """What a budget says is the last thing on the screen."""
    plan = documents.plan()
    plan["overBudget"] = [
        "The stack costs $1,460.47 a month at the top of its range, $460.47 above inferstack:budget.maxMonthlyUsd $1,000.00."
    ]
    last = documents.text(plan_report(plan), 120).rstrip().splitlines()[-3:]
    assert last[0].startswith("Budget  exceeded")
    assert last[1].startswith("  ✗ The stack costs $1,460.47")
    assert last[2].startswith("  → Nothing that was tried keeps every budget")


def test_ways_below_a_budget_stand_under_it() -> None:
    """Each with its price, what it saves, and whether an SLO is missed."""
    plan = documents.plan()
    plan["overBudget"] = ["Too dear."]
    plan["waysBelow"] = [{"change": "chat: `capacityType: spot`", "monthlyUsd": 900.5, "savesMonthlyUsd": 559.97, "keepsSlo": False}]
    shown = documents.text(plan_report(plan), 120)
    assert "  → chat: `capacityType: spot`: $900.50 a month, $559.97 less, and misses an SLO\n" in shown


def test_existing_nodes_are_not_ours() -> None:
    """Nodes that exist already have no disk of ours, and say that they exist."""
    plan = documents.plan()
    plan["pools"][0].update(managed=False, gpu="cpu", gpusPerNode=0)
    plan.update(systemPool=None, quota=[])
    shown = documents.text(plan_report(plan))
    assert "existing nodes" in shown
    assert "Quota" not in shown


def test_a_hundred_services_stay_readable() -> None:
    """Of many components of one type three are drawn, and one line counts the rest with everything below them."""
    lines = documents.text(resources.resource_section(documents.resources(100))).splitlines()
    assert len(lines) < 30
    assert "405 in all" in lines[1]
    assert lines[-1].endswith("and 97 more, with 291 resources below them")


def test_every_resource_of_a_small_stack_is_drawn() -> None:
    """Up to eight components of one type are drawn in full."""
    listed = documents.resources(8)
    shown = documents.text(resources.resource_section(listed))
    assert all(item["name"] in shown for item in listed)


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("aws:ec2/vpc:Vpc", "aws:ec2:Vpc"),
        ("gcp:container/nodePool:NodePool", "gcp:container:NodePool"),
        ("kubernetes:core/v1:Secret", "kubernetes:core/v1:Secret"),
        ("inferstack:index:EksCluster", "inferstack:index:EksCluster"),
        ("pulumi:providers:aws", "pulumi:providers:aws"),
    ],
)
def test_types_are_shortened_as_pulumi_does(token: str, shown: str) -> None:
    """A module that repeats the type's name is left out; every other type stays as it is."""
    assert resources.short_type(token) == shown


def test_unknown_parent_makes_a_root() -> None:
    """A resource whose parent is not listed is drawn at the top, not lost."""
    orphan: dict[str, Any] = {**documents.resource(None, "aws:ec2/vpc:Vpc", "alone"), "parent": "urn:pulumi:prod::inferstack::x:y:Z::gone"}
    assert [node.name for node in resources.build([orphan])] == ["alone"]


def test_what_writes_nothing_turned_placements_down_for_their_latency() -> None:
    """Below a service that answers after one pass nothing is said of TTFT or TPOT."""
    plan = documents.plan()
    chat = plan["services"][0]
    latency = {"latencyP95Ms": chat["performance"]["ttftP95Ms"]}
    performance = {**chat["performance"], **latency, "inputTps": chat["performance"]["outputTps"]}
    plan["services"] = [{**chat, "task": "embed", "performance": performance, "slo": {"latencyP95Ms": 500}}]
    shown = documents.text(plan_report(plan))
    part = shown[shown.index("Turned down") : shown.index("  ! ")]
    assert "latency p95" in part
    assert "TPOT" not in part
    assert "TTFT" not in part
