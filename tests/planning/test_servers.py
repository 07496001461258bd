"""Services of one server: what they must say alike, what each owes to the others, and what is paid once."""

from __future__ import annotations

from inferstack import engines, planning
from inferstack.planning import StackPlan
from tests.planning.stacks import GKE, embedder, plan, problems, service, stack

LLM = service(name="assistant", engine="ray-serve", server="knowledge", gpu="l4")
EMBEDDER = embedder(engine="ray-serve", server="knowledge")
ALONE = [{key: value for key, value in each.items() if key != "server"} for each in (LLM, EMBEDDER)]


def heads(made: StackPlan) -> int:
    """Nodes of the system pool, which grow with the heads on it."""
    assert made.system_pool is not None
    return made.system_pool.nodes


def test_each_service_keeps_what_is_its_own() -> None:
    """Model, weights, machine, replicas, latencies and scaling of a service are those that it has alone; so are its decisions."""
    together, apart = plan(LLM, EMBEDDER, target=GKE), plan(*ALONE, target=GKE)
    for one, other in zip(together.services, apart.services, strict=True):
        assert (one.replica, one.replicas, one.resources, one.scaling, one.pool) == (
            other.replica,
            other.replicas,
            other.resources,
            other.scaling,
            other.pool,
        )
        assert [decision for decision in one.decisions if decision.key != "server"] == [*other.decisions]
        assert (one.server, other.server) == ("knowledge", None)


def test_they_answer_at_one_endpoint_each_by_its_own_name() -> None:
    """One URL, and the name of the service as the model; `plan --json` says which server it is."""
    documents = planning.document(plan(LLM, EMBEDDER, target=GKE))["services"]
    assert {document["endpoint"]["url"] for document in documents} == {"http://knowledge-serve-svc.inference.svc.cluster.local:8000/v1"}
    assert [document["endpoint"]["models"] for document in documents] == [["assistant"], ["search"]]
    assert {document["server"] for document in documents} == {"knowledge"}


def test_a_pod_waits_for_the_longest_response_of_all() -> None:
    """Any worker may carry a response of any model through the ingress on it: timeout and drain are the longest."""
    together, apart = plan(LLM, EMBEDDER, target=GKE), plan(*ALONE, target=GKE)
    assert apart.services[0].timeout_seconds > apart.services[1].timeout_seconds
    assert {service.timeout_seconds for service in together.services} == {apart.services[0].timeout_seconds}
    assert {service.spec.drain for service in together.services} == {apart.services[0].spec.drain}


def test_the_head_is_paid_once() -> None:
    """Eight embedders in one cluster need the system nodes of one head; in clusters of their own, those of eight."""
    apart = [{**EMBEDDER, "name": f"search-{number}", "server": f"cluster-{number}"} for number in range(8)]
    together = [{**each, "server": "knowledge"} for each in apart]
    assert heads(plan(*together, target=GKE)) == heads(plan(apart[0], target=GKE)) < heads(plan(*apart, target=GKE))


def test_the_ingress_has_as_many_replicas_as_all_models() -> None:
    """Neither more, which would ask for workers that serve nothing, nor fewer."""
    made = plan(LLM, {**EMBEDDER, "replicas": 3}, target=GKE)
    served = [each.spec.served for each in made.services]
    assert served[0] is not None
    assert served[1] is not None
    assert served[0].ingress == served[1].ingress
    ingress = served[0].ingress
    least, most = (sum(bounds) for bounds in zip(*((each.replicas.min, each.replicas.max) for each in made.services), strict=True))
    if "num_replicas" in ingress:
        assert ingress["num_replicas"] == least == most
    else:
        assert (ingress["autoscaling_config"]["min_replicas"], ingress["autoscaling_config"]["max_replicas"]) == (least, most)


def test_a_cluster_surges_only_where_all_its_workers_have_room() -> None:
    """A second cluster comes with the replicas that all models always have; where one has no room for its own, nothing surges."""
    fixed = [{**LLM, "replicas": 1}, {**EMBEDDER, "replicas": 1}]
    tight, roomy = (
        plan(*fixed, target={"cloud": "existing", "nodes": [{"gpu": "l4", "gpusPerNode": gpus, "count": 1, "cpu": 64, "memoryGib": 256}]})
        for gpus in (3, 4)
    )
    assert {service.rollout for service in tight.services} == {"recreate"}
    assert {service.rollout for service in roomy.services} == {"surge"}


def test_a_ray_cluster_of_one_service_surges_as_a_whole() -> None:
    """KubeRay starts a second cluster with all workers that always run: room for one of two is not enough."""
    alone = {key: value for key, value in LLM.items() if key != "server"}
    tight, roomy = (
        plan(
            {**alone, "replicas": 2},
            target={"cloud": "existing", "nodes": [{"gpu": "l4", "gpusPerNode": gpus, "count": 1, "cpu": 64, "memoryGib": 256}]},
        )
        for gpus in (3, 4)
    )
    assert (tight.services[0].rollout, roomy.services[0].rollout) == ("recreate", "surge")


def test_a_server_with_one_service_is_said_to_be_one() -> None:
    """It is planned, so that others may join without a new endpoint, with a warning that names it."""
    made = plan(LLM, target=GKE)
    assert made.services[0].server == "knowledge"
    assert any("knowledge serves assistant alone" in warning for warning in made.warnings)
    assert not any("alone" in warning for warning in plan(LLM, EMBEDDER, target=GKE).warnings)


def test_engines_that_cannot_are_refused_with_those_that_can() -> None:
    """The key, the value, the reason, and the engines whose server serves several; also where no engine is named."""
    able = [name for name, engine in engines.engines().items() if engine.traits.shares is not None]
    assert "ray-serve" in able
    (named,) = problems({**LLM, "engine": "vllm"}, target=GKE)
    assert named.startswith("inferstack:services[0].server: knowledge is not for vllm, whose server serves one service; use ")
    (unnamed,) = problems({key: value for key, value in LLM.items() if key != "engine"}, target=GKE)
    assert unnamed.startswith("inferstack:services[0].server: knowledge needs an engine whose server serves several services; add ")
    assert all(f"`engine: {name}`" in line for line in (named, unnamed) for name in able)


def test_one_image_serves_all() -> None:
    """Pods of one cluster run the same release: an image of a service's own is refused where another has none."""
    (line,) = problems(LLM, {**EMBEDDER, "image": "registry.example/team/ray-llm:2.60.0"}, target=GKE)
    assert line == (
        "inferstack:services[1].image: registry.example/team/ray-llm:2.60.0 is not that of assistant on the same server: "
        "the engine's own; say the same for both, or another `server`"
    )


def test_nothing_suggests_to_leave_the_engine_that_is_shared() -> None:
    """Neither a lever nor an error gives up the pin that makes the server one."""
    for found in planning.levers(stack(LLM, EMBEDDER, target=GKE)):
        assert found.levers
        assert all(lever.name != "engine" and "without `engine" not in lever.change for lever in found.levers)
    (line,) = problems({**LLM, "slo": {"tpotP95Ms": 1}}, target=GKE)
    assert "without engine" not in line


def test_services_without_a_server_are_as_before() -> None:
    """Beside a shared server, another service has everything of its own."""
    made = plan(LLM, EMBEDDER, service(name="chat"), target=GKE)
    assert [[each.name for each in group] for group in made.servers] == [["assistant", "search"], ["chat"]]
    assert made.services[2] == plan(service(name="chat"), target=GKE).services[0]
