"""Which file a stack's name or a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferstack import stackfile
from inferstack.errors import InputError
from tests.stackfile.files import write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    write(tmp_path, "name: x\n", "Pulumi.yaml")
    write(tmp_path, "config: {}\n", "Pulumi.dev.yaml")
    write(tmp_path, "config: {}\n", "Pulumi.prod.yaml")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    return tmp_path


def test_a_stack_by_name(project: Path) -> None:
    """A name means the stack file of the project, from any folder below it; an organisation in front does not matter."""
    assert stackfile.find("prod", project / "deep" / "er") == project / "Pulumi.prod.yaml"
    assert stackfile.find("acme/x/prod", project) == project / "Pulumi.prod.yaml"


def test_a_path(project: Path) -> None:
    """A path means that file; its stem is the stack's name, with or without Pulumi in front."""
    other = write(project, "config: {}\n", "other/huge.yaml")
    assert stackfile.find("other/huge.yaml", project) == other
    assert stackfile.find("./Pulumi.dev.yaml", project) == project / "Pulumi.dev.yaml"
    assert [stackfile.stack_name(Path(name)) for name in ("huge.yaml", "a/Pulumi.dev.yaml", "Pulumi.a.b.yml")] == ["huge", "dev", "a.b"]


def test_the_default(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name: the stack of PULUMI_STACK, the only one, or dev."""
    assert stackfile.find(None, project) == project / "Pulumi.dev.yaml"
    monkeypatch.setenv("PULUMI_STACK", "prod")
    assert stackfile.find(None, project) == project / "Pulumi.prod.yaml"
    monkeypatch.delenv("PULUMI_STACK")
    (project / "Pulumi.dev.yaml").unlink()
    assert stackfile.find(None, project) == project / "Pulumi.prod.yaml"


def test_stack_files_in_a_folder_of_their_own(project: Path) -> None:
    """`stackConfigDir` of Pulumi.yaml says where stack files lie."""
    write(project, "name: x\nstackConfigDir: stacks\n", "Pulumi.yaml")
    path = write(project, "config: {}\n", "stacks/Pulumi.qa.yaml")
    assert stackfile.find("qa", project) == path


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("prd", "stack: prd is not a stack of this project; use prod"),
        ("zzz", "stack: zzz is not a stack of this project; known stacks: dev and prod"),
        ("Pulumi.pro.yaml", "Pulumi.pro.yaml: does not exist; use "),
        ("deep/x.yaml", "x.yaml: does not exist"),
    ],
)
def test_what_does_not_exist(project: Path, wanted: str, said: str) -> None:
    """An unknown stack or path names the closest one, or those that there are."""
    with pytest.raises(InputError) as refused:
        stackfile.find(wanted, project)
    assert said in str(refused.value)


def test_a_default_that_cannot_be_told(project: Path) -> None:
    """Several stacks and no dev: the user names one."""
    (project / "Pulumi.dev.yaml").rename(project / "Pulumi.qa.yaml")
    with pytest.raises(InputError, match="has no stack dev; name one of prod and qa"):
        stackfile.find(None, project)


def test_outside_of_a_project(tmp_path: Path) -> None:
    """A name needs a project; the way out is a path."""
    with pytest.raises(InputError, match="is not in a Pulumi project; go to a folder with a"):
        stackfile.find("dev", tmp_path)


def test_the_stack_file_of_a_running_program(project: Path) -> None:
    """A program asks for the file of its stack; a preview of a file elsewhere answers with that file."""
    assert stackfile.current("prod", project) == project / "Pulumi.prod.yaml"
    assert stackfile.current("acme/x/new", project) == project / "Pulumi.new.yaml"
    with stackfile.in_use(project / "elsewhere.yaml"):
        assert stackfile.current("prod", project) == project / "elsewhere.yaml"
    assert stackfile.current("prod", project) == project / "Pulumi.prod.yaml"
