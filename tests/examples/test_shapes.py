"""One stack file per serving shape: it plans, keeps its targets, and renders what engines and clusters take."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from inferstack import manifests, offline, planning, stackfile
from inferstack.planning import StackPlan
from tests.engines import command_lines
from tests.manifests import validity

FOLDER = Path(__file__).parents[2] / "examples" / "shapes"
STACKS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
EACH = pytest.mark.parametrize("name", STACKS)


@functools.cache
def planned(name: str) -> StackPlan:
    return planning.plan(stackfile.load(FOLDER / f"{name}.yaml"))


@EACH
def test_it_keeps_its_targets(name: str) -> None:
    """Every service of the file has a placement within its SLO, and a price."""
    plan = planned(name)
    assert all(service.meets_slo for service in plan.services)
    assert all(cost.tokens is not None for cost in plan.costs.services)


@EACH
def test_objects_are_valid(name: str) -> None:
    """Every object fits the schema of its CRD, or of Kubernetes 1.34 to 1.36, without an unknown field."""
    assert validity.problems(manifests.stack_objects(planned(name))) == []


@EACH
def test_command_lines_are_known(name: str) -> None:
    """Every word of a server's command line is an option of its pinned release with a legal value."""
    for service in planned(name).services:
        assert command_lines.problems(service.spec.engine, service.spec.args) == [], service.name


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("ray-application", "http://knowledge-serve-svc.inference.svc.cluster.local:8000/v1"),
        ("triton-several", "http://knowledge-predictor.inference.svc.cluster.local/v1"),
    ],
)
def test_services_of_one_server_are_one_component(name: str, url: str) -> None:
    """The program makes one SharedServer for them, and exports the endpoint of each service by its name."""
    shown = offline.preview(FOLDER.parents[1], FOLDER / f"{name}.yaml")
    (server,) = [resource for resource in shown.resources if resource.type == "inferstack:index:SharedServer"]
    assert server.name == "knowledge"
    assert not [resource for resource in shown.resources if resource.type == "inferstack:index:InferenceService"]
    assert shown.outputs["endpoints"] == {"assistant": url, "search": url}
    assert {plan["server"] for plan in server.outputs["plans"]} == {"knowledge"}


def test_embedding_and_reward_models_answer_at_their_own_paths() -> None:
    """Nothing is generated: no TPOT, the latency of the whole answer as the target, and a price per input token alone."""
    plan = planned("embedding")
    routes = {service.name: service.spec.routes[0] for service in plan.services}
    assert routes == {"search": "/v1/embeddings", "passages": "/v1/embeddings", "judge": "/classify"}
    for service, cost in zip(planning.document(plan)["services"], plan.costs.services, strict=True):
        assert service["workload"]["osl"] == 0
        assert service["performance"]["tpotP95Ms"]["expected"] == 0
        assert service["performance"]["latencyP95Ms"]["expected"] <= service["slo"]["latencyP95Ms"]
        assert service["performance"]["inputTps"]["expected"] > 0
        assert cost.tokens is not None
        assert cost.tokens.output_usd is None
        assert cost.tokens.input_usd == cost.tokens.blended_usd > 0


def test_rerankers_answer_in_pairs_of_query_and_passage() -> None:
    """An encoder, a language model that is asked for yes or no, and a small one without a GPU; each at `/v1/rerank`."""
    plan = planned("rerank")
    assert {service.task for service in plan.services} == {"rerank"}
    assert {service.spec.routes[0] for service in plan.services} == {"/v1/rerank"}
    deep = next(service for service in plan.services if service.name == "rerank-deep")
    assert any(word.startswith("--hf-overrides=") for word in deep.spec.args)
    small = next(service for service in plan.services if service.name == "rerank-small")
    assert "--rerank" in small.spec.args
    assert small.replica.shape.device.kind == "cpu"


def test_reward_models_answer_with_a_score() -> None:
    """A judge of whole conversations and one of each step, on two engines."""
    plan = planned("reward")
    assert {(service.task, service.spec.engine, service.spec.routes[0]) for service in plan.services} == {
        ("reward", "sglang", "/classify"),
        ("reward", "vllm", "/classify"),
    }


@EACH
def test_no_gpu_that_is_paid_for_is_idle_at_the_top(name: str) -> None:
    """Whoever copies an example pays for the GPUs that it uses, not for the rest of a machine that is only sold whole."""
    plan = planned(name)
    for pool in (pool for pool in plan.pools if pool.gpus_per_node):
        used = sum(each.replicas.max * each.replica.shape.parallel.devices for each in plan.services if each.pool == pool.name)
        assert used == pool.nodes.max * pool.gpus_per_node, pool.name
