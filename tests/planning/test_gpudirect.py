"""GPUDirect-TCPX and -TCPXO of GKE: when they are planned, what comes with them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.clouds.addons import ADDONS
from inferstack.clouds.gpudirect import FABRICS, by_addon, interfaces
from inferstack.errors import InputError
from inferstack.planning import StackPlan
from inferstack.planning.image_digests import images
from tests.planning.stacks import EKS, GKE, plan, service

DIRECT: dict[str, Any] = {**GKE, "region": "us-east4", "network": {"gpuDirect": True}}
OWN: dict[str, Any] = {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32}]}
LARGE: dict[str, Any] = {
    "model": "meta-llama/Llama-3.1-405B-Instruct",
    "quantization": "bf16",
    "capacityType": "spot",
    "slo": None,
    "machineType": "a3-megagpu-8g",
    "engine": "vllm",
    "image": "registry.example.com/serving/vllm-torch-2.11:v0.33.0",
}
STOCK = {**LARGE, "image": None}
"""With the image that the release ships, whose PyTorch asks for a later NCCL than any of Google's."""


def installed(made: StackPlan) -> set[str]:
    return {addon.name for addon in made.addons if addon.installed}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_mega_machines_are_joined(engine: str) -> None:
    """The server is told of the cards and of the plugin's NCCL, a daemon stands beside it, and cluster and nodes are made for both."""
    made = plan(service(**{**LARGE, "engine": engine}), target=DIRECT)
    (one,) = made.services
    told = dict(one.spec.env)
    assert one.replica.shape.device.network == "GPUDirect-TCPXO"
    assert told["NCCL_FASTRAK_IFNAME"] == ",".join(interfaces(8))
    assert told["LD_PRELOAD"].endswith("/libnccl.so.2")
    assert [name for name, _ in one.spec.env].count("NCCL_SOCKET_IFNAME") == 1
    assert one.receiver is not None
    assert one.receiver.image.endswith(":v1.0.23")
    assert made.accelerator_networks == 8
    assert {"gpudirect-tcpxo", "lws"} <= installed(made)
    assert "gpudirect-tcpx" not in installed(made)
    assert next(need.amount for need in made.quota if need.name == "NETWORKS") == 9


def test_the_network_is_worth_its_daemon() -> None:
    """The same machines take longer over TCP."""
    joined, plain = (
        plan(service(**LARGE, pipelineParallel=2, tensorParallel=8), target={**DIRECT, "network": {"gpuDirect": asked}}).services[0]
        for asked in (True, False)
    )
    assert joined.network_tpot_ms is not None
    assert plain.network_tpot_ms is not None
    assert joined.network_tpot_ms.expected < plain.network_tpot_ms.expected
    assert plain.receiver is None
    assert plain.resources.memory_bytes > joined.resources.memory_bytes


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize(("machine", "said"), [("a3-megagpu-8g", "a PyTorch that runs on NCCL 2.28.7"), ("a3-highgpu-8g", "NCCL 2.19")])
def test_a_daemon_stays_out_where_the_image_makes_nothing_of_it(engine: str, machine: str, said: str) -> None:
    """The plugins are for NCCLs that the PyTorch of today's images does not start with: TCP, and the plan says why."""
    made = plan(service(**{**STOCK, "machineType": machine, "engine": engine}), target=DIRECT)
    (one,) = made.services
    assert (one.fabric, one.replica.shape.device.network) == (None, "TCP")
    assert not {"gpudirect-tcpx", "gpudirect-tcpxo"} & installed(made)
    assert made.accelerator_networks == 0
    assert any("does not hold" in warning and said in warning for warning in one.warnings)


def test_high_machines_are_joined() -> None:
    """Four cards in place of eight, and another plugin, where an image of the user's own holds its NCCL."""
    own = plan(service(**{**LARGE, "machineType": "a3-highgpu-8g"}), target=DIRECT)
    assert own.services[0].replica.shape.device.network == "GPUDirect-TCPX"
    assert dict(own.services[0].spec.env)["NCCL_GPUDIRECTTCPX_SOCKET_IFNAME"] == "eth1,eth2,eth3,eth4"
    assert own.accelerator_networks == 4
    assert "gpudirect-tcpx" in installed(own)


def test_services_of_one_machine_get_nothing_of_it() -> None:
    """Asked for and not needed: the cluster may have networks later, and no pod has a daemon."""
    made = plan(service(), target=DIRECT)
    assert made.accelerator_networks == 0
    assert not {"gpudirect-tcpx", "gpudirect-tcpxo"} & installed(made)
    assert not any(need.name == "NETWORKS" for need in made.quota)
    assert plan(service(), target=GKE).accelerator_networks is None


def test_variables_of_the_user_stand() -> None:
    """What `env` says goes before what Google recommends, and stands once."""
    made = plan(service(**LARGE, env={"NCCL_PROTO": "Simple,LL128"}), target=DIRECT)
    assert [value for name, value in made.services[0].spec.env if name == "NCCL_PROTO"] == ["Simple,LL128"]


def test_an_older_plugin_brings_its_daemon() -> None:
    """A version is pinned with or without a v, and an image of every part is listed."""
    made = plan(service(**LARGE), target={**DIRECT, "versions": {"gpudirectTcpxo": "1.0.16"}})
    listed = {image.name for image in images(made, None)}
    assert made.services[0].receiver is not None
    assert made.services[0].receiver.image.endswith(":v1.0.22")
    assert made.services[0].receiver.image in listed
    assert any(name.endswith("nccl-plugin-gpudirecttcpx-dev:v1.0.16") for name in listed)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({**EKS, "network": {"gpuDirect": True}}, "network.gpuDirect: true is for clusters that are made on gke"),
        (
            {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32}], "network": {"gpuDirect": True}},
            "network.gpuDirect: true is for clusters that are made on gke",
        ),
        ({**DIRECT, "versions": {"gpudirectTcpxo": "1.0.9"}}, "versions.gpudirectTcpxo: v1.0.9 is no version whose daemon is known"),
        ({**DIRECT, "versions": {"gpudirectTcpx": "9.9.9"}}, "use v3.1.12 or v3.1.9"),
    ],
)
def test_what_cannot_be_is_refused(target: dict[str, Any], said: str) -> None:
    """The error names the key, the value and what works."""
    with pytest.raises(InputError) as caught:
        plan(service(), target=target)
    assert any(said in str(problem) for problem in caught.value.problems)


def test_facts_belong_together() -> None:
    """The add-on's version is the newest plugin whose daemon is known, and that daemon is the one that is planned."""
    for addon, direct in by_addon():
        newest, daemon = direct.releases[0]
        assert ADDONS[addon].version == newest
        assert direct.daemon.image.endswith(f":{daemon}")
        assert any(",".join(interfaces(direct.networks)) == value for _, value in direct.env)
    assert {fabric.name for fabric in FABRICS.values()} == set(FABRICS)


def test_a_daemon_stays_out_where_nobody_knows() -> None:
    """Of TensorRT-LLM it is not known whether its image makes something of it: no rights on the node for a guess."""
    made = plan(service(**{**STOCK, "engine": "tensorrt-llm"}), target=DIRECT)
    assert made.services[0].receiver is None
    assert any("is not known: transfers take TCP" in warning for warning in made.services[0].warnings)
