"""`inferstack levers` as a process, and its text."""

from __future__ import annotations

import json

import pytest
from syrupy.assertion import SnapshotAssertion

from inferstack.cli.render.levers import levers_report
from inferstack.cli.render.plan import plan_report
from tests.cli import documents
from tests.cli.command import inferstack
from tests.cli.test_render import TextFile


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 120])
def test_the_report_folds_to_its_width(snapshot: SnapshotAssertion, width: int) -> None:
    """Each service with its levers, what saves nothing, and what cannot be ranked without prices."""
    assert documents.text(levers_report(documents.levers()), width) == snapshot.use_extension(TextFile)


def test_a_plan_shows_the_first_levers() -> None:
    """Below the costs of a plan stand up to three levers of each service, with what they save and take away."""
    shown = documents.text(plan_report(documents.plan(), documents.levers()))
    part = shown[shown.index("\nLevers") :]
    assert "$1,200.50  capacityType: spot" in part
    assert "longer requests are refused" in part
    assert "own" not in part
    assert "\nLevers" not in documents.text(plan_report(documents.plan()))


def test_services_of_one_server_have_their_levers_once() -> None:
    """What all of them would change together stands below the server's name, with the whole saving; the report says whose cost it is."""
    found = documents.levers()
    chat = {**found["services"][0], "server": "knowledge"}
    shared = {"services": [chat, {**chat, "service": "search"}]}
    shown = documents.text(plan_report(documents.plan(), shared))
    part = shown[shown.index("\nLevers") :]
    assert part.count("$1,200.50") == part.count("capacityType: spot") == 1
    assert "knowledge" in part
    assert "search" not in part
    assert documents.text(levers_report(shared)).count("a month as planned, all services of knowledge") == 2


def test_json_has_every_service() -> None:
    """`levers -s prod --json` prints the levers of each service, and `plan` shows the first of them."""
    done = inferstack("levers", "-s", "prod", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert len(document["services"]) == 3
    first = next(service["levers"][0] for service in document["services"] if service["levers"])
    assert first["change"].partition(" ")[0] in inferstack("plan", "-s", "prod").stdout


def test_a_missing_stack_ends_with_2() -> None:
    """A stack without a file is bad input, named."""
    done = inferstack("levers", "-s", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr
