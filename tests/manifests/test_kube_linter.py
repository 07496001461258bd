"""What kube-linter says of everything that is rendered. Runs where `kube-linter` is on PATH.

It knows Deployments and not InferenceServices, LeaderWorkerSets or RayServices: the pods of those are put into Deployments for it.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferstack import manifests
from inferstack.manifests.names import group_labels, ray_head_labels, server_labels
from inferstack.manifests.pod_security import pods
from inferstack.manifests.stack import bearers
from inferstack.planning.types import ServicePlan
from tests.manifests.test_pod_security import FILES, planned
from tests.manifests.test_stacks import ROOT

CONFIG = ROOT / ".kube-linter.yaml"
LINTER = "kube-linter"
pytestmark = pytest.mark.skipif(shutil.which(LINTER) is None, reason=f"not on PATH: {LINTER}")
Finding = tuple[str, str, str]
"""Stack file, object and check."""


EXCUSED_JOBS = {
    **dict.fromkeys(("no-liveness-probe", "no-readiness-probe"), "nobody asks it, and its deadline ends one that hangs"),
    "job-ttl-seconds-after-finished": "Pulumi keeps it: one that had gone by itself would be made again",
}
"""What Jobs that copy weights are excused from, with the reason."""


EXCUSED_RECEIVERS = {
    **dict.fromkeys(
        ("run-as-non-root", "no-read-only-root-fs", "drop-net-raw-capability", "sensitive-host-mounts", "writable-host-mount"),
        "the daemon beside the server is the node's part of the network, and runs as Google runs it",
    ),
    "unset-memory-requirements": "what it takes at most is not known, and a server whose daemon is killed hangs",
}
"""What pods with a daemon of GPUDirect-TCPX(O) are excused from, with the reason."""


@functools.cache
def excused(path: Path) -> dict[Finding, str]:
    """What pods of a stack are excused from, with the reason."""
    found: dict[Finding, str] = {}
    for services in planned(path).servers:
        for part in pods(services):
            found |= {(path.stem, f"{_bearer(services).name}-{part}", check): reason for check, reason in _excused(services, part).items()}
    for service in planned(path).services:
        job = manifests.copy_job(service)
        if job is not None:
            found |= {(path.stem, job["metadata"]["name"], check): reason for check, reason in EXCUSED_JOBS.items()}
    return found


def _excused(services: Sequence[ServicePlan], part: str) -> dict[str, str]:
    confined = services[0].spec.confinement
    found: dict[str, str] = {}
    if confined.is_root:
        found["run-as-non-root"] = str(confined.because)
    if not confined.read_only_root:
        found["no-read-only-root-fs"] = str(confined.because)
    if services[0].receiver is not None:
        found |= EXCUSED_RECEIVERS
    if part == "worker":
        found |= dict.fromkeys(("no-liveness-probe", "no-readiness-probe"), "only the leader answers, and its readiness is the group's")
    if part == "head":
        found |= dict.fromkeys(("no-liveness-probe", "no-readiness-probe"), "KubeRay injects those of a Ray node")
        if any(service.replicas.scales for service in services):
            found["default-service-account"] = "KubeRay makes one that may ask for workers"
    if part != "predictor":
        found["no-rolling-update-strategy"] = "groups and clusters are replaced by their own controllers"
    return found


def deployment(services: Sequence[ServicePlan], part: str, pod: dict[str, Any]) -> dict[str, Any]:
    """The pod as a Deployment would make it; that of KServe is rolled as the InferenceService says."""
    service = _bearer(services)
    labels = ray_head_labels(service) if part == "head" else group_labels(service.name) if part == "worker" else server_labels(service)
    metadata = {"name": f"{service.name}-{part}", "namespace": service.namespace, "labels": labels}
    spec: dict[str, Any] = {"replicas": service.replicas.max, "selector": {"matchLabels": labels}}
    spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
    if part == "predictor":
        spec["strategy"] = manifests.inference_service(service)["spec"]["predictor"]["deploymentStrategy"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _bearer(services: Sequence[ServicePlan]) -> ServicePlan:
    return bearers(services)[0]


def lint(folder: Path, config: Path = CONFIG) -> set[Finding]:
    done = subprocess.run([LINTER, "lint", "--config", config, "--format", "json", folder], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    reports: list[dict[str, Any]] = json.loads(done.stdout)["Reports"] or []
    return {
        (Path(report["Object"]["Metadata"]["FilePath"]).parent.name, report["Object"]["K8sObject"]["Name"], report["Check"])
        for report in reports
    }


def write(folder: Path, items: list[dict[str, Any]]) -> None:
    folder.mkdir()
    for number, item in enumerate(items):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(item))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every example and stack, a folder each."""
    folder = tmp_path_factory.mktemp("manifests")
    for path in FILES:
        made = [deployment(services, part, dict(pod)) for services in planned(path).servers for part, pod in pods(services).items()]
        write(folder / path.stem, [*manifests.stack_objects(planned(path)), *made])
    return folder


def test_findings_are_those_that_are_excused(written: Path) -> None:
    """Of every example and stack nothing is found but what its pods are excused from, and all of that is found."""
    reasons = {finding: reason for path in FILES for finding, reason in excused(path).items()}
    assert all(reasons.values())
    assert lint(written) == set(reasons)


def test_every_check_that_is_left_out_would_find_something(written: Path, tmp_path: Path) -> None:
    """No check is left out for nothing."""
    left_out = yaml.safe_load(CONFIG.read_text())["checks"]["exclude"]
    (tmp_path / "all.yaml").write_text("checks: {addAllBuiltIn: true}")
    assert set(left_out) <= {check for _, _, check in lint(written, tmp_path / "all.yaml")}


def test_the_linter_sees_into_pods(tmp_path: Path) -> None:
    """A privileged container is found, so that its silence means something."""
    (services, *_) = planned(FILES[0]).servers
    ((part, pod),) = pods(services).items()
    made = deployment(services, part, json.loads(json.dumps(pod)))
    made["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    write(tmp_path / "spoilt", [*manifests.stack_objects(planned(FILES[0])), made])
    assert ("spoilt", f"{services[0].name}-{part}", "privileged-container") in lint(tmp_path)
