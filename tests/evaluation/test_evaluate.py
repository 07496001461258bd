"""What `inferstack evaluate` answers."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inferstack.cli.app import app
from inferstack.evaluation import evaluate

DATA = Path(__file__).parents[2] / "calibration" / "data"
FILES = {"memory": "kv_cache.json", "throughput": "throughput.json"}
KEYS = {
    "memory": {
        "kv_gib_per_gpu",
        "weights_gib_per_gpu",
        "activation_gib",
        "non_torch_gib",
        "cuda_graph_gib",
        "kv_tokens",
        "max_concurrency",
        "fits",
    },
    "throughput": {"output_tps", "ttft_ms", "tpot_ms"},
}


def _rows(kind, count=60):
    return json.loads((DATA / FILES[kind]).read_text(encoding="utf-8"))[:count]


@pytest.mark.parametrize("kind", FILES)
def test_every_row_is_answered_with_every_key(kind):
    """Each row gets an answer in order: all keys, a band around each figure, or a reason why it is skipped."""
    rows = _rows(kind)
    answer = evaluate(kind, rows)
    assert [row["id"] for row in answer["rows"]] == [row["id"] for row in rows]
    for row in answer["rows"]:
        assert set(row["predicted"]) == KEYS[kind]
        for key, value in row["predicted"].items():
            assert (value is None) == (key not in row["band"])
            if value is not None:
                assert row["skipped"] is None
                assert row["band"][key]["low"] <= value <= row["band"][key]["high"]


@pytest.mark.parametrize("kind", FILES)
def test_predictions_never_read_what_was_observed(kind):
    """A row without its observations, and with other ones, gets the same prediction."""
    rows = _rows(kind)
    observed = [key for key in rows[0] if key.startswith(("obs_", "ttft", "tpot")) or key in ("output_tps", "total_tps")]
    blind = [{key: value for key, value in row.items() if key not in observed} for row in rows]
    other = [{**row, **{key: 1.25 for key in observed if row[key] is not None}} for row in rows]
    answers = [evaluate(kind, version)["rows"] for version in (rows, blind, other)]
    assert answers[0] == answers[1] == answers[2]


def test_the_summary_compares_where_something_was_observed():
    """Errors are those of the rows with an observation; a file without any has none."""
    rows = _rows("memory", 5)
    assert evaluate("memory", rows)["summary"]["errors"]["weights_gib_per_gpu"]["n"] == 5
    assert evaluate("memory", [{"id": 1, "model": "Qwen/Qwen3-8B", "engine": "vllm"}])["summary"]["errors"] == {}


def test_the_command_prints_the_document_and_stays_off_the_first_screen(tmp_path):
    """`evaluate` answers with JSON or a table and exit 0, a bad file with exit 2, and `--help` does not list it."""
    run = CliRunner().invoke
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"id": 3, "model": "nobody/nothing", "engine": "vllm"}]), encoding="utf-8")
    shown = run(app, ["evaluate", "memory", str(file), "--json"])
    assert (shown.exit_code, json.loads(shown.stdout)["rows"][0]["skipped"]) == (0, "model 'nobody/nothing' is not a known model")
    assert "row 3: model 'nobody/nothing'" in run(app, ["evaluate", "memory", str(file)]).stdout
    assert "evaluate" not in run(app, ["--help"]).stdout


def test_a_model_that_only_its_name_tells_of_gets_wide_figures():
    """Parameters in the name give weights and, beside a GPU, the cache that they leave; what needs dimensions stays open."""
    row = {"id": 1, "model": "nobody/Brand-New-7B-Chat", "engine": "vllm", "version": "0.11.0", "gpu": "H100", "tp": 2}
    (found,) = evaluate("memory", [row])["rows"]
    assert found["skipped"] is None
    assert found["predicted"]["weights_gib_per_gpu"] == pytest.approx(7e9 * 2 / 2 / 2**30)
    band = found["band"]["kv_gib_per_gpu"]
    assert band["low"] < found["predicted"]["kv_gib_per_gpu"] - 2
    assert found["predicted"]["kv_tokens"] is None
    (quantized,) = evaluate("memory", [{**row, "model": "nobody/Brand-New-7B-AWQ"}])["rows"]
    assert quantized["predicted"]["weights_gib_per_gpu"] < 2


def test_a_model_taken_for_another_has_a_wider_band():
    """Vocabulary and towers of a fine-tuned model may differ from what it was made from."""
    row = {"id": 1, "model": "Qwen/Qwen2.5-7B-Instruct", "engine": "vllm", "version": "0.11.0", "gpu": "H100"}
    own, other = evaluate("memory", [row, {**row, "model": "someone/Qwen2.5-Poet-7B"}])["rows"]
    assert own["predicted"] == other["predicted"]
    for key in ("weights_gib_per_gpu", "kv_gib_per_gpu"):
        assert other["band"][key]["low"] < own["band"][key]["low"]


OTHER_LOGS = json.loads((Path(__file__).parent / "other_logs.json").read_text(encoding="utf-8"))["rows"]


@pytest.mark.parametrize("row", OTHER_LOGS, ids=[row["id"] for row in OTHER_LOGS])
def test_logs_beside_the_calibration_are_predicted(row):
    """Of start-up logs that are not among the rows that are fitted, KV cache and concurrency come out within 6 %, weights within 2 %."""
    (found,) = evaluate("memory", [row])["rows"]
    columns = {
        "kv_gib_per_gpu": ("obs_kv_gib_per_gpu", 0.06),
        "kv_tokens": ("obs_kv_tokens", 0.06),
        "max_concurrency": ("obs_max_concurrency", 0.06),
        "weights_gib_per_gpu": ("obs_weights_gib_per_gpu", 0.02),
    }
    for key, (column, within) in columns.items():
        if column in row:
            assert found["predicted"][key] == pytest.approx(row[column], rel=within), key
    band = found["band"]["kv_tokens"]
    assert "obs_kv_tokens" not in row or band["low"] <= row["obs_kv_tokens"] <= band["high"]
