"""What an InferenceService registers: which objects, below whom, in which order, with which secrets, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.provider.experimental.component import ComponentProvider

from inferstack import manifests
from inferstack.planning.types import ServicePlan
from inferstack.services import InferenceService, KubernetesObject
from tests.manifests.sample_plans import ALL, cpu_plan, gpu_plan, internal_plan, mounted_plan
from tests.services.recorder import Registered, record

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
TOKENS = {"hugging_face_token": "hf_test", "api_key": "key_test"}
TARGET = {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32}]}
SERVICE = {
    "name": "titles",
    "model": "Qwen/Qwen2.5-1.5B-Instruct",
    "engine": "llama.cpp",
    "traffic": {"requestsPerSecond": 0.01, "isl": 300, "osl": 100},
    "replicas": 1,
}


def graph(make: Callable[[pulumi.ResourceOptions], Any]) -> dict[str, Registered]:
    """What `make` registers in a program that has a cluster's provider and a namespace to depend on."""

    def program() -> None:
        provider = kubernetes.Provider("cluster", kubeconfig="{}")
        first = pulumi.ComponentResource("test:index:Addons", "addons", None, pulumi.ResourceOptions(provider=provider))
        release = pulumi.CustomResource("kubernetes:helm.sh/v3:Release", "kserve", {}, pulumi.ResourceOptions(parent=first))
        make(pulumi.ResourceOptions(provider=provider, depends_on=[release]))

    return record(program)


def of_plan(plan: ServicePlan, **args: Any) -> dict[str, Registered]:
    return graph(lambda opts: InferenceService(plan.name, {"plan": plan, **TOKENS, **args}, opts))


def refusal(args: Any, **options: Any) -> str:
    with pytest.raises(pulumi.RunError) as found:
        graph(lambda opts: InferenceService("chat", args, **({"opts": opts} | options)))
    return str(found.value)


# --- the graph ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_registers_every_manifest(plan: ServicePlan) -> None:
    """Every manifest of the plan, and each secret that it needs, is registered once, as it is, below the component."""
    children = [resource for resource in of_plan(plan).values() if resource.parent == plan.name]
    names = {(resource.inputs["kind"], resource.inputs["metadata"]["name"]) for resource in children}
    expected = {(item["kind"], item["metadata"]["name"]) for item in manifests.service_objects(plan)}
    expected |= {("Secret", manifests.secret_name(plan.name, kind)) for kind in manifests.secrets_needed(plan)}
    assert names == expected
    for item in manifests.service_objects(plan):
        registered = next(resource for resource in children if resource.inputs["kind"] == item["kind"])
        assert registered.inputs == item


def _main(plan: ServicePlan) -> str:
    """Name of the resource that runs the pods."""
    return f"{plan.name}-{_dashed(manifests.workload(plan)['kind'])}"


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_order(plan: ServicePlan) -> None:
    """The account waits for what the caller names, other prerequisites for it, the workload for all, its watchers for that."""
    found = of_plan(plan)
    main = _main(plan)
    dependents = {f"{plan.name}-{_dashed(item['kind'])}" for item in manifests.dependents(plan)}
    before = {name for name, resource in found.items() if resource.parent == plan.name} - dependents - {main}
    account = f"{plan.name}-service-account"
    assert found[account].dependencies == {"kserve"}
    assert all(found[name].dependencies == {account} for name in before - {account})
    assert found[main].dependencies == before
    assert all(found[name].dependencies == {main} for name in dependents)


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_provider_is_explicit(plan: ServicePlan) -> None:
    """Every object goes to the provider that the caller gave."""
    children = [resource for resource in of_plan(plan).values() if resource.parent == plan.name]
    assert {resource.provider for resource in children} == {"cluster"}


def test_mode_of_a_service_cannot_change_in_place() -> None:
    """A change of KServe's deployment mode, which KServe refuses, replaces the InferenceService."""
    found = of_plan(gpu_plan())["chat-inference-service"]
    assert list(found.request.replaceOnChanges) == ['metadata.annotations["serving.kserve.io/deploymentMode"]']


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_nothing_is_waited_for_by_annotation(plan: ServicePlan) -> None:
    """No object asks Pulumi to wait for a condition, which KServe's status would never satisfy on some updates."""
    for resource in of_plan(plan).values():
        annotations = resource.inputs.get("metadata", {}).get("annotations", {})
        assert "pulumi.com/waitFor" not in annotations


