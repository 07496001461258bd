"""How the command behaves as a process: what goes to which stream, and how it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import jsonschema
import pytest
import yaml

from inferstack.planning.types import NO_WAY_BELOW
from tests.cli.command import ROOT, inferstack, start

STACKS = ("dev", "local", "prod", "staging")
PULUMI_LOADED = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sorted(name for name in sys.modules if name.startswith("pulumi")), file=sys.stderr))
"""


def stack_file(folder: Path, **changes: object) -> Path:
    """The dev stack with some of its keys under `inferstack:` replaced."""
    content = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    content["config"].update({f"inferstack:{key}": value for key, value in changes.items()})
    path = folder / "Pulumi.changed.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_the_repository_has_a_plan(stack: str) -> None:
    """`plan` prints a report on standard output, nothing else on standard error, and ends with 0."""
    done = inferstack("plan", "-s", stack)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"inferstack  stack {stack} on ")
    assert "Total per month" in done.stdout


def test_text_in_a_pipe_is_plain_and_stable() -> None:
    """Piped text has no colour, one width whatever the environment says, and is the same twice."""
    first, second = inferstack("plan", "-s", "dev"), inferstack("plan", "-s", "dev", COLUMNS="60", TERM="xterm-256color")
    assert first.stdout == second.stdout
    assert "\x1b" not in first.stdout
    assert max(map(len, first.stdout.splitlines())) <= 100


def test_json_is_stable_and_sorted() -> None:
    """`--json` prints one document with sorted keys and two spaces of indent, the same in two processes."""
    first, second = inferstack("plan", "-s", "dev", "--json"), inferstack("plan", "-s", "dev", "--json", PYTHONHASHSEED="1")
    assert first.stdout == second.stdout
    document = json.loads(first.stdout)
    assert first.stdout == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert document["stack"] == "dev"


