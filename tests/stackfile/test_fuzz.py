"""Whatever is in a stack file, the answer is a StackFile or an InputError, and what is accepted is what the schema says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferstack import stackfile
from inferstack.errors import InputError
from inferstack.stackfile.document import parse
from inferstack.stackfile.keys import children
from inferstack.stackfile.schema import StackFile
from tests.stackfile import files

KEYS = sorted({key for section in (StackFile, *filter(None, children(StackFile).values())) for key in children(section)})
TOKEN = "hf_abcdefghijklmnop"
WORDS = [
    "gke",
    "eks",
    "existing",
    "us-east-1",
    "spot",
    "reserved",
    "internal",
    "l4",
    "hf://a/b",
    "chat",
    "",
    "1.34",
    "10.0.0.0/16",
    "hf_abcdefghijklmnop",
]
TOKENS = ["a", ": ", "- ", "[", "]", "{", "}", ",", "&x ", "*x", "<<", "\n", "\n  ", "|", "!!str ", "1e9", "? ", "# ", '"', "'"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)
VALIDATOR = jsonschema.Draft202012Validator(stackfile.json_schema())


@given(
    st.dictionaries(
        st.sampled_from(["inferstack:target", "services", "inferstack:budget", "apiKey", "aws:region"]) | st.text(max_size=9), ANYTHING
    )
)
def test_anything_at_all(config: dict[str, Any]) -> None:
    """Any config whatever is read or refused with problems; no other error comes out, and no secret."""
    said = _said(lambda: files.read(config))
    assert said is None or (said and TOKEN not in said)


@given(st.data())
def test_a_good_file_with_one_slip(data: st.DataObject) -> None:
    """One value of a good file replaced by anything: what is still accepted is valid by the schema as well."""
    made = files.config(
        files.service(slo={"ttftP95Ms": 900}, replicas={"min": 1, "max": 2}, capacityType="spot"), budget={"maxMonthlyUsd": 9}
    )
    place: Any = made
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(ANYTHING)
    try:
        files.read(made)
    except InputError:
        return
    assert list(VALIDATOR.iter_errors({"config": made})) == []


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.binary(max_size=200))
@settings(max_examples=200)
def test_any_text_or_bytes(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    """Any file whatever is refused with problems."""
    path = files.write(
        tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, "Pulumi.fuzz.yaml"
    )
    with pytest.raises(InputError) as refused:
        stackfile.load(path)
    assert refused.value.problems


@given(
    st.lists(
        st.sampled_from(
            ["a", ": ", "- ", "[", "]", "{", "}", ",", "&x ", "*x", "<<", "\n", "\n  ", "|", "!!str ", "1e9", "? ", "# ", '"', "'"]
        ),
        max_size=40,
    )
)
def test_any_yaml(tokens: list[str]) -> None:
    """Any mix of YAML's own tokens is parsed or refused."""
    assert _said(lambda: parse("".join(tokens), "x.yaml")) != ""


def _said(read: Callable[[], object]) -> str | None:
    """What is wrong; None where nothing is."""
    try:
        read()
    except InputError as refused:
        return str(refused)
    return None
