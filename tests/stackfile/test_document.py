"""Files that are no stack files, from empty to hostile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from inferstack import stackfile
from inferstack.errors import InputError
from tests.stackfile import files
from tests.stackfile.files import problems_in, write

BEGINNING = "a stack file begins with `config:`, and below it `inferstack:target:`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"FILE: is empty; {BEGINNING}"),
        ("# only a comment\n", f"FILE: is empty; {BEGINNING}"),
        ("just text\n", f"FILE: is not a mapping of keys; {BEGINNING}"),
        ("- a\n- b\n", f"FILE: is not a mapping of keys; {BEGINNING}"),
        (b"\x00\x01\x02ELF", "FILE: is a binary file, not a stack file"),
        (b"config:\n  a: \xff\xfe\n", "FILE: is not UTF-8 text (line 2); save it as UTF-8"),
        ("config: \x07\n", "FILE: is not YAML: it holds control characters"),
        ("config: {a: 1\n", "FILE: is not YAML (line 2, column 1): did not find expected ',' or '}'"),
        ("a: 1\n b: 2\n", "FILE: is not YAML (line 2, column 3): mapping values are not allowed in this context"),
        ("config: *nowhere\n", "FILE: has an alias *nowhere without an anchor before it (line 1, column 9)"),
        ("config: &a [*a]\n", "FILE: has an alias *a inside what it stands for (line 1, column 13)"),
        ("config: &a {<<: *a}\n", "FILE: has an alias *a inside what it stands for (line 1, column 17)"),
        ("config: !!python/object:x.y z\n", "FILE: has the tag tag:yaml.org,2002:python/object:x.y (line 1, column 9); remove the tag"),
        ("config: !!set {a}\n", "FILE: has the tag tag:yaml.org,2002:set (line 1, column 9); remove the tag"),
        ("config: {}\n---\nconfig: {}\n", "FILE: holds a second YAML document (line 2, column 1); keep the first, without `---`"),
        ("? [a]\n: b\n", "FILE: has a list or a mapping as a key (line 1, column 3); write a name"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str | bytes, said: str) -> None:
    """What makes the rest unreadable is said alone, with its line, and never as a traceback."""
    assert problems_in(tmp_path, text) == [said]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder are named as what they are."""
    with pytest.raises(InputError, match=r"Pulumi\.x\.yaml: does not exist$"):
        stackfile.load(tmp_path / "Pulumi.x.yaml")
    with pytest.raises(InputError, match=r"is a folder, not a stack file$"):
        stackfile.load(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """More than 1 MiB is no stack file, whatever it holds."""
    assert problems_in(tmp_path, b"#" * (1 << 20) + b"\n" + files.GOOD.encode()) == ["FILE: is larger than 1 MiB, which no stack file is"]


def test_an_alias_bomb_is_refused_in_no_time(tmp_path: Path) -> None:
    """Aliases that would expand to billions of values are refused by count, before anything is expanded."""
    rows = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.perf_counter()
    (said,) = problems_in(tmp_path, "config:\n  a0: &a0 [x, x]\n" + "\n".join(rows))
    assert said.startswith("FILE: holds more than 200000 values once its aliases are written out (line ")
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_in_no_time(tmp_path: Path, opening: str) -> None:
    """Nesting is refused at 64 levels, not when the parser's stack is used up."""
    started = time.perf_counter()
    (said,) = problems_in(tmp_path, "config: " + opening * 100_000 if opening != "- " else opening * 100_000 + "x")
    assert said.startswith("FILE: nests deeper than 64 levels (line 1, ")
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("number", ["9" * 100_000, "0x" + "f" * 100_000, "1e400", "-" + "9" * 400])
def test_numbers_of_any_length(tmp_path: Path, number: str) -> None:
    """A number that no machine holds is refused like any other that is not finite or too large."""
    (said,) = problems_in(tmp_path, files.GOOD.replace("isl: 512", f"isl: {number}"))
    assert said.startswith("services[0].traffic.isl: ")
    assert len(said) < 200


def test_a_key_written_twice(tmp_path: Path) -> None:
    """The second of two equal keys would silently win; both lines are named, along with everything else that is wrong."""
    text = "config:\n  inferstack:target:\n    cloud: gke\n    region: us-central1\n    cloud: eks\n" + files.GOOD.split("\n", 2)[2]
    assert problems_in(tmp_path, text.replace("isl: 512", "isl: 0")) == [
        "services[0].traffic.isl: 0 must be at least 1",
        "target.cloud: is written twice, on lines 3 and 5; keep one",
    ]


def test_unknown_keys_at_the_top(tmp_path: Path) -> None:
    """Settings outside `config:` would be ignored by Pulumi."""
    text = files.GOOD + "inferstack:budget: {}\nencryptionsal: x\n"
    assert problems_in(tmp_path, text) == [
        "encryptionsal: is not a key of a stack file; use encryptionsalt",
        "budget: is not a key of a stack file; put it under `config:`",
    ]


def test_a_merge_of_something_else(tmp_path: Path) -> None:
    """`<<` takes mappings only."""
    text = files.GOOD.replace("name: chat", "<<: 5, name: chat")
    assert problems_in(tmp_path, text) == ["services[0].<<: merges what is not a mapping; name an anchor of a mapping"]


def test_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    """Editors on Windows begin files with a mark and end lines with two characters; both are read."""
    path = write(tmp_path, b"\xef\xbb\xbf" + files.GOOD.replace("\n", "\r\n").encode())
    assert stackfile.load(path).services[0].name == "chat"


def test_problems_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole message has the file in front of each line, relative where it is below the working folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, files.GOOD.replace("isl: 512", "isl: 0"))
    with pytest.raises(InputError) as refused:
        stackfile.load(tmp_path / "Pulumi.test.yaml")
    assert str(refused.value) == "Pulumi.test.yaml: inferstack:services[0].traffic.isl: 0 must be at least 1"
