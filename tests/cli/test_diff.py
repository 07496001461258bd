"""What people read of a difference, in a terminal and in a pull request, and how the command ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from inferstack.cli.render import changes
from inferstack.cli.render.diff import diff_report
from inferstack.cli.render.diff_markdown import diff_markdown
from inferstack.diff import Revision, difference
from tests.cli import documents
from tests.cli.command import ROOT, inferstack
from tests.diff.repositories import repository, stack_text


class TextFile(SingleFileSnapshotExtension):
    """One readable file per snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class MarkdownFile(TextFile):
    """The same for Markdown."""

    file_extension = "md"


def changed() -> dict[str, Any]:
    """The made plan with more replicas in its first service, on another pool, above its budget."""
    plan = documents.plan()
    service = plan["services"][0]
    service["replicas"]["max"] += 2
    service["workload"]["peakRps"] *= 2
    service["performance"]["ttftP95Ms"]["expected"] *= 1.5
    service["container"]["args"].append("--more")
    plan["overBudget"] = ["The stack costs too much."]
    plan["warnings"] = [*plan["warnings"], "one warning more"]
    line = plan["costs"]["lines"]["children"][0]["children"][0]
    for columns in (line["quantity"], line["monthlyUsd"]):
        columns.update({point: value * 2 for point, value in columns.items()})
    for point in ("min", "expected", "max"):
        plan["costs"]["monthlyUsd"][point] += line["monthlyUsd"][point] / 2
    return plan


@pytest.fixture
def document() -> dict[str, Any]:
    return difference(Revision("main:Pulumi.prod.yaml", documents.plan()), Revision("Pulumi.prod.yaml", changed()))


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 100])
def test_difference_reads_the_same_at_every_width(snapshot: SnapshotAssertion, document: dict[str, Any], width: int) -> None:
    """The report of a difference folds to the width that it is given."""
    shown = documents.text(diff_report(document), width)
    assert max(map(len, shown.splitlines())) <= width
    assert shown == snapshot.use_extension(TextFile)


@pytest.mark.golden
def test_difference_as_a_comment(snapshot: SnapshotAssertion, document: dict[str, Any]) -> None:
    """The comment of a pull request shows totals and services at once and folds the rest."""
    assert diff_markdown(document) == snapshot.use_extension(MarkdownFile)


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ((None, "plan"), "Stack `prod` is new: at least $"),
        (("plan", None), "📉 Stack `prod` is removed: -$"),
        (("plan", "plan"), "Stack `prod` costs the same: at least $"),
    ],
)
def test_the_headline_says_what_happens(sides: tuple[str | None, str | None], said: str) -> None:
    """A stack that is new, gone or the same says so in its first line."""
    base, head = (Revision(name or "nothing", documents.plan() if name else None) for name in sides)
    assert said in diff_markdown(difference(base, head)).splitlines()[0]


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        (0.0531, 0.0526, "-$0.0005"),
        (700.0, 711.19, "+$11.19"),
        (3.0, 3.0, "no change"),
        (1000.001, 1000.003, "no change"),
        (1000.004, 1000.006, "+$0.0020"),
        (None, 1.0, "unknown"),
    ],
)
def test_no_change_is_what_reads_alike(base: float | None, head: float, said: str) -> None:
    """Where two amounts are shown, their difference is too; where they are shown alike, there is none."""
    delta = None if base is None else head - base
    assert changes.change({"base": base, "head": head, "delta": delta}) == said


def test_a_share_below_half_a_percent_says_so() -> None:
    """It is neither nothing nor a whole percent."""
    assert changes.share({"base": 1549.37, "head": 1549.40, "delta": 0.03}) == "below 1 %"
    assert changes.share({"base": 100.0, "head": 121.0, "delta": 21.0}) == "+21 %"


def test_what_writes_nothing_has_a_latency(document: dict[str, Any]) -> None:
    """A table of services that answer after one pass has no column of TTFT or TPOT; beside others it says what the first one is."""
    services = document["services"]
    embedder = {**services[0], "name": "search", "tpotP95Ms": {"base": None, "head": None}}
    alone, beside = (diff_markdown({**document, "services": shown}) for shown in ([embedder], [embedder, services[0]]))
    assert "| latency p95 |" in alone
    assert "TTFT" not in alone
    assert "TPOT" not in alone
    assert "| TTFT or latency p95 | TPOT p95 |" in beside


def test_names_cannot_break_the_comment(document: dict[str, Any]) -> None:
    """A model's name is shown as text: no table cell, tag, link or mention comes of it."""
    document["services"][0]["decisions"] = [{"key": "model", "base": "a|b", "head": "<b>[x](http://y)</b> @octocat"}]
    shown = diff_markdown(document)
    assert r"| a\|b | \<b\>\[x\](http://y)\</b\> @" in shown
    assert "@octocat" not in shown


def test_a_difference_above_the_budget_ends_with_three(tmp_path: Path) -> None:
    """`diff` prints the difference and ends with 3 where the newer side exceeds its budget, and with 0 where only the older one did."""
    folder = repository(tmp_path, Pulumi__dev__yaml=stack_text(1.0))
    (folder / "Pulumi.dev.yaml").write_text(stack_text(12.0, budget=100))
    done = inferstack("diff", "main", cwd=folder)
    assert done.returncode == 3
    assert done.stdout.startswith("inferstack  stack dev +$")
    assert "inferstack:budget.maxMonthlyUsd $100.00" in done.stderr
    back = inferstack("diff", "Pulumi.dev.yaml", "main:Pulumi.dev.yaml", "--markdown", cwd=folder)
    assert (back.returncode, back.stderr) == (0, "")
    assert back.stdout.startswith("### 📉 Stack `dev` -$")


def test_json_of_a_difference(tmp_path: Path) -> None:
    """`--json` prints our document, and with `--shape infracost` that of infracost's breakdown; a side that is not there is said."""
    folder = repository(tmp_path, Pulumi__dev__yaml=stack_text(1.0))
    (folder / "Pulumi.new.yaml").write_text(stack_text(2.0))
    ours = inferstack("diff", "main:Pulumi.new.yaml", "Pulumi.new.yaml", "--json", cwd=folder)
    assert (ours.returncode, ours.stderr) == (0, "main:Pulumi.new.yaml does not exist: it counts as nothing\n")
    theirs = inferstack("diff", "main", "Pulumi.new.yaml", "-s", "dev", "--json", "--shape", "infracost", cwd=folder)
    document = json.loads(theirs.stdout)
    assert (document["version"], document["currency"], len(document["projects"])) == ("0.2", "USD", 1)
    assert json.loads(ours.stdout)["services"][0]["change"] == "new"


def test_saved_plans_are_compared(tmp_path: Path) -> None:
    """What `plan --json` printed is compared as it is, and the report says that it may be of another release."""
    saved = tmp_path / "saved.json"
    saved.write_text(inferstack("plan", "-s", "dev", "--json").stdout)
    done = inferstack("diff", str(saved), "Pulumi.dev.yaml", cwd=ROOT)
    assert done.returncode == 0
    assert "costs the same" in done.stdout
    assert "a saved plan keeps" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "Pulumi.dev.yaml"), "diff: nowhere is neither a file, a git revision nor a stack"),
        (("Pulumi.dev.yaml", "--json", "--markdown"), "--markdown: stands beside --json; choose one"),
    ],
)
def test_bad_arguments_of_diff_are_named(arguments: tuple[str, ...], said: str) -> None:
    """What cannot be compared ends with 2 and says why."""
    done = inferstack("diff", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
