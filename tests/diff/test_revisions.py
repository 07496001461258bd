"""What the two sides of a difference may be called, and what is said of those that are nothing."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inferstack import planning, stackfile
from inferstack.cli.render.diff_markdown import diff_markdown
from inferstack.diff import Revision, difference, infracost, read
from inferstack.errors import InputError
from tests.diff.repositories import git, repository, stack_text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with stack dev of one request per second on main, and of three in the folder."""
    made = repository(tmp_path, Pulumi__dev__yaml=stack_text(1.0))
    (made / "Pulumi.dev.yaml").write_text(stack_text(3.0))
    return made


def rps(folder: Path, name: str, stack: str | None = "dev") -> float | None:
    plan = read(name, stack, folder).plan
    return None if plan is None else plan["services"][0]["workload"]["meanRps"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Pulumi.dev.yaml", 3.0), ("dev", 3.0), ("main", 1.0), ("HEAD", 1.0), ("main:Pulumi.dev.yaml", 1.0)],
)
def test_a_side_is_a_file_a_stack_or_a_revision(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: float) -> None:
    """A path and a stack mean the file as it is; a revision, alone or with a path, the file as it was."""
    monkeypatch.chdir(folder)
    assert rps(folder, name) == expected


def test_a_saved_plan_is_read_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan saved as JSON, alone or inside a preview, is taken without planning anew, and says that it was saved."""
    monkeypatch.chdir(folder)
    document = planning.document(planning.plan(stackfile.load(folder / "Pulumi.dev.yaml")))
    document["services"][0]["workload"]["meanRps"] = 7.0
    (folder / "plan.json").write_text(json.dumps(document))
    (folder / "preview.json").write_text(json.dumps({"plan": document, "resources": []}))
    assert (rps(folder, "plan.json"), rps(folder, "preview.json")) == (7.0, 7.0)
    assert read("plan.json", None, folder).saved


def test_a_file_that_a_revision_lacks_counts_as_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack file that is new has no plan at the base; that is no error."""
    monkeypatch.chdir(folder)
    (folder / "Pulumi.new.yaml").write_text(stack_text())
    assert rps(folder, "main:Pulumi.new.yaml") is None
    assert rps(folder, "main", stack="new") is None