def test_preview_json_holds_plan_resources_costs_and_outputs() -> None:
    """`preview --json` holds the plan, every resource with its inputs, the costs and the stack's outputs."""
    done = inferstack("preview", "-s", "dev", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert sorted(document) == ["costs", "outputs", "plan", "resources"]
    assert document["plan"] == json.loads(inferstack("plan", "-s", "dev", "--json").stdout)
    assert document["costs"] == document["plan"]["costs"]
    assert sorted(document["resources"][0]) == ["dependencies", "inputs", "name", "outputs", "parent", "provider", "type", "urn"]
    assert document["resources"][0]["type"] == "pulumi:pulumi:Stack"


def test_preview_shows_plan_resources_and_costs() -> None:
    """`preview` prints the plan of each service, the resources and the costs."""
    shown = inferstack("preview", "-s", "dev").stdout
    assert [shown.index(part) for part in ("\nchat ", "\nNode pools", "\nResources", "\nCosts")] == sorted(
        shown.index(part) for part in ("\nchat ", "\nNode pools", "\nResources", "\nCosts")
    )


def test_budget_prints_the_plan_and_ends_with_3(tmp_path: Path) -> None:
    """A plan above its budget is printed in full; the sentence and the ways below are on standard error and the exit code is 3."""
    done = inferstack("plan", "-s", str(stack_file(tmp_path, budget={"maxMonthlyUsd": 1})))
    assert done.returncode == 3
    assert "Total per month" in done.stdout
    assert "inferstack:budget.maxMonthlyUsd" in done.stderr
    assert done.stderr.splitlines()[1:] == [NO_WAY_BELOW]


def test_budget_leaves_json_whole(tmp_path: Path) -> None:
    """Above the budget `--json` still prints the whole document, and nothing but it, on standard output."""
    done = inferstack("plan", "--json", "-s", str(stack_file(tmp_path, budget={"maxMonthlyUsd": 1})))
    assert done.returncode == 3
    assert json.loads(done.stdout)["overBudget"]


@pytest.mark.parametrize("command", [["plan"], ["plan", "--json"], ["preview"], ["preview", "--json"], ["manifests", "-o", "never"]])
def test_bad_input_ends_with_2(tmp_path: Path, command: list[str]) -> None:
    """Every problem of a file is a line on standard error with its key and the nearest thing that works; nothing else happens."""
    path = stack_file(tmp_path, target={"cloud": "gke", "regoin": "us-central1"}, budgte={})
    done = inferstack(*command, "-s", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(str(path)) for line in lines)
    assert "Traceback" not in done.stderr
    assert any("regoin" in line and "region" in line.replace("regoin", "") for line in lines)
    assert not (ROOT / "never").exists()


def test_missing_stack_ends_with_2() -> None:
    """A stack without a file is bad input, named."""
    done = inferstack("plan", "-s", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_command_suggests_the_nearest() -> None:
    """A misspelt command is answered with the one that was meant."""
    done = inferstack("plam")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'plan'?" in done.stderr


def test_unknown_option_suggests_the_nearest() -> None:
    """A misspelt option is answered with the one that was meant."""
    done = inferstack("plan", "--jsom")
    assert done.returncode == 2
    assert "--json" in done.stderr


def test_interrupt_ends_with_130() -> None:
    """Ctrl-C ends the command with 130 and without a traceback."""
    # A shell that starts this in the background ignores the signal, and children inherit that.
    heed = "import os, signal, inferstack.planning as p; signal.signal(signal.SIGINT, signal.default_int_handler)"
    running = start("plan", "-s", "dev", before=f"{heed}; p.plan_with_levers = lambda _: os.kill(os.getpid(), signal.SIGINT)")
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors


def test_closed_pipe_is_quiet() -> None:
    """A reader that stops early gets no complaint from us."""
    running = start("schema", before="import inferstack.stackfile as s; s.json_schema = lambda: {str(n): n for n in range(100_000)}")
    assert running.stdout is not None
    assert running.stdout.read(1) == "{"
    running.stdout.close()
    assert running.wait(timeout=60) == -signal.SIGPIPE
    assert running.stderr is not None
    assert running.stderr.read() == ""


@pytest.mark.parametrize("command", [["--help"], ["schema"], ["plan", "-s", "dev"], ["plan", "-s", "prod", "--json"], ["version"]])
def test_pulumi_is_imported_by_the_preview_only(command: list[str]) -> None:
    """Commands that make no resources import neither Pulumi nor a cloud's SDK."""
    assert inferstack(*command, before=PULUMI_LOADED).stderr == "loaded:\n"


def test_manifests_import_no_pulumi(tmp_path: Path) -> None:
    """Manifests are written without Pulumi."""
    assert "loaded:\n" in inferstack("manifests", "-s", "dev", "-o", str(tmp_path), before=PULUMI_LOADED).stderr


def test_schema_accepts_the_stacks_of_the_repository() -> None:
    """`schema` prints a JSON Schema that accepts our own stack files and refuses an unknown key."""
    schema = json.loads(inferstack("schema").stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for stack in STACKS:
        validator(schema).validate(yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text()))
    with pytest.raises(jsonschema.ValidationError):
        validator(schema).validate({"config": {"inferstack:target": {"cloud": "eks", "regoin": "us-east-1"}}})


@pytest.mark.parametrize("command", [["version"], ["--version"]])
def test_version(command: list[str]) -> None:
    """Both spellings print the version and end with 0."""
    from inferstack import __version__

    done = inferstack(*command)
    assert (done.returncode, done.stdout) == (0, f"inferstack {__version__}\n")


def test_help_names_commands_examples_and_exit_codes() -> None:
    """`--help` fits on a screen and says what the commands do and how the process ends."""
    done = inferstack("--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert "..." not in done.stdout.replace("[ARGS]...", "")
    for word in ("preview", "plan", "manifests", "schema", "Exit codes", "inferstack preview"):
        assert word in done.stdout
