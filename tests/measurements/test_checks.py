"""Rows that cannot be: named by their id, with what physics or another row says."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.errors import InputError
from inferstack.measurements import check

GOOD = {
    "id": "a", "model": "Qwen/Qwen3-8B", "engine": "vllm", "gpu": "h100-80", "quantization": "bf16", "tp": 1, "isl": 1024, "osl": 256,
    "load": "closed-loop", "concurrency": 16, "output_tps": 1400.0, "ttft_ms": 150.0, "tpot_ms": 10.4,
}  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not None}


def refusal(*rows: dict[str, Any]) -> str:
    with pytest.raises(InputError) as refused:
        check(rows, "bench.json")
    return str(refused.value)


def test_a_plausible_row_passes() -> None:
    """A row within physics comes back with the replica that it measured."""
    ((found, shape),) = check([row()], "bench.json")
    assert found.id == "a"
    assert (shape.model.id, shape.device.id, shape.checkpoint.quantization) == ("Qwen/Qwen3-8B", "h100-80", "bf16")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tpot_ms": 2.0, "output_tps": None},
            "row a: tpot_ms 2 is faster than the memory bandwidth allows: reading 16.4 GB over 3,350 GB/s",
        ),
        ({"tpot_ms": None, "output_tps": 9000.0, "concurrency": 4}, "row a: output_tps 9000 is faster than the memory bandwidth allows"),
        ({"ttft_ms": 1.0}, "row a: ttft_ms 1 is faster than"),
        ({"output_tps": 1e6, "concurrency": None, "tpot_ms": None}, "row a: output_tps 1e+06 is more than"),
        ({"output_tps": 3000.0}, "row a: contradicts itself: 16 at a time with a tpot_ms of 10.4 make 1,538 tokens a second, not 3000"),
        ({"load": "poisson", "concurrency": None, "request_rate": 1.0}, "row a: contradicts itself: 1 requests a second"),
        ({"isl": None}, "row a: isl is missing"),
        ({"gpu": None}, "row a: gpu is missing; add --gpu"),
        ({"tpot_ms": float("nan")}, "row a: tpot_ms is nan"),
        ({"tpot_ms": -1}, "row a: tpot_ms is -1, which is not above 0"),
        ({"tpot_ms": None, "ttft_ms": None, "output_tps": None}, "row a: holds none of output_tps, ttft_ms, tpot_ms"),
        ({"gpu": "abacus"}, "row a: "),
    ],
)
def test_what_cannot_be_is_refused_by_its_id(changes: dict[str, Any], message: str) -> None:
    """Too fast, at odds with itself, or incomplete: the message names file, row, value and bound."""
    said = refusal(row(**changes))
    assert f"bench.json: {message}" in said


def test_several_tokens_a_step_may_be_faster_than_reading_the_weights() -> None:
    """A row that is flagged as speculative is not held against the bandwidth."""
    assert check([row(tpot_ms=2.0, output_tps=None, flags=["speculative"])], "bench.json")


def test_rows_that_contradict_one_another_are_refused() -> None:
    """The same setup at the same load cannot take twice as long; two rows cannot share an id."""
    said = refusal(row(), row(id="b", tpot_ms=25.0, output_tps=600.0))
    assert "row b: contradicts row a, the same setup and load: tpot_ms 25 and 10.4" in said
    assert "row a: has the id of another row" in refusal(row(), row(concurrency=8, output_tps=700.0))
