"""What a SharedServer registers: the objects of all its services below one component, in order, with their secrets; and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.component import ComponentProvider

from inferstack import manifests, planning
from inferstack.services import InferenceService, SharedServer
from tests.manifests.test_ray import EMBEDDER, GATED, knowledge
from tests.services.recorder import Registered
from tests.services.test_inference_service import graph

TARGET = {"cloud": "gke", "region": "us-central1"}
TOKENS = {"hugging_face_token": "hf_test"}


def registered(**args: Any) -> dict[str, Registered]:
    given: Any = {"plans": list(knowledge()), **TOKENS, **args}
    return graph(lambda opts: SharedServer("knowledge", given, opts))


def refusal(args: Any, component: Any = SharedServer, name: str = "knowledge", **options: Any) -> str:
    with pytest.raises(pulumi.RunError) as found:
        graph(lambda opts: component(name, args, **({"opts": opts} | options)))
    return str(found.value)


def test_registers_every_manifest_once() -> None:
    """Every object of the server, and the secret of each service, below one component with the provider that the caller gave."""
    children = [resource for resource in registered().values() if resource.parent == "knowledge"]
    names = [(resource.inputs["kind"], resource.inputs["metadata"]["name"]) for resource in children]
    expected = {(item["kind"], item["metadata"]["name"]) for item in manifests.server_objects(knowledge())}
    expected |= {("Secret", f"knowledge-{each}-hugging-face-token") for each in ("assistant", "search")}
    assert len(names) == len(set(names))
    assert set(names) == expected
    assert {resource.provider for resource in children} == {"cluster"}


def test_order() -> None:
    """The first account waits for what the caller names, the rest for it, the workload for all of them, its watchers for that."""
    found = registered()
    watchers = {"knowledge-search-pod-disruption-budget", "knowledge-assistant-pod-monitor", "knowledge-search-pod-monitor"}
    main, account = "knowledge-ray-service", "knowledge-service-account"
    before = {name for name, resource in found.items() if resource.parent == "knowledge"} - watchers - {main}
    assert found[account].dependencies == {"kserve"}
    assert all(found[name].dependencies == {account} for name in before - {account})
    assert found[main].dependencies == before
    assert all(found[name].dependencies == {main} for name in watchers)
    assert found[main].request.customTimeouts.delete == f"{knowledge()[0].spec.drain.grace + 600}s"


def test_services_of_shared_pods_have_one_of_everything() -> None:
    """What is one pod is registered as one service: no account, secret or budget of its own for any of its services."""
    gated = [{"model": "meta-llama/Llama-3.1-8B-Instruct"}, {"model": "meta-llama/Llama-3.2-3B-Instruct"}]
    services = [
        {"name": f"chat-{index}", "engine": "triton", "traffic": {"requestsPerSecond": 1, "isl": 500, "osl": 200}, **each}
        for index, each in enumerate(gated)
    ]
    found = graph(lambda opts: SharedServer("pods", {"services": services, "target": TARGET, **TOKENS}, opts))
    children = [resource for resource in found.values() if resource.parent == "pods"]
    kinds = [resource.inputs["kind"] for resource in children]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) >= {"ServiceAccount", "Secret", "NetworkPolicy", "ConfigMap", "ServingRuntime", "InferenceService"}
    named = {resource.inputs["metadata"]["name"] for resource in children if resource.inputs["kind"] not in ("ConfigMap", "Secret")}
    assert named == {"pods"}
    assert found["pods-inference-service"].dependencies >= {"pods-hugging-face-token", "pods-serving-runtime"}
    assert found["pods"].outputs["url"] == "http://pods-predictor.inference.svc.cluster.local/v1"


def test_outputs_are_those_of_each_service() -> None:
    """Plans and costs stand in the order of the services, and one URL serves them all."""
    costs = [{"service": "assistant"}, {"service": "search"}]
    outputs = registered(costs=costs)["knowledge"].outputs
    assert [plan["name"] for plan in outputs["plans"]] == ["assistant", "search"]
    assert [cost["service"] for cost in outputs["costs"]] == ["assistant", "search"]
    assert outputs["url"] == planning.service_url(knowledge()[1])


def test_a_description_is_planned_as_services_of_the_server() -> None:
    """Programs in other languages describe the services; the component's name is that of their server."""
    services = [{**GATED, "replicas": 13.0}, {**EMBEDDER, "replicas": 2.0}]
    found = graph(lambda opts: SharedServer("knowledge", {"services": services, "target": TARGET, "hugging_face_token": "hf_test"}, opts))
    assert {"knowledge-ray-service", "knowledge-assistant-hugging-face-token", "knowledge-search-hugging-face-token"} <= set(found)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, "plans: must be given, or `services` and `target` instead of it"),
        ({"services": [GATED]}, "plans: must be given, or `services` and `target` instead of it"),
        ({"plans": [{"name": "assistant"}]}, "plans: is a dict, not a ServicePlan; give `services` and `target`"),
        ({"plans": []}, "plans: is an empty list"),
        ({"plan": "x"}, "plan: is not a known key"),
        ({"services": [{**GATED, "engine": "vllm"}], "target": TARGET}, "services[0].server: knowledge is not for vllm"),
        ({"services": [{**GATED, "server": "other"}], "target": TARGET}, "services[0].server: other is not the name of the component"),
    ],
    ids=["nothing", "half", "document", "empty", "misspelt", "engine", "other-server"],
)
def test_bad_arguments(args: Any, expected: str) -> None:
    """What cannot become a server is refused in a sentence that names the component, the argument and the way out."""
    message = refusal(args)
    assert message.startswith("SharedServer knowledge: ")
    assert expected in message


def test_plans_of_another_server_are_refused() -> None:
    """Neither component takes plans that the other one carries out, and costs go with plans one by one."""
    plans = list(knowledge())
    assert "plans[0]: assistant is not of the server other" in refusal({"plans": plans}, name="other")
    assert "costs: has 1 elements for 2 plans" in refusal({"plans": plans, "costs": [{}]})
    assert "pass all plans of that server to a SharedServer" in refusal({"plan": plans[0]}, InferenceService, "assistant")


def test_needs_a_provider() -> None:
    """Without an explicit provider nothing is registered."""
    assert "no Kubernetes provider" in refusal({"plans": list(knowledge())}, opts=pulumi.ResourceOptions())


def test_schema_for_other_languages() -> None:
    """Pulumi's component host can describe the component; only secrets may be unknown when it is planned."""
    schema = json.loads(ComponentProvider([SharedServer], "inferstack").schema)["resources"]["inferstack:index:SharedServer"]
    assert {name for name, definition in schema["inputProperties"].items() if not definition.get("plain")} == {"huggingFaceToken", "apiKey"}
    assert set(schema["properties"]) == {"plans", "costs", "url"}
