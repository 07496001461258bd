"""What the workflows may do: what a stranger's pull request reaches, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return job["steps"]


@pytest.mark.parametrize("name", [path.stem for path in sorted(WORKFLOWS.glob("*.yml"))])
def test_every_workflow_is_bounded(name: str) -> None:
    """Each says which permissions it has, each job ends in time, and no checkout leaves the token behind."""
    read = workflow(name)
    assert "permissions" in read
    for job in read["jobs"].values():
        assert job["timeout-minutes"] <= 30
        for step in steps(job):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", [path.stem for path in sorted(WORKFLOWS.glob("*.yml"))])
def test_no_script_holds_an_expression(name: str) -> None:
    """What a pull request names (branches, titles) reaches a shell as a variable only, where it is text."""
    for job in workflow(name)["jobs"].values():
        assert not [step["run"] for step in steps(job) if "${{" in step.get("run", "")]


def test_the_offline_preview_has_no_secret() -> None:
    """The job that runs a stranger's code is started by pull_request, can only read, and names no secret and no environment."""
    read = workflow("preview")
    # YAML 1.1 reads the key `on` as true.
    assert read[True] == {"pull_request": None}
    assert read["permissions"] == {"contents": "read"}
    offline = read["jobs"]["offline"]
    assert not {"permissions", "environment", "secrets"} & set(offline)
    assert "secrets." not in yaml.safe_dump(offline)
    assert ".ci/preview" in "".join(step.get("run", "") for step in steps(offline))


def test_credentials_are_for_branches_of_the_repository() -> None:
    """The job with secrets and cloud roles runs only where the branch is in this repository."""
    job = workflow("preview")["jobs"]["pulumi"]
    assert "head.repo.full_name == github.repository" in job["if"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"}


def test_what_may_write_runs_nothing_of_the_pull_request() -> None:
    """The commenting job takes the default branch's script and another run's artifact, outside the checkout."""
    read = workflow("preview-comment")
    assert list(read[True]) == ["workflow_run"]
    assert read[True]["workflow_run"]["workflows"] == [workflow("preview")["name"]]
    (job,) = read["jobs"].values()
    checkout, download, run = steps(job)
    assert "ref" not in checkout["with"]
    assert download["with"]["path"].startswith("${{ runner.temp }}")
    assert run["run"].startswith(".ci/comment ")


def test_the_page_for_gitlab_runs_the_same_script() -> None:
    """The GitLab example is YAML, runs the script for every merge request, and uses its token for branches of the project alone."""
    page = (WORKFLOWS.parents[1] / "docs" / "pull-requests.md").read_text()
    jobs = yaml.safe_load(page.partition("<!-- gitlab-ci -->\n```yaml\n")[2].partition("```")[0])
    assert ".ci/preview" in "".join(jobs["preview"]["script"])
    assert "TOKEN" not in yaml.safe_dump(jobs["preview"])
    for name in ("preview-comment", "pulumi-preview"):
        assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in jobs[name]["rules"][0]["if"]
