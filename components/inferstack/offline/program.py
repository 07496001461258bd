"""Runs a project's program in this process as the CLI's launcher runs it in its own, and puts everything back afterwards."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def prepared(program: Path) -> Generator[Callable[[], object]]:
    """What runs `program`, a folder with a `__main__.py` or a file; within the block the process looks as the program expects it.

    That is: the working folder, the import path and the arguments are the program's, modules of other programs do not shadow its own, and
    what it prints goes to standard error, as standard output is for results.
    """
    folder = program if program.is_dir() else program.parent
    folder = folder.resolve()
    with _working_folder(folder), _own_modules(folder), _arguments(program), contextlib.redirect_stdout(sys.stderr):
        yield lambda: _run(folder if program.is_dir() else program.resolve())


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


@contextmanager
def _working_folder(folder: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _arguments(program: Path) -> Generator[None]:
    before = sys.argv
    sys.argv = [str(program)]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _own_modules(folder: Path) -> Generator[None]:
    """Imports find the program's folder first; its modules are imported anew, and are gone afterwards."""
    path_before = list(sys.path)
    shadowing = _take({top for top in _loaded_tops() if _would_shadow(top, folder)})
    sys.path.insert(0, str(folder))
    # Only after the path is set: what was cached about missing modules no longer holds.
    _forget_finders(folder)
    try:
        yield
    finally:
        _take({top for top in _loaded_tops() if _is_below(top, folder)})
        sys.modules.update(shadowing)
        sys.path[:] = path_before


def _loaded_tops() -> set[str]:
    """Names of top-level modules and packages."""
    return {name.partition(".")[0] for name in list(sys.modules)}


def _take(tops: set[str]) -> dict[str, ModuleType]:
    """Removes these modules and all that is in them; returns what was removed."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in tops}


def _would_shadow(top: str, folder: Path) -> bool:
    """True for a loaded module that the program would get in place of its own of the same name."""
    if top == "__main__" or top == __name__.partition(".")[0] or top in sys.stdlib_module_names:
        return False
    if not ((folder / top).is_dir() or (folder / f"{top}.py").is_file()):
        return False
    return top in sys.modules and not _installed(top)


def _is_below(top: str, folder: Path) -> bool:
    """True for a top-level module or package that lies in `folder` itself."""
    return any(Path(place).parent == folder for place in _places(top))


def _installed(top: str) -> bool:
    roots = {Path(sysconfig.get_path(kind)) for kind in ("stdlib", "purelib", "platlib")}
    return any(root in Path(place).parents for place in _places(top) for root in roots)


def _places(top: str) -> list[str]:
    """The file of a module, or the folders of a package; empty for modules that no file holds."""
    module = sys.modules.get(top)
    if not isinstance(module, ModuleType):
        return []
    # Not by attribute: a module that is loaded on first use would be loaded by it.
    known: dict[str, Any] = object.__getattribute__(module, "__dict__")
    folders, file = known.get("__path__"), known.get("__file__")
    if folders is not None:
        return [str(place) for place in folders]
    return [file] if isinstance(file, str) else []


def _forget_finders(folder: Path) -> None:
    sys.path_importer_cache.pop(str(folder), None)
