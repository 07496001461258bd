"""The parsers of vLLM, SGLang and Ray and KServe's storage initializer read what is rendered for them: `make parsers`."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from inferstack import catalog, manifests, planning, sizing, stackfile
from inferstack.engines import engine
from tests.engines import shapes

ROOT = Path(__file__).parents[2]
NAMES = ("vllm", "sglang")

pytestmark = pytest.mark.e2e


def python(name: str) -> Path:
    return ROOT / ".venv" / "parsers" / name / "bin" / "python"


def command_lines(name: str) -> list[tuple[str, ...]]:
    """The arguments of the example, and of every architecture and quantization on one and four GPUs of each generation."""
    found = engine(name)
    lines = [service.spec.args for service in planning.plan(stackfile.load(ROOT / f"examples/engines/{name}.yaml")).services]
    models = {model.architecture: model for model in catalog.models().values()}
    for model, quantization, gpu, count in itertools.product(
        models.values(), catalog.quantizations(), ("t4", "a100-80", "h100-80"), (1, 4)
    ):
        weights, accelerator = shapes.checkpoint(model.id, quantization), catalog.accelerator(gpu)
        device = sizing.device_for(accelerator, count, "none")
        if device is not None and found.supports(model, weights, accelerator) is None:
            lines.append(found.spec(shapes.replica_of(shapes.shape_of(name, weights, device)), shapes.SERVICE).args)
    return list(dict.fromkeys(lines))


def serve_configs() -> list[str]:
    """The Serve configs of the examples of one model and of several."""
    paths = [ROOT / "examples/engines/ray-serve.yaml", ROOT / "examples/shapes/ray-application.yaml"]
    plans = [planning.plan(stackfile.load(path)) for path in paths]
    objects = [item for plan in plans for item in manifests.stack_objects(plan)]
    return [item["spec"]["serveConfigV2"] for item in objects if item["kind"] == "RayService"]


def refusals(name: str, lines: Sequence[tuple[str, ...] | str], answer: Path, script: str = "parser") -> list[str | None]:
    path = ROOT / "tests/engines/real" / f"{name}_{script}.py"
    # Without a GPU vLLM asks what it was built for.
    env = {**os.environ, "VLLM_TARGET_DEVICE": "cpu"}
    done = subprocess.run([python(name), path, answer], input=json.dumps(lines), text=True, capture_output=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(answer.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_its_own_parser_takes_what_is_rendered(name: str, tmp_path: Path) -> None:
    """The parser of the pinned release accepts every rendered command line, and refuses one that it does not know."""
    if not python(name).exists():
        pytest.skip(f"{name} is not installed here: make parsers")
    lines = command_lines(name)
    assert len(lines) > 50
    *found, unknown = refusals(name, [*lines, (*lines[0], "--swap-space-of-old=4")], tmp_path / "refusals.json")
    assert [(line, refusal) for line, refusal in zip(lines, found, strict=True) if refusal is not None] == []
    assert unknown is not None


def test_ray_takes_the_serve_configs(tmp_path: Path) -> None:
    """Ray's own classes accept application, models and options, and refuse a misspelt key of each."""
    if not python("ray").exists():
        pytest.skip("ray is not installed here: make parsers")
    configs = serve_configs()
    assert len(configs) == 2
    keys = ("log_engine_metrics", "upscale_delay_s", "request_timeout_s", "route_prefix")
    misspelt = [configs[1].replace(key, f"{key}-of-old") for key in keys]
    found = refusals("ray", [*configs, *misspelt], tmp_path / "refusals.json", "config")
    assert found[:2] == [None, None]
    assert None not in found[2:]


def copies(name: str) -> list[tuple[str, dict[str, str]]]:
    """Source and patterns of each copy of weights of an example."""
    plan = planning.plan(stackfile.load(ROOT / f"examples/shapes/{name}.yaml"))
    jobs = [job for job in map(manifests.copy_job, plan.services) if job is not None]
    envs = [{row["name"]: row.get("value") for row in job["spec"]["template"]["spec"]["containers"][0]["env"]} for job in jobs]
    return [(env["SOURCE"], {key: value for key, value in env.items() if key.endswith("_PATTERNS")}) for env in envs]


@pytest.mark.skipif(not python("kserve-storage").exists(), reason="no kserve-storage here: make parsers")
@pytest.mark.parametrize("name", ["volume-eks", "volume-gke"])
def test_copies_fetch_the_revision_and_leave_duplicates(name: str, tmp_path: Path) -> None:
    """Of a repository the very revision, without files that hold the same weights again."""
    wanted, answer = copies(name), tmp_path / "answer.json"
    assert wanted
    path = ROOT / "tests/engines/real/kserve_storage_download.py"
    done = subprocess.run([python("kserve-storage"), path, answer], input=json.dumps(wanted), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for (source, _), asked in zip(wanted, json.loads(answer.read_text(encoding="utf-8")), strict=True):
        repository, _, revision = source.removeprefix("hf://").partition(":")
        assert (asked["repo_id"], asked["revision"]) == (repository, revision)
        assert "*.gguf" in asked["ignore_patterns"]
