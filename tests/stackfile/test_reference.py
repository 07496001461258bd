"""The JSON Schema and the docs page say what the reader accepts."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml

from inferstack import stackfile
from inferstack.stackfile.keys import children
from inferstack.stackfile.schema import StackFile
from inferstack.stackfile.section import Section
from tests.stackfile import files
from tests.stackfile.test_reading import ROOT

SCHEMA = stackfile.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _valid(made: dict[str, Any]) -> bool:
    return VALIDATOR.is_valid({"config": made})


def test_the_schema_is_one() -> None:
    """It is valid JSON Schema of draft 2020-12 and refers to nothing that is not in it."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == {*(section.__name__ for section in _sections(StackFile)), "CapacityType"}


@pytest.mark.parametrize("name", ["dev", "staging", "prod", "local"])
def test_our_own_stacks_are_valid(name: str) -> None:
    """An editor that checks our stack files against the schema finds nothing."""
    assert list(VALIDATOR.iter_errors(yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text()))) == []


def test_the_schema_refuses_what_an_editor_should_underline() -> None:
    """Unknown keys, wrong types, names that are none, plain secrets and missing settings are errors already in the editor."""
    assert _valid(files.config(files.service(replicas={"min": 1, "max": 2}), budget={"maxMonthlyUsd": 10.5}))
    assert _valid(files.config() | {"aws:region": "x", "inferstack:apiKey": {"secure": "v1:a:b"}})
    for wrong in (
        files.config(files.service(gpuu="l4")),
        files.config(files.service(gpu=4)),
        files.config(files.service(name="A b")),
        files.config(files.service(endpoint="public")),
        files.config(apiKey="plain"),
        files.config(bugdet={}),
        {"inferstack:target": files.TARGET},
    ):
        assert not _valid(wrong)


def test_every_key_is_described() -> None:
    """Every key of the page has a meaning; it comes from the docstring beside the field."""
    rows = [line.split(" | ") for line in stackfile.markdown().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows if not row[-1].strip(" |")] == ["| `name`"][:0]
    assert len(rows) >= sum(len(children(section)) for section in _sections(StackFile))


def test_the_page_shows_a_stack_file_that_works() -> None:
    """The example at the top of the page is read without a problem."""
    example = stackfile.markdown().split("```yaml\n")[1].split("```")[0]
    assert files.read(yaml.safe_load(example)["config"]).services[0].name == "chat"


def _sections(section: type[Section]) -> set[type[Section]]:
    below = {child for child in children(section).values() if child is not None}
    return below.union(*(_sections(child) for child in below))
