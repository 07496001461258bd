"""Trace files: both forms, and every way in which one can be wrong, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferstack.errors import InputError
from inferstack.sizing.simulation import Requests, parse_trace, read_trace

EXPECTED = Requests([0.0, 0.5], [512, 2048], [128, 64])


@pytest.mark.parametrize(
    "text",
    [
        "arrival_s,input_tokens,output_tokens\n0,512,128\n0.5,2048,64\n",
        "output_tokens, arrival_s, input_tokens, note\n128, 0, 512, a\n\n64, 0.5, 2048, b",
        '{"arrival_s": 0, "input_tokens": 512, "output_tokens": 128}\n\n'
        '{"arrival_s": 0.5, "input_tokens": 2048, "output_tokens": 64, "x": 1}',
    ],
)
def test_both_forms_are_read(text: str) -> None:
    """CSV by its header, in any order and with more columns, and JSON lines give the same requests."""
    assert parse_trace(text, "t") == EXPECTED


HEADER = "arrival_s,input_tokens,output_tokens\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t: holds no requests; one a line: arrival_s, input_tokens, output_tokens"),
        (HEADER, "t: holds no requests"),
        ("arrival,input_tokens,output_tokens\n0,1,1", "t line 1: has no column arrival_s; did you mean arrival?"),
        (HEADER + "0,1,1\n2,1,1\n1,1,1", "t line 4: has arrival_s 1, before the 2 of the request above; sort the trace by time"),
        (HEADER + "-1,1,1", "t line 2: has arrival_s -1; times are 0 or more and finite"),
        (HEADER + "nan,1,1", "t line 2: has arrival_s nan"),
        (HEADER + "inf,1,1", "t line 2: has arrival_s inf"),
        (HEADER + "0,0,1", "t line 2: has input_tokens 0; give whole tokens, at least 1"),
        (HEADER + "0,1,-5", "t line 2: has output_tokens -5; give whole tokens"),
        (HEADER + "0,nan,1", "t line 2: has input_tokens nan; give whole tokens"),
        (HEADER + "0,1.5,1", "t line 2: has input_tokens 1.5; give whole tokens"),
        (HEADER + "0,many,1", "t line 2: has 'many' for input_tokens, which is not a number"),
        (HEADER + "0,1", "t line 2: has no output_tokens"),
        ('{"arrival_s": 0, "input_tokens": 1}', "t line 1: has no output_tokens"),
        ('{"arrival_s": 0, "input_tokens": 1, "output_tokens": 1}\n[1]', "t line 2: is not a JSON object"),
        ('{"arrival_s": 0, "input_tokens": 1, "output_tokens": 1}\n{', "t line 2: is not a JSON object"),
        ('{"arrival_s": true, "input_tokens": 1, "output_tokens": 1}', "t line 1: has True for arrival_s, which is not a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    """A bad trace is refused with the line, what stands there, and what should."""
    with pytest.raises(InputError) as refused:
        parse_trace(text, "t")
    assert message in str(refused.value)


def test_several_lines_are_reported_together_and_not_without_end() -> None:
    """All problems of a trace come at once, up to ten."""
    with pytest.raises(InputError) as refused:
        parse_trace(HEADER + "-1,1,1\n" * 50, "t")
    assert len(refused.value.problems) == 10


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and one that is no text are input errors with the path."""
    with pytest.raises(InputError, match=r"trace\.csv: cannot be read"):
        read_trace(tmp_path / "trace.csv")
    (tmp_path / "trace.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_trace(tmp_path / "trace.csv")