def test_service_is_waited_for_as_long_as_a_cold_start() -> None:
    """The one kind that Pulumi waits for, a Service, gets the time of a cold start."""
    plan = internal_plan()
    timeout = of_plan(plan)["desk-service"].request.customTimeouts.create
    assert int(timeout.removesuffix("s")) >= plan.cold_start_seconds.high


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_deletion_waits_for_the_last_response(plan: ServicePlan) -> None:
    """Deleting a service, which ends when its last pod has ended, may take as long as pods get, and the controllers' share."""
    timeout = of_plan(plan)[_main(plan)].request.customTimeouts.delete
    assert int(timeout.removesuffix("s")) > plan.spec.drain.grace


# --- secrets --------------------------------------------------------------------------------------------------------------------


def test_secret_values_are_marked() -> None:
    """Tokens stand in a Secret of the service, marked as secret, and nowhere else."""
    found = of_plan(internal_plan())
    secret = found["desk-api-key"]
    assert secret.inputs["stringData"]["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"
    assert set(secret.request.additionalSecretOutputs) == {"data", "stringData"}
    others = [resource for name, resource in found.items() if name != "desk-api-key"]
    assert not any(token in str((resource.inputs, resource.outputs)) for resource in others for token in TOKENS.values())


def test_only_secrets_in_use_are_made() -> None:
    """A service that asks for no key gets no Secret, although the caller has one."""
    assert not any(resource.inputs.get("kind") == "Secret" for resource in of_plan(cpu_plan()).values())


def test_token_that_is_only_perhaps_needed_may_be_missing() -> None:
    """Without a Hugging Face token there is no Secret, and the reference to it is optional."""
    found = graph(lambda opts: InferenceService("chat", {"plan": gpu_plan()}, opts))
    assert "chat-hugging-face-token" not in found
    environment = found["chat-serving-runtime"].inputs["spec"]["containers"][0]["env"]
    assert [entry["valueFrom"]["secretKeyRef"].get("optional") for entry in environment if "valueFrom" in entry] == [True]


# --- outputs --------------------------------------------------------------------------------------------------------------------


def test_outputs() -> None:
    """Plan, cost and address are outputs of the component, known before anything exists."""
    found = of_plan(gpu_plan(), cost={"monthlyUsd": {"max": 3}})["chat"].outputs
    assert found["plan"]["name"] == "chat"
    assert found["cost"] == {"monthlyUsd": {"max": 3}}
    assert found["url"] == "http://chat-predictor.inference.svc.cluster.local/v1"


def test_address_of_a_load_balancer_is_unknown_before_it_exists() -> None:
    """The address of an internal endpoint is the load balancer's, and unknown in a preview."""
    assert of_plan(internal_plan())["desk"].outputs["url"] == UNKNOWN


def test_outputs_are_attributes() -> None:
    """What is registered as output is there for the program as well."""
    seen: dict[str, Any] = {}

    def make(opts: pulumi.ResourceOptions) -> None:
        service = InferenceService("chat", {"plan": gpu_plan(), **TOKENS}, opts)
        pulumi.Output.all(service.plan, service.url).apply(lambda values: seen.update(plan=values[0], url=values[1]))

    found = graph(make)
    assert seen["url"] == found["chat"].outputs["url"]
    assert seen["plan"]["model"] == found["chat"].outputs["plan"]["model"]


# --- arguments ------------------------------------------------------------------------------------------------------------------


def test_plans_what_is_only_described() -> None:
    """A service and a target, written as in a stack file, are planned by the component, whole numbers sent as floats included."""
    service = {**SERVICE, "replicas": 1.0, "traffic": {**SERVICE["traffic"], "isl": 300.0}}
    found = graph(lambda opts: InferenceService("titles", {"service": service, "target": TARGET}, opts))
    assert found["titles"].outputs["plan"]["engine"]["name"] == "llama.cpp"
    assert found["titles"].outputs["cost"]["service"] == "titles"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, "plan: must be given, or `service` and `target`"),
        ({"service": SERVICE}, "plan: must be given, or `service` and `target`"),
        ({"plan": gpu_plan(), "target": TARGET}, "plan: must be given, or `service` and `target`"),
        ({"plan": {"name": "chat"}}, "plan: is a dict, not a ServicePlan; give `service` and `target`"),
        ({"plan": gpu_plan(), "huggingface_token": "x"}, "huggingface_token: is not a known key; use hugging_face_token"),
        ({"plan": internal_plan()}, "api_key: is missing, and endpoint internal asks for it"),
    ],
    ids=["nothing", "half", "both", "document", "misspelt", "missing-key"],
)
def test_bad_arguments(args: dict[str, Any], expected: str) -> None:
    """Arguments that cannot become a service are refused in a sentence that names the component, the argument and the way out."""
    message = refusal(args)
    assert message.startswith("InferenceService chat: ")
    assert expected in message


