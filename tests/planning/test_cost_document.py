"""The public shape of an estimate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from inferstack import planning, stackfile

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "costs.schema.json").read_text())


def costs(stack: str) -> dict[str, Any]:
    made = planning.plan(stackfile.load(ROOT / f"Pulumi.{stack}.yaml"))
    return json.loads(json.dumps(planning.cost_document(made.costs)))


@pytest.mark.parametrize("stack", ["dev", "local", "prod", "staging"])
def test_the_costs_of_a_stack_keep_their_schema(stack: str) -> None:
    """`costs` is what docs/schemas/costs.schema.json says, priced or not, with no key more."""
    assert not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(costs(stack)))


def test_the_schema_is_closed() -> None:
    """A key that the schema does not name, and a price below 0, are refused."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    more, negative = costs("dev"), costs("dev")
    more["lines"]["more"] = 1
    negative["lines"]["children"][0]["children"][0]["unitPriceUsd"] = -1
    assert not validator.is_valid(more)
    assert not validator.is_valid(negative)


@pytest.mark.parametrize("stack", ["dev", "prod", "staging"])
def test_sums_and_bands_agree(stack: str) -> None:
    """The total is the sum of its branches in every column, an hour its 730th part, and the band holds the expected month."""
    found = costs(stack)
    for point in ("min", "expected", "max"):
        branches = sum(branch["monthlyUsd"][point] for branch in found["lines"]["children"])
        assert found["monthlyUsd"][point] == pytest.approx(branches, abs=1e-4)
        assert found["hourlyUsd"][point] == pytest.approx(found["monthlyUsd"][point] / 730, abs=1e-4)
    assert found["monthlyUsd"]["min"] <= found["monthlyUsd"]["expected"] <= found["monthlyUsd"]["max"]
    assert found["band"]["low"] <= found["band"]["expected"] == found["monthlyUsd"]["expected"] <= found["band"]["high"]
