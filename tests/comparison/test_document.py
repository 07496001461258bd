"""The public shape of a comparison."""

from __future__ import annotations

import json

import jsonschema
import pytest

from inferstack import comparison
from tests.comparison import stacks

SCHEMA = json.loads((stacks.ROOT / "docs" / "schemas" / "compare.schema.json").read_text())


@pytest.mark.parametrize("stack", ["dev", "local", "prod"])
def test_the_document_keeps_its_schema(stack: str) -> None:
    """`compare --json` is what docs/schemas/compare.schema.json says, prices known or not, with no key more."""
    document = comparison.document(stacks.shipped(stack))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document)))
    assert len(document["services"][0]["curve"]) == 33


def test_the_schema_is_closed() -> None:
    """A key that the schema does not name is refused, so that the test above notices one."""
    document = comparison.document(stacks.shipped("dev"))
    document["services"][0]["more"] = 1
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
