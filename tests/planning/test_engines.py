"""What planning makes of engines that are not for every service: superseded ones, open ones, ones without an image."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import manifests, planning
from inferstack.errors import InputError
from tests.planning.stacks import GKE, plan, plan_one, refused, service


def test_a_superseded_engine_says_what_its_successor_would_cost() -> None:
    """TGI is planned, with a warning that names vLLM, why, and its price beside its own."""
    made = plan_one(engine="tgi", gpu="l4")
    (warning,) = [text for text in made.warnings if "maintenance" in text]
    assert warning.startswith("tgi is in maintenance mode since 2025-12-11")
    assert "vllm is predicted to serve this for $" in warning
    assert not any("maintenance" in text for text in plan_one(engine="vllm", gpu="l4").warnings)


@pytest.mark.parametrize("name", ["tensorrt-llm", "ollama"])
def test_an_engine_that_asks_for_no_key_is_kept_from_others(name: str) -> None:
    """It is never given a load balancer, and only pods of its namespace and Prometheus reach it."""
    (problem,) = [text for text in _internal(name) if ".endpoint: " in text]
    assert "asks nobody for a key" in problem
    made = plan_one(engine=name, gpu="l4")
    (policy,) = [item for item in manifests.service_objects(made) if item["kind"] == "NetworkPolicy"]
    sources = [source for rule in policy["spec"]["ingress"] for source in rule["from"]]
    assert sources[0] == {"podSelector": {}}
    assert all(set(source) == {"namespaceSelector"} for source in sources[1:])
    assert policy["spec"]["podSelector"]["matchLabels"] == manifests.pod_labels("chat")


def _internal(name: str) -> list[str]:
    from inferstack import planning, stackfile
    from tests.planning.stacks import service

    config = {
        "inferstack:target": GKE,
        "inferstack:services": [service(engine=name, endpoint="internal")],
        "inferstack:apiKey": stackfile.SECRET,
    }
    with pytest.raises(InputError) as error:
        planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))
    return [str(problem) for problem in error.value.problems]


def test_engines_with_a_key_have_no_policy() -> None:
    """A server that asks for a key may be reached from every namespace, as an endpoint of the cluster is."""
    assert not [item for item in manifests.service_objects(plan_one(engine="sglang", gpu="l4")) if item["kind"] == "NetworkPolicy"]


def test_an_engine_without_an_image_asks_for_one() -> None:
    """Nobody publishes an image of transformers serve: without one it is refused with how to make it."""
    (problem,) = refused(engine="transformers", gpu="l4")
    assert "services[0].image: is needed" in problem
    assert "pip install" in problem
    assert plan_one(engine="transformers", gpu="l4", image="own/serve:1", slo={"tpotP95Ms": 500}).spec.image == "own/serve:1"


def test_engines_without_metrics_stand_and_are_not_scraped() -> None:
    """Where nothing tells how many requests wait, all replicas stand, and no monitor asks for metrics that are not there."""
    made = plan_one(engine="ollama", gpu="l4", traffic={"requestsPerSecond": 0.5, "isl": 500, "osl": 200}, slo={"tpotP95Ms": 100})
    assert made.replicas.min == made.replicas.max
    assert not [item for item in manifests.service_objects(made) if item["kind"] == "PodMonitor"]


def test_init_containers_fetch_with_their_own_image_before_the_server() -> None:
    """They stand on the InferenceService, write to the server's volume, read the script's file, and are bounded."""
    made = plan_one(engine="ollama", gpu="l4")
    (item,) = [item for item in manifests.service_objects(made) if item["kind"] == "InferenceService"]
    (init,) = item["spec"]["predictor"]["initContainers"]
    mounts = {mount["mountPath"] for mount in init["volumeMounts"]}
    assert {"/cache", "/etc/ollama/fetch.py"} <= mounts
    assert init["resources"]["limits"]
    assert init["securityContext"]["readOnlyRootFilesystem"] is True
    (runtime,) = [item for item in manifests.service_objects(made) if item["kind"] == "ServingRuntime"]
    (server,) = runtime["spec"]["containers"]
    assert "ollama run chat" in server["lifecycle"]["postStart"]["exec"]["command"][-1]


@pytest.mark.parametrize(
    ("engine", "more", "asked"),
    [
        ("vllm", {}, "chat"),
        ("transformers", {"image": "registry.example/transformers:5.23.0"}, "Qwen/Qwen2.5-7B-Instruct"),
        ("tensorrt-llm", {}, "Qwen/Qwen2.5-7B-Instruct"),
        ("tensorrt-llm", {"image": "registry.example/trtllm:1.4.0rc1"}, "chat"),
    ],
)
def test_callers_are_told_the_name_that_the_server_answers_to(engine: str, more: dict[str, Any], asked: str) -> None:
    """The service's name where the server can be told it, and what its weights are loaded from where it cannot."""
    (one,) = planning.document(plan(service(engine=engine, gpu="l4", quantization="bf16", slo=None, **more)))["services"]
    assert one["endpoint"]["models"] == [asked]
