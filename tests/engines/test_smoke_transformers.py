"""A real `transformers serve` on CPU, started and ended by exactly what is rendered for it: `make smoke`."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferstack.engines.spec import EngineSpec
from inferstack.engines.weights import MOUNT
from tests.engines.real.running import ROOT, Process, ask, lines, planned, started, status, url

PLACE = ROOT / ".venv" / "smoke" / "transformers" / "bin"
LONG_ANSWER = 1500
"""Tokens; takes longer than the wait before SIGTERM."""
OFFLINE = {"HF_HUB_OFFLINE": "1"}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (PLACE / "transformers").exists(), reason="no transformers with torch here: make smoke"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pod")


@pytest.fixture(scope="module")
def spec() -> EngineSpec:
    """The container of the example, on CPUs and with weights from a claim."""
    return planned("transformers", modelUri="pvc://models/tiny", quantization="bf16", context=2048)


@pytest.fixture(scope="module")
def model(spec: EngineSpec, folder: Path) -> str:
    """The name that callers are told to ask for."""
    assert spec.model_name is not None
    return spec.model_name.replace(MOUNT, str(folder / "tiny"))


@pytest.fixture(scope="module")
def server(spec: EngineSpec, folder: Path) -> Iterator[Process]:
    """The server with its weights mounted and its cache empty, once its startup probe has succeeded."""
    subprocess.run([PLACE / "python", ROOT / "tests/engines/real/tiny_transformers.py", folder / "tiny"], check=True, env=OFFLINE)
    (folder / "cache").mkdir()
    words = [str(PLACE / spec.command[0]), *spec.command[1:], *(word.replace(MOUNT, str(folder / "tiny")) for word in spec.args)]
    env = {name: value.replace("/cache", str(folder / "cache")) for name, value in spec.env}
    with started(words, {**env, **OFFLINE}, spec.probes.startup, folder / "log") as process:
        yield process


def test_probes_hold(spec: EngineSpec, server: Process) -> None:
    """Readiness and liveness succeed once startup has."""
    for probe in (spec.probes.readiness, spec.probes.liveness):
        assert status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200


def test_it_answers_under_the_name_that_callers_are_told(spec: EngineSpec, server: Process, model: str) -> None:
    """A chat request is answered under that name and no other."""
    with ask(spec, model) as answer:
        said = json.load(answer)
    assert said["usage"]["completion_tokens"] > 0
    with pytest.raises(urllib.error.HTTPError):
        ask(spec, "lab")


def test_models_are_listed(spec: EngineSpec, server: Process) -> None:
    """The list is answered although nothing was downloaded."""
    with urllib.request.urlopen(url(spec, "/v1/models")) as answer:
        assert json.load(answer)["object"] == "list"


def test_it_streams(spec: EngineSpec, server: Process, model: str) -> None:
    """The role comes first and the reason of the end last."""
    with ask(spec, model, stream=True) as answer:
        said = [json.loads(line.removeprefix("data: ")) for line in lines(answer)]
    assert said[0]["choices"][0]["delta"]["role"] == "assistant"
    assert said[-1]["choices"][0]["finish_reason"] == "length"


def test_a_pod_leaves_after_its_last_answer(spec: EngineSpec, server: Process, model: str) -> None:
    """What is being answered at SIGTERM is answered to its end; the server then ends within its grace."""
    whole: list[str] = []

    def listen() -> None:
        with ask(spec, model, max_tokens=LONG_ANSWER, stream=True) as answer:
            whole.extend(lines(answer))

    caller = threading.Thread(target=listen)
    caller.start()
    time.sleep(1)
    assert caller.is_alive()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=spec.drain.grace - spec.drain.pre_stop)
    caller.join()
    last = json.loads(whole[-1].removeprefix("data: "))
    assert last["usage"]["completion_tokens"] == LONG_ANSWER
