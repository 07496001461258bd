"""Git repositories with stack files, made for a test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

STACK = """\
config:
  inferstack:target: {target}
  inferstack:services:
    - name: {name}
      model: Qwen/Qwen2.5-7B-Instruct
      gpu: l4
      traffic: {{requestsPerSecond: {rps}, isl: 600, osl: 200, peakFactor: 2}}
      slo: {{ttftP95Ms: 3000, tpotP95Ms: 120}}
  inferstack:budget: {{maxMonthlyUsd: {budget}}}
"""


GKE = "{cloud: gke, region: us-central1}"
EXISTING = "{cloud: existing, nodes: [{gpu: l4, gpusPerNode: 1, count: 40, cpu: 8, memoryGib: 32, usdPerHour: 0.7}]}"


def stack_text(rps: float = 1.0, budget: float = 5000, name: str = "chat", target: str = GKE) -> str:
    """One service on L4s; on `EXISTING` nodes a preview takes a third of the time."""
    return STACK.format(rps=rps, budget=budget, name=name, target=target)


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` without the configuration of whoever runs the tests."""
    who = {
        f"GIT_{role}_{field}": "t@example.com" if field == "EMAIL" else "t"
        for role in ("AUTHOR", "COMMITTER")
        for field in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path, **files: str) -> Path:
    """A repository with one commit on branch main; files by name, `__` for a dot."""
    git(folder, "init", "-q", "-b", "main")
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "base")
    return folder
