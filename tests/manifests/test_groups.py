"""The objects of a replica on several machines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inferstack import manifests
from inferstack.planning.types import ReplicaRange, Scaling, ServicePlan
from tests.manifests.sample_plans import group_plan


def objects(plan: ServicePlan) -> dict[str, dict[str, Any]]:
    return {item["kind"]: item for item in manifests.service_objects(plan)}


def templates(plan: ServicePlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pod templates of the leader and of the workers."""
    group = objects(plan)["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    return group["leaderTemplate"], group["workerTemplate"]


def test_a_group_lives_and_dies_together() -> None:
    """One pod per machine; when one restarts, all do; a rollout takes a whole group before its successor comes."""
    spec = objects(group_plan())["LeaderWorkerSet"]["spec"]
    assert spec["leaderWorkerTemplate"]["size"] == 2
    assert spec["leaderWorkerTemplate"]["restartPolicy"] == "RecreateGroupOnPodRestart"
    assert spec["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxUnavailable": 1, "maxSurge": 0}


def test_kserve_is_passed_by() -> None:
    """No InferenceService and no runtime stand beside it, and none of KServe's labels, by which it would delete what is not its own."""
    made = objects(group_plan())
    assert not {"InferenceService", "ServingRuntime"} & set(made)
    assert "serving.kserve.io" not in str(made)


def test_only_the_leader_answers() -> None:
    """The Service has the name that KServe would give it and selects first pods alone, which alone are probed and scraped."""
    made = objects(group_plan())
    service = made["Service"]
    leader, worker = templates(group_plan())
    assert service["metadata"]["name"] == "giant-predictor"
    assert service["spec"]["selector"].items() <= leader["metadata"]["labels"].items()
    assert not service["spec"]["selector"].items() <= worker["metadata"]["labels"].items()
    assert made["PodMonitor"]["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(leader["spec"]["containers"][0])
    assert not {"startupProbe", "readinessProbe", "livenessProbe", "ports"} & set(worker["spec"]["containers"][0])


def test_workers_stay_until_the_leader_is_gone() -> None:
    """Before its SIGTERM a worker waits while the first pod still listens, within the same grace period."""
    leader, worker = (template["spec"] for template in templates(group_plan()))
    assert leader["terminationGracePeriodSeconds"] == worker["terminationGracePeriodSeconds"]
    command = worker["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert "LWS_LEADER_ADDRESS" in command[-1]
    assert "sleep" in leader["containers"][0]["lifecycle"]["preStop"]


def test_each_pod_takes_its_machine() -> None:
    """Leader and workers request the GPUs of one machine and what joins them to others, and are denied the same things."""
    leader, worker = (template["spec"]["containers"][0] for template in templates(group_plan()))
    assert leader["resources"] == worker["resources"]
    assert leader["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert leader["resources"]["limits"]["vpc.amazonaws.com/efa"] == "32"
    assert leader["securityContext"] == worker["securityContext"]
    assert leader["args"] != worker["args"]


def test_interfaces_are_claimed_where_a_class_offers_them() -> None:
    """Each pod has a claim of its own from one template, for all that its node has."""
    plan = group_plan()
    assert plan.fabric is not None
    plan = replace(plan, fabric=replace(plan.fabric, resources=(), device_class="mrdma.google.com"))
    template = objects(plan)["ResourceClaimTemplate"]
    (request,) = template["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": "mrdma.google.com", "allocationMode": "All"}
    for pod in templates(plan):
        assert pod["spec"]["resourceClaims"][0]["resourceClaimTemplateName"] == template["metadata"]["name"]
        assert pod["spec"]["containers"][0]["resources"]["claims"] == [{"name": pod["spec"]["resourceClaims"][0]["name"]}]


def test_pods_of_a_group_keep_to_themselves() -> None:
    """They reach one another at any port, everybody else the server's alone; without a key only the service's own namespace does."""
    policy = objects(group_plan())["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"inferstack.dev/service": "giant"}
    assert policy["ingress"] == [
        {"from": [{"podSelector": {"matchLabels": {"inferstack.dev/service": "giant"}}}]},
        {"ports": [{"protocol": "TCP", "port": 8000}]},
    ]
    plan = group_plan()
    _, callers, prometheus = objects(replace(plan, spec=replace(plan.spec, open_api=True)))["NetworkPolicy"]["spec"]["ingress"]
    assert callers["from"] == [{"podSelector": {}}]
    assert "namespaceSelector" in prometheus["from"][0]


def test_a_worker_may_run_another_program() -> None:
    """Where the first pod starts what the others run, they wait for it with a command of their own."""
    plan = group_plan()
    assert plan.spec.workers is not None
    spec = replace(plan.spec, workers=replace(plan.spec.workers, command=("python3", "/etc/mpi/fetch.py")))
    leader, worker = (template["spec"]["containers"][0] for template in templates(group_plan(spec=spec)))
    assert worker["command"] == ["python3", "/etc/mpi/fetch.py"]
    assert leader.get("command") != worker["command"]


def test_groups_scale_as_one() -> None:
    """The scaler counts groups; without one their number stands in the set itself."""
    made = objects(group_plan())
    assert made["ScaledObject"]["spec"]["scaleTargetRef"]["kind"] == "LeaderWorkerSet"
    assert "replicas" not in made["LeaderWorkerSet"]["spec"]
    fixed = objects(group_plan(scaling=Scaling("none"), replicas=ReplicaRange(2, 2, 2)))
    assert fixed["LeaderWorkerSet"]["spec"]["replicas"] == 2


def test_a_budget_holds_the_other_groups() -> None:
    """From two groups on, the pods of all of them share a budget of one."""
    budget = objects(group_plan(replicas=ReplicaRange(2, 2, 3)))["PodDisruptionBudget"]["spec"]
    leader, worker = templates(group_plan())
    assert budget["maxUnavailable"] == 1
    for pod in (leader, worker):
        assert budget["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_weights_of_a_claim_are_mounted_everywhere() -> None:
    """`pvc://` is mounted read-only where engines look for it, in each pod of a group."""
    spec = replace(group_plan().spec, storage_uri="pvc://models/giant/fp8")
    for pod in templates(group_plan(spec=spec)):
        assert {"name": "weights", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}} in pod["spec"]["volumes"]
        assert {"name": "weights", "mountPath": "/mnt/models", "readOnly": True, "subPath": "giant/fp8"} in pod["spec"]["containers"][0][
            "volumeMounts"
        ]
