"""A server of the user's own: run as the stack file says, sized and priced as the engine that it is most like."""

from __future__ import annotations

import pytest

from inferstack import manifests
from tests.planning.stacks import GKE, plan, plan_one, refused, service

IMAGE = "registry.example/team/server:1.2.3"
SERVER = {
    "like": "vllm",
    "command": ["serve"],
    "args": ["--model=$(MODEL)", "--port=$(PORT)"],
    "port": 9000,
    "startupPath": "/healthz",
    "readinessPath": "/readyz",
    "metrics": {"requestsWaiting": "queue_length"},
    "drains": True,
    "apiKeyEnv": "SERVER_KEY",
    "runAsUser": 1234,
}


def test_it_is_sized_and_priced_as_its_kin() -> None:
    """Machines, replicas, memory and latencies are those of the engine that it is like, and a warning says so."""
    own, kin = plan_one(engine="custom", image=IMAGE, custom=SERVER, gpu="l4"), plan_one(engine="vllm", gpu="l4")
    assert (own.machine_type, own.replicas, own.replica.memory) == (kin.machine_type, kin.replicas, kin.replica.memory)
    assert own.replica.performance == kin.replica.performance
    assert any("sized as vllm 0.33.0" in warning for warning in own.warnings)


def test_its_container_is_what_the_file_says() -> None:
    """Image, command, arguments, port, probes, user and metrics are the user's, and the plan reaches it by variables."""
    spec = plan_one(engine="custom", image=IMAGE, custom=SERVER, gpu="l4", quantization="bf16").spec
    assert (spec.engine, spec.version, spec.image) == ("custom", "1.2.3", IMAGE)
    assert (spec.command, spec.args) == (("serve",), ("--model=$(MODEL)", "--port=$(PORT)"))
    told = dict(spec.env)
    assert (told["MODEL"], told["PORT"], told["SERVED_MODEL_NAME"]) == ("Qwen/Qwen2.5-7B-Instruct", "9000", "chat")
    assert int(told["MAX_MODEL_LEN"]) > 0
    assert {probe.port for probe in (spec.probes.startup, spec.probes.readiness, spec.probes.liveness)} == {9000}
    assert (spec.probes.startup.path, spec.probes.readiness.path) == ("/healthz", "/readyz")
    assert spec.metrics.requests_waiting == "queue_length"
    assert spec.confinement.user == 1234


def test_it_scales_on_the_metric_that_it_names() -> None:
    """With a gauge of waiting requests its replicas follow the queue; without one they all stand."""
    busy = {"requestsPerSecond": 20, "isl": 500, "osl": 200}
    scaled = plan_one(engine="custom", image=IMAGE, custom=SERVER, gpu="l4", traffic=busy)
    (scaler,) = [item for item in manifests.service_objects(scaled) if item["kind"] == "ScaledObject"]
    assert "queue_length" in scaler["spec"]["triggers"][0]["metadata"]["query"]
    blind = plan_one(engine="custom", image=IMAGE, custom={**SERVER, "metrics": None}, gpu="l4", traffic=busy)
    assert blind.replicas.min == blind.replicas.max


@pytest.mark.parametrize("drains", [True, False])
def test_it_leaves_as_it_says_it_can(drains: bool) -> None:
    """A server that drains is told early; any other is kept until its longest response is done."""
    spec = plan_one(engine="custom", image=IMAGE, custom={**SERVER, "drains": drains}, gpu="l4").spec
    assert (spec.drain.pre_stop == 10) is drains


def test_without_a_key_it_is_kept_inside() -> None:
    """A server that reads no key is reached from its own namespace only."""
    open_server = {key: value for key, value in SERVER.items() if key != "apiKeyEnv"}
    kinds = [
        {item["kind"] for item in manifests.service_objects(plan_one(engine="custom", image=IMAGE, custom=server, gpu="l4"))}
        for server in (SERVER, open_server)
    ]
    assert ["NetworkPolicy" in found for found in kinds] == [False, True]


def test_a_gguf_server_is_told_its_file() -> None:
    """Like llama.cpp it runs on CPU and gets repository and file apart."""
    made = plan(
        service(engine="custom", image=IMAGE, custom={"like": "llama.cpp"}, gpu="l4", quantization="gguf-q4_k_m", model="Qwen/Qwen3-8B"),
        target=GKE,
    ).services[0]
    assert dict(made.spec.env)["MODEL_FILE"].endswith(".gguf")
    assert made.replica.shape.engine == "llama.cpp"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engine": "custom", "image": IMAGE}, "services[0].custom: is needed with engine custom"),
        ({"engine": "vllm", "image": IMAGE, "custom": SERVER}, "services[0].custom: describes a server of your own"),
        ({"engine": "custom", "custom": SERVER}, "services[0].image: is needed with `custom`"),
        (
            {"engine": "custom", "image": IMAGE, "custom": {"like": "vlm"}},
            "services[0].custom.like: vlm is not a known engine; did you mean vllm",
        ),
        ({"engine": "custom", "image": IMAGE, "custom": {"port": 0}}, "services[0].custom.port: 0"),
        ({"engine": "custom", "image": IMAGE, "custom": {"startupPath": "healthz"}}, "use /healthz"),
        ({"engine": "custom", "image": IMAGE, "custom": SERVER, "engineArgs": {"a": 1}}, "write them in custom.args"),
        ({"engine": "custom", "image": IMAGE, "custom": SERVER, "env": {"MODEL": "x"}}, "env.MODEL: x is set by the plan"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, object], said: str) -> None:
    """Each key that is missing, misplaced or wrong is named with the way out."""
    assert any(said in problem for problem in refused(**changes))
