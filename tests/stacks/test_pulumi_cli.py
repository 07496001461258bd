"""The real Pulumi asks for what the offline preview lists. Runs where `pulumi` and a Kubernetes API server are on PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests import api_server
from tests.stacks.graphs import PROJECT, graph

MISSING = [*(["pulumi"] if shutil.which("pulumi") is None else []), *api_server.missing_tools()]
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {', '.join(MISSING)}")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A state folder of its own, no passphrase, and a kubeconfig that leads to a server on loopback."""
    folder = tmp_path_factory.mktemp("pulumi")
    (folder / "state").mkdir()
    with api_server.running(folder) as server:
        (folder / "kubeconfig").write_text(yaml.safe_dump(_kubeconfig(server.url)))
        yield {
            **os.environ,
            "KUBECONFIG": str(folder / "kubeconfig"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def test_the_offline_preview_lists_what_pulumi_would_create(environment: Mapping[str, str], tmp_path: Path) -> None:
    """For the stack on an existing cluster, both name the same resources by the same URNs."""
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PROJECT / "stacks", tmp_path / "stacks")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    _pulumi(environment, tmp_path, "stack", "init", "local")
    shown = json.loads(_pulumi(environment, tmp_path, "preview", "--stack", "local", "--json", "--non-interactive"))
    assert {step["urn"] for step in shown["steps"]} == {resource.urn for resource in graph("local").resources}


def _pulumi(environment: Mapping[str, str], folder: Path, *args: str) -> str:
    done = subprocess.run(["pulumi", *args], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "test", "user": {"token": api_server.TOKEN}}],
    }
