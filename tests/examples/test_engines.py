"""One stack file per engine: it plans, and what it renders is what a cluster takes."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from inferstack import engines, manifests, planning, stackfile
from inferstack.planning import StackPlan
from tests.manifests import validity

FOLDER = Path(__file__).parents[2] / "examples" / "engines"
STACKS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
EACH = pytest.mark.parametrize("name", STACKS)


@functools.cache
def planned(name: str) -> StackPlan:
    return planning.plan(stackfile.load(FOLDER / f"{name}.yaml"))


def test_every_engine_has_one() -> None:
    """Each engine of the library has a stack file of its own name."""
    assert set(STACKS) >= set(engines.engines())


@EACH
def test_the_engine_is_the_one_of_the_file(name: str) -> None:
    """The file named after an engine is served by it, within its SLO."""
    for service in planned(name).services:
        assert service.spec.engine == name
        assert service.meets_slo


@EACH
def test_objects_are_valid(name: str) -> None:
    """Every object fits the schema of its CRD, or of Kubernetes 1.34 to 1.36, without an unknown field."""
    assert validity.problems(manifests.stack_objects(planned(name))) == []


@EACH
def test_the_document_says_what_is_run(name: str) -> None:
    """`inferstack plan --json` lists engine, version, image, command, args, env without values of secrets, ports, probes and files."""
    for service in planning.document(planned(name))["services"]:
        assert service["engine"]["name"] == name
        assert service["engine"]["version"]
        container = service["container"]
        assert set(container) >= {"image", "command", "args", "env", "secretEnv", "ports", "probes", "files", "volumes"}
        assert not {secret["name"] for secret in container["secretEnv"]} & set(container["env"])
        assert service["resources"]["memoryGib"] > 0


@EACH
def test_pods_run_as_little_as_they_can(name: str) -> None:
    """No privileges, no token, a runtime profile, a grace period that covers the drain, and probes of all three kinds."""
    for item in manifests.stack_objects(planned(name)):
        if item["kind"] == "InferenceService":
            predictor = item["spec"]["predictor"]
            assert predictor["automountServiceAccountToken"] is False
            assert predictor["enableServiceLinks"] is False
            assert predictor["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert predictor["terminationGracePeriodSeconds"] > 30
        if item["kind"] == "RayService":
            for group in (item["spec"]["rayClusterConfig"]["headGroupSpec"], *item["spec"]["rayClusterConfig"]["workerGroupSpecs"]):
                pod = group["template"]["spec"]
                assert pod["enableServiceLinks"] is False
                assert pod["securityContext"]["runAsNonRoot"] is True
                assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
                assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
        if item["kind"] == "ServingRuntime":
            (container,) = item["spec"]["containers"]
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} <= set(container)
