"""What people read of a comparison: whole, at fixed widths, and as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from inferstack.cli.render.compare import comparison_report
from inferstack.cli.render.svg import curve_svg
from tests.cli import documents
from tests.cli.command import inferstack


class TextFile(SingleFileSnapshotExtension):
    """One readable file per snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def comparison() -> dict[str, Any]:
    return json.loads((documents.DATA / "compare.json").read_text())


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 100])
def test_comparison_reads_the_same_at_every_width(snapshot: SnapshotAssertion, comparison: dict[str, Any], width: int) -> None:
    """The report of a comparison folds to the width that it is given, and its chart keeps its shape."""
    shown = documents.text(comparison_report(comparison), width)
    assert max(map(len, shown.splitlines())) <= width
    assert shown == snapshot.use_extension(TextFile)


def test_a_cost_that_is_not_known_is_not_drawn(comparison: dict[str, Any]) -> None:
    """Without a price for the machines the report says unknown, and its chart has the APIs alone."""
    service = comparison["services"][0]
    service["own"].update(monthlyUsd=None, usdPerMillionTokens=None, problem="no price is known")
    service["series"][0]["monthlyUsd"] = [None] * 33
    for offer in service["offers"]:
        offer.update(ownOverApi=None, paysFrom=None)
    shown = documents.text(comparison_report(comparison))
    assert "Self-hosted  cost unknown: no price is known" in shown
    assert "never" not in shown
    assert "$0.00" not in shown


def test_loads_without_a_plan_say_why_once(comparison: dict[str, Any]) -> None:
    """Where the curve ends, the table says that there is no plan, and below it from which load on and why."""
    for point in comparison["services"][0]["curve"][16:]:
        point.update(monthlyUsd=None, replicas=None, utilisation=None, problem="the cluster has 2 nodes")
    shown = documents.text(comparison_report(comparison))
    assert shown.count("no plan") == 5
    assert "! from 100,000 daily users: the cluster has 2 nodes" in shown


def test_the_picture_stands_alone(comparison: dict[str, Any]) -> None:
    """The SVG is well-formed, names every line, and refers to nothing outside itself."""
    picture = curve_svg(comparison["services"][0])
    root = ElementTree.fromstring(picture)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {line["label"] for line in comparison["services"][0]["series"]} <= set(texts)
    assert "href" not in picture
    assert "$10,000,000" in texts


def test_compare_from_the_command_line(tmp_path: Path) -> None:
    """`compare` prints its report, or JSON, writes a picture where asked to, and ends with 0."""
    picture = tmp_path / "curve.svg"
    done = inferstack("compare", "-s", "dev", "--svg", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert "pays from" in done.stdout
    assert picture.read_text().startswith("<svg")
    assert json.loads(inferstack("compare", "-s", "dev", "--json").stdout)["services"][0]["service"] == "chat"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--service", "chatt"), "--service: chatt is not a service of this stack; did you mean chat?"),
        (("--prices-on", "yesterday"), "--prices-on: yesterday is not a date; write one such as 2026-11-21"),
        (("--svg", "/nowhere/x.svg"), "--svg: /nowhere/x.svg cannot be written"),
        (("--cached-share", "1.5"), "--cached-share"),
    ],
)
def test_bad_options_of_compare_are_named(arguments: tuple[str, ...], said: str) -> None:
    """An option that cannot be followed ends with 2 and says which and why."""
    done = inferstack("compare", "-s", "dev", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
