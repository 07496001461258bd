"""Which file is meant: a stack of the project in a folder, or a path to a stack file."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ..errors import InputError, Problem, join_names, nearest_name
from .document import parse, read_text
from .untyped import is_mapping

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
SUFFIXES = (".yaml", ".yml")
DEFAULT_STACK = "dev"

_in_use: ContextVar[Path | None] = ContextVar("stack_file_in_use", default=None)


def find(stack_or_path: str | None, folder: Path) -> Path:
    """The stack file that `stack_or_path` means in `folder`: a path, or the name of a stack of the project there.

    None means the stack named by PULUMI_STACK, else the only one, else dev. Raises InputError that names the stacks that exist.
    """
    if stack_or_path is not None and _is_path(stack_or_path, folder):
        return _file_at(folder / stack_or_path)
    project = project_file(folder)
    known = stacks(project)
    name = stack_or_path if stack_or_path is not None else _default(known, project)
    # Pulumi writes a stack of an organisation as `organisation/project/stack`, and keeps its settings under the last part.
    if (path := known.get(name.rsplit("/", 1)[-1])) is not None:
        return path
    nearest = nearest_name(name, known)
    listed = f"known stacks: {join_names(list(known), 'and')}" if known else f"write Pulumi.{name}.yaml beside {project.name}"
    raise InputError(
        [Problem("stack", "is not a stack of this project", name, f"use {nearest}" if nearest else listed)], shown_path(project)
    )


def project_file(folder: Path) -> Path:
    """The Pulumi.yaml of `folder` or of the nearest folder above it. Raises InputError where there is none."""
    start = folder.absolute()
    for candidate in (start, *start.parents):
        for name in PROJECT_FILES:
            if (candidate / name).is_file():
                return candidate / name
    raise InputError(
        [
            Problem(
                shown_path(folder),
                "is not in a Pulumi project",
                nearest="go to a folder with a Pulumi.yaml, whose program a preview runs; to plan, the path of a stack file is enough",
            )
        ]
    )


def stacks(project: Path) -> dict[str, Path]:
    """The stack files of the project of `project`, a Pulumi.yaml, by stack name."""
    folder = project.parent / _stack_folder(project)
    files = sorted(path for path in folder.glob("Pulumi.*.y*ml") if path.suffix in SUFFIXES) if folder.is_dir() else []
    return {stack_name(path): path for path in files}


def stack_name(path: Path) -> str:
    """`Pulumi.dev.yaml` and `dev.yaml` are both of the stack dev."""
    stem = path.name.removesuffix(path.suffix) if path.suffix in SUFFIXES else path.name
    return stem.removeprefix("Pulumi.") or stem


def shown_path(path: Path) -> str:
    """`path` as errors name it: relative to the working folder where it is below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


@contextmanager
def in_use(path: Path) -> Generator[None]:
    """Within it, `current` is `path`: a preview may run a program with a stack file that lies elsewhere."""
    token = _in_use.set(path)
    try:
        yield
    finally:
        _in_use.reset(token)


def current(stack: str, folder: Path) -> Path:
    """The stack file that a program of the project in `folder` runs with; it need not exist, as config may come from elsewhere."""
    if (path := _in_use.get()) is not None:
        return path
    project = project_file(folder)
    name = stack.rsplit("/", 1)[-1]
    return stacks(project).get(name, project.parent / f"Pulumi.{name}.yaml")


def _is_path(text: str, folder: Path) -> bool:
    return text.endswith(SUFFIXES) or text.startswith((".", "/", "~")) or (folder / text).is_file()


def _file_at(path: Path) -> Path:
    path = path.expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError([Problem(shown_path(path), "is a folder, not a stack file", nearest="name a file in it")])
    beside = [other.name for other in path.parent.iterdir() if other.suffix in SUFFIXES] if path.parent.is_dir() else []
    nearest = nearest_name(path.name, beside)
    raise InputError(
        [Problem(shown_path(path), "does not exist", nearest=f"use {shown_path(path.with_name(nearest))}" if nearest else None)]
    )


def _default(known: dict[str, Path], project: Path) -> str:
    selected = os.environ.get("PULUMI_STACK")
    if selected:
        return selected
    if len(known) == 1:
        return next(iter(known))
    if DEFAULT_STACK in known:
        return DEFAULT_STACK
    nearest = f"name one of {join_names(list(known), 'and')}" if known else f"write Pulumi.{DEFAULT_STACK}.yaml beside {project.name}"
    raise InputError([Problem("stack", "is not named, and the project has no stack dev", nearest=nearest)], shown_path(project))


def _stack_folder(project: Path) -> str:
    root = parse(read_text(project, shown_path(project)), shown_path(project)).root
    folders = [root.get("stackConfigDir"), root.get("config")] if is_mapping(root) else []
    # Projects of old say the folder in `config`.
    return next((folder for folder in folders if isinstance(folder, str)), ".")
