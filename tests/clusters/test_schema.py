"""The schema that programs in other languages see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.provider.experimental.component import ComponentProvider
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from inferstack.clusters import EksCluster, ExistingCluster, GkeCluster
from inferstack.nodepools import GpuNodePool


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(ComponentProvider([EksCluster, GkeCluster, ExistingCluster, GpuNodePool], "inferstack").schema)


@pytest.mark.golden
def test_schema(schema: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    """Types, keys and descriptions of clusters and pools in the package schema; a change is seen by every user of another language."""
    found = {key: schema[key] for key in ("resources", "types")}
    assert found == snapshot.use_extension(JSONSnapshotExtension)


def test_everything_is_described(schema: dict[str, Any]) -> None:
    """Every key of every type has a description, and every enum its values."""
    for name, kind in {**schema["resources"], **schema["types"]}.items():
        for key, field in {**kind.get("inputProperties", {}), **kind.get("properties", {})}.items():
            assert field.get("description"), f"{name}.{key}"
    assert {value["value"] for value in schema["types"]["inferstack:index:CapacityType"]["enum"]} == {"on-demand", "spot", "reserved"}


def test_what_is_planned_with_is_plain(schema: dict[str, Any]) -> None:
    """Programs in other languages are told by the schema that a machine type has to be known and a subnet need not be."""
    pool = schema["resources"]["inferstack:index:GpuNodePool"]["inputProperties"]
    assert pool["machineType"].get("plain") is True
    reference = schema["types"]["inferstack:index:ClusterReference"]["properties"]
    assert reference["region"].get("plain") is True
    assert "plain" not in reference["nodeRoleArn"]
    assert "plain" not in reference["subnetIds"]["additionalProperties"]
