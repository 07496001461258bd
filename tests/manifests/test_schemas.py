"""Every object that is rendered is one that a Kubernetes API server takes."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import manifests
from inferstack.planning.types import ServicePlan
from tests.manifests import crd_schema, validity
from tests.manifests.sample_plans import ALL, gpu_plan


def rendered(plan: ServicePlan) -> list[dict[str, Any]]:
    secrets = [manifests.secret(plan, kind, f"<{kind}>") for kind in manifests.secrets_needed(plan)]
    return [manifests.namespace(plan.namespace), *secrets, *manifests.service_objects(plan)]


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_custom_resources_fit_their_schemas(plan: ServicePlan) -> None:
    """Every custom resource fits the schema of its CRD, without an unknown field."""
    custom = [item for item in rendered(plan) if crd_schema.known(item["apiVersion"], item["kind"])]
    assert {item["kind"] for item in custom} >= ({"ServingRuntime", "InferenceService"} if plan.machines == 1 else {"LeaderWorkerSet"})
    assert [problem for item in custom for problem in crd_schema.problems(item)] == []


@pytest.mark.parametrize("version", validity.VERSIONS)
@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_built_in_kinds_are_valid(plan: ServicePlan, version: str) -> None:
    """Every built-in kind is valid in each supported version of Kubernetes, without an unknown field."""
    built_in = [item for item in rendered(plan) if not crd_schema.known(item["apiVersion"], item["kind"])]
    assert built_in
    assert [problem for item in built_in for problem in validity.built_in_problems(item, version)] == []


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("InferenceService", lambda spec: spec["predictor"].update(minReplica=1)),
        ("InferenceService", lambda spec: spec["predictor"].update(minReplicas="one")),
        ("InferenceService", lambda spec: spec["predictor"]["model"]["resources"]["limits"].update(cpu=1.5)),
        ("ScaledObject", lambda spec: spec.pop("triggers")),
        ("ScaledObject", lambda spec: spec["fallback"].update(behavior="guess")),
        ("ServingRuntime", lambda spec: spec["containers"][0]["ports"].append(spec["containers"][0]["ports"][0])),
    ],
    ids=["unknown-field", "wrong-type", "fractional-quantity", "missing-field", "outside-enum", "same-port-twice"],
)
def test_validator_refuses(kind: str, spoil: Any) -> None:
    """The validator that the tests above rely on refuses what a server with strict validation refuses."""
    item = next(item for item in manifests.service_objects(gpu_plan()) if item["kind"] == kind)
    assert crd_schema.problems(item) == []
    spoil(item["spec"])
    assert crd_schema.problems(item)
    assert validity.problems([item])


def test_built_in_kinds_are_held_to_their_fields() -> None:
    """A field that is in no version of Kubernetes is told once for each of them, with the object that has it."""
    item = {**manifests.namespace("inference"), "data": {}}
    found = validity.problems([item])
    assert [problem.split(":")[:2] for problem in found] == [["Namespace inference", f" {version}"] for version in validity.VERSIONS]
