"""A real server, started and asked as Kubernetes and callers would."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferstack import planning, stackfile
from inferstack.engines.spec import EngineSpec, HttpProbe

ROOT = Path(__file__).parents[3]
Process = subprocess.Popen[bytes]


def planned(example: str, **changes: Any) -> EngineSpec:
    """The container of an example of engines, on CPUs that are there and with next to no traffic."""
    config = yaml.safe_load((ROOT / f"examples/engines/{example}.yaml").read_text(encoding="utf-8"))["config"]
    config["inferstack:target"] = {"cloud": "existing", "nodes": [{"cpu": 4, "memoryGib": 64}]}
    (service,) = config["inferstack:services"]
    service |= {"gpu": "cpu", "slo": {}, "traffic": {"requestsPerSecond": 0.001, "isl": 100, "osl": 50}, **changes}
    plan = planning.plan(stackfile.read(config, stack="smoke", source=str(ROOT / "Pulumi.smoke.yaml")))
    return plan.services[0].spec


@contextlib.contextmanager
def started(words: Sequence[str], env: Mapping[str, str], probe: HttpProbe, log: Path) -> Iterator[Process]:
    """The process, once its startup probe has succeeded."""
    with log.open("wb") as written:
        process = subprocess.Popen(list(words), env={**os.environ, **env}, stdout=written, stderr=subprocess.STDOUT)
        try:
            succeeds(probe, process)
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


def succeeds(probe: HttpProbe, process: Process) -> None:
    for _ in range(probe.failures):
        assert process.poll() is None, "the server ended by itself"
        if status(f"http://127.0.0.1:{probe.port}{probe.path}") == 200:
            return
        time.sleep(1)
    pytest.fail(f"{probe.path} never succeeded")


def ask(spec: EngineSpec, model: str, **more: Any) -> Any:
    """The open response to a chat request."""
    body = {"model": model, "messages": [{"role": "user", "content": "an ant"}], "max_tokens": 8, **more}
    request = urllib.request.Request(url(spec, "/v1/chat/completions"), json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=300)


def lines(answer: Any) -> list[str]:
    """What a streamed response says, line by line."""
    return [line.decode().strip() for line in answer if line.strip()]
