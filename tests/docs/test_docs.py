"""What the documents promise is true: generated pages are current, links lead somewhere, examples plan, pasted output is real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs import claims, engine_page, refresh
from inferstack import planning, stackfile
from tests.cli.command import inferstack

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "tests" / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
YAML_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def test_the_page_of_the_stack_file_is_current() -> None:
    """docs/stack-file.md is what `make docs` writes."""
    assert refresh.STACK_FILE_PAGE.read_text() == stackfile.markdown()


def test_the_page_of_the_engines_is_current() -> None:
    """docs/engines.md is what `make docs` writes."""
    assert refresh.ENGINES_PAGE.read_text() == engine_page.markdown()


def test_the_claims_are_redone_by_the_planner_of_today() -> None:
    """The table of docs/api-or-self-host.md is what the planner says; `make docs` refreshes it."""
    text = refresh.CLAIMS_PAGE.read_text()
    assert claims.page(text) == text
    assert text.count("| 10,000,000 | 17,362, $56,499,000 |") == 1


def test_the_readme_shows_real_output() -> None:
    """The output in the README is what the preview prints today; `make docs` refreshes it."""
    text = refresh.README.read_text()
    assert refresh.readme(text, inferstack("preview", "-s", "dev").stdout) == text
    assert text.count("$/month") > 1


def test_the_page_of_size_shows_real_output() -> None:
    """docs/size.md shows what its commands print today; `make docs` refreshes it."""
    text = refresh.SIZE_PAGE.read_text()
    assert refresh.with_output(text) == text
    assert "Pareto front" in text


@pytest.mark.parametrize("stack", ["dev", "local", "prod"])
def test_every_key_of_the_outputs_is_documented(stack: str) -> None:
    """docs/outputs.md names every key of the plan and of the costs, and the preview's resources."""
    named = set(re.findall(r"`(\w+)`|\"(\w+)\"", (ROOT / "docs" / "outputs.md").read_text()))
    words = {word for pair in named for word in pair}
    document = planning.document(planning.plan(stackfile.load(ROOT / f"Pulumi.{stack}.yaml")))
    assert sorted(set(_keys(document)) - words) == []


def _keys(value: Any, below: str = "") -> Iterator[str]:
    """All keys of a document but those that users, engines and Kubernetes name."""
    if isinstance(value, list):
        for item in value:
            yield from _keys(item, below)
    elif isinstance(value, dict) and below not in ("labels", "nodeSelector", "container"):
        for key, item in value.items():
            yield key
            yield from _keys(item, key)


def test_the_page_of_the_architecture_names_what_there_is() -> None:
    """docs/architecture.md has every room of the library and every module of the largest one, and none that is gone."""
    library, page = ROOT / "components" / "inferstack", (ROOT / "docs" / "architecture.md").read_text()
    rooms, inside = (page.split(f"## {title}")[1].split("\n## ")[0] for title in ("Rooms", "Inside planning"))
    first_column = {name for line in rooms.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1] if "|" in line else "")}
    assert first_column == _modules(library)
    second_column = {name for line in inside.splitlines()[5:] for name in re.findall(r"`(\w+)`", line)}
    assert second_column == _modules(library / "planning")


def test_each_change_is_told_once() -> None:
    """The changelog is merged line by line, which can bring a change back that stands elsewhere by now."""
    told = re.findall(r"^- .*(?:\n  .*)*", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert [change for change in dict.fromkeys(told) if told.count(change) > 1] == []


def _modules(folder: Path) -> set[str]:
    found = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()} | {path.stem for path in folder.glob("*.py")}
    return found - {"__init__"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    """Every relative link of a page leads to something that exists."""
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_headings(page: Path) -> None:
    """Every link into a page leads to a heading that is there."""
    wanted = [(page if not target else page.parent / target, anchor) for target, anchor in ANCHOR.findall(page.read_text())]
    assert [(target.name, anchor) for target, anchor in wanted if anchor not in _anchors(target)] == []


def _anchors(page: Path) -> set[str]:
    """Names of a page's headings in links, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(page.read_text())}


def test_stack_files_of_the_pages_have_plans(tmp_path: Path) -> None:
    """Every stack file that a page shows can be planned as it stands."""
    shown = [block for page in PAGES for block in YAML_BLOCK.findall(page.read_text()) if "inferstack:services" in block]
    assert len(shown) >= 3
    for number, text in enumerate(shown):
        path = tmp_path / f"Pulumi.shown{number}.yaml"
        path.write_text(text)
        assert planning.plan(stackfile.load(path)).services


def test_every_command_of_the_readme_exists() -> None:
    """The table of commands and the help name the same commands."""
    named = set(re.findall(r"^\| `inferstack (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    listed = set(
        re.findall(r"^  (\w+) {2,}\S", inferstack("--help").stdout.partition("Commands:")[2].partition("Examples:")[0], re.MULTILINE)
    )
    assert named == listed - {"version"}
