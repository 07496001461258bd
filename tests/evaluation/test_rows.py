"""Rows of measurements: what is read, and what is refused with its row and reason."""

import json

import pytest

from inferstack.errors import InputError
from inferstack.evaluation import BadRow, MemoryRow, ThroughputRow, memory_rows, read_rows, throughput_rows

MEMORY = {"id": 7, "model": "Qwen/Qwen3-8B", "engine": "vllm", "gpu": "L4", "tp": 1, "obs_kv_gib_per_gpu": -1.5}
THROUGHPUT = {"id": "a", "model": "Qwen/Qwen3-8B", "engine": "vllm", "gpu": "L4", "isl": 100, "osl": 10.5, "load": "offline"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": None}, "model is missing"),
        ({"tp": 0}, "tp is 0, which is not above 0"),
        ({"tp": 1.5}, "tp is 1.5, which is not a whole number"),
        ({"gpu_total_gib": -80}, "gpu_total_gib is -80, which is not above 0"),
        ({"gpu_total_gib": "80 GB"}, "gpu_total_gib '80 GB' is not a number"),
        ({"gpu_total_gib": float("nan")}, "gpu_total_gib is nan, which is not a finite number"),
        ({"gpu_total_gb": 80}, "gpu_total_gb is in an unknown unit; give gpu_total_gib"),
        ({"gpu_memory_utilization": 90}, "gpu_memory_utilization is 90, which is not a share of at most 1"),
        ({"model_config": "config.json"}, "model_config is not an object; give a Hugging Face config"),
    ],
)
def test_a_bad_memory_row_is_named_with_its_reason(change, reason):
    """A row with a missing, impossible or wrongly united field is refused under its id, with field, value and reason."""
    (row,) = memory_rows([{**MEMORY, **change}])
    assert isinstance(row, BadRow)
    assert (row.row_id, str(row)) == (7, reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gpu": None}, "gpu is missing"),
        ({"osl": -1}, "osl is -1, which is not above 0"),
        ({"output_tps": 0}, "output_tps is 0, which is not above 0"),
        ({"load": "poison"}, "load 'poison' is unknown; did you mean 'poisson'?"),
    ],
)
def test_a_bad_throughput_row_is_named_with_its_reason(change, reason):
    """A throughput row is checked in the same way, its observations included."""
    (row,) = throughput_rows([{**THROUGHPUT, **change}])
    assert isinstance(row, BadRow)
    assert (row.row_id, str(row)) == ("a", reason)


def test_good_rows_are_read():
    """A field that is missing or null is None; what was observed is kept apart, and memory may be negative."""
    (memory,) = memory_rows([MEMORY])
    (throughput,) = throughput_rows([THROUGHPUT])
    assert isinstance(memory, MemoryRow)
    assert isinstance(throughput, ThroughputRow)
    assert (memory.pp, memory.observed) == (None, {"kv_gib_per_gpu": -1.5})
    assert (throughput.osl, throughput.observed) == (10.5, {})


def test_a_row_without_an_id_is_named_by_its_place():
    """What is no object, and what has no id, is named by its index in the file."""
    first, second = memory_rows([3, {"model": "x"}])
    assert [(first.row_id, str(first)), (second.row_id, str(second))] == [("#0", "is not an object"), ("#1", "engine is missing")]


@pytest.mark.parametrize(("text", "reason"), [("{", "is not JSON"), ("{}", "is not a list of rows")])
def test_a_file_that_is_no_list_of_rows_is_refused(tmp_path, text, reason):
    """A file that is not a JSON list is refused with its path."""
    file = tmp_path / "rows.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=reason):
        read_rows(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_rows(tmp_path / "none.json")
    file.write_text(json.dumps([1]), encoding="utf-8")
    assert read_rows(file) == [1]
