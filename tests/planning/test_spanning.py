"""Replicas that span machines: when the planner takes them, what they cost, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.clouds.addons import ADDONS
from inferstack.errors import InputError
from inferstack.planning.types import ServicePlan
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

DEEPSEEK: dict[str, Any] = {"model": "deepseek-ai/DeepSeek-V3", "gpu": "h100-80", "slo": None}
LARGE: dict[str, Any] = {"model": "meta-llama/Llama-3.1-405B-Instruct", "quantization": "bf16", "gpu": "h100-80", "slo": None}
BUSY = {"requestsPerSecond": 12.0, "isl": 2000, "osl": 500}


def refused(target: dict[str, Any] = EKS, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        plan_one(target=target, **changes)
    return str(caught.value.problems[0])


@pytest.mark.parametrize("changes", [{**DEEPSEEK, "pipelineParallel": 2}, LARGE])
def test_what_no_machine_holds_spans_machines(changes: dict[str, Any]) -> None:
    """Weights that exceed the largest machine with that GPU are spread over two: shared layers inside of each, stages between them."""
    made = plan_one(**changes)
    parallel = made.replica.shape.parallel
    assert (made.machines, parallel.tensor, parallel.pipeline) == (2, 8, 2)
    assert made.resources.gpus == 8
    assert made.gpus_per_replica == 16


def test_what_one_machine_holds_stays_there() -> None:
    """A shorter context or a larger GPU comes before a second machine."""
    assert plan_one(**{**DEEPSEEK, "gpu": "h200-141"}).machines == 1
    assert plan_one(**{**DEEPSEEK, "gpu": None}).machines == 1


EFA_IMAGE = "registry.example.com/vllm-with-efa:v0.33.0"
"""An image of the user's own that holds what NCCL needs for EFA, which the stock one does not."""
KIMI: dict[str, Any] = {"model": "moonshotai/Kimi-K2-Instruct", "gpu": "h200-141", "slo": {"ttftP95Ms": 5000, "tpotP95Ms": 100}}
CROWD = {"requestsPerSecond": 6.0, "isl": 4000, "osl": 800}


def reason(made: ServicePlan, key: str) -> str:
    return next(decision.reason for decision in made.decisions if decision.key == key)


def test_experts_are_shared_where_that_is_cheaper() -> None:
    """Both ways to span machines are planned; the cheaper within the SLO is taken, and its reason names the price of the other."""
    wish = {**DEEPSEEK, "traffic": BUSY, "engine": "vllm", "image": EFA_IMAGE}
    shared, staged = plan_one(**wish), plan_one(**wish, pipelineParallel=2)
    parallel = shared.replica.shape.parallel
    assert (shared.machines, parallel.tensor, parallel.data, parallel.expert, parallel.pipeline) == (2, 1, 16, 16, 1)
    assert shared.replicas.max < staged.replicas.max
    assert "stages instead: $" in reason(shared, "dataParallel")


def test_stages_are_kept_where_shared_experts_miss_the_slo() -> None:
    """What the network adds in each layer is too much for a tight TPOT, and the reason says so."""
    tight = {**DEEPSEEK, "slo": {"tpotP95Ms": 17.0}, "traffic": {"requestsPerSecond": 0.2, "isl": 2000, "osl": 500}}
    made = plan_one(**tight)
    assert made.replica.shape.parallel.pipeline == 2
    assert "experts that machines share instead: TPOT is" in reason(made, "pipelineParallel")


def test_crowded_machines_are_joined_where_that_is_far_cheaper() -> None:
    """Weights that leave a machine hardly any sequences: two that share the experts, by more than the band is widened by; else one each."""
    made = plan_one(**KIMI, traffic=CROWD, engine="vllm", image=EFA_IMAGE)
    assert made.machines == 2
    assert "replicas of one machine each cost $" in reason(made, "dataParallel")
    over_tcp = plan_one(**KIMI, traffic=CROWD)
    assert over_tcp.replica.shape.parallel.pipeline == 2
    assert over_tcp.replicas.max > made.replicas.max
    few = {**CROWD, "requestsPerSecond": 0.05}
    assert plan_one(**KIMI, traffic=few).machines == 1


