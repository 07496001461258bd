"""`inferstack manifests`: the Kubernetes objects of a stack as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, Problem
from .options import StackOption

MARK = "# Made by `inferstack manifests`"
"""First words of every file that this command may overwrite or remove."""

OutputOption = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Directory for the files; made where it is missing.")]


def manifests(output: OutputOption, stack: StackOption = None) -> None:
    """Write the Kubernetes objects of a stack, one YAML file each. Needs no Pulumi.

    \b
    Example:
      inferstack manifests -s prod -o build
    """
    from .. import manifests as objects
    from .. import planning, stackfile
    from .output import guard, say

    plan = planning.plan(stackfile.load(stackfile.find(stack, Path.cwd())))
    files = dict(render_file(item, plan.stack) for item in objects.stack_objects(plan))
    try:
        removed = write_files(output, files)
    except OSError as error:
        raise InputError([Problem("--output", f"cannot be written: {error.strerror}", str(error.filename or output))]) from error
    say(f"{len(files)} files written to {output}" + (f", {len(removed)} of an earlier run removed" if removed else ""))
    for name in sorted(files):
        if name.startswith("secret-"):
            say(f"{output / name} holds a placeholder: put the real value in its place before you apply it, and never commit it")
    guard(plan.objections)


def render_file(item: Mapping[str, Any], stack: str) -> tuple[str, str]:
    """File name and text of one object."""
    import yaml

    name = f"{item['kind']}-{item['metadata']['name']}.yaml".lower()
    text = yaml.dump(item, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True, width=140)
    return name, f"{MARK} from stack {stack}.\n{text}"


def write_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write `files`, remove what an earlier run left over, and name what was removed; a file of somebody else stops it all."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = [name for name in sorted(files) if (folder / name).exists() and not _is_ours(folder / name)]
    if foreign:
        raise InputError(
            Problem("--output", "was not made by this command", str(folder / name), "choose another directory") for name in foreign
        )
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return _remove_stale(folder, files)


def _remove_stale(folder: Path, current: Iterable[str]) -> list[str]:
    # What an earlier plan had and this one has not would otherwise be applied again.
    stale = sorted(path for path in folder.glob("*.yaml") if path.name not in current and _is_ours(path))
    for path in stale:
        path.unlink()
    return [path.name for path in stale]


def _is_ours(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().startswith(MARK)
