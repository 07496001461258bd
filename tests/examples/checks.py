"""What every stack file of the examples must render."""

from __future__ import annotations

from typing import Any

import kubernetes_validate

from inferstack import manifests
from inferstack.planning import StackPlan
from tests.manifests import crd_schema

VERSIONS = ("1.34", "1.35", "1.36")


def assert_objects_are_valid(plan: StackPlan) -> None:
    """Every object fits the schema of its CRD, or of each Kubernetes version, without an unknown field."""
    for item in manifests.stack_objects(plan):
        if crd_schema.known(item["apiVersion"], item["kind"]):
            assert crd_schema.problems(item) == [], item["metadata"]["name"]
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(item, version, strict=True)


def objects(plan: StackPlan, kind: str) -> list[dict[str, Any]]:
    return [item for item in manifests.stack_objects(plan) if item["kind"] == kind]