def test_attention_of_heads_stays_within_its_machine() -> None:
    """Without a latent the GPUs of a machine share attention, and all of them the experts."""
    made = plan_one(model="Qwen/Qwen3-235B-A22B", gpu="h100-80", slo=None, tensorParallel=8, dataParallel=2)
    parallel = made.replica.shape.parallel
    assert (made.machines, parallel.tensor, parallel.data, parallel.expert) == (2, 8, 2, 16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({**DEEPSEEK, "pipelineParallel": 2, "dataParallel": 8}, "beside stages on several machines"),
        ({**DEEPSEEK, "pipelineParallel": 2, "dataParallel": 16}, "beside stages on several machines"),
        ({**DEEPSEEK, "dataParallel": 48}, "make 48 groups of GPUs, each within one and at most 4 machines together"),
        ({**DEEPSEEK, "dataParallel": 16, "expertParallel": False}, "leaves parts of experts"),
        ({**LARGE, "dataParallel": 16}, "is for mixtures of experts"),
        ({**DEEPSEEK, "dataParallel": 24}, "unequal parts of 256 experts"),
        ({**DEEPSEEK, "dataParallel": 16, "engine": "tgi"}, "serves a replica on one machine"),
    ],
)
def test_ways_that_do_not_exist_are_refused(changes: dict[str, Any], said: str) -> None:
    """The error names the key, the reason and what works, with its price."""
    problem = refused(**changes)
    assert said in problem
    assert "it works: " in problem


def test_whole_machines_are_paid() -> None:
    """Nodes are replicas times machines, at both ends of the range, in the pool, the bill and the quota."""
    made = plan(service(**{**DEEPSEEK, "traffic": BUSY}))
    (one,), (pool,) = made.services, made.pools
    assert pool.nodes.max == 2 * one.replicas.max
    assert pool.nodes.min == 2 * one.replicas.min
    assert pool.idle_share == 0
    assert one.replicas.max > 1
    assert next(need for need in made.quota if "P instances" in need.name).amount == 192 * pool.nodes.max


def test_the_network_has_its_price() -> None:
    """The plan says what joins the machines, and what that adds to TPOT, as a believed band."""
    made = plan_one(**DEEPSEEK, engine="vllm", image=EFA_IMAGE)
    assert made.fabric is not None
    assert made.replica.shape.device.network == "EFA"
    assert made.network_tpot_ms is not None
    assert made.network_tpot_ms.provenance == "believed"
    assert made.network_tpot_ms.low < made.network_tpot_ms.expected < made.network_tpot_ms.high
    assert any(f"where {EFA_IMAGE} holds libfabric" in warning for warning in made.warnings)


@pytest.mark.parametrize(
    ("engine", "network", "said"),
    [
        ("vllm", "TCP", "does not hold libfabric and aws-ofi-nccl (vllm-project/vllm issue 55635"),
        ("sglang", "TCP", "does not hold libfabric and aws-ofi-nccl (sgl-project/sglang docker/Dockerfile"),
        ("tensorrt-llm", "EFA", "which is not known of nvcr.io/nvidia/tensorrt-llm/release"),
    ],
)
def test_what_the_image_lacks_is_planned_without(engine: str, network: str, said: str) -> None:
    """EFA is attached all the same; where the pinned image is known to make nothing of it, steps are those of TCP."""
    stages = {**DEEPSEEK, "pipelineParallel": 2, "tensorParallel": 8}
    made = plan_one(**stages, engine=engine)
    own = plan_one(**stages, engine=engine, image=EFA_IMAGE)
    assert made.replica.shape.device.network == network
    assert made.network_tpot_ms is not None
    assert own.network_tpot_ms is not None
    assert (made.network_tpot_ms.expected > own.network_tpot_ms.expected) is (network == "TCP")
    assert any(said in warning for warning in made.warnings)
    assert made.fabric is not None
    assert dict(made.fabric.resources)["vpc.amazonaws.com/efa"] == "32"


def test_gpudirect_over_tcp_has_to_be_asked_for() -> None:
    """A3 Mega's own network takes a daemon with rights on the node: the plan says how to ask for it, what TCP costs, and which machines
    need none."""
    wish = {**LARGE, "machineType": "a3-megagpu-8g", "pipelineParallel": 2, "tensorParallel": 8, "capacityType": "spot"}
    made = plan_one(target={**GKE, "region": "europe-west4"}, **wish)
    assert (made.fabric, made.replica.shape.device.network) == (None, "TCP")
    assert made.network_tpot_ms is not None
    (said,) = (warning for warning in made.warnings if "GPUDirect-TCPXO is not asked for" in warning)
    assert "gpuDirect: true" in said
    assert "a3-ultragpu-8g" in said


def test_joined_nodes_are_a_pool_of_their_own_in_one_zone() -> None:
    """What joins accelerators ends at the zone, and other services' nodes are not joined."""
    made = plan(
        service(**DEEPSEEK), service(name="small", gpu="h100-80", model="Qwen/Qwen2.5-72B-Instruct", slo=None, machineType="p5.48xlarge")
    )
    pools = {pool.name: pool for pool in made.pools}
    assert set(pools) == {"p5-48xlarge-fabric", "p5-48xlarge"}
    assert len(pools["p5-48xlarge-fabric"].zones) == 1
    assert len(pools["p5-48xlarge"].zones) > 1


