"""How `inferstack manifests` treats the folder that it writes to."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from inferstack.cli.manifests import render_file, write_files
from inferstack.errors import InputError
from tests.cli.command import inferstack

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "chat", "namespace": "inference"}}


def test_one_file_per_object(tmp_path: Path) -> None:
    """Each object of a stack is a file named by its kind and name; standard error says what was written."""
    done = inferstack("manifests", "-s", "prod", "-o", str(tmp_path / "new" / "folder"))
    assert (done.returncode, done.stdout) == (0, "")
    written = sorted((tmp_path / "new" / "folder").iterdir())
    assert f"{len(written)} files written" in done.stderr
    for path in written:
        item = yaml.safe_load(path.read_text())
        assert path.name == f"{item['kind']}-{item['metadata']['name']}.yaml".lower()
    assert "inferenceservice-titles.yaml" in {path.name for path in written}


def test_secrets_are_placeholders(tmp_path: Path) -> None:
    """A secret is written as a placeholder, and standard error says that its value is missing."""
    done = inferstack("manifests", "-s", "prod", "-o", str(tmp_path))
    secrets = [path.name for path in tmp_path.glob("secret-*.yaml")]
    assert all(f"{tmp_path / name} holds a placeholder" in done.stderr for name in secrets)


def test_file_text_starts_with_its_maker() -> None:
    """A file says which command and stack made it, and holds the object in its own order of keys."""
    name, text = render_file(SERVICE, "prod")
    assert name == "service-chat.yaml"
    assert text.splitlines()[:3] == ["# Made by `inferstack manifests` from stack prod.", "apiVersion: v1", "kind: Service"]


def test_own_files_are_written_again(tmp_path: Path) -> None:
    """A second run replaces the files of the first and removes those that are no longer part of the stack."""
    files = dict([render_file(SERVICE, "prod"), render_file({**SERVICE, "metadata": {"name": "gone"}}, "prod")])
    assert write_files(tmp_path, files) == []
    del files["service-gone.yaml"]
    assert write_files(tmp_path, files) == ["service-gone.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["service-chat.yaml"]


def test_other_files_stay(tmp_path: Path) -> None:
    """A file that somebody else put there is neither removed nor changed."""
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    write_files(tmp_path, dict([render_file(SERVICE, "prod")]))
    assert (tmp_path / "kustomization.yaml").read_text() == "resources: []\n"


def test_file_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    """Where a file of that name was not made by this command, nothing at all is written."""
    (tmp_path / "service-chat.yaml").write_text("mine\n")
    files = dict([render_file(SERVICE, "prod"), render_file({**SERVICE, "metadata": {"name": "other"}}, "prod")])
    with pytest.raises(InputError, match=r"service-chat\.yaml was not made by this command; choose another directory"):
        write_files(tmp_path, files)
    assert [path.name for path in tmp_path.iterdir()] == ["service-chat.yaml"]


def test_output_that_is_a_file_ends_with_2(tmp_path: Path) -> None:
    """An output folder that cannot be made is bad input, not a traceback."""
    (tmp_path / "file").write_text("")
    done = inferstack("manifests", "-s", "dev", "-o", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert "Traceback" not in done.stderr
