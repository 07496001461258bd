"""A stack whose name makes no name of a cluster is refused where the file is read, with the names that would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inferstack import stackfile
from inferstack.cli.app import app
from inferstack.errors import InferstackError, InputError

SERVICE = "{name: chat, model: Qwen/Qwen3-8B, traffic: {requestsPerSecond: 1, isl: 500, osl: 200}}"
GKE = {"cloud": "gke", "region": "us-central1"}


def read(stack: str, **target: Any) -> stackfile.StackFile:
    service = {"name": "chat", "model": "Qwen/Qwen3-8B", "traffic": {"requestsPerSecond": 1.0, "isl": 500, "osl": 200}}
    config = {"inferstack:target": {**GKE, **target}, "inferstack:services": [service]}
    return stackfile.read(config, stack=stack, source="Pulumi.x.yaml")


@pytest.mark.parametrize(
    ("stack", "cluster", "other"),
    [
        ("v1.2", "inferstack-v1-2", "v1-2"),
        ("Staging", "inferstack-staging", "staging"),
        ("my_team", "inferstack-my-team", "my-team"),
        ("x" * 30, f"inferstack-{'x' * 29}", "x" * 29),
        ("dev.", "inferstack-dev", "dev"),
    ],
)
def test_the_nearest_names_are_offered_and_work(stack: str, cluster: str, other: str) -> None:
    """Either the cluster gets a name of its own, or the stack another."""
    with pytest.raises(InputError) as caught:
        read(stack)
    (problem,) = caught.value.problems
    assert problem.path == "inferstack:target.clusterName"
    assert f"inferstack-{stack}" in problem.reason
    assert problem.nearest == f"use {cluster}, or call the stack {other}"
    assert read(stack, clusterName=cluster).target.cluster_name == cluster
    assert read(other).stack == other


def test_clusters_that_are_there_have_their_own_names() -> None:
    """Nothing is named after the stack there."""
    config = {
        "inferstack:target": {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32}]},
        "inferstack:services": [{"name": "chat", "model": "Qwen/Qwen3-8B", "traffic": {"requestsPerSecond": 1.0, "isl": 500, "osl": 200}}],
    }
    assert stackfile.read(config, stack="My.Lab", source="x.yaml").stack == "My.Lab"


@pytest.mark.parametrize("command", ["plan", "manifests", "simulate", "levers", "compare", "preview", "images"])
def test_every_command_that_reads_the_file_refuses_it(command: str, tmp_path: Path) -> None:
    """No command plans what another cannot make."""
    file = tmp_path / "v1.2.yaml"
    file.write_text(f"config:\n  inferstack:target: {{cloud: gke, region: us-central1}}\n  inferstack:services: [{SERVICE}]\n")
    words = ["-o", str(tmp_path / "out")] if command == "manifests" else []
    found = CliRunner().invoke(app, [command, "-s", str(file), *words])
    assert isinstance(found.exception, InferstackError), found.output
    assert "use inferstack-v1-2, or call the stack v1-2" in str(found.exception)
