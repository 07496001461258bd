"""A real llama.cpp server, started and ended by exactly what is rendered for it: `make smoke`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferstack import planning, stackfile
from inferstack.engines.spec import EngineSpec, HttpProbe
from inferstack.engines.weights import MOUNT

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv" / "smoke" / "bin"
SERVER = PLACE / "llama-server" if (PLACE / "llama-server").exists() else shutil.which("llama-server")
PYTHON = PLACE / "python"
LONG_ANSWER = 6000
"""Tokens; takes longer than the wait before a pod is forgotten."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(SERVER is None or not PYTHON.exists(), reason="no llama-server and no package gguf here: make smoke"),
]


@pytest.fixture(scope="module")
def spec() -> EngineSpec:
    """The container of the example, on CPUs and with weights from a claim."""
    config = yaml.safe_load((ROOT / "examples/engines/llama.cpp.yaml").read_text(encoding="utf-8"))["config"]
    config["inferstack:target"] = {"cloud": "existing", "nodes": [{"cpu": 4, "memoryGib": 64}]}
    (service,) = config["inferstack:services"]
    service |= {"gpu": "cpu", "modelUri": "pvc://models/tiny.gguf", "context": 8192, "slo": {}}
    service["traffic"] = {"requestsPerSecond": 0.001, "isl": 100, "osl": 50}
    plan = planning.plan(stackfile.read(config, stack="smoke", source=str(ROOT / "Pulumi.smoke.yaml")))
    return plan.services[0].spec


@pytest.fixture(scope="module")
def server(spec: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """The server with its weights mounted, once its startup probe has succeeded."""
    folder = tmp_path_factory.mktemp("pod")
    subprocess.run([PYTHON, ROOT / "tests/engines/real/tiny_gguf.py", folder / "tiny.gguf"], check=True)
    assert spec.command == ()
    mounted = [word.replace(MOUNT, str(folder)) for word in spec.args]
    env = {**os.environ, **{name: value.replace("/cache", str(folder)) for name, value in spec.env}}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(SERVER), *mounted], env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            succeeds(spec.probes.startup, process)
            yield process
        finally:
            process.kill()
            process.wait()


def url(spec: EngineSpec, path: str) -> str:
    return f"http://127.0.0.1:{spec.ports[0].number}{path}"


def status(address: str) -> int | None:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def succeeds(probe: HttpProbe, process: subprocess.Popen[bytes]) -> None:
    for _ in range(probe.failures):
        assert process.poll() is None, "the server ended by itself"
        if status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200:
            return
        time.sleep(1)
    pytest.fail(f"{probe.path} never succeeded")


def ask(spec: EngineSpec, **more: Any) -> Any:
    """The open response to a chat request."""
    body = {"model": "assistant", "messages": [{"role": "user", "content": "an ant"}], "max_tokens": 8, **more}
    request = urllib.request.Request(url(spec, "/v1/chat/completions"), json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=300)


def test_probes_hold(spec: EngineSpec, server: subprocess.Popen[bytes]) -> None:
    """Readiness and liveness succeed once startup has."""
    for probe in (spec.probes.readiness, spec.probes.liveness):
        assert status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200


def test_it_answers_under_the_name_of_the_service(spec: EngineSpec, server: subprocess.Popen[bytes]) -> None:
    """A chat request is answered, and the model goes by the service's name."""
    with ask(spec) as answer:
        said = json.load(answer)
    assert said["usage"]["completion_tokens"] > 0
    with urllib.request.urlopen(url(spec, "/v1/models")) as answer:
        assert [model["id"] for model in json.load(answer)["data"]] == ["assistant"]


def test_it_streams(spec: EngineSpec, server: subprocess.Popen[bytes]) -> None:
    """Tokens come one by one, and the end is said."""
    with ask(spec, stream=True, ignore_eos=True) as answer:
        lines = [line.decode().strip() for line in answer if line.strip()]
    assert len(lines) > 4
    assert lines[-1] == "data: [DONE]"


def test_metrics_are_those_that_scaling_reads(spec: EngineSpec, server: subprocess.Popen[bytes]) -> None:
    """Every metric that the plan names is there."""
    assert spec.metrics.path is not None
    with urllib.request.urlopen(url(spec, spec.metrics.path)) as answer:
        exposed = {line.split()[0] for line in answer.read().decode().splitlines() if not line.startswith("#")}
    for name in (spec.metrics.requests_waiting, spec.metrics.requests_running):
        assert name in exposed


def test_a_pod_leaves_after_its_last_answer(spec: EngineSpec, server: subprocess.Popen[bytes]) -> None:
    """What runs before SIGTERM waits for a request that is being answered; the server then ends within its grace."""
    whole: list[str] = []

    def listen() -> None:
        with ask(spec, max_tokens=LONG_ANSWER, stream=True, ignore_eos=True) as answer:
            whole.extend(line.decode().strip() for line in answer if line.strip())

    caller = threading.Thread(target=listen)
    caller.start()
    time.sleep(1)
    begun = time.monotonic()
    subprocess.run(spec.drain.command, check=True, timeout=spec.drain.pre_stop)
    assert whole
    assert whole[-1] == "data: [DONE]"
    caller.join()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=spec.drain.grace - (time.monotonic() - begun))
