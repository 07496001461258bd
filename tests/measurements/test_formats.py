"""Files of five benchmark tools, made in the shape that each of them writes, and rows in the calibration format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inferstack.errors import InputError
from inferstack.measurements import Setup, read_measurements

DATA = Path(__file__).parent / "data"
NOTHING = Setup()
LENGTHS = {"isl": 1024.0, "osl": 256.0}


def rows(name: str, setup: Setup = NOTHING) -> list[dict[str, Any]]:
    return read_measurements(DATA / name, setup)


def test_vllm() -> None:
    """`vllm bench serve` names model, lengths in total and latencies in ms; what --metadata adds stands at the top."""
    assert rows("vllm.json") == [
        {
            "id": "vllm", "source": "vllm.json", "model": "Qwen/Qwen3-8B", "engine": "vllm", "gpu": "h100-80", "tp": 1, **LENGTHS,
            "load": "closed-loop", "concurrency": 32, "output_tps": 984.6, "ttft_ms": 210.0, "ttft_p50_ms": 180.0, "ttft_p99_ms": 520.0,
            "tpot_ms": 30.0, "tpot_p50_ms": 29.5, "tpot_p99_ms": 36.0,
        }
    ]  # fmt: skip


def test_sglang() -> None:
    """`sglang.bench_serving` appends one JSON line a run, with an infinite rate as Infinity; one client is batch 1."""
    one, many = rows("sglang.jsonl")
    assert (one["id"], one["engine"], one["version"], one["model"], one["tp"]) == ("sglang#0", "sglang", "0.5.23", "Qwen/Qwen3-8B", 1)
    assert (one["load"], one["concurrency"], many["load"], many["concurrency"]) == ("batch-1", 1, "closed-loop", 16)
    assert (one["isl"], one["osl"], many["tpot_ms"]) == (1024, 256, 9.9)


def test_guidellm() -> None:
    """A GuideLLM report holds a run per strategy, with figures of successful requests."""
    found = rows("guidellm.json")
    assert [row["load"] for row in found] == ["batch-1", "closed-loop", "poisson", "burst (request rate inf)"]
    assert (found[1]["concurrency"], found[2]["request_rate"]) == (16, 4.0)
    assert (found[1]["ttft_ms"], found[1]["tpot_ms"], found[1]["output_tps"], found[1]["isl"]) == (150.0, 10.4, 1450.0, 1024.0)
    assert found[0]["model"] == "Qwen/Qwen3-8B"


def test_inference_perf() -> None:
    """inference-perf counts in seconds, and names neither model nor GPU."""
    (row,) = rows("inference-perf.json")
    assert (row["load"], row["request_rate"], row["output_tps"]) == ("poisson", 4.0, 1024.0)
    assert (row["ttft_ms"], row["ttft_p50_ms"], row["tpot_ms"]) == pytest.approx((90.0, 85.0, 11.0))
    assert "model" not in row


def test_aiperf() -> None:
    """AIPerf writes a unit beside each metric, which is read."""
    (row,) = rows("aiperf.json")
    assert (row["model"], row["load"], row["concurrency"]) == ("Qwen/Qwen3-8B", "closed-loop", 16)
    assert (row["ttft_ms"], row["tpot_ms"], row["output_tps"]) == pytest.approx((150.0, 10.4, 1450.0))


def test_rows_of_the_calibration_format_stand_as_they_are(tmp_path: Path) -> None:
    """A list of rows keeps ids and fields."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"id": 7, "model": "m", "engine": "vllm", "gpu_norm": "H100-SXM-80GB", "isl": 1, "osl": 1}]))
    (row,) = read_measurements(path, NOTHING)
    assert (row["id"], row["gpu_norm"]) == (7, "H100-SXM-80GB")


def test_what_is_stated_stands_over_what_is_in_the_file() -> None:
    """Options say what a file leaves open, and what it says wrongly."""
    (row,) = rows("vllm.json", Setup(gpu="l40s", quantization="fp8", tp=2))
    assert (row["gpu"], row["quantization"], row["tp"]) == ("l40s", "fp8", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is neither JSON|holds no benchmark runs"),
        ("[]", "holds no benchmark runs"),
        ("{", "is neither JSON"),
        ('{"a": 1}', "is of no tool that is known: a"),
        ("[1]", "holds something that is not a benchmark run"),
        ('{"a": 1}\nno', r"nor JSON lines \(line 2\)"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """What no tool wrote is refused with the file's name."""
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        read_measurements(path, NOTHING)
    assert str(path) in str(refused.value)
