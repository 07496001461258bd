"""What pods are denied: the Pod Security Standards, asked of every pod that is rendered for the examples and the stacks."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import pytest

from inferstack import manifests, planning, stackfile
from inferstack.engines import engines
from inferstack.manifests.pod_security import BASELINE, PRIVILEGED, RESTRICTED, level, level_of_stack, objections, pods
from inferstack.planning import StackPlan
from inferstack.planning.types import ServicePlan
from tests.manifests.sample_plans import ALL, gpu_plan
from tests.manifests.test_stacks import ROOT, STACKS

FILES = [
    *(ROOT / f"Pulumi.{stack}.yaml" for stack in STACKS),
    *sorted(path for folder in ("engines", "shapes") for path in (ROOT / "examples" / folder).glob("*.yaml")),
]
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
ENFORCE, WARN, AUDIT = (f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "warn", "audit"))


@functools.cache
def planned(path: Path) -> StackPlan:
    return planning.plan(stackfile.load(path))


def every_pod(plan: ServicePlan) -> list[dict[str, Any]]:
    return [dict(pod) for pod in pods([plan]).values()]


def test_every_engine_has_an_example() -> None:
    """What is asserted of the examples holds for every engine, and for a server of the user's own."""
    known = {service.spec.engine for path in FILES for service in planned(path).services}
    assert known == {*engines(), "custom"}


@EACH
def test_pods_meet_the_strictest_standard_that_their_image_allows(path: Path) -> None:
    """A pod meets `restricted` unless its image is left to run as root, and `baseline` then; none with a daemon of the network."""
    for services in planned(path).servers:
        expected = PRIVILEGED if services[0].receiver else BASELINE if services[0].spec.confinement.is_root else RESTRICTED
        assert {part: level(pod) for part, pod in pods(services).items()} == dict.fromkeys(pods(services), expected)


@EACH
def test_no_pod_has_what_it_does_not_need(path: Path) -> None:
    """No pod has a token of the API but the head of a Ray cluster that scales; none knows other Services by variables."""
    for services in planned(path).servers:
        for part, pod in pods(services).items():
            asks_kubernetes = part == "head" and any(service.replicas.scales for service in services)
            assert ("automountServiceAccountToken" not in pod) is asks_kubernetes
            assert pod.get("automountServiceAccountToken", False) is False
            assert pod["enableServiceLinks"] is False


@EACH
def test_root_file_systems_are_read_only_where_the_engine_says_so(path: Path) -> None:
    """Every container of the server's image, those that run before it among them, is as read-only as the engine says, with a /tmp."""
    for services in planned(path).servers:
        for part, pod in pods(services).items():
            containers = [one for one in (*pod.get("initContainers", ()), *pod["containers"]) if one.get("restartPolicy") != "Always"]
            read_only = {container["securityContext"].get("readOnlyRootFilesystem", False) for container in containers}
            assert read_only == {services[0].spec.confinement.read_only_root}, part
            if True in read_only:
                assert all("/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]} for container in containers)


@EACH
def test_the_namespace_warns_of_what_its_services_keep(path: Path) -> None:
    """The namespace enforces `baseline`, and warns below `restricted` where all services meet that; nothing where one meets neither."""
    labels = next(iter(manifests.stack_objects(planned(path))))["metadata"]["labels"]
    assert labels[ENFORCE] == (PRIVILEGED if level_of_stack(planned(path)) == PRIVILEGED else BASELINE)
    assert labels.get(WARN) == labels.get(AUDIT) == (RESTRICTED if level_of_stack(planned(path)) == RESTRICTED else None)


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_no_pod_is_privileged(plan: ServicePlan) -> None:
    """Whatever a plan says, its pods may enter the namespace that is made for them."""
    assert all(level(pod) in (RESTRICTED, BASELINE) for pod in every_pod(plan))


def spoilt(at: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A pod that meets `restricted` but for one field."""
    pod = copy.deepcopy(every_pod(gpu_plan())[0])
    inside: Any = pod
    for key in at[:-1]:
        inside = inside[key] if isinstance(key, int) else inside.setdefault(key, {})
    inside[at[-1]] = value
    return pod


SERVER = ("containers", 0, "securityContext")
SPOILERS: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("hostNetwork",), True, PRIVILEGED),
    (("hostIPC",), True, PRIVILEGED),
    (("volumes", 0), {"name": "cache", "hostPath": {"path": "/"}}, PRIVILEGED),
    (("volumes", 0), {"name": "cache", "nfs": {"server": "a", "path": "/"}}, BASELINE),
    (("containers", 0, "ports", 0, "hostPort"), 80, PRIVILEGED),
    (("securityContext", "sysctls"), [{"name": "kernel.msgmax", "value": "1"}], PRIVILEGED),
    (("securityContext", "seccompProfile"), {"type": "Unconfined"}, PRIVILEGED),
    (("securityContext",), {"runAsNonRoot": True, "runAsUser": 2000}, BASELINE),
    (("securityContext", "runAsNonRoot"), False, BASELINE),
    (("securityContext", "runAsUser"), 0, BASELINE),
    ((*SERVER, "runAsNonRoot"), False, BASELINE),
    ((*SERVER, "runAsUser"), 0, BASELINE),
    ((*SERVER, "privileged"), True, PRIVILEGED),
    ((*SERVER, "allowPrivilegeEscalation"), True, BASELINE),
    ((*SERVER, "procMount"), "Unmasked", PRIVILEGED),
    ((*SERVER, "appArmorProfile"), {"type": "Unconfined"}, PRIVILEGED),
    ((*SERVER, "seLinuxOptions"), {"user": "root"}, PRIVILEGED),
    ((*SERVER, "capabilities"), {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, PRIVILEGED),
    ((*SERVER, "capabilities"), {"drop": ["ALL"], "add": ["CHOWN"]}, BASELINE),
    ((*SERVER, "capabilities"), {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, RESTRICTED),
    ((*SERVER, "capabilities"), {"drop": ["NET_RAW"]}, BASELINE),
    (("containers", 0, "livenessProbe", "httpGet", "host"), "10.0.0.1", PRIVILEGED),
]


@pytest.mark.parametrize(
    ("at", "value", "expected"), SPOILERS, ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else ""
)
def test_rules_are_those_of_the_standards(at: tuple[str | int, ...], value: Any, expected: str) -> None:
    """One field is enough to fall to the standard that the admission controller gives the pod, and the objection is said."""
    assert level(spoilt(at, value)) == expected
    assert bool(objections(spoilt(at, value))) is (expected != RESTRICTED)
