"""The Job that copies weights: what its script leaves on a volume, whole or cut off."""

from __future__ import annotations

import subprocess
from pathlib import Path

from inferstack.manifests import copies

ENTRY = "/storage-initializer/scripts/initializer-entrypoint"


def run(volume: Path, folder: str, fetch: str) -> subprocess.CompletedProcess[str]:
    """The Job's own script on `volume`, with `fetch` (sh; $2 is the folder that it fills) in place of the image's program."""
    program = volume.parent / "fetch"
    program.write_text(f"#!/bin/sh\n{fetch}\n")
    program.chmod(0o755)
    script = copies.SCRIPT.replace(ENTRY, str(program)).replace(copies.MOUNT, str(volume))
    env = {"PATH": "/usr/bin:/bin", "SERVICE": "chat", "FOLDER": folder, "SOURCE": "hf://a/b"}
    return subprocess.run(["/bin/sh", "-c", script], env=env, capture_output=True, text=True, check=False)


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    """A try that was cut off leaves nothing of the final name, and the next goes on from its files; a third copies nothing."""
    volume = tmp_path / "volume"
    volume.mkdir()
    assert run(volume, "chat.a.1", 'mkdir -p "$2"; touch "$2/part"; exit 1').returncode
    assert [path.name for path in volume.iterdir()] == [".partial.chat.a.1"]
    assert run(volume, "chat.a.1", 'test -e "$2/part" && touch "$2/rest"').returncode == 0
    assert sorted(path.name for path in (volume / "chat.a.1").iterdir()) == [copies.WHOLE, "part", "rest"]
    assert run(volume, "chat.a.1", "exit 1").returncode == 0


def test_a_folder_that_a_kubelet_left_empty_is_no_copy(tmp_path: Path) -> None:
    """A pod that came too early makes an empty one of the final name."""
    volume = tmp_path / "volume"
    (volume / "chat.a.1").mkdir(parents=True)
    assert run(volume, "chat.a.1", 'mkdir -p "$2"; touch "$2/file"').returncode == 0
    assert (volume / "chat.a.1" / "file").exists()


def test_one_copy_before_stays_and_older_ones_go(tmp_path: Path) -> None:
    """Of other services nothing is touched."""
    volume = tmp_path / "volume"
    (volume / "other.x.1").mkdir(parents=True)
    for number in range(1, 4):
        assert run(volume, f"chat.m.{number}", 'mkdir -p "$2"; sleep 0.01').returncode == 0
    assert sorted(path.name for path in volume.iterdir()) == ["chat.m.2", "chat.m.3", "other.x.1"]
