"""`inferstack images` against a registry on a loopback port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.command import inferstack
from tests.images import fake_registry
from tests.images.fake_registry import FakeRegistry

LOCK = "images.chat.lock.yaml"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry.running() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, registry: FakeRegistry) -> Path:
    """A folder with the stack file chat.yaml, whose server's image is in the registry."""
    service = {
        "name": "chat",
        "model": "Qwen/Qwen3-8B",
        "engine": "vllm",
        "image": f"{registry.host}/team/vllm:0.33.0",
        "traffic": {"requestsPerSecond": 0.2, "isl": 512, "osl": 128},
    }
    config = {"inferstack:target": {"cloud": "gke", "region": "us-central1"}, "inferstack:services": [service]}
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump({"config": config}))
    return tmp_path


def test_a_lock_is_written_shown_checked_and_rendered(folder: Path, registry: FakeRegistry) -> None:
    """From a tag to its digest in list, plan, manifests and difference; `--check` ends with 3 once the tag has moved."""
    name = f"{registry.host}/team/vllm:0.33.0"
    first = registry.put("team/vllm", "0.33.0", "amd64")
    (folder / "before.json").write_text(inferstack("plan", "-s", "chat.yaml", "--json", cwd=folder).stdout)

    listed = json.loads(inferstack("images", "-s", "chat.yaml", "--json", cwd=folder).stdout)
    assert listed == {"lock": None, "images": [{"name": name, "digest": None, "saidBy": None, "usedBy": ["chat"]}]}

    locked = inferstack("images", "lock", "-s", "chat.yaml", cwd=folder)
    assert (locked.returncode, locked.stderr) == (0, f"{LOCK}: 1 image, 1 added\n")
    row = yaml.safe_load((folder / LOCK).read_text())["images"][name]
    assert (row["digest"], row["registry"]) == (first, registry.host)

    shown = inferstack("images", "-s", "chat.yaml", cwd=folder).stdout
    assert f"lock {LOCK}" in shown
    assert first in shown
    plan = json.loads(inferstack("plan", "-s", "chat.yaml", "--json", cwd=folder).stdout)
    assert plan["services"][0]["engine"]["image"] == f"{name}@{first}"
    inferstack("manifests", "-s", "chat.yaml", "-o", "build", cwd=folder)
    assert f"{name}@{first}" in (folder / "build" / "servingruntime-chat.yaml").read_text()
    difference = inferstack("diff", "before.json", "chat.yaml", cwd=folder).stdout
    assert ["chat", "images", "by", "tag", first[:19]] in [line.split() for line in difference.splitlines()]

    checked = inferstack("images", "lock", "--check", "-s", "chat.yaml", cwd=folder)
    assert (checked.returncode, checked.stderr) == (0, f"{LOCK} is what its tag means\n")
    second = registry.put("team/vllm", "0.33.0", "amd64", "arm64")
    kept = (folder / LOCK).read_text()
    moved = inferstack("images", "lock", "--check", "-s", "chat.yaml", cwd=folder)
    assert moved.returncode == 3
    assert moved.stdout == f"{name}\n    was {first}\n    is  {second}\n"
    assert moved.stderr == f"{LOCK} is not what its tags mean: 1 moved; `inferstack images lock -s chat.yaml` writes it anew\n"
    assert (folder / LOCK).read_text() == kept


def test_a_tag_without_a_lock_does_not_pass_the_check(folder: Path, registry: FakeRegistry) -> None:
    """An image that is not in the lock is one that may move."""
    registry.put("team/vllm", "0.33.0")
    checked = inferstack("images", "-s", "chat.yaml", "lock", "--check", cwd=folder)
    assert checked.returncode == 3
    assert "1 added" in checked.stderr
    assert not (folder / LOCK).exists()


def test_an_image_that_is_not_there_writes_nothing(folder: Path, registry: FakeRegistry) -> None:
    """Exit 2 with one line, and no lock."""
    refused = inferstack("images", "lock", "-s", "chat.yaml", cwd=folder)
    name = f"{registry.host}/team/vllm:0.33.0"
    assert refused.returncode == 2
    assert refused.stderr == f"{name}: is not in {registry.host}: no tag 0.33.0 of team/vllm; name a tag that is there\n"
    assert not (folder / LOCK).exists()


def test_a_lock_that_cannot_be_written_is_said(folder: Path, registry: FakeRegistry) -> None:
    """A folder in the lock's place."""
    registry.put("team/vllm", "0.33.0")
    (folder / LOCK).mkdir()
    refused = inferstack("images", "lock", "-s", "chat.yaml", cwd=folder)
    assert refused.returncode == 2
    assert refused.stderr == f"--stack: {folder / LOCK} cannot be written: Is a directory\n"
