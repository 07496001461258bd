"""A real Ollama server over a real llama.cpp one: the model fetched, loaded and asked for by exactly what is rendered: `make smoke`."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferstack.engines.ollama import CACHE, REGISTRY, SCRIPT
from inferstack.engines.spec import EngineSpec
from tests.engines.real.running import ROOT, Process, ask, lines, planned, started, status, url

PLACE = ROOT / ".venv" / "smoke"
SERVER = PLACE / "ollama" / "bin" / "ollama"
NAME = "desk"

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not SERVER.exists(), reason="no Ollama here: make smoke, with Go on PATH")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pod")


@pytest.fixture(scope="module")
def spec() -> EngineSpec:
    """The container of the example, on CPUs."""
    return planned("ollama", capacityType="on-demand", context=4096)


@pytest.fixture(scope="module")
def registry(folder: Path) -> Iterator[str]:
    """One model, as the registry that the plan names would have it; its address."""
    subprocess.run([PLACE / "bin" / "python", ROOT / "tests/engines/real/tiny_gguf.py", folder / "tiny.gguf"], check=True)
    weights = (folder / "tiny.gguf").read_bytes()
    about = json.dumps({"model_format": "gguf", "model_family": "llama", "architecture": "amd64", "os": "linux"}).encode()
    blobs = {f"sha256:{hashlib.sha256(blob).hexdigest()}": blob for blob in (about, weights)}
    config, model = ({"digest": digest, "size": len(blob)} for digest, blob in blobs.items())
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **config},
        "layers": [{"mediaType": "application/vnd.ollama.image.model", **model}],
    }

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(manifest).encode() if "/manifests/" in self.path else blobs[self.path.rpartition("/")[2]])

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def server(spec: EngineSpec, folder: Path, registry: str) -> Iterator[Process]:
    """The server, once its model was fetched and loaded and its startup probe has succeeded."""
    (init,) = spec.init
    cache = folder / "cache"
    cache.mkdir()
    (folder / "fetch.py").write_text(dict(spec.files)[SCRIPT], encoding="utf-8")
    words = [word.replace(REGISTRY, registry).replace(CACHE, str(cache)) for word in init.args]
    subprocess.run([sys.executable, folder / "fetch.py", *words], check=True)
    env = {name: value.replace(CACHE, str(cache)) for name, value in spec.env}
    with started([str(SERVER), "serve"], env, spec.probes.startup, folder / "log") as process:
        inside = {**os.environ, **env, "PATH": f"{SERVER.parent}:{os.environ['PATH']}"}
        subprocess.run(spec.post_start, env=inside, check=True, capture_output=True, timeout=spec.probes.startup.failures)
        yield process


def test_the_model_is_loaded_before_the_pod_is_ready(spec: EngineSpec, server: Process) -> None:
    """It is in memory with the planned context, for ever."""
    with urllib.request.urlopen(url(spec, "/api/ps")) as answer:
        (loaded,) = json.load(answer)["models"]
    assert loaded["name"] == f"{NAME}:latest"
    assert loaded["context_length"] == 4096
    assert loaded["expires_at"] > "2200"


def test_probes_hold(spec: EngineSpec, server: Process) -> None:
    """Readiness and liveness succeed once startup has."""
    for probe in (spec.probes.readiness, spec.probes.liveness):
        assert status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200


def test_it_answers_under_the_name_of_the_service(spec: EngineSpec, server: Process) -> None:
    """A chat request is answered, whole and streamed."""
    with ask(spec, NAME) as answer:
        assert json.load(answer)["usage"]["completion_tokens"] > 0
    with ask(spec, NAME, stream=True) as answer:
        assert lines(answer)[-1] == "data: [DONE]"
