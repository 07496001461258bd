"""Stack files of any size: services of different models, lengths and rates, so that no two are planned from one another's cache."""

from __future__ import annotations

from pathlib import Path

import yaml

MODELS = (
    "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen2.5-72B-Instruct",
)


TARGETS: dict[str, dict[str, object]] = {
    "eks": {"cloud": "eks", "region": "us-east-1"},
    "existing": {
        "cloud": "existing",
        "nodes": [{"gpu": "h100-80", "gpusPerNode": 8, "count": 100_000, "cpu": 192, "memoryGib": 2048, "usdPerHour": 40}],
    },
}


def write_stack(folder: Path, services: int, target: str = "eks") -> Path:
    """A stack file of that many services on one of `TARGETS`; returns its path."""
    content = {"config": {"inferstack:target": TARGETS[target], "inferstack:services": [_service(number) for number in range(services)]}}
    path = folder / f"Pulumi.{target}{services}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _service(number: int) -> dict[str, object]:
    return {
        "name": f"service-{number}",
        "model": MODELS[number % len(MODELS)],
        "traffic": {"requestsPerSecond": 0.5 + number % 13 / 4, "isl": 500 + 37 * (number % 29), "osl": 100 + 11 * (number % 17)},
        "slo": {"ttftP95Ms": 3000, "tpotP95Ms": 80},
    }
