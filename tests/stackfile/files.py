"""Stack files in a line or two, and the problems of those that are wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from inferstack import stackfile
from inferstack.errors import InputError
from inferstack.stackfile.schema import StackFile

SERVICE: dict[str, Any] = {"name": "chat", "model": "Qwen/Qwen3-8B", "traffic": {"requestsPerSecond": 2, "isl": 512, "osl": 256}}
TARGET: dict[str, Any] = {"cloud": "gke", "region": "us-central1"}

GOOD = """\
config:
  inferstack:target: {cloud: gke, region: us-central1}
  inferstack:services:
    - {name: chat, model: Qwen/Qwen3-8B, traffic: {requestsPerSecond: 2, isl: 512, osl: 256}}
"""


def config(*services: Any, target: Any = None, **settings: Any) -> dict[str, Any]:
    """Config of a stack with these services, or with the one of `SERVICE`; further settings by their key in our namespace."""
    made = {"inferstack:target": TARGET if target is None else target, "inferstack:services": list(services) if services else [SERVICE]}
    return copy.deepcopy(made | {f"inferstack:{key}": value for key, value in settings.items()})


def service(**changes: Any) -> dict[str, Any]:
    """`SERVICE` with other keys; None removes one, a dict for a section replaces it."""
    return {key: value for key, value in {**copy.deepcopy(SERVICE), **changes}.items() if value is not None}


def read(made: dict[str, Any], **options: Any) -> StackFile:
    return stackfile.read(made, stack="test", source="Pulumi.test.yaml", **options)


def problems(made: dict[str, Any], **options: Any) -> list[str]:
    """What is wrong with this config, one line each, without the file's name; `inferstack:` is left out for short."""
    with pytest.raises(InputError) as refused:
        read(made, **options)
    return _lines(refused.value)


def problems_of(*services: Any) -> list[str]:
    return problems(config(*services))


def write(folder: Path, text: str | bytes, name: str = "Pulumi.test.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems_in(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong with a file of this text."""
    path = write(folder, text)
    with pytest.raises(InputError) as refused:
        stackfile.load(path)
    return [line.replace(str(path), "FILE") for line in _lines(refused.value)]


def _lines(error: InputError) -> list[str]:
    return [str(problem).removeprefix("inferstack:") for problem in error.problems]