def test_a_price_file_is_read_from_the_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices of the older side are those of its own revision, though the file says something else by now."""
    monkeypatch.chdir(folder)
    text = stack_text(1.0) + "  inferstack:prices: prices.yaml\n"
    prices = "machines: [{{machineType: g2-standard-4, usdPerHour: {}}}]\n"
    (folder / "Pulumi.dev.yaml").write_text(text)
    (folder / "prices.yaml").write_text(prices.format(0.5))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "prices")
    (folder / "prices.yaml").write_text(prices.format(0.25))
    sides = [read(name, "dev", folder).plan for name in ("HEAD", "Pulumi.dev.yaml")]
    paid = [branch["monthlyUsd"]["max"] for side in sides if side for branch in side["costs"]["lines"]["children"][:1]]
    assert paid[0] == pytest.approx(2 * paid[1])


def test_a_models_config_is_read_from_the_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A custom model's config.json comes from the same revision as the stack file, though it is gone from the folder."""
    monkeypatch.chdir(folder)
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
        "max_position_embeddings": 8192, "torch_dtype": "bfloat16",
    }  # fmt: skip
    (folder / "models").mkdir()
    (folder / "models" / "own.json").write_text(json.dumps(config))
    text = stack_text().replace("Qwen/Qwen2.5-7B-Instruct", "{id: acme/own, config: models/own.json}")
    (folder / "Pulumi.own.yaml").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "own model")
    (folder / "models" / "own.json").unlink()
    assert rps(folder, "HEAD:Pulumi.own.yaml") == 1.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mian", "diff: mian is neither a file, a git revision nor a stack; use main"),
        ("mian:Pulumi.dev.yaml", "diff: mian is not a git revision; use main"),
        ("--help:x", "diff: --help is not a git revision"),
        ("plan.json", "diff: plan.json is neither a file"),
        ("Pulumi.def.yaml", "Pulumi.def.yaml: does not exist; use Pulumi.dev.yaml"),
        ("main:", "diff: main: is a folder, not a stack file"),
        ("main:.", "diff: main:. is a folder, not a stack file"),
    ],
)
def test_what_is_nothing_is_named_with_the_nearest(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    """A name that means nothing is refused with the nearest revision or stack."""
    monkeypatch.chdir(folder)
    with pytest.raises(InputError) as refused:
        read(name, "dev", folder)
    assert str(refused.value).startswith(said)


def test_a_name_of_two_things_is_not_guessed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a branch and a stack have one name, both ways to write it are named."""
    monkeypatch.chdir(folder)
    git(folder, "branch", "dev")
    with pytest.raises(InputError, match=r"write Pulumi\.dev\.yaml, or dev:Pulumi\.dev\.yaml"):
        read("dev", "dev", folder)


def test_problems_of_a_revision_bear_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with a stack file of a revision is reported under REF:PATH, not under a copy of it."""
    monkeypatch.chdir(folder)
    (folder / "Pulumi.dev.yaml").write_text(stack_text().replace("requestsPerSecond: 1.0", "requestsPerSecond: -1"))
    git(folder, "commit", "-q", "-a", "-m", "broken")
    with pytest.raises(InputError) as refused:
        read("HEAD:Pulumi.dev.yaml", None, folder)
    assert str(refused.value).startswith("HEAD:Pulumi.dev.yaml: inferstack:services[0].traffic.requestsPerSecond: -1")


def test_a_folder_below_the_repositorys_top_is_where_paths_begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of a revision is relative to the working folder, as that of a file is."""
    inner = folder / "deploy"
    inner.mkdir()
    (inner / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (inner / "Pulumi.qa.yaml").write_text(stack_text(2.0))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "inner")
    monkeypatch.chdir(inner)
    assert rps(inner, "HEAD", stack="qa") == 2.0


def test_without_a_repository_only_files_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is in no repository a revision is refused, with what works instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="in no git repository; name a stack file or a saved plan"):
        read("main:Pulumi.dev.yaml", None, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is not JSON"),
        ("[]", "is not what a plan holds"),
        ('{"plan": {}}', "plan.json: stack: is not what a plan holds; save one with `inferstack plan --json`"),
        ('{"stack": "dev", "cloud": "gke", "clusterName": 1}', "plan.json: clusterName: is not what a plan holds"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_json_that_is_no_plan_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A JSON file that holds no plan is refused with the first key that is wrong."""
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InputError) as refused:
        read("plan.json", None, tmp_path)
    assert said in str(refused.value)


def test_a_damaged_plan_never_shows_a_traceback(tmp_path: Path) -> None:
    """Whatever key of a saved plan is missing or holds something else, the plan is compared or refused with that key."""
    source = planning.document(planning.plan(stackfile.load(ROOT / "Pulumi.dev.yaml")))
    base, refused = Revision("base", source), 0
    for path in _paths({key: source[key] for key in ("services", "costs", "pools")}):
        for damage in (None, "x", -1, [], {}):
            damaged = json.loads(json.dumps(source))
            parent = functools.reduce(operator.getitem, path[:-1], damaged)
            parent[path[-1]] = damage
            (tmp_path / "plan.json").write_text(json.dumps(damaged))
            try:
                head = read("plan.json", None, tmp_path)
            except InputError:
                refused += 1
                continue
            diff_markdown(difference(base, head))
            infracost(head, base, "2026-11-28T00:00:00Z")
    assert refused > 100


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Key paths of a document; of a list its first element stands for all. A container is compared as a whole."""
    keys = list(value) if isinstance(value, dict) else [0] if isinstance(value, list) and value else []
    for key in keys:
        yield (*above, key)
        if key != "container":
            yield from _paths(value[key], (*above, key))
