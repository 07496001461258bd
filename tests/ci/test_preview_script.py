"""The steps of the pull request's workflows, run as the scripts that they are."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.diff import repositories
from tests.diff.repositories import git

ROOT = Path(__file__).parents[2]
CALL = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT / 'components')!r})\nfrom inferstack.cli import main\nmain()\n"


def stack_text(rps: float, budget: float = 20_000, name: str = "chat") -> str:
    return repositories.stack_text(rps, budget, name, repositories.EXISTING)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """This repository's program with one stack on main, in a repository of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "Pulumi.dev.yaml").write_text(stack_text(1.0))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "base")
    executable(tmp_path / "inferstack", CALL)
    return folder


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def commit(folder: Path, **stacks: str | None) -> None:
    """Stack files by stack name, None removes one, as a commit on a branch."""
    git(folder, "checkout", "-q", "-B", "change")
    for stack, text in stacks.items():
        path = folder / f"Pulumi.{stack}.yaml"
        path.unlink() if text is None else path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def preview(folder: Path, base: str = "main", **environment: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """The script's end, and the comment that it wrote."""
    out = folder.parent / "out"
    done = subprocess.run(
        [ROOT / ".ci" / "preview", base, out],
        cwd=folder,
        env={**os.environ, "INFERSTACK": str(folder.parent / "inferstack"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    comment = out / "comment.md"
    return done, comment.read_text() if comment.exists() else ""


def test_a_change_is_previewed_and_compared(project: Path) -> None:
    """Every stack has its difference in the comment and its whole preview beside it; the run ends with 0."""
    commit(project, dev=stack_text(12.0), new=stack_text(1.0, name="second"))
    done, comment = preview(project)
    assert (done.returncode, done.stderr) == (0, "")
    assert comment.startswith("## inferstack preview\n\n### ")
    assert "Stack `dev` +$" in comment
    assert "Stack `new` is new: $" in comment
    assert "1 req/s mean, 2 at peak | 12 req/s mean" in comment
    assert "Resources" in (project.parent / "out" / "dev.txt").read_text()


def test_a_budget_that_says_no_fails_the_check(project: Path) -> None:
    """A stack above its budget ends the run with 3, after the comment was written with the reason."""
    commit(project, dev=stack_text(3.0, budget=100))
    done, comment = preview(project)
    assert done.returncode == 3
    assert "❌ Stack `dev`" in comment
    assert "**Over budget.** The stack costs" in comment


def test_a_stack_without_a_plan_fails_with_its_problems(project: Path) -> None:
    """A broken stack file ends the run with 2 and stands in the comment as the command says it; the others are compared."""
    commit(project, dev=stack_text(1.0).replace("Qwen2.5-7B-Instruct", "Qwen9-7B"), other=stack_text(2.0))
    done, comment = preview(project)
    assert done.returncode == 2
    assert "### Stack `dev`: no difference can be shown" in comment
    assert "inferstack:services[0].model: Qwen/Qwen9-7B is not a known model" in comment
    assert "Stack `other` is new" in comment


def test_a_broken_base_is_no_reason_to_fail(project: Path) -> None:
    """A change that mends a stack passes: the preview decides, and the comment says why there is no difference."""
    (project / "Pulumi.dev.yaml").write_text(stack_text(1.0).replace("cpu: 8", "cpu: -8"))
    git(project, "commit", "-q", "-a", "-m", "broken")
    commit(project, dev=stack_text(1.0))
    done, comment = preview(project)
    assert done.returncode == 0
    assert "main:Pulumi.dev.yaml: inferstack:target.nodes[0].cpu: -8" in comment


def test_a_stack_that_goes_is_shown_as_gone(project: Path) -> None:
    """A removed stack file is compared with nothing, and nothing is previewed."""
    commit(project, dev=None)
    done, comment = preview(project)
    assert done.returncode == 0
    assert "Stack `dev` is removed: -$" in comment


def test_text_of_a_stranger_stays_text(project: Path) -> None:
    """What a stack file says cannot close the block that it is shown in, mention people, or become markup."""
    name = "Qwen9 </details> @everyone ~~~~~~ <img src=x>"
    commit(project, dev=stack_text(1.0).replace("Qwen/Qwen2.5-7B-Instruct", f'"{name}"'))
    _, comment = preview(project)
    inside = comment.partition("~~~~~~text\n")[2].partition("\n~~~~~~\n")[0]
    assert "<img src=x>" in inside
    assert "<img" not in comment.replace(inside, "")


def test_a_base_that_is_not_fetched_is_named(project: Path) -> None:
    """A base that git does not know ends the run with 2 and says what to do."""
    done, _ = preview(project, base="0123456789abcdef0123456789abcdef01234567")
    assert done.returncode == 2
    assert "is not a git revision: fetch it first" in done.stderr


def test_the_run_has_its_summary(project: Path, tmp_path: Path) -> None:
    """Where the run has a page of its own, the comment is on it, for pull requests that nobody may comment on."""
    commit(project, dev=stack_text(3.0))
    summary = tmp_path / "summary.md"
    _, comment = preview(project, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == comment


GH = """\
#!{python}
import json, os, pathlib, sys
arguments = sys.argv[1:]
body = next((a.partition("@")[2] for a in arguments if a.startswith("body=@")), None)
text = pathlib.Path(body).read_text() if body else None
with open({log!r}, "a") as log:
    log.write(json.dumps([arguments, text]) + "\\n")
if any(a.endswith("/pulls") for a in arguments):
    print(os.environ["PULL"])
elif "--paginate" in arguments:
    print(os.environ["COMMENTS"])
"""


def comment(folder: Path, text: str, pull: str = "7", comments: str = "") -> tuple[str, list[tuple[list[str], str | None]]]:
    """What the script says, and its calls of a `gh` that finds this pull request and these comments."""
    log = folder / "calls.jsonl"
    executable(folder / "gh", GH.format(python=sys.executable, log=str(log)))
    (folder / "comment.md").write_text(text)
    done = subprocess.run(
        [ROOT / ".ci" / "comment", "acme/stacks", "someone:change", "abc123", folder / "comment.md"],
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PULL": pull, "COMMENTS": comments},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, [tuple(json.loads(line)) for line in log.read_text().splitlines()]


def test_a_first_comment_is_made(tmp_path: Path) -> None:
    """Without an earlier one a comment is posted, with the mark by which it is found again."""
    said, calls = comment(tmp_path, "## inferstack preview\n")
    arguments, text = calls[-1]
    assert said == "commented on pull request 7\n"
    assert arguments[1:4] == ["-X", "POST", "repos/acme/stacks/issues/7/comments"]
    assert text == "<!-- inferstack preview -->\n## inferstack preview\n"


def test_an_earlier_comment_is_updated_in_place(tmp_path: Path) -> None:
    """The first comment of ours is changed, whatever came after it."""
    said, calls = comment(tmp_path, "new", comments="41\n42")
    assert said == "updated comment 41 of pull request 7\n"
    assert calls[-1][0][1:4] == ["-X", "PATCH", "repos/acme/stacks/issues/comments/41"]


def test_a_run_of_an_older_commit_says_nothing(tmp_path: Path) -> None:
    """Where no open pull request is at that commit, nothing is written."""
    said, calls = comment(tmp_path, "old", pull="")
    assert said == "no open pull request of someone:change is at abc123\n"
    assert len(calls) == 1


def test_a_comment_that_is_too_long_is_cut(tmp_path: Path) -> None:
    """A comment keeps below what GitHub takes, at a whole character, and says that it was cut."""
    _, calls = comment(tmp_path, "ä" * 50_000)
    text = calls[-1][1]
    assert text is not None
    assert len(text.encode()) < 65_536
    assert text.rstrip().endswith("the whole is in the artifact of the run")