def test_groups_bring_their_controller() -> None:
    """LeaderWorkerSet and EFA's device plugin are installed where a replica spans machines, and KServe only where another does not."""
    alone = {addon.name for addon in plan(service(**DEEPSEEK)).addons if addon.installed}
    mixed = {addon.name for addon in plan(service(**DEEPSEEK), service(name="small")).addons if addon.installed}
    assert {"lws", "efa-device-plugin"} <= alone
    assert "kserve" not in alone
    assert {"lws", "efa-device-plugin", "kserve", "cert-manager"} <= mixed
    assert not {"lws", "efa-device-plugin"} & {addon.name for addon in plan(service()).addons if addon.installed}
    assert alone | mixed <= set(ADDONS)


def test_pins_span_machines_anywhere() -> None:
    """`pipelineParallel` beyond one machine is planned on nodes whose network is not known, too, and the plan says that."""
    nodes = {"gpu": "l40s", "gpusPerNode": 4, "count": 2, "cpu": 64, "memoryGib": 512}
    made = plan_one(
        target={"cloud": "existing", "nodes": [nodes]},
        model="Qwen/Qwen3-32B",
        quantization="bf16",
        slo=None,
        tensorParallel=4,
        pipelineParallel=2,
        traffic={"requestsPerSecond": 0.1, "isl": 500, "osl": 200},
    )
    assert (made.machines, made.fabric) == (2, None)
    assert any("is not known here" in warning for warning in made.warnings)


def test_gke_claims_its_interfaces() -> None:
    """Machines with RDMA are joined by claims; those with TCPX alone are not taken unasked."""
    made = plan_one(target=GKE, **{**LARGE, "gpu": "h200-141", "pipelineParallel": 2, "tensorParallel": 8, "capacityType": "spot"})
    assert made.fabric is not None
    assert made.fabric.device_class == "mrdma.google.com"
    assert plan_one(target=GKE, **DEEPSEEK).machines == 1


@pytest.mark.parametrize("name", ["tgi", "ray-serve", "triton"])
def test_engines_without_it_name_those_that_have_it(name: str) -> None:
    """An engine that serves a replica on one machine is refused where two are asked for, with the plan of another and its price."""
    said = refused(**LARGE, engine=name, tensorParallel=8, pipelineParallel=2)
    assert said.startswith(f"inferstack:services[0].engine: {name} ")
    assert "vllm, sglang or tensorrt-llm" in said
    assert "without engine it works" in said
    assert "a month" in said


def test_tensorrt_llm_is_one_mpi_job() -> None:
    """The first pod launches ranks on all machines; the others run what it hands over, and know nothing of the user's flags."""
    made = plan_one(**LARGE, engine="tensorrt-llm", tensorParallel=8, pipelineParallel=2, engineArgs={"max_batch_size": 64})
    assert made.spec.workers is not None
    assert made.spec.command[0] == "mpirun"
    assert made.spec.command[-2:] == ("trtllm-llmapi-launch", "trtllm-serve")
    assert made.spec.workers.command == ("python3", "/etc/mpi/fetch.py")
    assert made.spec.workers.args == ("$(LWS_LEADER_ADDRESS)", "$(LWS_WORKER_INDEX)")
    said = refused(**DEEPSEEK, engine="tensorrt-llm", dataParallel=16)
    assert "use vllm or sglang" in said


def test_weights_come_without_kserve() -> None:
    """What KServe would mount is refused; the hub and claims are not."""
    bucket = {**LARGE, "modelUri": "s3://models/llama", "tensorParallel": 8, "pipelineParallel": 2}
    assert "use hf:// or pvc://" in refused(**bucket)
    assert plan_one(**{**bucket, "modelUri": "pvc://models/llama"}).machines == 2
    # Without a degree, too, where what one machine has is too little: memory is not what stands in the way.
    assert "use hf:// or pvc://" in refused(**{**bucket, "tensorParallel": None})


def test_adapters_come_without_kserve_too() -> None:
    """Adapters that KServe would mount are refused on several machines, those of the hub are not."""
    adapters = [{"name": "style", "uri": "s3://adapters/style", "rank": 16}]
    wish = {**LARGE, "tensorParallel": 8, "pipelineParallel": 2}
    assert "are mounted by KServe" in refused(**wish, adapters=adapters)
    assert "are mounted by KServe" in refused(**{**wish, "tensorParallel": None}, adapters=adapters)
    assert plan_one(**wish, adapters=[{**adapters[0], "uri": "hf://acme/style"}]).machines == 2
