"""`inferstack simulate`: its report, its drawings, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from syrupy.assertion import SnapshotAssertion

from inferstack.cli.render.drawing import drawing
from inferstack.cli.render.simulation import simulation_report
from tests.cli import documents
from tests.cli.command import inferstack
from tests.cli.test_render import TextFile

POINT = {"mean": 60.0, "p50": 50.0, "p90": 80.0, "p95": 100.0, "p99": 150.0}


def document(**changes: Any) -> dict[str, Any]:
    """A simulation of one service whose TPOT target breaks beyond its load."""
    knee = [
        {"rps": 2.0 * n, "share": 0.25 * n, "ttftMs": {**POINT, "p95": 100.0 * n}, "tpotMs": {**POINT, "p95": 20.0 * n}, "holds": n < 3}
        for n in (1, 2, 3, 4)
    ]
    band = {"low": 60.0, "expected": 110.0, "high": 250.0, "provenance": "fitted", "source": "fit"}
    service = {
        "service": "chat", "task": "generate", "traffic": "Poisson arrivals, equal lengths", "requests": 5000, "refused": 0, "rps": 3.0,
        "isl": 500, "osl": 200, "seed": 1, "replicas": 2, "policy": "random", "saturatedRps": 8.0, "ttftMs": POINT,
        "tpotMs": POINT, "e2eMs": POINT, "inputTps": 1500.0, "outputTps": 600.0, "preemptions": 1, "knee": knee, "holds": True,
        "holdsUpToRps": 4.0,
        "ttftHistogram": {"edgesMs": [40.0, 80.0, 120.0], "counts": [4000, 1000]},
        "tpotHistogram": {"edgesMs": [40.0, 80.0, 120.0], "counts": [2500, 2500]},
        "promises": [
            {"metric": "ttft", "targetMs": 500.0, "closedForm": band, "simulatedMs": 100.0},
            {"metric": "tpot", "targetMs": None, "closedForm": band, "simulatedMs": 100.0},
        ],
        **changes,
    }  # fmt: skip
    return {"stack": "test", "services": [service], "broken": []}


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 100])
def test_report(snapshot: SnapshotAssertion, width: int) -> None:
    """The report shows percentiles beside the closed form, distributions, and the knee with its conclusion."""
    assert documents.text(simulation_report(document()), width) == snapshot.use_extension(TextFile)


def test_a_model_that_writes_nothing_has_one_latency() -> None:
    """Neither report nor drawing speaks of tokens out, TTFT or TPOT: the answer is one."""
    kept = document()["services"][0]["promises"][:1]
    made = document(task="embed", osl=0, outputTps=0.0, promises=kept)
    shown = documents.text(simulation_report(made), 100) + drawing(made, page=True)
    assert not {word for word in ("TTFT", "TPOT", "E2E", " out ") if word in shown}
    assert "Requests by latency" in shown
    assert "1,500 tok/s" in shown
    assert len(ElementTree.fromstring(drawing(made, page=False)).findall(".//{*}polyline")) == 4


def test_answers_of_one_token_have_no_time_per_token() -> None:
    """A classifier's one token is its first: nothing is drawn of the others, and little output is not none."""
    never = dict.fromkeys(POINT, 0.0)
    knee = [{**point, "tpotMs": never} for point in document()["services"][0]["knee"]]
    made = document(osl=1, outputTps=0.35, tpotMs=never, knee=knee)
    shown = documents.text(simulation_report(made), 100) + drawing(made, page=True)
    assert "TPOT" not in shown
    assert "Requests by TTFT" in shown
    assert "0.35 tok/s" in shown
    assert len(ElementTree.fromstring(drawing(made, page=False)).findall(".//{*}polyline")) == 4


def test_drawings_stand_alone() -> None:
    """SVG is well formed, the page loads nothing, and names are escaped."""
    made = document(service="<chat>")
    svg, page = drawing(made, page=False), drawing(made, page=True)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert len(ElementTree.fromstring(svg).findall(".//{*}polyline")) == 8
    assert "&lt;chat&gt;: the plan holds" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page


def test_a_simulation_confirms_the_dev_stack(tmp_path: Path) -> None:
    """The dev stack's plan holds: the command ends with 0, and JSON and both drawings come out of one run."""
    page, svg = tmp_path / "a.html", tmp_path / "a.svg"
    done = inferstack("simulate", "-s", "dev", "--requests", "2000", "--json", "--html", str(page), "--svg", str(svg))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["services"][0]["holds"]
    assert page.read_text().startswith("<!doctype html>")
    assert svg.read_text().startswith("<svg ")


def test_a_broken_target_ends_with_3_and_a_bad_trace_with_2(tmp_path: Path) -> None:
    """A crowd is simulated and printed, then refused; a trace out of order is refused with its line and no traceback."""
    crowd, bad = tmp_path / "crowd.csv", tmp_path / "bad.csv"
    header = "arrival_s,input_tokens,output_tokens\n"
    crowd.write_text(header + "".join(f"{n / 100},600,200\n" for n in range(500)))
    bad.write_text(header + "2,600,200\n1,600,200\n")
    done = inferstack("simulate", "-s", "dev", "--trace", str(crowd))
    assert done.returncode == 3
    assert "✗ the plan does not hold" in done.stdout
    assert "p95 is" in done.stderr
    done = inferstack("simulate", "-s", "dev", "--trace", str(bad))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{bad} line 3: has arrival_s 1, before the 2 of the request above; sort the trace by time\n"
    done = inferstack("simulate", "-s", "dev", "--requests", "100", "--svg", str(tmp_path / "no" / "a.svg"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
