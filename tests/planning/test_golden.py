"""The plans of the stacks that ship, as committed evidence: a change of a plan is seen in review."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from inferstack import planning, stackfile

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.golden
@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_the_plan_of_each_stack_is_as_committed(stack: str, snapshot: SnapshotAssertion) -> None:
    """Sizes, machines, costs, reasons and containers of each stack."""
    plan = planning.plan(stackfile.load(PROJECT / f"Pulumi.{stack}.yaml"))
    assert planning.document(plan) == snapshot.use_extension(JSONSnapshotExtension)
