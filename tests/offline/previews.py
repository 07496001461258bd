"""Previews of the small programs in `projects/`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from inferstack import offline

PROJECTS = Path(__file__).parent / "projects"


def preview(name: str, stack_file: str = "Pulumi.dev.yaml") -> offline.Preview:
    return offline.preview(PROJECTS / name, PROJECTS / name / stack_file)


def preview_with(folder: Path, name: str, stack_text: str) -> offline.Preview:
    """The program of project `name` with another stack file."""
    copy = folder / name
    if not copy.exists():
        shutil.copytree(PROJECTS / name, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "Pulumi.dev.yaml").write_text(stack_text)
    return offline.preview(copy, copy / "Pulumi.dev.yaml")


def resource(shown: offline.Preview, name: str) -> offline.Resource:
    (found,) = [item for item in shown.resources if item.name == name]
    return found


def names(urns: Any) -> list[str]:
    """The last parts of URNs, which are enough to tell them apart in a small program."""
    return [urn.rpartition("::")[2] for urn in urns]
