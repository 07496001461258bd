"""The two sides of a difference: a stack file, a stack file at a git revision, or a plan that was saved as JSON."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .. import planning, stackfile
from ..errors import InputError, Problem, nearest_name
from ..stackfile.schema import StackFile
from .saved import saved_plan

NOT_FOUND = 128
"""Exit code of git for a revision or a path that is not there."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One side."""

    label: str
    """What the user called it, with the path that was read."""
    plan: dict[str, Any] | None
    """The plan's public document; None where the file does not exist at that revision, so that everything is new, or gone."""
    saved: bool = False
    """True for a plan that was saved: it keeps the release and the prices of its day."""


def read(name: str, stack: str | None, folder: Path) -> Revision:
    """The plan that `name` means in `folder`: a file, `REF`, `REF:PATH` or a stack.

    A bare git revision is read at the path of `stack`'s file. Both sides are planned with this release and its prices, so that only what
    the stack file says differs. Raises InputError for what is none of these, and where a file has no plan.
    """
    path = folder / name
    if path.is_file():
        return Revision(name, saved_plan(path, name), saved=True) if path.suffix == ".json" else _planned(name, path, name)
    reference, colon, inside = name.partition(":")
    if colon:
        return _at(reference, inside, folder)
    if _is_revision(name, folder):
        return _bare(name, stack, folder)
    return _planned(name, _stack_file(name, folder), name)


def _bare(reference: str, stack: str | None, folder: Path) -> Revision:
    """A revision alone: the stack file of `stack` there. A name that is a stack too is nobody's to choose."""
    file = stackfile.find(stack, folder)
    if reference in _stacks(folder):
        nearest = f"write {stackfile.shown_path(_stacks(folder)[reference])}, or {reference}:{stackfile.shown_path(file)}"
        raise InputError([Problem("diff", "is the name of a git revision and of a stack", reference, nearest)])
    return _at(reference, stackfile.shown_path(file), folder)


def _stack_file(name: str, folder: Path) -> Path:
    try:
        return stackfile.find(name, folder)
    except InputError as refused:
        if name.endswith((".yaml", ".yml")):
            raise
        known = [*_stacks(folder), *_git(folder, "for-each-ref", "--format=%(refname:short)").stdout.split()]
        near = nearest_name(name, known)
        problem = Problem(
            "diff",
            "is neither a file, a git revision nor a stack",
            name,
            f"use {near}" if near else "name a stack file, REF, REF:PATH, or a plan saved with `inferstack plan --json`",
        )
        raise InputError([problem]) from refused


def _stacks(folder: Path) -> dict[str, Path]:
    try:
        return stackfile.stacks(stackfile.project_file(folder))
    except InputError:
        return {}


def _planned(label: str, path: Path, source: str) -> Revision:
    return Revision(label, _document(stackfile.load(path), source))


def _document(stack: StackFile, source: str) -> dict[str, Any]:
    try:
        return planning.document(planning.plan(stack))
    except InputError as refused:
        raise InputError(refused.problems, source) from None


def _at(reference: str, path: str, folder: Path) -> Revision:
    """The stack file at `path` of a revision with the files that it names, read from git alone."""
    label = f"{reference}:{path}"
    if not _is_revision(reference, folder):
        raise InputError([_unknown(reference, folder)])
    kind = _git(folder, "cat-file", "-t", f"{reference}:./{path}").stdout.strip()
    if kind == "tree" or not path:
        raise InputError([Problem("diff", "is a folder, not a stack file", label, "name a file in it")])
    text = _show(reference, path, folder)
    if text is None:
        return Revision(label, None)
    with tempfile.TemporaryDirectory() as scratch:
        inside = PurePosixPath(path)
        _export(reference, inside.parent, Path(scratch), folder)
        copy = Path(scratch) / inside.name
        copy.write_bytes(text)
        try:
            stack = stackfile.load(copy)
        except InputError as refused:
            raise InputError(refused.problems, label) from None
        return Revision(label, _document(stack.model_copy(update={"source": str(copy)}), label))


def _export(reference: str, inside: PurePosixPath, scratch: Path, folder: Path) -> None:
    """What lies beside and below the stack file at that revision: its price file, measurements and model configs."""
    packed = subprocess.run(["git", "archive", "--format=tar", f"{reference}:./{inside}"], cwd=folder, capture_output=True, check=False)
    if packed.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(scratch, filter="data")


def _unknown(reference: str, folder: Path) -> Problem:
    if _git(folder, "rev-parse", "--git-dir").returncode:
        return Problem("diff", "cannot be read: this folder is in no git repository", reference, "name a stack file or a saved plan")
    near = nearest_name(reference, _git(folder, "for-each-ref", "--format=%(refname:short)").stdout.split())
    return Problem("diff", "is not a git revision", reference, f"use {near}" if near else "fetch it first: git fetch origin")


def _is_revision(name: str, folder: Path) -> bool:
    return bool(name) and not name.startswith("-") and not _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode


def _show(reference: str, path: str, folder: Path) -> bytes | None:
    """The bytes of a file at a revision; None where it is not there. The path is relative to `folder`."""
    shown = subprocess.run(["git", "show", f"{reference}:./{path}"], cwd=folder, capture_output=True, check=False)
    return None if shown.returncode == NOT_FOUND else shown.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError([Problem("diff", "needs git on PATH to read a revision", nearest="name a stack file or a saved plan")]) from None