def test_problems_of_the_description_are_told_by_argument() -> None:
    """What is wrong in the description is told all at once, under the names of the arguments."""
    message = refusal({"service": {**SERVICE, "engine": "vlm", "model": "no/such"}, "target": TARGET})
    assert "service.engine: vlm" in message
    assert "service.model: no/such" in message


def test_needs_a_provider() -> None:
    """Without an explicit provider nothing is registered, because it would land on whatever cluster the kubeconfig points to."""
    message = refusal({"plan": gpu_plan(), **TOKENS}, opts=pulumi.ResourceOptions())
    assert "no Kubernetes provider" in message


def test_schema_for_other_languages() -> None:
    """Pulumi's component host can describe the component; only secrets may be unknown when it is planned."""
    schema = json.loads(ComponentProvider([InferenceService], "inferstack").schema)["resources"]["inferstack:index:InferenceService"]
    may_be_unknown = {name for name, definition in schema["inputProperties"].items() if not definition.get("plain")}
    assert may_be_unknown == {"huggingFaceToken", "apiKey"}
    assert set(schema["properties"]) == {"plan", "cost", "url"}


# --- the wire -------------------------------------------------------------------------------------------------------------------

SDK: dict[str, Callable[..., pulumi.Resource]] = {
    "Namespace": kubernetes.core.v1.Namespace,
    "ServiceAccount": kubernetes.core.v1.ServiceAccount,
    "ConfigMap": kubernetes.core.v1.ConfigMap,
    "Secret": kubernetes.core.v1.Secret,
    "Service": kubernetes.core.v1.Service,
    "HorizontalPodAutoscaler": kubernetes.autoscaling.v2.HorizontalPodAutoscaler,
    "PodDisruptionBudget": kubernetes.policy.v1.PodDisruptionBudget,
}
SNAKE = {
    "apiVersion": "api_version",
    "automountServiceAccountToken": "automount_service_account_token",
    "stringData": "string_data",
}


def test_objects_are_those_of_the_sdk() -> None:
    """Each object is registered as the Kubernetes SDK's own class of its kind would: same type, same inputs, same secrets."""
    items = [manifests.namespace("inference"), manifests.secret(internal_plan(), "api-key", "x")]
    items += [item for plan in (internal_plan(), mounted_plan(), gpu_plan()) for item in manifests.service_objects(plan)]

    def ours(opts: pulumi.ResourceOptions) -> None:
        for index, item in enumerate(items):
            KubernetesObject(f"object-{index}", item, opts)

    def theirs(opts: pulumi.ResourceOptions) -> None:
        for index, item in enumerate(items):
            fields = {SNAKE.get(key, key): value for key, value in item.items()}
            SDK.get(item["kind"], kubernetes.apiextensions.CustomResource)(f"object-{index}", opts=opts, **fields)

    mine, reference = graph(ours), graph(theirs)
    for index, item in enumerate(items):
        here, there = mine[f"object-{index}"], reference[f"object-{index}"]
        assert (here.type, here.inputs, here.provider) == (there.type, there.inputs, there.provider), item["kind"]
        assert set(here.request.additionalSecretOutputs) == set(there.request.additionalSecretOutputs)


def _dashed(kind: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("-")
