"""From measurements to corrections, and from corrections to plans that say measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.evaluation import evaluate_throughput, throughput_rows
from inferstack.measurements import calibration_of, check
from inferstack.planning.types import ServicePlan
from inferstack.sizing import step_times
from inferstack.sizing.types import Provenance
from tests.cli.command import inferstack
from tests.planning.stacks import service

from .test_checks import row
from .test_formats import DATA


def scaled(factor: float, **changes: Any) -> dict[str, Any]:
    """A row whose latencies are `factor` times what is predicted for it."""
    bare = row(output_tps=None, **changes)
    (read,) = throughput_rows([bare])
    predicted = evaluate_throughput(read).predicted  # type: ignore[arg-type]
    return {**bare, "tpot_ms": predicted["tpot_ms"] * factor, "ttft_ms": predicted["ttft_ms"] * factor}  # type: ignore[operator]


def test_a_correction_is_measured_over_predicted() -> None:
    """Rows that are all a fifth slower than predicted give a factor of 1.2 for decode and prefill, and step times follow it."""
    rows = [scaled(1.2, id=n, concurrency=n) for n in (2, 8, 32)]
    checked = check(rows, "m.json")
    (setup,) = calibration_of(checked, "m.json").measured
    assert (setup.correction.decode, setup.correction.prefill) == pytest.approx((1.2, 1.2))
    assert setup.correction.source == "3 measurements in m.json"
    shape = checked[0][1]
    slower, plain = (step_times(replace(shape, measured=c), 1000, 300) for c in (setup.correction, None))
    assert slower.decode_s(8) == pytest.approx(1.2 * plain.decode_s(8))
    assert slower.prefill_s == pytest.approx(1.2 * plain.prefill_s)


def test_more_measurements_that_agree_narrow_the_band_and_scatter_widens_it() -> None:
    """Ten rows that agree leave a narrower band than one; rows that do not agree leave a wider one."""

    def spread(*factors: float) -> float:
        rows = [scaled(factor, id=n, concurrency=n + 1) for n, factor in enumerate(factors)]
        found = calibration_of(check(rows, "m.json"), "m.json").measured[0].correction.tpot_spread
        assert found is not None
        return found

    assert 1 < spread(*[1.0] * 10) < spread(1.0) < spread(1.0, 2.0, 1.1, 1.9)


def plan_with(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> ServicePlan:
    (folder / "mine.json").write_text(json.dumps(rows))
    config = {
        "inferstack:target": {"cloud": "eks", "region": "us-east-1"},
        "inferstack:services": [
            service(model="Qwen/Qwen3-8B", gpu="h100-80", quantization="bf16", tensorParallel=1, calibration="mine.json", **changes)
        ],
    }
    return planning.plan(stackfile.read(config, stack="test", source=str(folder / "Pulumi.test.yaml"))).services[0]


def test_a_plan_of_a_measured_setup_says_measured_and_its_band_narrows(tmp_path: Path) -> None:
    """Latencies and capacity carry the measurements as their source, and lie in a narrower band than before."""
    measured = plan_with(tmp_path, [scaled(1.2, id=n, concurrency=n) for n in (2, 8, 32)]).replica.performance
    other = plan_with(tmp_path, [scaled(1.2, id=1, gpu="l40s")])
    before = other.replica.performance
    for name in ("ttft_p95_ms", "tpot_p95_ms", "capacity_rps", "output_tps"):
        now, then = getattr(measured, name), getattr(before, name)
        assert now.provenance is Provenance.MEASURED
        assert now.source == "3 measurements in mine.json"
        assert now.high / now.low < then.high / then.low
    assert measured.tpot_p95_ms.expected > 1.15 * before.tpot_p95_ms.expected
    assert any("mine.json measured Qwen/Qwen3-8B bf16 on 1 x l40s with vllm, not what is planned" in said for said in other.warnings)


def test_a_bad_calibration_file_is_a_problem_of_its_key(tmp_path: Path) -> None:
    """What is wrong in the file is reported under the service's key, by row."""
    with pytest.raises(Exception, match=r"services\[0\]\.calibration: mine\.json cannot be used: row a: tpot_ms 0\.1 is faster"):
        plan_with(tmp_path, [row(tpot_ms=0.1, output_tps=None)])


def test_the_command_checks_writes_and_ends(tmp_path: Path) -> None:
    """Files of several tools become one calibration file with 0; a row that cannot be ends with 2 and writes nothing."""
    out = tmp_path / "calibration.json"
    files = [str(DATA / name) for name in ("guidellm.json", "aiperf.json")]
    done = inferstack("calibrate", *files, "--gpu", "h100-80", "-o", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 x h100-80" in done.stdout
    assert len(json.loads(out.read_text())) == 5
    done = inferstack("calibrate", str(DATA / "vllm.json"), "--gpu", "l4", "-o", str(tmp_path / "none.json"))
    assert done.returncode == 2
    assert "row vllm: " in done.stderr
    assert not (tmp_path / "none.json").exists()
