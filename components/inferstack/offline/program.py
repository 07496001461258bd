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
    shadowing = {name: module for name, module in sys.modules.items() if _would_shadow(name, folder)}
    for name in shadowing:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    # Only after the path is set: what was cached about missing modules no longer holds.
    _forget_finders(folder)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _is_below(_top(name), folder)]:
            del sys.modules[name]
        sys.modules.update(shadowing)
        sys.path[:] = path_before


def _would_shadow(name: str, folder: Path) -> bool:
    """True for a loaded module that the program would get in place of its own of the same name."""
    top = name.partition(".")[0]
    if top == "__main__" or top == __name__.partition(".")[0] or top in sys.stdlib_module_names:
        return False
    if not ((folder / top).is_dir() or (folder / f"{top}.py").is_file()):
        return False
    module = _top(name)
    return module is not None and not _installed(module)


def _top(name: str) -> ModuleType | None:
    return sys.modules.get(name.partition(".")[0])


def _is_below(module: ModuleType | None, folder: Path) -> bool:
    """True for a top-level module or package that lies in `folder` itself."""
    return module is not None and any(Path(place).parent == folder for place in _places(module))


def _installed(module: ModuleType) -> bool:
    roots = {Path(sysconfig.get_path(kind)) for kind in ("stdlib", "purelib", "platlib")}
    return any(root in Path(place).parents for place in _places(module) for root in roots)


def _places(module: ModuleType) -> list[str]:
    """The file of a module, or the folders of a package."""
    folders = getattr(module, "__path__", None)
    if folders is not None:
        return [str(place) for place in folders]
    # Modules that no file holds, such as built-in ones, may lack the attribute.
    file = getattr(module, "__file__", None)
    return [file] if isinstance(file, str) else []


def _forget_finders(folder: Path) -> None:
    sys.path_importer_cache.pop(str(folder), None)
