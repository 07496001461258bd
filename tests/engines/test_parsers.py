"""The parsers of vLLM and SGLang themselves read every command line that is rendered for them: `make parsers`."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest

from inferstack import catalog, planning, sizing, stackfile
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


def refusals(name: str, lines: list[tuple[str, ...]], answer: Path) -> list[str | None]:
    script = ROOT / "tests/engines/real" / f"{name}_parser.py"
    # Without a GPU vLLM asks what it was built for.
    env = {**os.environ, "VLLM_TARGET_DEVICE": "cpu"}
    done = subprocess.run([python(name), script, answer], input=json.dumps(lines), text=True, capture_output=True, env=env)
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
