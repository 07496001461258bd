"""How programs end, and what they leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from pathlib import Path

import pulumi
import pytest

from inferstack import offline, stackfile
from inferstack.errors import InferstackError, InputError
from tests.offline.previews import PROJECTS, preview, preview_with

FAILING = "config: {{way: {way}, token: {{secure: abc}}}}\n"


def failure(folder: Path, way: str) -> offline.ProgramError:
    with pytest.raises(offline.ProgramError) as failed:
        preview_with(folder, "failing", FAILING.format(way=way))
    return failed.value


def test_a_run_error_is_its_message(tmp_path: Path) -> None:
    """`pulumi.RunError` is meant for users: its message alone, and the exit code of bad input."""
    failed = failure(tmp_path, "run-error")
    assert str(failed) == "no such model\nno such GPU"
    assert failed.exit_code == InputError.exit_code


def test_a_run_error_keeps_the_exit_code_of_its_cause(tmp_path: Path) -> None:
    """A component that turns one of our errors into a RunError does not change how the process ends."""
    failed = failure(tmp_path, "caused")
    assert (str(failed), failed.exit_code) == ("as a component says it", InferstackError.exit_code)


def test_any_other_error_has_the_programs_traceback(tmp_path: Path) -> None:
    """The author of a program sees the lines of the program, not how it was started; secrets in the message are masked."""
    failed = failure(tmp_path, "exception")
    lines = str(failed).splitlines()
    assert lines[:2] == ["the program failed:", "Traceback (most recent call last):"]
    assert "__main__.py" in lines[2]
    assert lines[-1] == "ValueError: the answer is not [secret]"
    assert "runpy" not in str(failed)
    assert "inferstack" not in str(failed).replace(str(tmp_path), "")


def test_an_error_in_an_apply(tmp_path: Path) -> None:
    """What fails after the program's text has run is an error of the program all the same."""
    failed = str(failure(tmp_path, "apply"))
    assert failed.endswith("ValueError: the answer is not None")
    assert "__main__.py" in failed.splitlines()[2]


def test_a_missing_module(tmp_path: Path) -> None:
    """An import that fails is shown as Python says it."""
    assert str(failure(tmp_path, "import")).endswith("ModuleNotFoundError: No module named 'no_such_module'")


def test_two_resources_with_one_urn(tmp_path: Path) -> None:
    """The second registration of a URN is refused in the engine's words, and names the URN."""
    urn = "urn:pulumi:dev::failing::cloud:app:Service::first"
    assert str(failure(tmp_path, "duplicate")) == f"Duplicate resource URN '{urn}'; try giving it a unique name"


def test_errors_of_the_library_pass_as_they_are(tmp_path: Path) -> None:
    """An InputError that a program raises keeps its problems."""
    with pytest.raises(InputError, match=r"^file\.yaml: x: is wrong$"):
        preview_with(tmp_path, "failing", FAILING.format(way="input"))


def test_what_was_registered_before_a_failure(tmp_path: Path) -> None:
    """A failed program still shows what it had registered and exported."""
    partial = failure(tmp_path, "run-error").partial
    assert [item.name for item in partial.resources] == ["failing-dev", "first"]
    assert partial.document()["plan"] == {"made": True}


def test_a_guard_ends_no_preview(tmp_path: Path) -> None:
    """A budget that is exceeded is said at the end of a complete preview."""
    shown = preview_with(tmp_path, "failing", FAILING.format(way="guard"))
    assert shown.guard == "too dear"
    assert shown.document()["plan"] == {"made": True}
    assert preview("graph").guard is None


def test_a_program_that_exits(tmp_path: Path) -> None:
    """`sys.exit(0)` ends a program well, any other code does not, and neither ends this process."""
    assert str(failure(tmp_path, "exit")) == "the program ended itself: 3"
    assert len(preview_with(tmp_path, "failing", "config: {way: exit, code: 0}\n").resources) == 2


@pytest.mark.parametrize("name", ["imports-one", "imports-two"])
def test_programs_import_what_lies_beside_them(name: str) -> None:
    """Modules of one name in two programs do not get in each other's way, and are fresh in every preview."""
    preview("imports-one")
    word = name.removeprefix("imports-")
    assert preview(name).outputs == {
        "settings": word,
        "shared": word,
        "file": name,
        "cwd": name,
        "arguments": [name],
        "name": "__main__",
        "root": name,
        "later": True,
    }
    assert not {"settings", "shared", "shared.later"} & set(sys.modules)


def test_modules_that_were_there_come_back() -> None:
    """A module of the caller that has the name of one of the program's is hidden during the preview only."""
    ours = type(sys)("shared")
    sys.modules["shared"] = ours
    try:
        assert preview("imports-one").outputs["shared"] == "one"
        assert sys.modules["shared"] is ours
    finally:
        del sys.modules["shared"]


def test_a_program_in_a_folder_of_its_own() -> None:
    """`main` and `stackConfigDir` of Pulumi.yaml are followed, from any folder below it, and `pulumi.run` works."""
    shown = offline.preview(PROJECTS / "main-folder" / "src", stackfile.find("dev", PROJECTS / "main-folder" / "src"))
    assert shown.outputs == {"cwd": "src", "from": "pulumi.run"}


def test_a_stack_file_from_elsewhere(tmp_path: Path) -> None:
    """Any file of the form will do: its stem is the stack, and the program can ask where it lies."""
    other = tmp_path / "huge.yaml"
    other.write_text("config: {way: none}\n")
    shown = offline.preview(PROJECTS / "failing", other)
    assert shown.stack == "huge"
    assert shown.resources[0].urn == "urn:pulumi:huge::failing::pulumi:pulumi:Stack::failing-huge"


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """Folder, arguments, import path, settings of the SDK, config, log levels and garbage collection are as they were, however it ends."""
    import pulumi.runtime.resource as sdk_resource
    from pulumi.runtime import settings

    def state() -> list[object]:
        runtime = settings.SETTINGS
        sdk = [runtime.monitor, runtime.engine, runtime.stack, runtime.project, runtime.dry_run, settings.ROOT.get()]
        patched = [pulumi.log.debug, sdk_resource._get_stack_trace]
        process = [Path.cwd(), list(sys.argv), list(sys.path), gc.get_threshold(), logging.getLogger("asyncio").level, sys.stdout]
        return [*sdk, *patched, *process, pulumi.Config("failing").get("way"), sys.modules["__main__"]]

    before = state()
    preview("graph")
    assert state() == before
    for way in ("run-error", "exception", "apply", "duplicate"):
        failure(tmp_path, way)
        assert state() == before


def test_previews_and_mocks_live_in_one_process() -> None:
    """A test suite that uses Pulumi's mocks can use previews beside them."""

    class Mocks(pulumi.runtime.Mocks):
        def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, str]:
            return {}

        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, str]]:
            return f"{args.name}-id", dict(args.inputs)

    def ids() -> list[str]:
        asyncio.set_event_loop(loop := asyncio.new_event_loop())
        made: list[str] = []
        pulumi.runtime.set_mocks(Mocks(), stack="mocked")

        @pulumi.runtime.test
        def one() -> pulumi.Output[None]:
            return pulumi.CustomResource("a:b:C", "c", {}).id.apply(made.append)

        one()
        loop.close()
        asyncio.set_event_loop(None)
        return [*made, pulumi.get_stack()]

    import contextvars

    def both() -> None:
        assert ids() == ["c-id", "mocked"]
        assert preview("graph").stack == "dev"
        assert ids() == ["c-id", "mocked"]

    contextvars.copy_context().run(both)
