"""A real llama.cpp server, started and ended by exactly what is rendered for it: `make smoke`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from inferstack.engines.spec import EngineSpec
from inferstack.engines.weights import MOUNT
from tests.engines.real.running import ROOT, Process, ask, lines, planned, started, status, url

PLACE = ROOT / ".venv" / "smoke" / "bin"
SERVER = PLACE / "llama-server" if (PLACE / "llama-server").exists() else shutil.which("llama-server")
PYTHON = PLACE / "python"
MODEL = "assistant"
LONG_ANSWER = 6000
"""Tokens; takes longer than the wait before a pod is forgotten."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(SERVER is None or not PYTHON.exists(), reason="no llama-server and no package gguf here: make smoke"),
]


@pytest.fixture(scope="module")
def spec() -> EngineSpec:
    """The container of the example, on CPUs and with weights from a claim."""
    return planned("llama.cpp", modelUri="pvc://models/tiny.gguf", context=8192)


@pytest.fixture(scope="module")
def server(spec: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The server with its weights mounted, once its startup probe has succeeded."""
    folder = tmp_path_factory.mktemp("pod")
    subprocess.run([PYTHON, ROOT / "tests/engines/real/tiny_gguf.py", folder / "tiny.gguf"], check=True)
    assert spec.command == ()
    mounted = [word.replace(MOUNT, str(folder)) for word in spec.args]
    env = {name: value.replace("/cache", str(folder)) for name, value in spec.env}
    with started([str(SERVER), *mounted], env, spec.probes.startup, folder / "log") as process:
        yield process


def test_probes_hold(spec: EngineSpec, server: Process) -> None:
    """Readiness and liveness succeed once startup has."""
    for probe in (spec.probes.readiness, spec.probes.liveness):
        assert status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200


def test_it_answers_under_the_name_of_the_service(spec: EngineSpec, server: Process) -> None:
    """A chat request is answered, and the model goes by the service's name."""
    with ask(spec, MODEL) as answer:
        said = json.load(answer)
    assert said["usage"]["completion_tokens"] > 0
    with urllib.request.urlopen(url(spec, "/v1/models")) as answer:
        assert [model["id"] for model in json.load(answer)["data"]] == [MODEL]


def test_it_streams(spec: EngineSpec, server: Process) -> None:
    """Tokens come one by one, and the end is said."""
    with ask(spec, MODEL, stream=True, ignore_eos=True) as answer:
        said = lines(answer)
    assert len(said) > 4
    assert said[-1] == "data: [DONE]"


def test_metrics_are_those_that_scaling_reads(spec: EngineSpec, server: Process) -> None:
    """Every metric that the plan names is there."""
    assert spec.metrics.path is not None
    with urllib.request.urlopen(url(spec, spec.metrics.path)) as answer:
        exposed = {line.split()[0] for line in answer.read().decode().splitlines() if not line.startswith("#")}
    for name in (spec.metrics.requests_waiting, spec.metrics.requests_running):
        assert name in exposed


def test_a_pod_leaves_after_its_last_answer(spec: EngineSpec, server: Process) -> None:
    """What runs before SIGTERM waits for a request that is being answered; the server then ends within its grace."""
    whole: list[str] = []

    def listen() -> None:
        with ask(spec, MODEL, max_tokens=LONG_ANSWER, stream=True, ignore_eos=True) as answer:
            whole.extend(lines(answer))

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
