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


def write_stack(folder: Path, services: int) -> Path:
    """A stack file of that many services in EKS; returns its path."""
    content = {
        "config": {
            "inferstack:target": {"cloud": "eks", "region": "us-east-1"},
            "inferstack:services": [_service(number) for number in range(services)],
        }
    }
    path = folder / f"Pulumi.bench{services}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _service(number: int) -> dict[str, object]:
    return {
        "name": f"service-{number}",
        "model": MODELS[number % len(MODELS)],
        "traffic": {"requestsPerSecond": 0.5 + number % 13 / 4, "isl": 500 + 37 * (number % 29), "osl": 100 + 11 * (number % 17)},
        "slo": {"ttftP95Ms": 3000, "tpotP95Ms": 80},
    }
